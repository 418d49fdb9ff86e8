"""Follow the policy folder: a changed bundle is linted, canaried and swapped; a broken one changes nothing."""

import logging
from collections.abc import Callable

from gateway.core.bundle import Bundle
from gateway.core.kinds import LeafKind as K
from gateway.errors import GatewayFault, PolicyRefused, StoreFault
from gateway.ports import Tx
from gateway.service.record import global_leaf
from gateway.service.world import World

_LOG = logging.getLogger(__name__)


class Reviser:
    """Keep the newest good revision in force, and say why the newest one is not."""

    def __init__(self, world: World, read: Callable[[], Bundle], fingerprint: Callable[[], str]) -> None:
        self._world = world
        self._read = read
        self._fingerprint = fingerprint
        self._seen = ""
        self._owed: tuple[str, str] | None = None
        """A revision that is in force and not yet recorded, and the one before it."""
        self.error = ""
        """Why the newest bundle was not accepted; empty when it was."""

    async def look(self) -> bool:
        """Load the bundle if its files changed since the last look; tells whether another revision is in force."""
        await self._record()
        seen = self._fingerprint()
        if seen == self._seen:
            return False
        self._seen = seen
        before = self._world.policy.revision
        try:
            bundle = self._read()
            if bundle.revision == before:
                self.error = ""
                return False
            await self._refuse_withdrawn(bundle.revision)
            await self._world.policy.load(bundle)
        except GatewayFault as exc:
            self.error = f"{exc.code}: {exc.message}"
            _LOG.error("policy not accepted, %s stays in force: %s", before or "none", self.error)
            if not isinstance(exc, PolicyRefused):
                self._seen = ""  # the engine or the store failed, not the bundle: try again
            await self._world.store.write(lambda tx: self._leaf(tx, "refused", "", before, self.error))
            return False
        self.error = ""
        self._owed = (bundle.revision, before)
        await self._record()
        _LOG.info("policy revision %s is in force", bundle.revision)
        return True

    async def watch(self) -> None:
        """Look for ever."""
        clock = self._world.clock
        while True:
            await clock.sleep_until(clock.now_ms() + self._world.settings.timing.policy_poll_ms)
            try:
                await self.look()
            except StoreFault as exc:
                self.error = f"{exc.code}: {exc.message}"
                _LOG.error("the policy folder is looked at again: %s", self.error)

    async def _record(self) -> None:
        """Record the revision that is in force, if that is still owed."""
        if self._owed is not None:
            revision, before = self._owed
            await self._world.store.write(lambda tx: self._swapped(tx, revision, before))
            self._owed = None

    async def _refuse_withdrawn(self, revision: str) -> None:
        known = await self._world.store.read(lambda tx: tx.revisions().get(revision))
        if known == "withdrawn":
            raise PolicyRefused("POLICY_WITHDRAWN", f"revision {revision} was withdrawn; change the bundle")

    def _swapped(self, tx: Tx, revision: str, before: str) -> None:
        if before and tx.revisions().get(before) != "withdrawn":
            tx.put_revision(before, "superseded")
        tx.put_revision(revision, "active")
        self._leaf(tx, "loaded", revision, before, "")

    def _leaf(self, tx: Tx, change: str, revision: str, before: str, reason: str) -> None:
        body = {"change": change, "revision": revision, "previous": before, "reason": reason}
        global_leaf(self._world, tx, K.BUNDLE, body)
