"""What an executor does with a piece of work, judged by what its target and its gateway saw."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from countermand.gateway.v1 import executor_service_pb2 as pb

from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.grant import GrantKind, Purpose, statement
from gateway.core.predicate import Leave
from gateway.core.step import Step
from gateway.errors import TargetFault
from gateway.executor.claims import Claims, TrustedKeys
from gateway.executor.messages import Begun, ProbeSaid, RefusalSaid, Said, StepSaid, UndoSaid, Work
from gateway.executor.session import _work
from gateway.executor.work import Served, Worker
from gateway.ports_target import Undone
from tests.core.signing import STRANGER, public_key, sign
from tests.executor.grants import AUDIENCE, grant, jwks, plan_of, work
from tests.fakes.clock import VirtualClock
from tests.fakes.target import MemoryTarget, set_field

pytestmark = pytest.mark.anyio
STEPS = (set_field("a", 1), set_field("b", 2), set_field("c", 3))
BEFORE = [{"a": None}, {"b": None}, {"c": None}]
CHECKS = [
    {"name": "good", "provider": "numbers", "query": {"n": 7}},
    {"name": "empty", "provider": "numbers", "query": {}},
    {"name": "down", "provider": "broken", "query": {}},
    {"name": "foreign", "provider": "absent", "query": {}},
]


class Heard:
    """A gateway that gives leave and lets everything go on, unless a test says otherwise."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.chunks: list[tuple[int, bytes]] = []
        self.begun = Begun(begun=True)
        self.proceed: Callable[[Said], bool] = lambda _: True

    async def begin(self, work: Work, nonce: str) -> Begun:
        assert (work.action, nonce) == ("act_1", "n" * 22)
        return self.begun

    async def report(self, work: Work, said: Said) -> bool:
        assert work.work_id
        self.said.append(said)
        return self.proceed(said)

    async def chunk(self, work: Work, step: int, data: bytes) -> None:
        assert work.work_id
        self.chunks.append((step, data))


class Numbers:
    async def sample(self, query: Mapping[str, Json]) -> float | None:
        return query.get("n")


class Broken:
    async def sample(self, query: Mapping[str, Json]) -> float | None:
        raise TargetFault("TARGET_UNREACHABLE", str(query))


@dataclass(frozen=True, slots=True)
class Bench:
    target: MemoryTarget
    gateway: Heard
    clock: VirtualClock
    worker: Worker

    async def do(self, purpose: pb.Purpose, steps: tuple[Step, ...] = STEPS, **changes: Json) -> list[Said]:
        members: dict[str, Json] = {
            "snapshots": BEFORE[: len(steps)],
            "deadline_ms": self.clock.now_ms() + 60_000,
        } | changes
        made = _work(work(steps, purpose, **members))
        assert made is not None
        already = len(self.gateway.said)
        await self.worker.do(made)
        return self.gateway.said[already:]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "keys.json").write_bytes(jwks())
    target, gateway, clock = MemoryTarget(), Heard(), VirtualClock()
    claims = Claims(AUDIENCE, "instance-1", TrustedKeys(tmp_path / "keys.json"), clock)
    served = Served({"memory": ("process", target)}, {"numbers": Numbers(), "broken": Broken()})
    return Bench(target, gateway, clock, Worker(served, claims, gateway, clock))


def outcomes(said: list[Said]) -> list[tuple[int, str, str]]:
    found: list[tuple[int, str, str]] = []
    for one in said:
        match one:
            case StepSaid() | ProbeSaid():
                found.append((one.step, one.applied.status, one.applied.code))
            case UndoSaid():
                found.append((one.step, one.undone.status, one.undone.code))
            case _:
                raise AssertionError(one)
    return found


async def test_steps_run_in_order_and_each_is_reported_before_the_next(bench: Bench) -> None:
    seen: list[int] = []

    def count(_: Said) -> bool:
        seen.append(len(bench.target.history))
        return True

    bench.gateway.proceed = count
    said = await bench.do(pb.PURPOSE_APPLY)
    assert outcomes(said) == [(0, "applied", ""), (1, "applied", ""), (2, "applied", "")]
    assert seen == [1, 2, 3]
    assert bench.target.fields == {"a": 1, "b": 2, "c": 3}
    assert bench.gateway.chunks == [(0, b"set"), (1, b"set"), (2, b"set")]


async def test_an_attempt_goes_on_where_it_is_told_to(bench: Bench) -> None:
    await bench.do(pb.PURPOSE_APPLY, first_step=2)
    assert bench.target.fields == {"c": 3}


async def test_a_gateway_that_says_stop_is_obeyed_before_the_next_step(bench: Bench) -> None:
    bench.gateway.proceed = lambda said: not (isinstance(said, StepSaid) and said.step == 1)
    assert len(await bench.do(pb.PURPOSE_APPLY)) == 2
    assert bench.target.fields == {"a": 1, "b": 2}


async def test_a_step_that_does_not_apply_stops_the_plan(bench: Bench) -> None:
    bench.target.fields["b"] = "theirs"
    said = await bench.do(pb.PURPOSE_APPLY)
    assert outcomes(said) == [(0, "applied", ""), (1, "not_applied", "STATE_CHANGED")]
    assert bench.target.fields == {"a": 1, "b": "theirs"}


async def test_a_panic_in_a_target_is_unknown_and_stops_the_plan(bench: Bench) -> None:
    async def panic(call: str, step: Step) -> None:
        raise ZeroDivisionError(call, step)

    bench.target.meanwhile = panic
    assert outcomes(await bench.do(pb.PURPOSE_APPLY)) == [(0, "unknown", "TARGET_PANIC")]
    assert outcomes(await bench.do(pb.PURPOSE_PROBE, fence=2, first_step=2)) == [(2, "unknown", "TARGET_PANIC")]
    bench.gateway.proceed = lambda _: False
    assert outcomes(await bench.do(pb.PURPOSE_UNDO, fence=3, first_step=2)) == [(2, "retry", "TARGET_PANIC")]


async def test_a_fault_of_a_target_keeps_its_code(bench: Bench) -> None:
    async def fault(call: str, step: Step) -> None:
        raise TargetFault("TARGET_UNREACHABLE", f"{call} {step.operation}")

    bench.target.meanwhile = fault
    assert outcomes(await bench.do(pb.PURPOSE_APPLY)) == [(0, "unknown", "TARGET_UNREACHABLE")]
    observation = json.loads((await bench.do(pb.PURPOSE_OBSERVE, STEPS[:1]))[0].document)  # type: ignore[union-attr]
    assert observation["steps"][0]["facts"][0]["status"] == "unknown"
    assert observation["steps"][0]["preflight"]["status"] == "failed"
    assert observation["steps"][0]["undo_class"] == "none"


async def test_a_step_still_running_at_the_deadline_is_unknown(bench: Bench) -> None:
    async def hang(call: str, step: Step) -> None:
        del call, step
        await asyncio.Event().wait()

    bench.target.meanwhile = hang
    said = await bench.do(pb.PURPOSE_APPLY, deadline_ms=bench.clock.now_ms() + 20)
    assert outcomes(said) == [(0, "unknown", "DEADLINE_EXCEEDED")]


async def test_a_step_whose_deadline_passed_is_never_begun(bench: Bench) -> None:
    said = await bench.do(pb.PURPOSE_APPLY, deadline_ms=bench.clock.now_ms())
    assert outcomes(said) == [(0, "not_applied", "DEADLINE_PASSED")]
    assert bench.target.history == []


@pytest.mark.parametrize(
    "step", [set_field("a", 1, scope="elsewhere"), replace(set_field("a", 1), tool="git")], ids=["scope", "tool"]
)
async def test_a_scope_that_this_executor_does_not_have_is_not_touched(bench: Bench, step: Step) -> None:
    assert outcomes(await bench.do(pb.PURPOSE_APPLY, (step,))) == [(0, "not_applied", "TARGET_UNKNOWN")]
    assert outcomes(await bench.do(pb.PURPOSE_PROBE, (step,), fence=2)) == [(0, "unknown", "TARGET_UNKNOWN")]
    assert outcomes(await bench.do(pb.PURPOSE_UNDO, (step,), fence=3)) == [(0, "retry", "TARGET_UNKNOWN")]
    assert bench.target.history == []


async def test_undo_goes_backwards_from_its_first_step_and_never_touches_what_is_above(bench: Bench) -> None:
    await bench.do(pb.PURPOSE_APPLY)
    said = await bench.do(pb.PURPOSE_UNDO, fence=2, first_step=1)
    assert outcomes(said) == [(1, "undone", ""), (0, "undone", "")]
    assert bench.target.fields == {"a": None, "b": None, "c": 3}


async def test_an_undo_that_meets_anothers_edit_leaves_it(bench: Bench) -> None:
    await bench.do(pb.PURPOSE_APPLY)
    bench.target.fields["c"] = "theirs"
    bench.gateway.proceed = lambda said: isinstance(said, UndoSaid) and said.undone.status == "undone"
    assert outcomes(await bench.do(pb.PURPOSE_UNDO, fence=2, first_step=2)) == [(2, "conflict", "STATE_CHANGED")]
    assert bench.target.fields == {"a": 1, "b": 2, "c": "theirs"}


async def test_what_cannot_be_undone_is_no_hindrance_when_it_never_ran(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def impossible(step: Step, snapshot: Mapping[str, Json]) -> Undone:
        del step, snapshot
        return Undone("impossible", "NO_WAY_BACK")

    monkeypatch.setattr(bench.target, "undo", impossible)
    assert outcomes(await bench.do(pb.PURPOSE_UNDO, STEPS[:1])) == [(0, "undone", "NEVER_APPLIED")]
    bench.target.fields["a"] = 1
    assert outcomes(await bench.do(pb.PURPOSE_UNDO, STEPS[:1], fence=2)) == [(0, "impossible", "NO_WAY_BACK")]


async def test_a_lost_attempt_is_probed_without_a_change(bench: Bench) -> None:
    await bench.do(pb.PURPOSE_APPLY, STEPS[:2])
    bench.gateway.proceed = lambda said: isinstance(said, ProbeSaid) and said.step == 1
    assert outcomes(await bench.do(pb.PURPOSE_PROBE, fence=2, first_step=1)) == [
        (1, "applied", ""), (2, "not_applied", ""),
    ]  # fmt: skip
    assert bench.target.fields == {"a": 1, "b": 2}


async def test_an_observation_is_one_canonical_document_with_its_baseline(bench: Bench) -> None:
    document = (await bench.do(pb.PURPOSE_OBSERVE, STEPS[:2], fence=0, checks=CHECKS))[0].document  # type: ignore[union-attr]
    found = loads_strict(document)
    assert canonical(found) == document
    assert [s["snapshot"] for s in found["steps"]] == BEFORE[:2]
    assert {s["undo_class"] for s in found["steps"]} == {"exact"}
    assert found["baseline"] == {"good": 7, "empty": None, "down": None, "foreign": None}
    assert bench.target.fields == {}


async def test_samples_that_cannot_be_had_are_no_data(bench: Bench) -> None:
    told = loads_strict((await bench.do(pb.PURPOSE_SAMPLE, checks=CHECKS))[0].document)  # type: ignore[union-attr]
    samples = told["samples"]
    assert [(s["check"], s["value"]) for s in samples] == [
        ("good", 7), ("empty", None), ("down", None), ("foreign", None),
    ]  # fmt: skip
    assert {s["at_ms"] for s in samples} == {bench.clock.now_ms()}


async def test_each_round_of_samples_tells_what_is_at_the_fields_that_were_changed(bench: Bench) -> None:
    bench.target.fields = {"a": 1, "b": 9}

    async def vanished(call: str, step: Step) -> None:
        if step.params["name"] == "c":
            raise TargetFault("TARGET_DOWN", call)

    bench.target.meanwhile = vanished
    told = loads_strict((await bench.do(pb.PURPOSE_SAMPLE))[0].document)  # type: ignore[union-attr]
    assert told["fields"] == [
        {"step": 0, "status": "applied", "now": {"a": 1}}, {"step": 1, "status": "unknown", "now": {"b": 9}},
        {"step": 2, "status": "unknown", "now": None},
    ]  # fmt: skip
    assert {call for call, _ in bench.target.history} == {"probe"}


async def test_observing_and_sampling_run_under_the_fence_of_the_attempt(bench: Bench) -> None:
    await bench.do(pb.PURPOSE_APPLY, fence=3)
    assert not any(isinstance(s, RefusalSaid) for s in await bench.do(pb.PURPOSE_SAMPLE, fence=3, checks=CHECKS))
    assert not any(isinstance(s, RefusalSaid) for s in await bench.do(pb.PURPOSE_OBSERVE, fence=3))


async def test_work_with_leave_begins_without_asking_and_only_once(bench: Bench) -> None:
    bench.gateway.begun = Begun(begun=False, reason="NOT_ASKED")
    plan = plan_of(STEPS)
    leave = {"approvals": (), "tier": "autonomous", "leave": Leave("instance-1", 1)}
    envelope = sign(statement(grant(plan, GrantKind.ACTION, **leave)))
    said = await bench.do(pb.PURPOSE_APPLY, grant=envelope)
    assert outcomes(said) == [(0, "applied", ""), (1, "applied", ""), (2, "applied", "")]
    assert await bench.do(pb.PURPOSE_APPLY, grant=envelope) == [RefusalSaid("GRANT_FENCE", "fence 1 is not above 1")]


async def test_without_leave_nothing_is_touched_and_nothing_said(bench: Bench) -> None:
    bench.gateway.begun = Begun(begun=False, reason="TARGET_BUSY")
    for purpose in (pb.PURPOSE_OBSERVE, pb.PURPOSE_APPLY, pb.PURPOSE_PROBE, pb.PURPOSE_SAMPLE, pb.PURPOSE_UNDO):
        assert await bench.do(purpose) == []
    assert bench.target.history == []


async def test_an_attempt_that_did_not_begin_may_come_again_under_its_fence(bench: Bench) -> None:
    bench.gateway.begun = Begun(begun=False, reason="TARGET_BUSY")
    await bench.do(pb.PURPOSE_APPLY, fence=4)
    bench.gateway.begun = Begun(begun=True)
    assert len(outcomes(await bench.do(pb.PURPOSE_APPLY, fence=4))) == 3
    assert await bench.do(pb.PURPOSE_APPLY, fence=4) == [RefusalSaid("GRANT_FENCE", "fence 4 is not above 4")]


async def test_a_leave_whose_answer_was_lost_is_told_as_untouched(bench: Bench) -> None:
    bench.gateway.begun = Begun(begun=False, reason="GATEWAY_UNAVAILABLE", lost=True)
    assert outcomes(await bench.do(pb.PURPOSE_APPLY)) == [(0, "not_applied", "BEGIN_LOST")]
    assert outcomes(await bench.do(pb.PURPOSE_UNDO)) == [(0, "retry", "BEGIN_LOST")]
    assert await bench.do(pb.PURPOSE_OBSERVE) == []
    assert bench.target.history == []


async def test_keys_are_read_again_when_their_file_changes_and_kept_when_it_breaks(
    bench: Bench, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    path.write_text("{broken")
    assert outcomes(await bench.do(pb.PURPOSE_APPLY, STEPS[:1])) == [(0, "applied", "")]
    path.write_bytes(jwks(public_key(STRANGER)))
    said = await bench.do(pb.PURPOSE_APPLY, STEPS[:1], fence=2)
    assert [s.code for s in said if isinstance(s, RefusalSaid)] == ["GRANT_KEY_UNKNOWN"]


def test_every_purpose_has_its_deed(bench: Bench) -> None:
    assert set(bench.worker._deeds) == set(Purpose)
