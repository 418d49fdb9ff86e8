"""Steps and plans: one meaning, one digest."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.canonical import canonical, digest_bytes, loads_strict
from gateway.core.step import MAX_STEPS, TOOLS, Connector, Plan, Step, Target
from tests.core.signing import PLAN

words = st.text("abcxyz/-0", min_size=1, max_size=6)
optional = st.none() | words
targets = st.builds(
    Target, words, words, words, st.sampled_from(["one", "listed", "selector", "all"]),
    st.lists(words, max_size=2).map(tuple), optional, optional, optional,
)  # fmt: skip
members = st.dictionaries(words, words | st.integers(0, 9) | st.lists(words, max_size=2), max_size=3)
steps = st.builds(Step, st.sampled_from(sorted(TOOLS)), words, members, targets, members)
CONNECTORS: list[Connector] = ["&&", ";"]
plans = st.lists(st.tuples(steps, st.sampled_from(CONNECTORS)), min_size=1, max_size=3).map(
    lambda rows: Plan(tuple(s for s, _ in rows), tuple(c for _, c in rows[1:]))
)


@given(plans)
def test_a_plan_survives_the_wire_with_its_digest(plan: Plan) -> None:
    back = Plan.from_json(loads_strict(plan.to_bytes()))
    assert back == plan
    assert (back.digest, back.to_bytes()) == (plan.digest, plan.to_bytes())


@given(steps)
def test_the_digest_is_the_hash_of_the_bytes_that_are_executed(step: Step) -> None:
    assert step.digest == digest_bytes(step.to_bytes())
    assert Step.from_json(loads_strict(step.to_bytes())) == step


@given(steps, steps)
def test_two_steps_have_one_digest_only_if_they_are_equal(one: Step, other: Step) -> None:
    assert (one.digest == other.digest) is (one.to_bytes() == other.to_bytes())


@given(plans)
def test_the_digest_binds_every_step_and_connector(plan: Plan) -> None:
    other = replace(plan.steps[0], operation=plan.steps[0].operation + "x")
    assert replace(plan, steps=(other, *plan.steps[1:])).digest != plan.digest
    if plan.connectors:
        swapped: Connector = "&&" if plan.connectors[0] == ";" else ";"
        assert replace(plan, connectors=(swapped, *plan.connectors[1:])).digest != plan.digest


def test_the_order_of_parameters_does_not_matter() -> None:
    step = PLAN.steps[0]
    one, other = replace(step, params={"a": 1, "b": [2]}), replace(step, params={"b": (2,), "a": 1})
    assert one.digest == other.digest


def test_absent_members_of_a_target_are_not_null() -> None:
    target = Target("prod", "pod", "k8s:prod/default/pods/web", names=("web",))
    assert target.to_json() == {
        "scope": "prod", "kind": "pod", "id": "k8s:prod/default/pods/web", "fanout": "one", "names": ["web"],
    }  # fmt: skip
    assert replace(target, namespace="n", region="r", selector="s").to_json().keys() >= {
        "namespace", "region", "selector",
    }  # fmt: skip


def test_a_step_cannot_be_changed_after_its_digest_was_taken() -> None:
    params = {"replicas": [3]}
    step = replace(PLAN.steps[0], params=params)
    params["replicas"].append(4)
    assert step.params["replicas"] == (3,)


@pytest.mark.parametrize("count", [0, MAX_STEPS + 1])
def test_a_plan_has_one_to_32_steps(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 32"):
        Plan(PLAN.steps[:1] * count, tuple(CONNECTORS[:1]) * max(count - 1, 0))


def test_a_plan_has_a_connector_between_neighbours() -> None:
    with pytest.raises(ValueError, match="connector"):
        Plan(PLAN.steps, ())


@pytest.mark.parametrize("change", [{"extra": 1}, {"params": None}])
def test_a_step_has_exactly_its_five_members(change: dict[str, object]) -> None:
    value = loads_strict(PLAN.steps[0].to_bytes()) | change
    if change == {"params": None}:
        del value["params"]
    with pytest.raises(KeyError):
        Step.from_json(value)


def test_a_target_with_a_foreign_member_is_refused() -> None:
    value = loads_strict(canonical(PLAN.steps[0].target.to_json())) | {"owner": "x"}
    with pytest.raises(TypeError):
        Target.from_json(value)
