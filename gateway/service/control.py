"""The big red switches, and the withdrawal of a policy revision."""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Literal

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Event, Guard, State
from gateway.core.principal import Principal
from gateway.errors import Edited, InvalidRequest
from gateway.ports import ActionRow, SwitchRow, Tx
from gateway.service.common import halts, page
from gateway.service.context import SWITCH_CODE, is_withdrawn, switch_covers
from gateway.service.once import once
from gateway.service.people import people_only
from gateway.service.record import Recorder, global_leaf
from gateway.service.settle import Case, Choice, settle
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_PAGE = 200
_REVISION = re.compile(r"sha256:[0-9a-f]{64}")
SwitchKind = Literal["stop", "freeze"]
_GUARD: Mapping[SwitchKind, Guard] = {"freeze": Guard.FROZEN, "stop": Guard.STOPPED}
"""The stronger switch first."""


async def switch_on(
    world: World, principal: Principal, request_id: str, kind: SwitchKind, *, agent: str, environment: str, reason: str
) -> int:
    """Turn a stop or a freeze on; grants that it covers die in the same transaction. Returns the leaf's index."""
    people_only(principal)
    switch = SwitchRow(
        kind, agent, environment, world.clock.now_ms(), principal.id,
        world.redactor.text(reason),
    )  # fmt: skip
    revoked: list[str] = []

    def unit(tx: Tx) -> str:
        tx.put_switch(switch)
        index = global_leaf(world, tx, K.SWITCH, _body(switch))
        revoked[:] = revoke_granted(
            world, tx, _GUARD[kind], SWITCH_CODE[kind], lambda row: switch_covers(switch, row.agent, row.environments)
        )
        return str(index)

    said = {"switch": kind, "agent": agent, "environment": environment}
    index = await once(world, principal, request_id, said, unit)
    await remember_switches(world)
    for action in revoked:
        world.bus.changed(action)
    if kind == "freeze":
        await freeze_open(world)
    return int(index)


async def switch_off(
    world: World, principal: Principal, request_id: str, *, agent: str, environment: str, reason: str
) -> int:
    """Take the switches of this scope back."""
    people_only(principal)

    def unit(tx: Tx) -> str:
        found = {s.kind for s in tx.switches() if (s.agent, s.environment) == (agent, environment)}
        for kind in sorted(found):
            tx.delete_switch(kind, agent, environment)
        body = {"kind": "+".join(sorted(found)) or "none", "change": "off", "agent": agent,
                "environment": environment, "by": principal.id, "reason": reason}  # fmt: skip
        return str(global_leaf(world, tx, K.SWITCH, body))

    index = await once(world, principal, request_id, {"resume": [agent, environment]}, unit)
    await remember_switches(world)
    world.bus.driver.set()
    return int(index)


async def withdraw(world: World, principal: Principal, request_id: str, revision: str, reason: str) -> tuple[str, ...]:
    """Withdraw a policy revision: its grants die now, and none of its attempts begins any more."""
    people_only(principal)
    if not _REVISION.fullmatch(revision):
        remedy = "name it as `countermand status` does: sha256: and 64 hexadecimal digits"
        raise InvalidRequest("REVISION_MALFORMED", f"{revision!r} is no policy revision", remedy=remedy)

    def unit(tx: Tx) -> str:
        tx.put_revision(revision, "withdrawn")
        body = {"change": "withdrawn", "revision": revision, "by": principal.id, "reason": reason}
        global_leaf(world, tx, K.BUNDLE, body)
        revoked = revoke_granted(world, tx, Guard.WITHDRAWN, "REVISION_WITHDRAWN", lambda row: row.revision == revision)
        return " ".join(revoked)

    revoked = (await once(world, principal, request_id, {"withdraw": revision}, unit)).split()
    await remember_switches(world)
    for action in revoked:
        world.bus.changed(action)
    return tuple(revoked)


async def remember_switches(world: World) -> None:
    """Read what bars reads, which are decided without a look into the store: switches, withdrawn revisions."""
    switches, revisions = await world.store.read(lambda tx: (tx.switches(), tx.revisions()))
    world.bus.switches = tuple(switches)
    world.bus.withdrawn = frozenset(r for r, status in revisions.items() if status == "withdrawn")


def revoke_granted(world: World, tx: Tx, guard: Guard, code: str, concerns: Callable[[ActionRow], bool]) -> list[str]:
    """Revoke every granted action that is concerned; returns their ids."""
    revoked: list[str] = []
    for row in open_rows(tx, State.GRANTED):
        if concerns(row):
            recorder = Recorder(world, tx, row)
            revoke(recorder, guard, code)
            recorder.save()
            revoked.append(row.id)
    return revoked


def open_rows(tx: Tx, *states: State) -> list[ActionRow]:
    """Return every action in these states."""
    rows: list[ActionRow] = []
    before = ""
    while True:
        page_of = tx.actions(states=[s.value for s in states], before=before, limit=_PAGE)
        rows += page_of
        if len(page_of) < _PAGE:
            return rows
        before = page_of[-1].id


def revoke_forbidden(tx: Tx, recorder: Recorder) -> bool:
    """Revoke a grant that is being recorded if a switch or a withdrawal that is on disk forbids it."""
    row = recorder.row
    kinds = {s.kind for s in tx.switches() if switch_covers(s, row.agent, row.environments)}
    named = (
        *((kind in kinds, guard, SWITCH_CODE[kind]) for kind, guard in _GUARD.items()),
        (is_withdrawn(tx, row.revision), Guard.WITHDRAWN, "REVISION_WITHDRAWN"),
    )  # fmt: skip
    for holds, guard, code in named:
        if holds:
            revoke(recorder, guard, code)
            return True
    return False


def revoke(recorder: Recorder, guard: Guard, code: str) -> None:
    """End a grant that nobody has begun under."""
    body = {"reason": code, "revision": recorder.row.revision}
    recorder.advance(Event.REVOKE, guard, (K.REVOCATION, body), reason=code)


async def freeze_open(world: World) -> None:
    """A freeze ends verification and undo in the hands of people; what executes learns it at its next report.

    The driver repeats it: a gateway may die between the switch and this.
    """
    rows = await world.store.scan(_frozen_rows)

    def choose(tx: Tx, case: Case) -> Choice | None:
        if case.state not in {State.VERIFYING, State.UNDOING} or not halts(world, tx, case).frozen:
            return None
        return Choice(Event.FREEZE, None, (page(case, "GATEWAY_FROZEN"),), reason="GATEWAY_FROZEN")

    for row in rows:
        try:
            await settle(world, row.id, choose)
        except Edited as exc:  # it can neither go on nor be ended; the others are frozen
            _LOG.error("%s cannot be frozen, it is not as it was recorded: %s", row.id, exc)


def _frozen_rows(tx: Tx) -> list[ActionRow]:
    if not any(s.kind == "freeze" for s in tx.switches()):
        return []
    return open_rows(tx, State.VERIFYING, State.UNDOING)


def _body(switch: SwitchRow) -> dict[str, str]:
    return {
        "kind": switch.kind, "change": "on", "agent": switch.agent, "environment": switch.environment,
        "by": switch.by, "reason": switch.reason, "row": switch.digest,
    }  # fmt: skip
