"""Whether a piece of work may be done: the numbered checks of `core.grant`, with this executor's keys and fences."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from gateway.core.grant import Opened, Purpose, open_grant
from gateway.core.keys import VerifyKey, parse_jwks
from gateway.core.predicate import Leave
from gateway.core.statement import Refused
from gateway.errors import ConfigFault
from gateway.executor.messages import Work
from gateway.ports import Clock

_LOG = logging.getLogger(__name__)
_MAX_ACTIONS = 100_000
"""How many actions' fences are remembered; beyond that BeginAttempt refuses an old one, or its grant has expired."""


class TrustedKeys:
    """The public keys of a JWK set file; a changed file is read again, a broken one keeps the last good keys."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._stamp = self._stat()
            self._keys = parse_jwks(path.read_bytes())
        except (OSError, ValueError) as exc:
            raise ConfigFault("EXECUTOR_KEYS", f"{path} is not a readable JWK set: {exc}") from exc

    def __call__(self) -> Mapping[str, VerifyKey]:
        """Return the keys as they are trusted now."""
        try:
            stamp = self._stat()
            if stamp != self._stamp:
                self._keys = parse_jwks(self._path.read_bytes())
                self._stamp = stamp
        except (OSError, ValueError) as exc:
            _LOG.error("the trusted keys cannot be read again, the last good ones stay: %s", exc)
        return self._keys

    def _stat(self) -> tuple[int, int, int]:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


class Claims:
    """Check the grants of one audience and remember the highest fence of each action."""

    def __init__(self, audience: str, instance: str, keys: TrustedKeys, clock: Clock) -> None:
        self._audience = audience
        self._instance = instance
        self._keys = keys
        self._clock = clock
        self._fences: OrderedDict[str, int] = OrderedDict()

    def check(self, work: Work) -> Opened | Refused:
        """Return the opened grant, or the first check that failed."""
        if not work.grant:
            return Refused("GRANT_MISSING", "the work came without a grant")
        opened = open_grant(
            work.grant,
            keys=self._keys(),
            purpose=work.purpose,
            audience=self._audience,
            now_ms=self._clock.now_ms(),
            plan_bytes=work.plan,
            fence=work.fence,
            highest_fence=self._floor(work),
            undo_plan_bytes=work.snapshot,
        )
        if isinstance(opened, Refused):
            return opened
        if opened.grant.action != work.action:
            return Refused("GRANT_SUBJECT", "the grant is for another action")
        if opened.grant.leave not in (None, Leave(self._instance, work.fence)):
            return Refused("GRANT_LEAVE", "another process of the executor, or another attempt, has the leave to begin")
        return opened

    def begun(self, work: Work) -> None:
        """Remember the fence of an attempt that began.

        One that did not begin (its target was busy, its leave was lost) took no fence, and may come again with it.
        """
        self._fences[work.action] = max(work.fence, self._fences.get(work.action, 0))
        self._fences.move_to_end(work.action)
        if len(self._fences) > _MAX_ACTIONS:
            self._fences.popitem(last=False)

    def _floor(self, work: Work) -> int:
        """Return what the fence must be above.

        Observing and sampling run beside an attempt, under its fence (0 before the first): they must not be
        older than what was seen. Applying, probing and undoing are attempts: each has a fence of its own.
        """
        highest = self._fences.get(work.action, 0)
        return highest - 1 if work.purpose in {Purpose.OBSERVE, Purpose.SAMPLE} else highest
