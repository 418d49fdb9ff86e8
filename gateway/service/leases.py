"""The end of a lease: the change is taken back, by the same path as every other undo."""

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.ports import DueRow, Tx
from gateway.service.common import arm, page
from gateway.service.context import covers
from gateway.service.lifeops import lease_over
from gateway.service.record import Recorder
from gateway.service.settle import Case, Choice, settle
from gateway.service.world import World


async def lease_ended(world: World, action: str) -> None:
    """Take back what was leased; a busy target is tried again, a freeze hands it to people."""
    busy = False

    def choose(tx: Tx, case: Case) -> Choice | None:
        nonlocal busy
        if case.state not in {State.LEASED, State.VERIFYING} or world.clock.now_ms() < case.row.lease_end_ms:
            return None
        if case.state is State.LEASED and _frozen(tx, case):
            lease = (K.LEASE, {"change": "ended"})
            return Choice(Event.LEASE_END, Guard.FROZEN, (lease, page(case, "GATEWAY_FROZEN")),
                          reason="GATEWAY_FROZEN", also=lambda tx, r: tx.delete_due(r.row.id))  # fmt: skip
        held = tx.locks()
        busy = any(held.get(t, action) != action for t in case.proposal.targets)
        if busy:
            return None
        return _with_timers(world, lease_over(tx, case, Event.LEASE_END, "ended", ""))

    if await settle(world, action, choose) is None and busy:
        again = world.clock.now_ms() + world.settings.timing.redispatch_ms
        await world.store.write(lambda tx: tx.put_due(DueRow(action, Due.LEASE_END, again)))


def _with_timers(world: World, choice: Choice) -> Choice:
    def also(tx: Tx, recorder: Recorder) -> None:
        choice.also(tx, recorder)
        arm(world, tx, recorder)

    return Choice(choice.event, choice.guard, choice.leaves, reason=choice.reason, also=also)


def _frozen(tx: Tx, case: Case) -> bool:
    return any(s.kind == "freeze" and covers(s, case.row.agent, case.proposal) for s in tx.switches())
