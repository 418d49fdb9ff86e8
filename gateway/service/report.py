"""What executors report about applying and probing steps; each report is fenced and may come twice."""

from gateway.core.canonical import Json, canonical
from gateway.core.effect import Effect, only_reads
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.receipt import StepStatus
from gateway.crash import point
from gateway.ports import ReadRow, StepRow, Tx
from gateway.service.common import arm, halts, page, undo_known, wrote_any
from gateway.service.record import LeafBody, Recorder
from gateway.service.reports import ProbeReport, RefusalReport, StepReport
from gateway.service.sealed import put_sealed
from gateway.service.settle import Case, Choice, settle
from gateway.service.verify import start_verification
from gateway.service.world import World


async def refusal_reported(world: World, action: str, purpose: str, body: RefusalReport) -> None:
    """Record that an executor's own check of a grant failed: a grant to act dies, and security is told."""
    finding = (K.SECURITY, {"finding": "GRANT_CHECK_FAILED", "code": body.code, "purpose": purpose})
    refusal = (K.REFUSAL, {"code": body.code, "detail": world.redactor.text(body.detail), "purpose": purpose})

    def choose(_: Tx, case: Case) -> Choice | None:
        if case.state is not State.GRANTED or purpose != "apply":
            return None
        return Choice(Event.REFUSE, None, (refusal, finding), reason=body.code)

    if await settle(world, action, choose) is None:
        await world.store.write(lambda tx: _note(world, tx, action, (refusal, finding)))


def _note(world: World, tx: Tx, action: str, leaves: tuple[LeafBody, ...]) -> None:
    recorder = Recorder.load(world, tx, action)
    for kind, body in leaves:
        recorder.note(kind, body)


async def step_reported(world: World, action: str, fence: int, body: StepReport) -> tuple[bool, str]:
    """Record the outcome of one step; returns (proceed, reason)."""
    if body.status == "applied":
        point("applied_unreported", "gateway")
    stale = ""

    def choose(tx: Tx, case: Case) -> Choice | None:
        nonlocal stale
        stale = _stale(tx, case, fence, body.step, body.status)
        return None if stale else _step_choice(world, tx, case, fence, body)

    state = await settle(world, action, choose)
    if state is None:
        return (False, stale)
    return (state is State.EXECUTING and body.status == "applied", "")


def _stale(tx: Tx, case: Case, fence: int, step: int, status: str) -> str:
    """Return why a report does not count, or an empty string; a repeated report is `REPORT_REPEATED`."""
    known = next((s for s in tx.steps(case.row.id) if s.step == step), None)
    if known is not None and known.fence == fence and known.status == status:
        return "REPORT_REPEATED"
    if case.state is not State.EXECUTING:
        return "STATE_CHANGED"
    return "" if case.row.fence == fence else "FENCE_STALE"


def _step_choice(world: World, tx: Tx, case: Case, fence: int, body: StepReport) -> Choice:
    outcome = (
        K.OUTCOME,
        {
            "step": body.step, "status": body.status, "fence": fence, "code": body.code,
            "detail": world.redactor.text(body.detail), "output_bytes": len(body.output), "truncated": body.truncated,
        },
    )  # fmt: skip
    if body.status == "unknown" and not case.proposal.reads:
        return _lost(world, case, body)
    return _outcome(world, tx, case, fence, body, (outcome,))


def _lost(world: World, case: Case, body: StepReport) -> Choice:
    """An executor that cannot tell is probed under a new fence, like one that was lost."""
    fence = case.row.fence + 1
    attempt = (K.ATTEMPT, {"purpose": "probe", "fence": fence, "code": body.code, "step": body.step})

    def also(_: Tx, recorder: Recorder) -> None:
        recorder.due(Due.PROBE, world.clock.now_ms())

    return Choice(Event.EXECUTOR_LOST, None, (attempt,), changes={"fence": fence}, reason=case.row.reason, also=also)


def _outcome(world: World, tx: Tx, case: Case, fence: int, body: StepReport, leaves: tuple[LeafBody, ...]) -> Choice:
    applied = body.status == "applied"
    step, count = body.step, len(case.proposal.steps)
    status: StepStatus = body.status
    statuses = {step: status}
    wrote = wrote_any(case.proposal, {**case.statuses, **statuses})
    event, guard = _applied(tx, case, step == count - 1, wrote) if applied else _failed(tx, case, wrote)
    if guard is Guard.MORE:
        leaves = (*leaves, (K.INTENT, {"step": step + 1, "fence": fence}))
    if guard in {Guard.HALT_UNDO_KNOWN, Guard.UNDO_KNOWN}:
        leaves = (*leaves, (K.UNDO_INTENT, {"cause": "halted" if applied else "step_failed"}))
    if guard in {Guard.FROZEN, Guard.HALT_UNDO_NONE, Guard.UNDO_NONE}:
        leaves = (*leaves, page(case, body.code or "HALTED"))

    def also(tx: Tx, recorder: Recorder) -> None:
        tx.put_step(StepRow(case.row.id, step, body.status, fence, body.code))
        if guard is Guard.MORE:
            tx.put_step(StepRow(case.row.id, step + 1, "intended", fence))
        _keep_output(world, tx, case, body)
        _after_step(world, tx, recorder, case, applied=applied, step=step)

    return Choice(
        event, guard, leaves,
        reason=body.code or (case.row.reason if guard is Guard.MORE else ""), statuses=statuses,
        changes=_lease(world, case) if guard is Guard.LAST_WRITE else {}, also=also,
    )  # fmt: skip


def _applied(tx: Tx, case: Case, last: bool, wrote: bool) -> tuple[Event, Guard]:  # noqa: FBT001  # two facts of one step
    aborted, frozen, stopped = halts(tx, case)
    if frozen and wrote:
        return Event.STEP_APPLIED, Guard.FROZEN
    if aborted or ((stopped or frozen) and not last):
        if not wrote:
            return Event.STEP_APPLIED, Guard.HALT_NO_WRITE
        return Event.STEP_APPLIED, Guard.HALT_UNDO_KNOWN if undo_known(tx, case) else Guard.HALT_UNDO_NONE
    if not last:
        return Event.STEP_APPLIED, Guard.MORE
    return Event.STEP_APPLIED, Guard.LAST_READ if case.proposal.reads else Guard.LAST_WRITE


def _failed(tx: Tx, case: Case, wrote: bool) -> tuple[Event, Guard]:  # noqa: FBT001  # as above
    if case.proposal.reads:
        return Event.STEP_FAILED, Guard.READS
    if not wrote:
        return Event.STEP_FAILED, Guard.NO_WRITE
    if halts(tx, case)[1]:
        return Event.STEP_FAILED, Guard.FROZEN
    return Event.STEP_FAILED, Guard.UNDO_KNOWN if undo_known(tx, case) else Guard.UNDO_NONE


def _after_step(world: World, tx: Tx, recorder: Recorder, case: Case, *, applied: bool, step: int) -> None:
    now = world.clock.now_ms()
    if applied and not only_reads(Effect(e) for e in case.proposal.steps[step]["effects"]):
        tx.note_applied(case.row.id, case.row.agent, case.proposal.targets, now)
    if recorder.state in {State.SUCCEEDED, State.FAILED} and case.row.incident:
        outcome = "succeeded" if recorder.state is State.SUCCEEDED else "failed"
        hypothesis = str(case.proposal.doc["hypothesis"])
        targets = case.proposal.targets
        tx.put_read(ReadRow(case.row.incident, case.row.id, hypothesis, targets, now, outcome))
    if recorder.state is State.VERIFYING:
        start_verification(world, tx, recorder)
    arm(world, tx, recorder)


def _lease(world: World, case: Case) -> dict[str, int]:
    """A lease runs from the apply."""
    asked = int(case.proposal.doc["lease_s"])
    return {"lease_end_ms": world.clock.now_ms() + asked * 1000} if asked else {}


def _keep_output(world: World, tx: Tx, case: Case, body: StepReport) -> None:
    if body.output:
        text = world.redactor.text(body.output.decode(errors="replace"))
        doc: Json = {"data": text, "truncated": body.truncated}
        put_sealed(world, tx, case.row.id, f"output/{body.step}", canonical(doc))


async def probe_reported(world: World, action: str, fence: int, body: ProbeReport) -> tuple[bool, str]:
    """Record what a probe found about a step whose outcome was lost."""
    stale = ""

    def choose(tx: Tx, case: Case) -> Choice | None:
        nonlocal stale
        if case.state is not State.EXECUTING or case.row.fence != fence:
            stale = "FENCE_STALE"
            return None
        return _probe_choice(world, tx, case, fence, body)

    state = await settle(world, action, choose)
    return (False, stale) if state is None else (False, "")


def _probe_choice(world: World, tx: Tx, case: Case, fence: int, body: ProbeReport) -> Choice | None:
    probe = (K.PROBE, {"step": body.step, "status": body.status, "fence": fence})
    if body.status == "unknown":
        leaves = (probe, page(case, "PROBE_CANNOT_TELL"))
        return Choice(Event.PROBED, Guard.CANNOT_TELL, leaves, reason="PROBE_CANNOT_TELL",
                      statuses={body.step: "unknown"})  # fmt: skip
    outcome = (K.OUTCOME, {"step": body.step, "status": body.status, "fence": fence, "code": "PROBED"})
    code = "" if body.status == "applied" else "LOST_NOT_APPLIED"
    found = StepReport(body.step, body.status, code, "", b"", truncated=False, after=body.after)
    return _outcome(world, tx, case, fence, found, (outcome, probe))
