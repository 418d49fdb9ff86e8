"""Give every report of an executor to the use case that it is for."""

from gateway.service.observe import observed
from gateway.service.recheck import samples_reported
from gateway.service.refusal import refusal_reported
from gateway.service.report import probe_reported, step_reported
from gateway.service.reports import (
    ChunkReport,
    ObservationReport,
    ProbeReport,
    RefusalReport,
    Report,
    SamplesReport,
    StepReport,
    UndoReport,
)
from gateway.service.undo import undo_reported
from gateway.service.views import OutputView, WorkView
from gateway.service.world import World


async def reported(
    world: World, work_id: str, action: str, fence: int, instance: str, body: Report
) -> tuple[bool, str]:
    """Return (proceed, reason).

    Outcomes count by their fence, from the executor that began under it: the gateway may have restarted since it handed
    the work out, so the log says who that was. Everything else only counts for work that is in hand, once, from the
    executor that has it.
    """
    work = world.hub.work(work_id, action)
    if work is not None and world.hub.instance(work_id) != instance:
        return False, "REPORT_FOREIGN"
    match body:
        case StepReport():
            answer = await step_reported(world, action, fence, instance, body)
        case UndoReport():
            answer = await undo_reported(world, action, fence, instance, body)
        case ChunkReport() if work is not None and work.purpose == "apply":
            return _shown(world, work, body)
        case _ if work is not None:
            answer = await _once(world, work, instance, body)
        case _:
            answer = False, "WORK_UNKNOWN"
    if work is not None and not answer[0] and answer[1] != "REPORT_FOREIGN":
        world.hub.finish(work_id)
    return answer


async def _once(world: World, work: WorkView, instance: str, body: Report) -> tuple[bool, str]:
    """Take the one report of work that only looks."""
    world.hub.finish(work.work_id)
    match body:
        case ObservationReport() if work.purpose == "observe":
            await observed(world, work.action, body.document)
        case SamplesReport() if work.purpose == "sample":
            await samples_reported(world, work.action, body.document)
        case ProbeReport() if work.purpose == "probe":
            return await probe_reported(world, work.action, work.fence, body)
        case RefusalReport():
            await refusal_reported(world, work.action, work.purpose, work.fence, instance, body)
        case _:
            return False, "REPORT_UNEXPECTED"
    return False, ""


def _shown(world: World, work: WorkView, body: ChunkReport) -> tuple[bool, str]:
    """Show live output to whoever watches; it is not recorded."""
    shown = world.bus.live.add(work.work_id, body.step, body.data, world.redactor)
    if shown:
        world.bus.chunk(work.action, OutputView(body.step, shown, truncated=False))
    return True, ""
