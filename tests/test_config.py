"""Settings: what is refused at load, by name."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import settings_of
from gateway.errors import ConfigFault
from gateway.parsing.catalog import CommandShape, Slot
from gateway.parsing.shapes import overlap
from gateway.parsing.tools.process import fits

RESTART = {
    "operation": "units.restart", "effects": ["write"], "undo": "neutral",
    "slots": [{"kind": "literal", "values": ["restart"]}, {"kind": "word", "name": "unit"}],
}  # fmt: skip
STATUS = {
    "operation": "units.status", "effects": ["read"], "undo": "not_needed",
    "slots": [{"kind": "literal", "values": ["status"]}, {"kind": "word", "name": "unit"}],
}  # fmt: skip


def commands(raw: dict[str, Any]) -> tuple[CommandShape, ...]:
    return settings_of({"commands": raw}, Path()).commands


def fault(raw: dict[str, Any]) -> str:
    with pytest.raises(ConfigFault) as caught:
        commands(raw)
    return caught.value.code


def test_a_word_has_one_shape_or_several() -> None:
    assert [shape.operation for shape in commands({"systemctl": RESTART})] == ["units.restart"]
    several = commands({"systemctl": [RESTART, STATUS], "uptime": {"operation": "uptime.show", "effects": ["read"]}})
    assert [(shape.name, shape.operation) for shape in several] == [
        ("systemctl", "units.restart"), ("systemctl", "units.status"), ("uptime", "uptime.show"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "slots",
    [
        [{"kind": "literal", "values": ["restart"]}, {"kind": "choice", "values": ["web", "worker"]}],
        [{"kind": "word", "name": "verb"}, {"kind": "word", "name": "unit"}],
        [{"kind": "choice", "values": ["stop", "restart"]}, {"kind": "word"}, {"kind": "word", "optional": True}],
        [{"kind": "literal", "values": ["--now"], "optional": True}, *RESTART["slots"]],
        [{"kind": "word"}, {"kind": "int", "low": -5, "high": 0}],
    ],
)
def test_two_shapes_that_could_be_one_command_are_refused(slots: list[Any]) -> None:
    other = {"operation": "units.other", "effects": ["read"], "slots": slots}
    assert fault({"systemctl": [RESTART, other]}) == "CONFIG_COMMANDS_OVERLAP"
    assert fault({"systemctl": [other, RESTART]}) == "CONFIG_COMMANDS_OVERLAP"
    assert len(commands({"systemctl": RESTART, "service": other})) == 2


def test_an_operation_belongs_to_one_shape() -> None:
    assert fault({"systemctl": RESTART, "service": RESTART}) == "CONFIG_COMMANDS_OVERLAP"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"x": {"effects": ["read"]}}, "CONFIG_MISSING_KEY"),
        ({"x": {"operation": "x.y"}}, "CONFIG_MISSING_KEY"),
        ({"x": {"operation": "x.y", "effects": ["reed"]}}, "CONFIG_VALUE"),
        ({"x": {"operation": "x.y", "effects": ["read"], "undo": "maybe"}}, "CONFIG_VALUE"),
        ({"x": {"operation": "x.y", "effects": ["read"], "slots": [{"kind": "regex"}]}}, "CONFIG_VALUE"),
        ({"x": {"operation": "x.y", "effects": ["read"], "slots": [{"kind": "literal"}]}}, "CONFIG_VALUE"),
        ({"x": {"operation": "x.y", "effects": ["read"], "shell": True}}, "CONFIG_UNKNOWN_KEY"),
        ({"x": []}, "CONFIG_VALUE"),
        (["x"], "CONFIG_SHAPE"),
    ],
)
def test_a_shape_that_means_nothing_is_refused_at_load(raw: Any, code: str) -> None:
    assert fault(raw) == code


SLOTS = st.one_of(
    st.builds(Slot, st.just("literal"), values=st.sampled_from([("a",), ("b",), ("7",), ("-1",)]),
              optional=st.booleans()),
    st.builds(Slot, st.just("choice"), values=st.sampled_from([("a", "b"), ("b", "7")]), optional=st.booleans()),
    st.builds(Slot, st.just("int"), low=st.sampled_from([-3, 0, 5]), high=st.sampled_from([-1, 4, 9]),
              optional=st.booleans()),
    st.builds(Slot, st.just("word"), max_chars=st.sampled_from([1, 2]), optional=st.booleans()),
)  # fmt: skip
WORDS = ("a", "b", "c", "7", "-1", "4", "5", "0", "10")


def accepts(slots: tuple[Slot, ...], argv: tuple[str, ...]) -> bool:
    if not slots:
        return not argv
    taken = bool(argv) and fits(slots[0], argv[0]) and accepts(slots[1:], argv[1:])
    return taken or (slots[0].optional and accepts(slots[1:], argv))


def rows(length: int) -> list[tuple[str, ...]]:
    return [()] if not length else [(*row, word) for row in rows(length - 1) for word in WORDS]


ROWS = [row for length in range(4) for row in rows(length)]


@settings(max_examples=150, deadline=None)
@given(st.lists(SLOTS, max_size=3).map(tuple), st.lists(SLOTS, max_size=3).map(tuple))
def test_shapes_overlap_exactly_when_some_row_of_words_fits_both(one: tuple[Slot, ...], two: tuple[Slot, ...]) -> None:
    shapes = [CommandShape("x", slots, frozenset({"read"}), "x.y") for slots in (one, two)]
    common = any(accepts(one, row) and accepts(two, row) for row in ROWS)
    assert overlap(*shapes) == common
