"""What executors report about applying and probing steps; each report is fenced and may come twice."""

from collections.abc import Mapping, Sequence

from gateway.core import shape
from gateway.core.canonical import Json, canonical
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.receipt import StepStatus
from gateway.crash import point
from gateway.ports import Tx
from gateway.service.common import Halts, arm, foreign, halts, page, probe_soon, reads_only, undo_known, wrote_any
from gateway.service.halt import halted
from gateway.service.incidents import note_read
from gateway.service.progress import note_made, note_parts, parts_of, parts_text, tell
from gateway.service.record import LeafBody, Recorder
from gateway.service.reports import ProbeReport, StepReport
from gateway.service.sealed import put_sealed
from gateway.service.settle import Case, Choice, settle
from gateway.service.supersede import superseded
from gateway.service.verify import start_verification, verify_until_ms
from gateway.service.world import World


async def step_reported(world: World, action: str, fence: int, instance: str, body: StepReport) -> tuple[bool, str]:
    """Record the outcome of one step; returns (proceed, reason). The same report again has the same answer."""
    if body.status == "applied":
        point("applied_unreported", "gateway")
    refused = (False, "")

    def choose(tx: Tx, case: Case) -> Choice | None:
        nonlocal refused
        mine = not foreign(tx, case, fence, "apply", instance)
        refused = _refused(tx, case, fence, body) if mine else (False, "REPORT_FOREIGN")
        return None if refused[1] else _step_choice(world, tx, case, fence, body)

    state = await settle(world, action, choose)
    return refused if state is None else (state is State.EXECUTING and body.status == "applied", "")


def _refused(tx: Tx, case: Case, fence: int, body: StepReport) -> tuple[bool, str]:
    """Return (proceed, why) of a report that changes nothing; why is empty for one that counts."""
    known = next((s for s in tx.steps(case.row.id) if s.step == body.step), None)
    runs = case.state is State.EXECUTING and case.row.fence == fence
    if known is not None and known.fence == fence and known.status == body.status:
        goes_on = runs and body.status == "applied" and case.statuses.get(body.step + 1) == "intended"
        return goes_on, "REPORT_REPEATED"
    if case.state is not State.EXECUTING:
        return False, "STATE_CHANGED"
    if not runs:
        return False, "FENCE_STALE"
    return False, "" if case.statuses.get(body.step) == "intended" else "STEP_UNEXPECTED"


def _step_choice(world: World, tx: Tx, case: Case, fence: int, body: StepReport) -> Choice:
    parts = parts_of(world, tx, case.row.id, body.step, body.after) if body.status == "partly" else ()
    if (body.status == "unknown" or parts is None) and not case.proposal.reads:
        if reads_only(case.proposal.steps[body.step]):
            return halted(world, tx, case, reason_code(body.code), status="unknown")
        return _lost(world, case, body)
    outcome = (
        K.OUTCOME,
        {
            "step": body.step, "status": body.status, "fence": fence, "code": reason_code(body.code),
            "detail": world.redactor.text(body.detail), "output_bytes": len(body.output), "truncated": body.truncated,
        } | ({"parts": parts} if parts else {}),
    )  # fmt: skip
    return _outcome(world, tx, case, body, (outcome,), resumed=False)


def _lost(world: World, case: Case, body: StepReport) -> Choice:
    """An executor that cannot tell is probed under a new fence, like one that was lost."""
    fence = case.row.fence + 1
    attempt = (K.ATTEMPT, {"purpose": "probe", "fence": fence, "code": reason_code(body.code), "step": body.step})
    return Choice(
        Event.EXECUTOR_LOST, None, (attempt,), changes={"fence": fence}, reason=case.row.reason, also=probe_soon(world)
    )


def _outcome(
    world: World, tx: Tx, case: Case, body: StepReport, leaves: tuple[LeafBody, ...], *, resumed: bool
) -> Choice:
    """Return the transition that an outcome takes; `resumed` when a probe told it, so that nobody goes on by itself.

    A step that was applied partly has failed: the objects that it changed are taken back, by themselves.
    """
    statuses: dict[int, StepStatus] = {body.step: body.status}
    halt = halts(world, tx, case)
    event, guard = _guard(world, tx, case, body, statuses, halt)
    code = reason_code(body.code)
    reason = halt.code if guard in _HALTED else case.row.reason if guard is Guard.MORE else code
    if guard is Guard.MORE:
        statuses[body.step + 1] = "pending" if resumed else "intended"
        leaves = (*leaves, (K.INTENT, {"step": body.step + 1, "fence": case.row.fence + int(resumed)}))
    until_ms = verify_until_ms(world, tx, case.row) if guard is Guard.LAST_WRITE else 0
    leaves = _counted(case, body, leaves, until_ms)
    if guard in {Guard.HALT_UNDO_KNOWN, Guard.UNDO_KNOWN}:
        leaves = (*leaves, (K.UNDO_INTENT, {"cause": "halted" if guard in _HALTED else "step_failed"}))
    if guard in {Guard.FROZEN, Guard.HALT_UNDO_NONE, Guard.UNDO_NONE}:
        leaves = (*leaves, page(case, reason, parts_text(_parts(leaves))))

    def also(tx: Tx, recorder: Recorder) -> None:
        _keep_output(world, tx, case, body)
        if body.status == "applied":
            note_made(world, tx, case.row.id, body.step, body.after)
        if parts := _parts(leaves):
            note_parts(world, tx, case.row.id, body.step, parts)
            tell(world, tx, case.row.id, body.step, f"applied partly: {parts_text(parts)}")
        elif body.detail:
            said = f"{body.status.replace('_', ' ')}: {f'{code}: ' if code else ''}{body.detail}"
            tell(world, tx, case.row.id, body.step, said)
        _after_step(world, tx, recorder, case, body, until_ms)
        if guard is Guard.MORE and resumed:
            _resume_later(world, tx, recorder)

    return Choice(
        event, guard, leaves, reason=reason, statuses=statuses, code=code,
        changes=_lease(world, case, resumed=resumed) if guard is Guard.LAST_WRITE else {}, also=also,
        supersedes=superseded(world, tx, case, statuses),
    )  # fmt: skip


_HALTED = frozenset({Guard.HALT_NO_WRITE, Guard.HALT_UNDO_KNOWN, Guard.HALT_UNDO_NONE, Guard.FROZEN})


def _guard(
    world: World, tx: Tx, case: Case, body: StepReport, statuses: dict[int, StepStatus], halt: Halts
) -> tuple[Event, Guard]:
    wrote = wrote_any(case.proposal, {**case.statuses, **statuses})
    known = undo_known(world, tx, case, statuses)
    last = body.step == len(case.proposal.steps) - 1
    if body.status != "applied":
        return Event.STEP_FAILED, _failed(case, wrote=wrote, known=known, frozen=halt.frozen)
    if halt.frozen and wrote:
        return Event.STEP_APPLIED, Guard.FROZEN
    if halt.aborted or halt.lease_over or ((halt.stopped or halt.frozen or halt.key) and not last):
        if not wrote:
            return Event.STEP_APPLIED, Guard.HALT_NO_WRITE
        return Event.STEP_APPLIED, Guard.HALT_UNDO_KNOWN if known else Guard.HALT_UNDO_NONE
    if not last:
        return Event.STEP_APPLIED, Guard.MORE
    return Event.STEP_APPLIED, Guard.LAST_READ if case.proposal.reads else Guard.LAST_WRITE


def _failed(case: Case, *, wrote: bool, known: bool, frozen: bool) -> Guard:
    if case.proposal.reads:
        return Guard.READS
    if not wrote:
        return Guard.NO_WRITE
    if frozen:
        return Guard.FROZEN
    return Guard.UNDO_KNOWN if known else Guard.UNDO_NONE


def _wrote(case: Case, body: StepReport) -> bool:
    """Tell whether a report counts as a change that was applied."""
    stands = body.status in {"applied", "partly"}
    return stands and not case.proposal.reads and not reads_only(case.proposal.steps[body.step])


def _counted(case: Case, body: StepReport, leaves: tuple[LeafBody, ...], until_ms: int) -> tuple[LeafBody, ...]:
    """Return the leaves, the first of which says whether the step counts and until when the change is verified."""
    told: dict[str, Json] = {"counted": True} if _wrote(case, body) else {}
    if until_ms:
        told["deadline_ms"] = until_ms
    (kind, first), *more = leaves
    return ((kind, {**first, **told}), *more) if told else leaves


def _after_step(world: World, tx: Tx, recorder: Recorder, case: Case, body: StepReport, until_ms: int) -> None:
    now = recorder.row.updated_ms
    if _wrote(case, body):
        tx.note_applied(case.row.id, case.row.agent, case.proposal.targets, now)
    if recorder.state in {State.SUCCEEDED, State.FAILED}:
        note_read(tx, case, "succeeded" if recorder.state is State.SUCCEEDED else "failed", now)
    if recorder.state is State.VERIFYING:
        start_verification(world, tx, recorder, until_ms)
    arm(world, recorder)


def _resume_later(world: World, tx: Tx, recorder: Recorder) -> None:
    """Offer the rest at once, and bound how long it may wait for an executor: half a plan must not stand for ever."""
    now, timing = recorder.row.updated_ms, world.settings.timing
    tx.delete_due(recorder.row.id, Due.PROBE)
    recorder.due(Due.DISPATCH, now)
    recorder.due(Due.ATTEMPT_DEADLINE, now + timing.attempt_ms + timing.attempt_margin_ms)


def _lease(world: World, case: Case, *, resumed: bool) -> dict[str, int]:
    """A lease runs from the apply: from its report, or, when it was lost, from the beginning of the attempt."""
    asked = int(case.proposal.doc["lease_s"])
    return {"lease_end_ms": world.clock.now_ms() + asked * 1000} if asked and not resumed else {}


def _keep_output(world: World, tx: Tx, case: Case, body: StepReport) -> None:
    if body.output:
        text = world.redactor.text(body.output.decode(errors="replace"))
        doc: Json = {"data": text, "truncated": body.truncated}
        put_sealed(world, tx, case.row.id, f"output/{body.step}", canonical(doc))


def _parts(leaves: Sequence[LeafBody]) -> list[Mapping[str, Json]]:
    return [part for kind, body in leaves if kind is K.OUTCOME for part in body.get("parts", ())]


async def probe_reported(world: World, action: str, fence: int, body: ProbeReport) -> tuple[bool, str]:
    """Record what a probe found about a step whose outcome was lost."""
    stale = ""

    def choose(tx: Tx, case: Case) -> Choice | None:
        nonlocal stale
        stale = ""
        if case.state is not State.EXECUTING or case.row.fence != fence:
            stale = "FENCE_STALE"
        elif case.statuses.get(body.step) != "intended":
            stale = "STEP_UNEXPECTED"
        return None if stale else _probe_choice(world, tx, case, fence, body)

    await settle(world, action, choose)
    return False, stale


def _probe_choice(world: World, tx: Tx, case: Case, fence: int, body: ProbeReport) -> Choice:
    parts = parts_of(world, tx, case.row.id, body.step, body.after) if body.status == "partly" else ()
    probe = (K.PROBE, {"step": body.step, "status": body.status, "fence": fence})
    if body.status == "unknown" or parts is None:
        code = "PROBE_CANNOT_TELL"
        return Choice(
            Event.PROBED, Guard.CANNOT_TELL, (probe, page(case, code)), reason=code,
            statuses={body.step: "unknown"}, code=code,
        )  # fmt: skip
    said = {"step": body.step, "status": body.status, "fence": fence, "code": "PROBED"}
    outcome = (K.OUTCOME, said | ({"parts": parts} if parts else {}))
    code = {"applied": "", "partly": "HALF_APPLIED"}.get(body.status, "LOST_NOT_APPLIED")
    found = StepReport(body.step, body.status, code, "", b"", truncated=False, after=body.after)
    return _outcome(world, tx, case, found, (outcome, probe), resumed=True)


def reason_code(said: str) -> str:
    """Return the reason code that an executor gave; it is logged in the clear, so text in its place is not kept."""
    try:
        return shape.code(said, "code") if said else ""
    except ValueError:
        return "CODE_MALFORMED"
