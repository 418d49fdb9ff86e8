"""A step over several objects that was applied partly, and what goes to people when it is."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.ports_target import Applied, Observed, Undone
from gateway.service.progress import edits_of, parts_text, tell, told
from tests.fakes.world import ALICE, VERIFY, FakeTarget, Lab, lab

pytestmark = pytest.mark.anyio
PARTS = ["applied", "not_applied", "unknown"]


def thing(name: str) -> dict[str, Json]:
    change = {"before": {"/x": 1}, "after": {"/x": 2}, "made": [], "orders": {}}
    return {"ref": {"collection": "/things", "name": name, "namespace": "n"}, "uid": name, "change": change}


def journal(statuses: list[str]) -> Mapping[str, Json]:
    return {"journal": [{"object": f"n/{i}", "status": status} for i, status in enumerate(statuses)]}


@dataclass
class Halves(FakeTarget):
    """A target whose step is over three objects, and stops after the first."""

    told: Mapping[str, Json] | None = field(default_factory=lambda: journal(PARTS))
    lost: bool = False
    progress: list[Json] = field(default_factory=list)

    async def observe(self, step: Step) -> Observed:
        seen = await super().observe(step)
        objects = [thing(name) for name in "abc"]
        return replace(seen, snapshot={"fields": {"/x": 1}, "objects": objects})

    async def apply(
        self, step: Step, snapshot: Mapping[str, Json], on_chunk: Callable[[bytes], Awaitable[None]]
    ) -> Applied:
        del step, snapshot, on_chunk
        if self.lost:
            return Applied("unknown", "TEST_LOST")
        return Applied("partly", "HALF_APPLIED", "half applied", after=self.told)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        del step, snapshot
        return Applied("partly", "HALF_APPLIED", after=self.told)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        del step
        self.progress.append(snapshot.get("progress"))
        return Undone(self.undo_fails or "undone", "TEST", "as told", {})  # type: ignore[arg-type]


async def half(made: Lab, **knobs: Any) -> Any:
    made.target = Halves(made.clock, **knobs)
    made.attach()
    view = await made.settled()
    if view.state == "AWAITING_APPROVAL":
        view = await made.approve(view.id)
    return await made.after(2_000, view.id)


@pytest.mark.parametrize("lost", [False, True], ids=["told", "found by a probe"])
async def test_a_step_that_was_applied_partly_is_taken_back_by_its_parts(*, lost: bool) -> None:
    async with lab(executor=False) as made:
        view = await half(made, lost=lost)
        assert (view.state, view.reason, view.steps[0].status) == ("UNDONE", "HALF_APPLIED", "undone")
        assert made.target.progress == [{"parts": PARTS}]  # type: ignore[attr-defined]
        shown = view.outputs[0].data.decode()
        assert "applied partly: changed: n/0; not changed: n/1; cannot be told: n/2" in shown


async def test_half_of_what_cannot_be_taken_back_goes_to_people_by_name() -> None:
    async with lab(executor=False) as made:
        view = await half(made, undo_class="none")
        assert (view.state, view.steps[0].status) == ("NEEDS_HUMAN", "partly")
        assert made.target.progress == []  # type: ignore[attr-defined]
        assert "changed: n/0" in view.outputs[0].data.decode()


NONSENSE = {
    "nothing": None,
    "too few parts": journal(["applied"]),
    "no part that was changed": journal(["not_applied", "not_applied", "unknown"]),
    "a status that is none": journal(["applied", "maybe", "unknown"]),
    "no list": {"journal": "all of it"},
    "other members": {"journal": [{"object": "n/0", "status": "applied", "more": 1}] * 3},
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_parts_that_make_no_sense_are_no_parts_so_people_are_asked(name: str) -> None:
    async with lab(executor=False) as made:
        view = await half(made, told=NONSENSE[name])
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "PROBE_CANNOT_TELL")


async def committed_then_edited(made: Lab) -> str:
    made.policy.obligations = [VERIFY]
    view = await made.settled()
    view = await made.after(60_000, view.id)
    assert view.state == "COMMITTED"
    made.target.values[made.target.history[0][1]] = 77
    return str(view.id)


async def test_both_states_of_a_field_that_was_edited_meanwhile_are_shown_to_people() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        made.target.values[made.target.history[0][1]] = 77
        view = await made.after(1_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "FIELDS_EDITED")
        assert "limit: we wrote 5, now 77" in view.outputs[0].data.decode()


async def test_both_states_are_shown_too_where_the_undo_finds_the_edit() -> None:
    async with lab() as made:
        action = await committed_then_edited(made)
        await made.gateway.rollback(ALICE, request_id=str(uuid.uuid4()), action=action, reason="r")
        view = await made.after(2_000, action)
        assert view.state == "NEEDS_HUMAN"
        assert "limit: we wrote 5, now 77" in view.outputs[0].data.decode()


async def test_edits_that_went_with_an_object_are_shown_also_where_the_report_of_its_deletion_was_lost() -> None:
    edit = {"path": "/metadata/labels/team", "by": "kubectl", "at_ms": 1, "was": None, "now": "shop", "ours": False}
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled()
        view = await made.after(60_000, view.id)
        said = [Undone("retry", "EDITS_TO_RECORD", "kubectl wrote it", {"exists": True, "edits": [edit]})]
        real = made.target.undo

        async def undo(step: Step, snapshot: Mapping[str, Json]) -> Undone:
            return said.pop() if said else await real(step, snapshot)

        made.target.undo = undo  # type: ignore[method-assign]
        await made.gateway.rollback(ALICE, request_id=str(uuid.uuid4()), action=view.id, reason="r")
        view = await made.after(2_000, view.id)
        assert view.state == "UNDONE"
        assert '/metadata/labels/team: was null, now "shop" by kubectl' in view.outputs[0].data.decode()


def test_parts_are_named_by_what_became_of_them() -> None:
    parts = [{"object": "a", "status": "applied"}, {"object": "b", "status": "applied"}]
    assert parts_text(parts) == "changed: a, b"
    assert parts_text([]) == ""


async def test_values_that_others_wrote_are_shown_short_and_not_where_their_field_is_named_like_a_secret() -> None:
    edits = [
        {"path": "/data/password", "was": "hunter2", "now": "s3cr3t", "ours": True},
        {"path": "/metadata/annotations/x", "was": None, "now": "x" * 100_000},
    ]
    async with lab() as made:
        view = await made.settled()
        await made.world.store.write(lambda tx: tell(made.world, tx, view.id, 0, "edited", edits))
        shown = await made.world.store.read(lambda tx: told(made.world, tx, view.id, 0))
    assert "/data/password" in shown
    assert "hunter2" not in shown
    assert "s3cr3t" not in shown
    assert len(shown) < 1_000


@pytest.mark.parametrize("read_back", [
    None, [], "x", {}, {"edits": None}, {"edits": 5}, {"edits": {"path": "/x"}}, {"edits": ["x", {"by": "y"}]},
])  # fmt: skip
def test_a_read_back_without_edits_has_none(read_back: Json) -> None:
    assert edits_of(read_back) == []
