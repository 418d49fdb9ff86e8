"""Signing keys while the gateway runs: followed, recorded, and what a revoked one signed is taken out of force."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from gateway.core.canonical import Json
from gateway.core.keys import MAX_KEYS, VerifyKey
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Event, Guard, State
from gateway.errors import Edited, GatewayFault
from gateway.ports import ActionRow, Tx
from gateway.service.common import KEY_REVOKED
from gateway.service.control import open_rows, revoke_granted
from gateway.service.grant_key import grant_refusal, signer_of
from gateway.service.halt import ended
from gateway.service.record import global_leaf
from gateway.service.recorded import told
from gateway.service.settle import Case, Choice, settle
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_TOLD = 8 * MAX_KEYS
"""How many key events are looked at: a key is added, used, retired and revoked at most once or twice."""
Said = Callable[[str], Mapping[str, str]]
"""Returns {by, reason} of a revocation."""


class KeyFollower:
    """Take up keys as they are made, rotated and revoked, without a restart."""

    def __init__(
        self, world: World, refresh: Callable[[], Awaitable[bool]], said: Said, publish: Callable[[], None]
    ) -> None:
        self._world = world
        self._refresh = refresh
        self._said = said
        self._publish = publish
        self._owed = False
        """Keys that are in force and not yet recorded."""

    async def look(self) -> None:
        """Read the keys again if they changed, publish them to the executors and record what is new about them."""
        known = self._world.keys()
        try:
            self._owed = await self._refresh() or self._owed
        finally:
            # A revocation holds, also where the key that is to follow does not open.
            if self._owed or self._world.keys() is not known:
                self._owed = True
                self._publish()
                await record_keys(self._world, self._said)
                self._owed = False

    async def watch(self) -> None:
        """Look for ever."""
        clock = self._world.clock
        while True:
            await clock.sleep_until(clock.now_ms() + self._world.settings.timing.policy_poll_ms)
            try:
                await self.look()
            except GatewayFault as exc:
                _LOG.error("the keys are looked at again: %s", exc)


async def record_keys(world: World, said: Said) -> None:
    """Write what the log does not know of the keys yet; what a revoked one granted dies in the same transaction."""
    revoked: list[str] = []
    await world.store.write(lambda tx: revoked.extend(tell_keys(world, tx, said)))
    for action in revoked:
        world.bus.changed(action)
    await _end_begun(world)


def tell_keys(world: World, tx: Tx, said: Said) -> list[str]:
    """Write the key events that are owed; returns the actions whose grants died by them."""
    events = [(body.get("kid"), body.get("change")) for body in told(tx, "", K.KEY_EVENT, _TOLD)]
    used = next((kid for kid, change in events if change == "in_use"), "")
    active = world.signer.kid
    revoked = []
    for kid, key in sorted(world.keys().items()):
        known = {change for named, change in events if named == kid}
        if kid == active and used != kid:
            _tell(world, tx, key, "in_use")
        elif not known and kid != active:
            _tell(world, tx, key, "added")
        if key.expires_ms is not None and "retired" not in known:
            _tell(world, tx, key, "retired", at_ms=key.expires_ms)
        if key.revoked_ms is not None and "revoked" not in known:
            _tell(world, tx, key, "revoked", at_ms=key.revoked_ms, **said(kid))
            revoked.append(kid)
    if not revoked:
        return []
    return revoke_granted(
        world, tx, Guard.KEY_REVOKED, KEY_REVOKED, lambda row: _grant_kid(tx, row) in revoked
    )  # fmt: skip


def _tell(world: World, tx: Tx, key: VerifyKey, change: str, **more: Json) -> None:
    global_leaf(world, tx, K.KEY_EVENT, {"change": change, "kid": key.kid, "alg": key.alg, "jwk": key.to_jwk(), **more})


def _grant_kid(tx: Tx, row: ActionRow) -> str:
    return signer_of(tx.document(row.id, "grant_action") or b"")


async def revoke_late(world: World, action: str) -> None:
    """Revoke a grant that was recorded after its key was revoked: it could not be found then.

    A plan that is between two of its steps ends: what it applied is taken back.
    """

    def choose(tx: Tx, case: Case) -> Choice | None:
        if case.state is State.EXECUTING:
            return ended(world, tx, case)
        if case.state is not State.GRANTED or grant_refusal(world, tx, action) != "GRANT_KEY_REVOKED":
            return None
        body = {"reason": KEY_REVOKED, "revision": case.row.revision}
        return Choice(Event.REVOKE, Guard.KEY_REVOKED, ((K.REVOCATION, body),), reason=KEY_REVOKED)

    await settle(world, action, choose)


async def _end_begun(world: World) -> None:
    """End every plan that is between two steps under a key that may not be used; what runs learns it at its report."""
    for row in await world.store.scan(lambda tx: open_rows(tx, State.EXECUTING)):
        try:
            await settle(world, row.id, lambda tx, case: ended(world, tx, case))
        except Edited as exc:
            _LOG.error("%s cannot be ended, it is not as it was recorded: %s", row.id, exc)
