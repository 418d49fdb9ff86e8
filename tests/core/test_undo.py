"""Comparing fields before, as written and now; an edit of ours wins, an edit of other fields is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.undo import Comparison, Probed, Way, compare, probed

paths = st.sampled_from(["/spec/replicas", "/throttle/rate", "/class"])
values = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", [1], {"x": 1}])
triples = st.dictionaries(paths, st.tuples(values, values, values), min_size=1)


def _three(rows: dict[str, tuple[object, object, object]]) -> tuple[dict[str, object], ...]:
    return tuple({path: row[i] for path, row in rows.items()} for i in range(3))


@given(triples)
def test_nothing_is_overwritten_that_we_did_not_write(rows: dict[str, tuple[object, object, object]]) -> None:
    before, written, now = _three(rows)
    result = compare(before, written, now)
    for path in result.restore:
        assert repr(now[path]) == repr(written[path])
    if result.way is Way.CONFLICT:
        assert result.edited
        assert not result.restore


@given(triples)
def test_after_restoring_every_field_is_the_old_one(rows: dict[str, tuple[object, object, object]]) -> None:
    before, written, now = _three(rows)
    result = compare(before, written, now)
    if result.way is not Way.CONFLICT:
        assert compare(before, written, {**now, **result.restore}) == Comparison(Way.ALREADY, {}, ())


@given(triples, values)
def test_an_edit_of_other_fields_is_left_alone(rows: dict[str, tuple[object, object, object]], other: object) -> None:
    before, written, now = _three(rows)
    assert compare(before, written, {**now, "/elsewhere": other}) == compare(before, written, now)
    assert probed(before, written, {**now, "/elsewhere": other}) is probed(before, written, now)


@given(triples)
def test_a_probe_says_applied_only_when_every_field_is_as_written(
    rows: dict[str, tuple[object, object, object]],
) -> None:
    before, written, now = _three(rows)
    assert probed(before, written, written) is Probed.APPLIED
    result = probed(before, written, now)
    if result is Probed.APPLIED:
        assert repr(now) == repr(written)
    if result is Probed.NOT_APPLIED:
        assert repr(now) == repr(before)


OLD, OURS = {"a": 1, "b": None}, {"a": 2, "b": "x"}


@pytest.mark.parametrize(
    ("now", "expected", "told"),
    [
        (OURS, Comparison(Way.RESTORE, OLD, ()), Probed.APPLIED),
        (OLD, Comparison(Way.ALREADY, {}, ()), Probed.NOT_APPLIED),
        ({"a": 1}, Comparison(Way.ALREADY, {}, ()), Probed.NOT_APPLIED),
        ({"a": 1, "b": "x"}, Comparison(Way.RESTORE, {"b": None}, ()), Probed.UNKNOWN),
        ({"a": 3, "b": "x"}, Comparison(Way.CONFLICT, {}, ("a",)), Probed.UNKNOWN),
        ({}, Comparison(Way.CONFLICT, {}, ("a",)), Probed.UNKNOWN),
        ({"a": True, "b": None}, Comparison(Way.CONFLICT, {}, ("a",)), Probed.UNKNOWN),
    ],
)
def test_old_ours_half_and_edited(now: dict[str, object], expected: Comparison, told: Probed) -> None:
    assert compare(OLD, OURS, now) == expected
    assert probed(OLD, OURS, now) is told


def test_numbers_are_equal_however_they_are_written_and_true_is_none() -> None:
    assert compare({"a": 1}, {"a": 2}, {"a": 1.0}).way is Way.ALREADY
    assert compare({"a": [{"x": 1}]}, {"a": []}, {"a": ({"x": 1.0},)}).way is Way.ALREADY
    assert compare({"a": [{"x": 1}]}, {"a": []}, {"a": [{"x": True}]}).way is Way.CONFLICT
    assert compare({"a": [1]}, {"a": []}, {"a": [1, 1]}).way is Way.CONFLICT
    assert compare({"a": {"x": 1}}, {"a": {}}, {"a": {"y": 1}}).way is Way.CONFLICT


@pytest.mark.parametrize(("before", "written"), [({}, {}), ({"a": 1}, {"b": 1}), ({"a": 1, "b": 1}, {"a": 1})])
def test_a_snapshot_of_another_change_is_a_fault(before: dict[str, object], written: dict[str, object]) -> None:
    for check in (compare, probed):
        with pytest.raises(ValueError, match="different fields"):
            check(before, written, {})
