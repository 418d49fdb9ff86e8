"""Facts about a case and the leaves and timers that several transitions share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.core.canonical import Json, loads_strict
from gateway.core.effect import Effect, Undo, only_reads, weakest
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, State
from gateway.core.receipt import StepStatus
from gateway.ports import Tx
from gateway.service.context import covers
from gateway.service.grant_key import grant_refusal
from gateway.service.proposal import Proposal
from gateway.service.record import LeafBody, Recorder
from gateway.service.recorded import told
from gateway.service.sealed import open_sealed
from gateway.service.settle import Case
from gateway.service.world import World

ABORT_REQUESTED = "ABORT_REQUESTED"
KEY_REVOKED = "KEY_REVOKED"
_UNDOABLE = {Undo.EXACT, Undo.COMPENSATING}
_ATTEMPTS = 16
"""How many of the newest attempts are looked at; the fence in force is among the last few."""
_MAY_HAVE_RUN = {"applied", "partly", "unknown", "intended"}


@dataclass(frozen=True, slots=True)
class Halts:
    """What keeps an action that runs from going on, as of now."""

    aborted: bool
    frozen: bool
    stopped: bool
    lease_over: bool
    key: str = ""
    """Why the key of its grant may not be used for another step."""

    @property
    def code(self) -> str:
        """Return the reason code of the strongest of them; empty when there is none."""
        named = (
            (self.frozen, "GATEWAY_FROZEN"), (self.aborted, "ABORTED"), (self.lease_over, "LEASE_ENDED"),
            (self.stopped, "GATEWAY_STOPPED"), (bool(self.key), self.key),
        )  # fmt: skip
        return next((code for holds, code in named if holds), "")


def halts(world: World, tx: Tx, case: Case) -> Halts:
    """Return what keeps the action from going on."""
    kinds = {s.kind for s in tx.switches() if covers(s, case.row.agent, case.proposal)}
    over = 0 < case.row.lease_end_ms <= world.clock.now_ms()
    return Halts(
        case.row.reason == ABORT_REQUESTED, "freeze" in kinds, "stop" in kinds, over, _dead_key(world, tx, case)
    )


def _dead_key(world: World, tx: Tx, case: Case) -> str:
    """Return why a plan under way may not take another step under its grant.

    What an executor has in hand was begun in time: there a revocation counts only.
    """
    if case.state is not State.EXECUTING or len(case.proposal.steps) == 1:
        return ""
    refusal = grant_refusal(world, tx, case.row.id)
    if refusal == "GRANT_KEY_REVOKED":
        return KEY_REVOKED
    return "" if in_flight(case) else refusal


def reads_only(step: Mapping[str, Json]) -> bool:
    """Tell whether a step of a proposal is proven a read."""
    return only_reads(Effect(e) for e in step["effects"])


def next_step(journal: Mapping[int, StepStatus]) -> int:
    """Return the first step that was not applied."""
    step = 0
    while journal.get(step) == "applied":
        step += 1
    return step


def in_flight(case: Case) -> bool:
    """Tell whether an attempt has a step in hand whose outcome is not known."""
    return "intended" in case.statuses.values()


def foreign(tx: Tx, case: Case, fence: int, purpose: str, instance: str) -> bool:
    """Tell whether the fence in force was taken by another executor, or for something else.

    Another fence is just stale, and 0 is nobody's.
    """
    if not fence or case.row.fence != fence:
        return False
    taken = [body for body in told(tx, case.row.id, K.ATTEMPT, _ATTEMPTS) if body.get("fence") == fence]
    mine = {"purpose": purpose, "instance": instance}
    return not any(mine.items() <= body.items() for body in taken)


def wrote_any(proposal: Proposal, statuses: Mapping[int, StepStatus]) -> bool:
    """Tell whether a step that is no read was applied, or a part of it."""
    return any(statuses.get(s["i"]) in {"applied", "partly"} and not reads_only(s) for s in proposal.steps)


def may_have_run(proposal: Proposal, statuses: Mapping[int, StepStatus]) -> list[int]:
    """Return the indexes of writes that were, or may have been, applied and still stand."""
    return [s["i"] for s in proposal.steps if statuses.get(s["i"]) in _MAY_HAVE_RUN and not reads_only(s)]


def pending_undo(case: Case) -> list[int]:
    """Return the indexes of applied writes in the order in which they are taken back."""
    return may_have_run(case.proposal, case.statuses)[::-1]


def undo_known(world: World, tx: Tx, case: Case, statuses: Mapping[int, StepStatus] | None = None) -> bool:
    """Tell whether every write that stands can be taken back, by what was observed before it."""
    sealed = open_sealed(world, tx, case.row.id, "observation")
    if sealed is None or tx.document(case.row.id, "grant_undo") is None:
        return False
    seen, steps = loads_strict(sealed)["steps"], case.proposal.steps
    stand = may_have_run(case.proposal, {**case.statuses, **(statuses or {})})
    return all(weakest((Undo(steps[i]["undo"]), Undo(seen[i]["undo_class"]))) in _UNDOABLE for i in stand)


def page(case: Case, code: str, detail: str = "") -> LeafBody:
    """Return the leaf that tells on-call; the notifier follows the log."""
    said = {"to": "oncall", "code": code, "action": case.row.id, "targets": list(case.proposal.targets)}
    return K.NOTIFICATION, said | ({"detail": detail} if detail else {})


def probe_soon(world: World) -> Callable[[Tx, Recorder], None]:
    """Return what is written with an attempt that was given up: no deadline any more, a probe at once."""

    def also(tx: Tx, recorder: Recorder) -> None:
        tx.delete_due(recorder.row.id, Due.ATTEMPT_DEADLINE)
        recorder.due(Due.PROBE, world.clock.now_ms())

    return also


def arm(world: World, recorder: Recorder) -> None:
    """Set the timers that an undo needs; those of the state before went with it."""
    if recorder.state is State.UNDOING:
        now = recorder.row.updated_ms
        recorder.due(Due.UNDO, now)
        recorder.due(Due.UNDO_DEADLINE, now + world.settings.timing.undo_deadline_ms)
