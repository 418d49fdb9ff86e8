"""Observations: believed in the shape that was asked for, and once."""

from dataclasses import dataclass, replace

import pytest

from gateway.core.canonical import Json, canonical
from gateway.core.step import Step
from gateway.errors import InvalidRequest
from gateway.ports_target import Observed
from gateway.service.reports import ObservationReport
from tests.fakes.world import FakeTarget, lab
from tests.service.hand import Hand, seen

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "broken",
    [
        {"facts": "none"}, {"facts": [{"status": "known"}]}, {"facts": [1]},
        {"facts": [{"target": "t", "status": "great", "observed_ms": 1, "value": {}}]},
        {"facts": [{"target": "t", "status": "known", "observed_ms": 1, "value": None}]},
        {"facts": [{"target": "t", "status": "known", "observed_ms": "now", "value": {}}]},
        {"preflight": {}}, {"preflight": {"status": "ok", "changes": [{}]}}, {"preflight": None},
        {"preflight": {"status": "fine"}}, {"snapshot": []}, {"snapshot": None}, {"undo_class": "perfect"},
        {"snapshot": {"objects": 5}}, {"snapshot": {"objects": {"a": 1}}}, {"snapshot": {"objects": ["a"]}},
        {"snapshot": {"objects": [{"ref": {}, "change": {}}]}}, {"snapshot": {"fields": 5}},
    ],
)  # fmt: skip
async def test_an_observation_of_another_shape_is_refused_and_expires(broken: dict[str, Json]) -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        with pytest.raises(InvalidRequest) as caught:
            await hand.say(work, ObservationReport(canonical(seen(made, **broken))))
        assert caught.value.code == "OBSERVATION_MALFORMED"
        view = await made.after(31_000, view.id)
        assert (view.state, view.reason) == ("EXPIRED", "OBSERVE_DEADLINE")


@pytest.mark.parametrize("baseline", [[], {"0/errors": "1"}, {"0/errors": {"token": "x"}}, {"0/errors": True}])
async def test_a_baseline_that_is_no_number_is_refused(baseline: object) -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        document = {**seen(made), "baseline": baseline}
        with pytest.raises(InvalidRequest, match="baseline"):
            await hand.say(work, ObservationReport(canonical(document)))
        assert (await made.get(view.id)).state == "PROPOSED"


@dataclass
class Declining(FakeTarget):
    """A target that refuses every trial run, and says why."""

    async def observe(self, step: Step) -> Observed:
        seen = await super().observe(step)
        said = {"dry_run": {"code": "KEY_EXISTS", "message": "app has another value; password=hunter2"}}
        [fact] = seen.facts
        told = {**fact, "value": {**fact["value"], **said}}
        return replace(seen, facts=(told,), preflight={"status": "failed", "code": "KEY_EXISTS", "targets": 1})


async def test_whoever_is_denied_for_a_trial_run_hears_what_the_target_said() -> None:
    async with lab(executor=False) as made:
        made.target = Declining(made.clock)
        made.attach()
        view = await made.settled()
        assert view.state == "DENIED"
        [said] = [output.data.decode() for output in view.outputs]
        assert said.startswith("refused by a trial run: KEY_EXISTS: app has another value; password=hmac-sha256:")
