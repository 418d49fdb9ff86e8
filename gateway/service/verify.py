"""Verify a change by telemetry for minutes; the verdict commits it, leases it, takes it back or asks people."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core import shape
from gateway.core.canonical import Json, canonical, digest, loads_strict
from gateway.core.check import MAX_SAMPLES, judged
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.obligation import Consequence
from gateway.core.outcome import Judgement, Outcome, Sample, Window, guard_of, judge
from gateway.core.predicate import MAX_MS
from gateway.crash import point
from gateway.errors import InvalidRequest
from gateway.ports import ActionRow, DueRow, Tx
from gateway.service.common import arm, page, undo_known
from gateway.service.grants import policy_ref, sign_observe
from gateway.service.progress import tell
from gateway.service.query import decision_record, read_proposal
from gateway.service.readback import Told, find_conflict, read_told
from gateway.service.record import LeafBody, Recorder
from gateway.service.sealed import open_json, open_sealed, put_sealed
from gateway.service.settle import Case, Choice, settle
from gateway.service.work import checks_of, make_work, offer
from gateway.service.world import World

_SAMPLE_MS = 15_000
"""How long a round of samples may take; what comes after its slot counts for a later one, or not at all."""


@dataclass(frozen=True, slots=True)
class _Verification:
    """How one change is verified, and what was sampled so far."""

    checks: list[Json]
    baseline: Mapping[str, float | None]
    samples: list[Json]
    window: Window
    on_ineffective: Consequence
    on_inconclusive: Consequence

    def judge(self, now_ms: int) -> Judgement:
        taken = [Sample(s["at_ms"], s["check"], s["value"]) for s in self.samples]
        return judge(judged(self.checks), self.baseline, taken, self.window, now_ms)


def verify_until_ms(world: World, tx: Tx, row: ActionRow) -> int:
    """Return when the window of a change that was applied now ends."""
    return world.clock.now_ms() + terms(decision_record(tx, row))[0]


def start_verification(world: World, tx: Tx, recorder: Recorder, until_ms: int) -> None:
    """Open the window of a change that was just applied, and set the timers of its samples, its end and its lease."""
    window, interval, _, _ = terms(decision_record(tx, recorder.row))
    began = until_ms - window
    put_sealed(world, tx, recorder.row.id, "verification", canonical({"started_ms": began, "samples": []}))
    recorder.due(Due.VERIFY_DEADLINE, until_ms)
    recorder.due(Due.SAMPLE, began + interval)
    if recorder.row.lease_end_ms:
        recorder.due(Due.LEASE_END, recorder.row.lease_end_ms)


async def ask_to_sample(world: World, action: str) -> None:
    """Offer one round of samples to an executor, and set the timer of the next."""

    def load(tx: Tx) -> tuple[Case, _Verification, bytes, bytes] | None:
        row = tx.action(action)
        if row is None or row.state != State.VERIFYING:
            tx.delete_due(action, Due.SAMPLE)
            return None
        case = Case(row, read_proposal(tx, row), {})
        verification = _load(world, tx, case)
        now = world.clock.now_ms()
        if now + verification.window.interval_ms <= verification.window.end_ms:
            tx.put_due(DueRow(action, Due.SAMPLE, now + verification.window.interval_ms))
        else:
            tx.delete_due(action, Due.SAMPLE)
        snapshot = open_sealed(world, tx, action, "snapshot") or b""
        return case, verification, open_sealed(world, tx, action, "plan") or b"", snapshot

    loaded = await world.store.write(load)
    if loaded is None:
        return
    case, verification, plan, snapshot = loaded
    await offer_samples(world, case, verification.checks, verification.window.interval_ms, snapshot, plan)


async def offer_samples(
    world: World, case: Case, checks: list[Json], interval_ms: int, snapshot: bytes, plan: bytes
) -> None:
    """Offer one round of samples, with the fields of a snapshot to read back, under a grant to look."""
    limit = max(interval_ms, _SAMPLE_MS)
    policy = policy_ref(case.row.id, case.row.revision, case.row.decision_digest)
    grant = await sign_observe(world, case.row.id, case.proposal, policy, world.clock.now_ms() + limit)
    work = make_work(
        world, case.row, "sample", grant=grant, plan=plan, fence=case.row.fence, checks=checks, snapshot=snapshot,
        limit_ms=limit,
    )  # fmt: skip
    offer(world, case.row, work)


async def sampled(world: World, action: str, data: bytes) -> None:
    """Record samples and take the verdict as soon as there is one; what was not asked for is dropped.

    Where another has edited the fields that we changed, people are asked and nothing is overwritten.
    """
    told, fields = read_round(data)

    def choose(tx: Tx, case: Case) -> Choice | None:
        if case.state is not State.VERIFYING:
            return None
        checks = _load(world, tx, case).checks
        asked = {str(c["name"]) for c in checks}
        samples = [s for s in told if s["check"] in asked]
        leaf = (K.SAMPLE, {"samples": samples, "profile": digest(checks)})
        doc = open_json(world, tx, action, "verification")
        conflict, held = find_conflict(world, tx, case, fields, doc.get("held", {}))

        def also(tx: Tx, _: Recorder) -> None:
            doc["samples"] += samples
            put_sealed(world, tx, action, "verification", canonical({**doc, "held": held}))
            if conflict is not None:
                tell(world, tx, action, conflict.step, "edited meanwhile, and left as it is", conflict.edits)

        if conflict is not None:
            leaves = ((K.CONFLICT, conflict.body), leaf, page(case, conflict.code))
            return Choice(Event.CONFLICT, Guard.EDITED, leaves, reason=conflict.code, also=also)
        return Choice(Event.SAMPLE, None, (leaf,), reason=case.row.reason, also=also)

    if await settle(world, action, choose) is not None:
        await conclude_verification(world, action)


async def verification_late(world: World, action: str) -> None:
    """Take the verdict at the end of the window; what is missing by now is missing."""
    await conclude_verification(world, action)
    again = world.clock.now_ms() + world.settings.timing.redispatch_ms

    def unit(tx: Tx) -> None:
        row = tx.action(action)
        if row is not None and row.state == State.VERIFYING:
            tx.put_due(DueRow(action, Due.VERIFY_DEADLINE, again))

    await world.store.write(unit)


async def conclude_verification(world: World, action: str) -> None:
    """Take the verdict if there is one by now."""

    def choose(tx: Tx, case: Case) -> Choice | None:
        if case.state is not State.VERIFYING:
            return None
        verification = _load(world, tx, case)
        judgement = verification.judge(world.clock.now_ms())
        if judgement.outcome is None:
            return None
        point("decided_unrecorded", "gateway")
        return _verdict(world, tx, case, verification, judgement, judgement.outcome)

    await settle(world, action, choose)


def _verdict(
    world: World, tx: Tx, case: Case, verification: _Verification, judgement: Judgement, outcome: Outcome
) -> Choice:
    guard = guard_of(
        outcome, on_ineffective=verification.on_ineffective, on_inconclusive=verification.on_inconclusive,
        undoable=undo_known(world, tx, case), leased=bool(case.row.lease_end_ms),
    )  # fmt: skip
    body = {
        "verdict": outcome, "checks": {k: v.value for k, v in judgement.standings.items()},
        "baseline": dict(verification.baseline), "flagged": outcome is not Outcome.EFFECTIVE,
        "profiles": verification.checks,
    }  # fmt: skip
    leaves: tuple[LeafBody, ...] = ((K.VERDICT, body),)
    changes: dict[str, int] = {}
    reason = "" if outcome is Outcome.EFFECTIVE else f"VERIFICATION_{outcome.upper()}"
    if guard in {Guard.HARMED_UNDO_KNOWN, Guard.INEFFECTIVE_UNDO, Guard.INCONCLUSIVE_UNDO}:
        leaves = (*leaves, (K.UNDO_INTENT, {"cause": outcome.value}))
    elif guard in {Guard.HARMED_UNDO_NONE, Guard.INEFFECTIVE_HUMAN, Guard.INCONCLUSIVE_HUMAN}:
        leaves = (*leaves, page(case, reason))
    elif guard in {Guard.EFFECTIVE_TTL, Guard.INEFFECTIVE_LEASE}:
        leaves = (*leaves, (K.LEASE, {"change": "begun", "ends_ms": case.row.lease_end_ms}))
    else:
        changes = {"undo_until_ms": undo_until_ms(world, tx, case)}

    def also(_: Tx, recorder: Recorder) -> None:
        arm(world, recorder)

    return Choice(Event.VERDICT, guard, leaves, reason=reason, verdict=outcome.value, changes=changes, also=also)


def undo_until_ms(world: World, tx: Tx, case: Case) -> int:
    """Return until when a change that is committed now can be rolled back: the policy's window, or the gateway's."""
    window_s = decision_record(tx, case.row)["requirements"]["undo_window_s"]
    return world.clock.now_ms() + (window_s * 1000 if window_s else world.settings.timing.undo_window_ms)


def _load(world: World, tx: Tx, case: Case) -> _Verification:
    record = decision_record(tx, case.row)
    window, interval, on_ineffective, on_inconclusive = terms(record)
    state = open_json(world, tx, case.row.id, "verification")
    seen = open_json(world, tx, case.row.id, "observation")
    started_ms = int(state["started_ms"])
    return _Verification(
        checks=checks_of(world.settings, record["requirements"], case.proposal.steps, started_ms),
        baseline=seen["baseline"],
        samples=state["samples"], window=Window(started_ms, window, interval),
        on_ineffective=on_ineffective, on_inconclusive=on_inconclusive,
    )  # fmt: skip


def terms(record: Mapping[str, Json]) -> tuple[int, int, Consequence, Consequence]:
    """Return (window ms, interval ms, on_ineffective, on_inconclusive); nothing demanded is the shortest window."""
    verify = record["requirements"]["verify"]
    if verify is None:
        return 1, 1, Consequence.UNDO, Consequence.UNDO
    return (
        verify["window_s"] * 1000, verify["interval_s"] * 1000,
        Consequence[verify["on_ineffective"].upper()], Consequence[verify["on_inconclusive"].upper()],
    )  # fmt: skip


def read_round(data: bytes) -> tuple[list[Json], list[Told]]:
    """Read what an executor told in one round of samples; raises InvalidRequest SAMPLES_MALFORMED."""
    try:
        item = shape.members(loads_strict(data), "a round of samples", frozenset({"samples"}), frozenset({"fields"}))
        canonical(item)  # what has no canonical form cannot be recorded
        samples = [_sample(s) for s in shape.array(item["samples"], "samples", MAX_SAMPLES)]
        return samples, read_told(item.get("fields", ()))
    except ValueError as exc:
        raise InvalidRequest("SAMPLES_MALFORMED", f"samples are malformed: {exc}") from exc


def _sample(value: Json) -> Json:
    item = shape.members(value, "a sample", frozenset({"check", "at_ms", "value"}))
    number = None if item["value"] is None else shape.number(item["value"], "value")
    return {"check": shape.word(item["check"], "check"), "at_ms": shape.integer(item["at_ms"], "at_ms", 0, MAX_MS),
            "value": number}  # fmt: skip
