"""The typed door: members, types, scopes and what the gateway derives."""

import pytest

from gateway.core.canonical import Json
from gateway.parsing.catalog import Scope
from gateway.parsing.parse import parse_typed
from gateway.parsing.result import Refusal
from tests.parsing.site import SITE, site, typed, typed_code

READ: dict[str, Json] = {"tool": "postgres", "operation": "sql.select", "params": {"sql": "select 1"}}
API = {"statement": "SELECT", "tables": [], "functions": []}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "accepted"),
        ({"target": {}}, "accepted"),
        ({"target": {"scope": "orders", "kind": "database", "names": []}}, "accepted"),
        ({"api": API}, "accepted"),
        ({"tool": "postgresql"}, "TYPED_TOOL_UNKNOWN"),
        ({"tool": ""}, "TYPED_MEMBER_TYPE"),
        ({"tool": 1}, "TYPED_MEMBER_TYPE"),
        ({"operation": None}, "TYPED_MEMBER_TYPE"),
        ({"params": "select 1"}, "TYPED_MEMBER_TYPE"),
        ({"params": []}, "TYPED_MEMBER_TYPE"),
        ({"api": []}, "TYPED_MEMBER_TYPE"),
        ({"effects": ["read"]}, "TYPED_MEMBER_UNKNOWN"),
        ({"digest": "sha256:0"}, "TYPED_MEMBER_UNKNOWN"),
        ({"target": {"uid": "x"}}, "TYPED_MEMBER_UNKNOWN"),
        ({"target": {"id": "pg:orders/-", "fanout": "one"}}, "accepted"),
        ({"target": {"id": "pg:billing/-"}}, "TYPED_DISAGREES"),
        ({"target": {"fanout": "all"}}, "TYPED_DISAGREES"),
        ({"target": []}, "TYPED_MEMBER_TYPE"),
        ({"target": {"scope": None}}, "TYPED_MEMBER_TYPE"),
        ({"target": {"scope": "a\nb"}}, "TYPED_MEMBER_TYPE"),
        ({"target": {"names": "a"}}, "TYPED_MEMBER_TYPE"),
        ({"target": {"names": [1]}}, "TYPED_MEMBER_TYPE"),
        ({"target": {"names": ["a\tb"]}}, "TYPED_MEMBER_TYPE"),
        ({"target": {"scope": "other"}}, "SCOPE_UNKNOWN"),
        ({"target": {"kind": "session"}}, "TYPED_DISAGREES"),
        ({"target": {"names": ["1"]}}, "TYPED_DISAGREES"),
        ({"target": {"namespace": "public"}}, "TYPED_DISAGREES"),
        ({"target": {"region": "eu-west-1"}}, "TYPED_DISAGREES"),
        ({"target": {"selector": "a=b"}}, "TYPED_DISAGREES"),
        ({"api": {**API, "statement": "DELETE"}}, "TYPED_DISAGREES"),
        ({"api": {**API, "x": 1}}, "TYPED_DISAGREES"),
        ({"params": {"sql": "select 1", "n": 2**60}}, "TYPED_NOT_JSON"),
        ({"params": {"sql": "select 1", "n": float("nan")}}, "TYPED_NOT_JSON"),
        ({"params": {"sql": "\ud800"}}, "TYPED_NOT_JSON"),
        ({"params": {"sql": "select '" + "x" * 66_000 + "'"}}, "TYPED_TOO_LARGE"),
        ({"params": {"sql": "select '\u200b'"}}, "TEXT_INVISIBLE_CHARACTER"),
        ({"params": {"s\u0441l": "x"}}, "SQL_PARAMS"),
        ({"params": {"ｓql": "x"}}, "TEXT_LOOKALIKE"),
    ],
)
def test_members_are_exactly_those_of_the_contract(change: dict[str, Json], expected: str) -> None:
    assert typed_code(READ | change) == expected


@pytest.mark.parametrize("member", ["tool", "operation", "params"])
def test_a_needed_member_may_not_be_missing(member: str) -> None:
    assert typed_code({name: value for name, value in READ.items() if name != member}) == "TYPED_MEMBER_MISSING"


def test_the_scope_of_the_proposal_and_of_the_step_may_not_differ() -> None:
    catalog = site(Scope("orders", "postgres"), Scope("billing", "postgres"))
    billing = READ | {"target": {"scope": "billing"}}
    assert typed_code(READ, catalog) == "SCOPE_AMBIGUOUS"
    assert typed_code(billing, catalog) == "accepted"
    assert typed_code(billing, catalog, "billing") == "accepted"
    assert typed_code(billing, catalog, "orders") == "SCOPE_CONFLICT"
    parsed = typed(READ, catalog, "billing")
    assert not isinstance(parsed, Refusal)
    assert parsed.steps[0].step.target.scope == "billing"


@pytest.mark.parametrize(
    ("steps", "connectors", "expected"),
    [
        ([], [], "TYPED_COUNT"),
        ([READ], ["&&"], "TYPED_CONNECTORS"),
        ([READ, READ], [], "TYPED_CONNECTORS"),
        ([READ, READ], ["||"], "TYPED_CONNECTORS"),
        (["psql"], [], "TYPED_MEMBER_TYPE"),
    ],
)
def test_a_plan_has_a_connector_between_steps(steps: list[Json], connectors: list[str], expected: str) -> None:
    parsed = parse_typed(steps, connectors, SITE)
    assert isinstance(parsed, Refusal)
    assert parsed.code == expected
