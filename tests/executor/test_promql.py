"""Placeholders in PromQL: whatever a value says, it is a part of one label's value."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TargetFault
from gateway.executor.telemetry.promql import MAX_CHARS, fill

EQUAL, MATCH = 'up{job="$job"}', 'up{pod=~"$pod-.*",x!~"$pod"}'
texts = st.text(max_size=30)


def _strings(promql: str) -> list[str]:
    return re.findall(r'"((?:[^"\\]|\\.)*)"', promql, re.DOTALL)


def _without_strings(promql: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', promql, flags=re.DOTALL)


def _unescaped(quoted: str) -> str:
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], quoted, flags=re.DOTALL)


@given(texts)
def test_a_value_is_exactly_one_label_value(value: str) -> None:
    filled = fill(EQUAL, {"job": value})
    assert filled.startswith('up{job="')
    assert filled.endswith('"}')
    (quoted,) = _strings(filled)
    assert _unescaped(quoted) == value
    assert _without_strings(filled) == 'up{job=""}'


@given(texts)
def test_after_a_regular_expression_operator_a_value_matches_only_itself(value: str) -> None:
    first, second = _strings(fill(MATCH, {"pod": value}))
    assert re.fullmatch(_unescaped(second), value)
    assert re.fullmatch(_unescaped(first), f"{value}-abc", re.DOTALL)
    assert not re.fullmatch(_unescaped(second), value + "x")


@given(st.text(alphabet="\"\\$a{}=~#`' \n", max_size=40), texts)
def test_no_template_makes_a_value_leave_its_string(template: str, value: str) -> None:
    try:
        empty, filled = fill(template, {"a": ""}), fill(template, {"a": value})
    except TargetFault:
        return
    assert _without_strings(filled) == _without_strings(empty)


@pytest.mark.parametrize(
    "template",
    [
        "rate(x[$window])",
        "$metric",
        "up{job='$job'}",
        "up{job=`$job`}",
        'up{job="$other"}',
        "up # $job",
        "",
        "x" * 5000,
    ],
)
def test_a_placeholder_without_value_or_safe_place_is_refused(template: str) -> None:
    with pytest.raises(TargetFault) as caught:
        fill(template, {"job": "web", "metric": "up", "window": "1m"})
    assert caught.value.code == "QUERY_MALFORMED"


def test_a_query_without_placeholders_stays_as_it_is() -> None:
    promql = 'sum(rate(http_requests_total{code=~"5.."}[1m])) / 2 # the share\'s half'
    assert fill(promql, {}) == promql
    assert len(promql) < MAX_CHARS
