"""While a change is verified its fields are read back: another's edit is shown to people, never overwritten."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from gateway.core.canonical import Json, canonical
from gateway.core.snapshot import hidden_of
from gateway.core.step import Step
from gateway.errors import InvalidRequest
from gateway.ports_target import Applied, Observed
from gateway.service.readback import written
from gateway.service.reports import SamplesReport
from tests.fakes.world import ALICE, VERIFY, FakeTarget, Lab, lab
from tests.service.hand import Hand, applied, running
from tests.service.say import events, leaves, new, records

pytestmark = pytest.mark.anyio
ROLE = "pg:orders-db/role/checkout"


async def _verifying(made: Lab) -> str:
    made.policy.obligations = [VERIFY]
    view = await made.settled()
    view = await made.after(2_000, view.id)
    assert view.state == "VERIFYING"
    return view.id


def fields(status: str, now: Json, step: int = 0) -> SamplesReport:
    told = {"step": step, "status": status, "now": None if now is None else {"limit": now}}
    return SamplesReport(canonical({"samples": [], "fields": [told]}))


async def _say(made: Lab, hand: Hand, report: SamplesReport) -> None:
    await made.clock.advance(1_000)
    work = await hand.take("sample")
    await hand.begin(work)
    await hand.say(work, report)


async def _by_hand(made: Lab) -> tuple[Hand, str]:
    hand, action = await running(made)
    await hand.say(hand.taken[-1], applied())
    return hand, action


ENV = "/spec/template/spec/containers[name=web]/env[name=A]"


def of_objects(*names: str, namespace: str | None = "shop") -> dict[str, Json]:
    """Return a snapshot by object in which each gets a new variable."""
    made = {"name": "A", "value": "1"}
    change = {"before": {ENV: None}, "after": {ENV: made}, "made": [], "orders": {}}
    objects = [{"ref": {"namespace": namespace, "name": n}, "uid": n, "change": change} for n in names]
    labels = [f"{namespace}/{n}:" if namespace else f"{n}:" for n in names]
    return {"fields": {f"{label if names[1:] else ''}{ENV}": None for label in labels}, "objects": objects}


def test_an_element_that_a_change_adds_is_one_field_although_the_trial_tells_its_members() -> None:
    tried = {"changes": [{"path": f"{ENV}/name", "to": "A"}, {"path": f"{ENV}/value", "to": "1"}]}
    assert written(of_objects("web"), tried) == ({ENV: None}, {ENV: {"name": "A", "value": "1"}})


@pytest.mark.parametrize(("namespace", "label"), [("shop", "shop/web"), (None, "web")])
def test_the_fields_of_several_objects_are_named_with_their_object(namespace: str | None, label: str) -> None:
    before, ours = written(of_objects("web", "api", namespace=namespace), {"changes": []})
    assert len(ours) == 2
    assert (before[f"{label}:{ENV}"], ours[f"{label}:{ENV}"]) == (None, {"name": "A", "value": "1"})


@dataclass
class Secretive(FakeTarget):
    """A target whose only field is not told; its probe says how the field compares."""

    seen: str = "applied"
    told: Mapping[str, Json] | None = field(default_factory=dict)

    async def observe(self, step: Step) -> Observed:
        found = await super().observe(step)
        change = {"before": {"/data/key": 1}, "after": {"/data/key": 2}, "made": [], "orders": {}}
        thing: Json = {"ref": {"namespace": "n", "name": "s"}, "uid": "u", "change": change}
        return replace(found, snapshot={"fields": {}, "objects": [thing]})

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        del step, snapshot
        return Applied(self.seen, "STATE_CHANGED", after=self.told)  # type: ignore[arg-type]


@pytest.mark.parametrize(("seen", "state"), [("unknown", "NEEDS_HUMAN"), ("applied", "VERIFYING")])
async def test_an_edit_of_a_secret_is_seen_by_the_executors_own_comparison(seen: str, state: str) -> None:
    async with lab(executor=False) as made:
        made.target = target = Secretive(made.clock)
        made.attach()
        action = await _verifying(made)
        target.seen = seen
        view = await made.after(1_000, action)
        assert view.state == state
        if seen == "unknown":
            [leaf] = [leaf for leaf in await records(made, action) if leaf.event == "conflict"]
            assert (view.reason, leaf.body["fields"]) == ("FIELDS_EDITED", ["/data/key"])


async def test_a_secret_that_could_not_be_read_is_no_edit() -> None:
    async with lab(executor=False) as made:
        made.target = target = Secretive(made.clock)
        made.attach()
        action = await _verifying(made)
        target.seen, target.told = "unknown", None
        assert (await made.after(3_000, action)).state == "VERIFYING"


async def test_a_secret_that_was_put_back_by_another_is_found_at_the_second_look() -> None:
    async with lab(executor=False) as made:
        made.target = target = Secretive(made.clock)
        made.attach()
        action = await _verifying(made)
        target.seen = "not_applied"
        assert (await made.after(1_000, action)).state == "VERIFYING"
        view = await made.after(1_000, action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "FIELDS_PUT_BACK")


def test_what_is_made_or_deleted_as_a_whole_hides_no_fields() -> None:
    change = {"before": {"/x": 1}, "after": {}, "made": [], "orders": {}}
    thing: Json = {"ref": {"namespace": "n", "name": "s"}, "uid": "u", "change": change}
    assert hidden_of({"fields": {"exists": True}, "objects": [thing]}) == ()
    assert hidden_of({"fields": {}, "objects": [thing]}) == ("/x",)
    assert hidden_of({"fields": {"/x": 1}, "objects": [thing]}) == ()


def test_what_a_snapshot_does_not_tell_is_not_compared() -> None:
    hidden = {**of_objects("web"), "fields": {}}
    assert written(hidden, {"changes": [{"path": ENV, "to": "(secret)"}]}) == ({}, {})


async def test_an_edit_of_our_fields_is_shown_to_people_while_all_checks_are_well() -> None:
    async with lab() as made:
        action = await _verifying(made)
        made.target.values[ROLE] = 99
        view = await made.after(1_000, action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "FIELDS_EDITED")
        assert made.target.values[ROLE] == 99
        assert [h[0] for h in made.target.history] == ["apply"]


async def test_the_conflict_is_a_leaf_with_all_states_and_pages() -> None:
    async with lab() as made:
        action = await _verifying(made)
        made.target.values[ROLE] = 99
        await made.clock.advance(1_000)
        [leaf] = [leaf for leaf in await records(made, action) if leaf.event == "conflict"]
        assert (leaf.body["before"], leaf.body["ours"], leaf.body["theirs"]) == (
            {"limit": 0}, {"limit": 5}, {"limit": 99},
        )  # fmt: skip
        assert leaf.body["fields"] == ["limit"]
        assert (await leaves(made, action))[-4:] == ["CM1016", "CM1014", "CM1039", "CM1041"]


async def test_the_target_stays_locked_until_a_person_resolves() -> None:
    async with lab() as made:
        action = await _verifying(made)
        made.target.values[ROLE] = 99
        await made.clock.advance(1_000)
        assert (await made.world.store.read(lambda tx: tx.locks()))[ROLE] == action
        await made.gateway.resolve(ALICE, new(), action, "kept", "theirs is right")
        assert not await made.world.store.read(lambda tx: tx.locks())


async def test_an_undo_that_a_person_asks_for_overwrites_nothing_either() -> None:
    async with lab() as made:
        action = await _verifying(made)
        made.target.values[ROLE] = 99
        await made.clock.advance(1_000)
        await made.gateway.resolve(ALICE, new(), action, "retry_undo", "")
        assert (await made.after(1_000, action)).state == "NEEDS_HUMAN"
        assert made.target.values[ROLE] == 99


async def test_a_change_that_was_put_back_by_another_is_found_at_the_second_look() -> None:
    async with lab() as made:
        action = await _verifying(made)
        made.target.values[ROLE] = 0
        assert (await made.after(1_000, action)).state == "VERIFYING"
        view = await made.after(1_000, action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "FIELDS_PUT_BACK")


async def test_a_change_that_is_not_visible_yet_is_no_conflict() -> None:
    async with lab(executor=False) as made:
        hand, action = await _by_hand(made)
        for _ in range(4):
            await _say(made, hand, fields("not_applied", 0))
        await _say(made, hand, fields("applied", 5))
        await _say(made, hand, fields("not_applied", 0))
        await _say(made, hand, fields("applied", 5))
        await _say(made, hand, fields("not_applied", 0))
        assert (await made.get(action)).state == "VERIFYING"


async def test_what_cannot_be_read_is_no_conflict_and_no_good_news() -> None:
    async with lab() as made:
        action = await _verifying(made)
        made.target.values[ROLE] = 99
        made.target.unreadable = True
        assert (await made.after(3_000, action)).state == "VERIFYING"
        made.target.unreadable = False
        assert (await made.after(1_000, action)).reason == "FIELDS_EDITED"


async def test_what_has_no_way_back_has_no_fields_to_compare() -> None:
    async with lab() as made:
        made.target.undo_class = "neutral"
        action = await _verifying(made)
        made.target.values[ROLE] = 99
        assert (await made.after(10_000, action)).state == "COMMITTED"


async def test_a_harm_in_the_same_round_as_an_edit_is_a_conflict() -> None:
    async with lab() as made:
        action = await _verifying(made)
        made.target.values[ROLE] = 99
        made.telemetry.value = 50.0
        view = await made.after(3_000, action)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "FIELDS_EDITED")
        assert "conflict[edited]" in await events(made, action)


@pytest.mark.parametrize("step", [1, 31])
async def test_fields_of_a_step_that_was_not_changed_are_dropped(step: int) -> None:
    async with lab(executor=False) as made:
        hand, action = await _by_hand(made)
        await _say(made, hand, fields("unknown", 99, step))
        assert (await made.get(action)).state == "VERIFYING"


@pytest.mark.parametrize(
    "told",
    [{"step": 32, "status": "applied", "now": None}, {"step": 0, "status": "fine", "now": None},
     {"step": 0, "status": "applied", "now": 7}, {"step": 0, "status": "applied"}, 7,
     {"step": 0, "status": ["applied"], "now": None}],
)  # fmt: skip
async def test_fields_that_are_malformed_are_refused(told: Json) -> None:
    async with lab(executor=False) as made:
        hand, action = await _by_hand(made)
        with pytest.raises(InvalidRequest) as caught:
            await _say(made, hand, SamplesReport(canonical({"samples": [], "fields": [told]})))
        assert caught.value.code == "SAMPLES_MALFORMED"
        assert (await made.get(action)).state == "VERIFYING"


async def test_fields_are_read_under_the_grant_to_look() -> None:
    async with lab(executor=False) as made:
        hand, _ = await _by_hand(made)
        await made.clock.advance(1_000)
        work = await hand.take("sample")
        assert work.snapshot
        assert await hand.begin(replace(work, snapshot=b"")) == (True, "")
        assert made.target.history == []
