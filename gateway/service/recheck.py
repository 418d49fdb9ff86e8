"""Verified again after: once everything is taken back and read back, the checks are sampled until one round is clean.

Sampling goes on for as long as the profile's window: telemetry needs time to see that the harm is over. What is bad to
its end is handed to people. No data is no success: where the profile asks people when in doubt, they are asked; where
it says undo, the change is taken back already, and the receipt says that nothing proved the effect.
"""

from dataclasses import dataclass

from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.check import control_of, judged
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.obligation import Consequence
from gateway.core.outcome import Sample
from gateway.core.predicate import MAX_MS
from gateway.core.recheck import After, asked_again, recheck
from gateway.ports import DueRow, Tx
from gateway.service.common import page, pending_undo
from gateway.service.query import decision_record
from gateway.service.record import Recorder
from gateway.service.sealed import open_json, open_sealed, put_sealed
from gateway.service.settle import Case, Choice, read_case, settle
from gateway.service.verify import offer_samples, read_round, sampled, terms
from gateway.service.work import checks_of
from gateway.service.world import World

_KIND = "recheck"
_ANSWER_MS = 60_000
"""How long after the last round the undo deadline may come."""
STILL_BAD, UNPROVEN = "CHECKS_STILL_BAD", "CHECKS_WITHOUT_DATA"


@dataclass(frozen=True, slots=True)
class _Recheck:
    """What is asked, and what was answered so far."""

    checks: list[Json]
    samples: list[Json]
    baseline: dict[str, float | None]
    interval_ms: int
    end_ms: int
    in_doubt: Consequence

    def fold(self) -> tuple[After, dict[str, After]]:
        return recheck(
            judged(self.checks), self.baseline, [Sample(s["at_ms"], s["check"], s["value"]) for s in self.samples]
        )


def wants_recheck(world: World, tx: Tx, case: Case) -> bool:
    """Tell whether telemetry is asked again before an undo counts as done."""
    return bool(_checks(world, tx, case))


def recheck_until_ms(world: World, tx: Tx, case: Case) -> int:
    """Return until when the checks are asked again, and answered, if that begins now."""
    return world.clock.now_ms() + terms(decision_record(tx, case.row))[0] + _ANSWER_MS


def start_recheck(world: World, tx: Tx, recorder: Recorder, case: Case, until_ms: int) -> None:
    """Set the timers of the first round and of the end, in the unit of work that took the last step back."""
    window, interval, _, _ = terms(decision_record(tx, case.row))
    began = until_ms - window - _ANSWER_MS
    put_sealed(world, tx, case.row.id, _KIND, canonical({"started_ms": began, "samples": []}))
    recorder.due(Due.UNDO, began + interval)
    recorder.due(Due.UNDO_DEADLINE, until_ms)


def rechecks(world: World, tx: Tx, action: str) -> bool:
    """Tell whether the checks of an action are being sampled again."""
    return open_sealed(world, tx, action, _KIND) is not None


async def ask_to_recheck(world: World, action: str) -> None:
    """Offer one more round, or end it when the window is over."""

    def load(tx: Tx) -> tuple[Case, _Recheck, bytes] | None:
        row = tx.action(action)
        if row is None or row.state != State.UNDOING:
            return None
        case = read_case(tx, row)
        found = _load(world, tx, case)
        if world.clock.now_ms() < found.end_ms:
            tx.put_due(DueRow(action, Due.UNDO, min(world.clock.now_ms() + found.interval_ms, found.end_ms)))
        return case, found, open_sealed(world, tx, action, "plan") or b""

    loaded = await world.store.write(load)
    if loaded is None:
        return
    case, found, plan = loaded
    if world.clock.now_ms() >= found.end_ms:
        await _conclude(world, action)
    else:
        await offer_samples(world, case, found.checks, found.interval_ms, b"", plan)


async def samples_reported(world: World, action: str, data: bytes) -> None:
    """Take a round of samples of a change that is verified, or that was taken back."""
    row = await world.store.read(lambda tx: tx.action(action))
    if row is not None and row.state == State.UNDOING:
        await _sampled_again(world, action, data)
    else:
        await sampled(world, action, data)


async def _sampled_again(world: World, action: str, data: bytes) -> None:
    told, _ = read_round(data)

    def choose(tx: Tx, case: Case) -> Choice | None:
        if not _open(world, tx, case):
            return None
        asked = {str(c["name"]) for c in _checks(world, tx, case)}
        samples = [s for s in told if s["check"] in asked]

        def also(tx: Tx, _: Recorder) -> None:
            doc = open_json(world, tx, action, _KIND)
            put_sealed(world, tx, action, _KIND, canonical({**doc, "samples": samples}))

        return Choice(Event.SAMPLE, None, ((K.SAMPLE, {"samples": samples}),), reason=case.row.reason, also=also)

    if await settle(world, action, choose) is not None:
        await _conclude(world, action)


async def _conclude(world: World, action: str) -> None:
    """End it with the first clean round, or at the end of the window."""

    def choose(tx: Tx, case: Case) -> Choice | None:
        if not _open(world, tx, case):
            return None
        found = _load(world, tx, case)
        whole, each = found.fold()
        if whole is not After.CLEAN and world.clock.now_ms() < found.end_ms:
            return None
        return _choice(case, whole, each, found.in_doubt)

    await settle(world, action, choose)


def _choice(case: Case, whole: After, each: dict[str, After], in_doubt: Consequence) -> Choice:
    cause = case.row.reason or "undo"
    verdict = {After.CLEAN: "restored", After.BAD: "harmed", After.NO_DATA: "inconclusive"}[whole]
    leaf = (K.VERDICT, {"verdict": verdict, "cause": cause, "checks": {k: v.value for k, v in each.items()},
                        "flagged": whole is not After.CLEAN})  # fmt: skip
    if whole is After.BAD:
        return Choice(Event.UNDO_FAILED, Guard.CHECKS_BAD, (leaf, page(case, STILL_BAD)), reason=STILL_BAD)
    if whole is After.NO_DATA and in_doubt is Consequence.NEEDS_HUMAN:
        return Choice(Event.UNDO_FAILED, Guard.UNPROVEN, (leaf, page(case, UNPROVEN)), reason=UNPROVEN)
    guard = Guard.CHECKS_GOOD if whole is After.CLEAN else Guard.UNPROVEN
    return Choice(Event.VERDICT, guard, (leaf,), reason=case.row.reason, verdict=verdict, cause=cause)


def _open(world: World, tx: Tx, case: Case) -> bool:
    return case.state is State.UNDOING and not pending_undo(case) and rechecks(world, tx, case.row.id)


def _load(world: World, tx: Tx, case: Case) -> _Recheck:
    doc = open_json(world, tx, case.row.id, _KIND)
    window, interval, _, in_doubt = terms(decision_record(tx, case.row))
    baseline = open_json(world, tx, case.row.id, "observation")["baseline"]
    return _Recheck(
        _checks(world, tx, case), doc["samples"], dict(baseline), interval, doc["started_ms"] + window, in_doubt
    )


def _checks(world: World, tx: Tx, case: Case) -> list[Json]:
    requirements = decision_record(tx, case.row)["requirements"]
    checks = checks_of(world.settings, requirements, case.proposal.steps, _changed_ms(world, tx, case.row.id))
    names = {check.name for check in asked_again(judged(checks))}
    return [check for check in checks if check["name"] in names | {control_of(name) for name in names}]


def _changed_ms(world: World, tx: Tx, action: str) -> int:
    """Return when the change was made that was taken back, as far as it came to a verification."""
    kept = open_sealed(world, tx, action, "verification")
    return MAX_MS if kept is None else int(loads_strict(kept)["started_ms"])
