"""What is long but honest is not taken for edited: many probes, many tries to undo, many reads of an incident."""

import pytest

from gateway.core.step import Step
from gateway.ports_target import Undone
from tests.fakes.world import ALICE, VERIFY, FakeTarget, lab
from tests.service.say import new

pytestmark = pytest.mark.anyio
TWO = b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 5" && psql -c "ALTER ROLE shop CONNECTION LIMIT 6"'


class Busy(FakeTarget):
    """A target that takes one of two steps back, and is busy for the other."""

    async def undo(self, step: Step, snapshot: object) -> Undone:
        if "checkout" in step.target.id:
            return Undone("retry", "TEST_BUSY", "busy")
        return await super().undo(step, snapshot)  # type: ignore[arg-type]


async def test_an_attempt_that_many_probes_did_not_answer_is_shown() -> None:
    async with lab(executor=False) as made:
        made.target.vanish = True
        made.attach()
        view = await made.settled()
        made.link.cut = True
        states = {(await made.after(20_000, view.id)).state for _ in range(20)}
        assert states == {"EXECUTING", "NEEDS_HUMAN"}


async def test_an_undo_that_is_tried_many_times_is_shown() -> None:
    async with lab(executor=False) as made:
        made.policy.obligations = [VERIFY]
        made.target = Busy(made.clock)
        made.telemetry.target = made.target
        made.attach()
        view = await made.settled(TWO)
        made.telemetry.value = 90.0
        view = await made.after(120_000, view.id)
        assert (view.state, [s.status for s in view.steps]) == ("UNDOING", ["applied", "undone"])


async def test_the_incident_of_a_change_whose_undo_is_tried_many_times_is_shown() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        incident = (await made.gateway.open_incident(ALICE, new(), "slow")).id
        view = await made.settled(incident=incident)
        made.target.undo_fails = "retry"
        made.telemetry.value = 90.0
        assert (await made.after(120_000, view.id)).state == "UNDOING"
        assert (await made.gateway.get_incident(ALICE, incident)).phase == "remediation"
