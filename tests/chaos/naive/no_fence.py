"""A gateway without the attempt fence: whoever asks or reports is believed, whatever began since. It must fail."""

from dataclasses import replace
from typing import Any

from gateway.__main__ import main
from gateway.core.grant import Purpose
from gateway.ports import Tx
from gateway.service import attempt, report, reported
from gateway.service.reports import StepReport
from gateway.service.views import WorkView
from gateway.service.world import World

_fenced = attempt._begin


def _begin(world: World, tx: Tx, work: WorkView, purpose: Purpose, *more: Any, **asked: Any) -> None:
    row = tx.action(work.action)
    if row is not None and purpose is Purpose.APPLY:
        # Every fence is taken for the next one; so the nonce was never seen under it either.
        work = replace(work, fence=row.fence + 1)
        asked["fence"] = row.fence + 1
    _fenced(world, tx, work, purpose, *more, **asked)


async def _step_reported(world: World, action: str, fence: int, body: StepReport, *more: Any) -> tuple[bool, str]:
    row = await world.store.read(lambda tx: tx.action(action))
    return await report.step_reported(world, action, fence if row is None else row.fence, body, *more)


attempt._begin = _begin
attempt._check_free = lambda *_: None  # an attempt is in flight only as long as its fence says so
reported.step_reported = _step_reported  # type: ignore[attr-defined]  # the name that it calls it by
main()
