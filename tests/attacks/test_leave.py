"""Work for a read that was begun with its decision, sent again by whoever kept it: its leave is for once."""

from dataclasses import replace

import pytest

from gateway.core.grant import Purpose
from gateway.core.statement import Refused
from gateway.executor.claims import Claims
from gateway.executor.messages import Work
from tests.fakes.world import AUDIENCE, READ, Lab, lab
from tests.service.hand import FAST, Hand

pytestmark = pytest.mark.anyio


async def _kept(made: Lab) -> Work:
    """Return genuine work with leave for the executor's process `first`."""
    hand = Hand.attach(made, "first", concurrency=1)
    await made.submit(READ)
    view = await hand.take("apply")
    return Work(
        view.work_id, view.action, Purpose.APPLY, view.grant, view.plan, view.fence, view.snapshot, view.checks,
        view.deadline_ms, view.first_step,
    )  # fmt: skip


def _code(found: object) -> str:
    return found.code if isinstance(found, Refused) else ""


@pytest.mark.parametrize(("fence", "code"), [(1, "GRANT_FENCE"), (0, "GRANT_FENCE"), (2, "GRANT_LEAVE")])
async def test_the_process_that_had_leave_does_not_begin_again(fence: int, code: str) -> None:
    async with lab(FAST, executor=False) as made:
        work = await _kept(made)
        claims = Claims(AUDIENCE, "first", made.world.keys, made.clock)  # type: ignore[arg-type]
        assert _code(claims.check(work)) == ""
        claims.begun(work)
        assert _code(claims.check(replace(work, work_id="wrk_other", fence=fence))) == code


@pytest.mark.parametrize("instance", ["second", "", "FIRST"])
async def test_no_other_process_begins_with_it(instance: str) -> None:
    """A restarted executor has no memory of fences, but another name."""
    async with lab(FAST, executor=False) as made:
        claims = Claims(AUDIENCE, instance, made.world.keys, made.clock)  # type: ignore[arg-type]
        assert _code(claims.check(await _kept(made))) == "GRANT_LEAVE"
