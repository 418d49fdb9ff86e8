"""The big red switches, and the withdrawal of a policy revision."""

from collections.abc import Callable

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Event, Guard, State
from gateway.core.principal import Principal
from gateway.ports import ActionRow, SwitchRow, Tx
from gateway.service.common import page
from gateway.service.context import covers
from gateway.service.once import once
from gateway.service.people import people_only
from gateway.service.query import read_proposal
from gateway.service.record import Recorder, global_leaf
from gateway.service.settle import Case, Choice, settle
from gateway.service.world import World

_PAGE = 200


async def switch_on(
    world: World, principal: Principal, request_id: str, kind: str, *, agent: str, environment: str, reason: str
) -> int:
    """Turn a stop or a freeze on; grants that it covers die in the same transaction. Returns the leaf's index."""
    people_only(principal)
    switch = SwitchRow(
        "freeze" if kind == "freeze" else "stop", agent, environment, world.clock.now_ms(), principal.id, reason
    )
    guard = Guard.FROZEN if kind == "freeze" else Guard.STOPPED
    code = "GATEWAY_FROZEN" if kind == "freeze" else "GATEWAY_STOPPED"

    revoked: list[str] = []

    def unit(tx: Tx) -> str:
        tx.put_switch(switch)
        index = global_leaf(world, tx, K.SWITCH, _body(switch, "on"))
        revoked[:] = revoke_granted(
            world, tx, guard, code, lambda row: covers(switch, row.agent, read_proposal(tx, row))
        )
        return str(index)

    said = {"switch": kind, "agent": agent, "environment": environment}
    index = await once(world, principal, request_id, said, unit)
    await remember_switches(world)
    for action in revoked:
        world.bus.changed(action)
    if kind == "freeze":
        await _freeze_open(world, switch)
    return int(index)


async def switch_off(
    world: World, principal: Principal, request_id: str, *, agent: str, environment: str, reason: str
) -> int:
    """Take the switches of this scope back."""
    people_only(principal)

    def unit(tx: Tx) -> str:
        for kind in ("stop", "freeze"):
            tx.delete_switch(kind, agent, environment)
        row = SwitchRow("stop", agent, environment, world.clock.now_ms(), principal.id, reason)
        return str(global_leaf(world, tx, K.SWITCH, _body(row, "off")))

    index = await once(world, principal, request_id, {"resume": [agent, environment]}, unit)
    await remember_switches(world)
    world.bus.driver.set()
    return int(index)


async def withdraw(world: World, principal: Principal, request_id: str, revision: str, reason: str) -> tuple[str, ...]:
    """Withdraw a policy revision: its grants die now, and none of its attempts begins any more."""
    people_only(principal)

    def unit(tx: Tx) -> str:
        tx.put_revision(revision, "withdrawn")
        body = {"change": "withdrawn", "revision": revision, "by": principal.id, "reason": reason}
        global_leaf(world, tx, K.BUNDLE, body)
        revoked = revoke_granted(world, tx, Guard.WITHDRAWN, "REVISION_WITHDRAWN", lambda row: row.revision == revision)
        return " ".join(revoked)

    revoked = (await once(world, principal, request_id, {"withdraw": revision}, unit)).split()
    for action in revoked:
        world.bus.changed(action)
    return tuple(revoked)


async def remember_switches(world: World) -> None:
    """Read the switches that are on; reads are decided on them without a look into the store."""
    world.bus.switches = tuple(await world.store.read(lambda tx: tx.switches()))


def revoke_granted(world: World, tx: Tx, guard: Guard, code: str, concerns: Callable[[ActionRow], bool]) -> list[str]:
    """Revoke every granted action that is concerned; returns their ids."""
    revoked: list[str] = []
    for row in open_rows(tx, State.GRANTED):
        if concerns(row):
            recorder = Recorder(world, tx, row)
            body = {"reason": code, "revision": row.revision}
            recorder.advance(Event.REVOKE, guard, (K.REVOCATION, body), reason=code)
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


async def _freeze_open(world: World, switch: SwitchRow) -> None:
    """A freeze ends verification and undo in the hands of people; what executes learns it at its next report."""
    rows = await world.store.read(lambda tx: open_rows(tx, State.VERIFYING, State.UNDOING))

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state not in {State.VERIFYING, State.UNDOING} or not covers(switch, case.row.agent, case.proposal):
            return None
        return Choice(
            Event.FREEZE, None, (page(case, "GATEWAY_FROZEN"),), reason="GATEWAY_FROZEN",
            also=lambda tx, recorder: tx.delete_due(recorder.row.id),
        )  # fmt: skip

    for row in rows:
        await settle(world, row.id, choose)


def _body(switch: SwitchRow, change: str) -> dict[str, str]:
    return {
        "kind": switch.kind, "change": change, "agent": switch.agent, "environment": switch.environment,
        "by": switch.by, "reason": switch.reason,
    }  # fmt: skip
