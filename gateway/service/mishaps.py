"""The breaker: count what goes wrong, page when it is too much, and cap what comes next at approval.

A mishap is a change that its target refused, that had to be taken back, or that people have to look at. It counts for
its agent in each environment and for each operation there; it is forgotten with the window, and autonomy is back.
"""

from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Event, State
from gateway.ports import MishapRow, Tx
from gateway.service.policy_input import Trouble
from gateway.service.proposal import Proposal
from gateway.service.record import Recorder
from gateway.service.world import World

MEANT = frozenset({"LEASE_ENDED", "GATEWAY_STOPPED", "GATEWAY_FROZEN", "KEY_REVOKED"})
"""Reasons that say nothing against agent and operation: the change was meant to end, or a person ended it for all."""


def trouble(world: World, tx: Tx, proposal: Proposal) -> Trouble:
    """Return what went wrong lately where a proposal would act."""
    since = world.clock.now_ms() - world.settings.breaker.window_ms
    agent = str(proposal.doc["agent"]["id"])
    return Trouble(
        agent={env: tx.mishaps(env, since, agent=agent) for env in proposal.environments},
        operation={(op, env): tx.mishaps(env, since, operation=op) for op, env in _places(proposal)},
        target={t: tx.history(target=t, since_ms=since).undone for t in proposal.targets},
    )


def note_mishap(world: World, tx: Tx, recorder: Recorder, proposal: Proposal, event: Event) -> None:
    """Count a transition that is one, and page on-call when the breaker opens or a target was restored too often."""
    if proposal.reads or not _wrong(recorder, event):
        return
    row, breaker = recorder.row, world.settings.breaker
    before = trouble(world, tx, proposal)
    for operation, environment in sorted(_places(proposal)):
        tx.note_mishap(MishapRow(row.id, environment, operation, row.agent, row.updated_ms))
    places = [[environment, operation] for operation, environment in sorted(_places(proposal))]
    recorder.note(K.MISHAP, {"places": places})
    after = trouble(world, tx, proposal)
    codes = set()
    if any(before.agent[key] < breaker.agent <= count for key, count in after.agent.items()):
        codes.add("BREAKER_OPEN")
    if any(before.operation[place] < breaker.operation <= count for place, count in after.operation.items()):
        codes.add("OPERATION_BREAKER_OPEN")
    if recorder.state is State.UNDONE and any(count >= breaker.target for count in after.target.values()):
        codes.add("INEFFECTIVE_CHAIN")
    for code in sorted(codes):
        page = {"to": "oncall", "code": code, "action": row.id, "targets": list(proposal.targets)}
        recorder.note(K.NOTIFICATION, page)


def _wrong(recorder: Recorder, event: Event) -> bool:
    if recorder.state is State.NOT_APPLIED:
        return event is Event.STEP_FAILED
    ends = {State.UNDONE, State.NEEDS_HUMAN}
    return recorder.state in ends and recorder.row.reason not in MEANT


def _places(proposal: Proposal) -> set[tuple[str, str]]:
    return {(str(s["step"]["operation"]), str(s["environment"]["name"])) for s in proposal.steps}
