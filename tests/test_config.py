"""Settings: what is refused at load, by name."""

import copy
import re
from collections.abc import Iterator
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
from gateway.strict_yaml import load

ROOT = Path(__file__).parent.parent

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


WRONG: list[object] = [
    None, -1, 1.5, True, "", [], [7], {"a": 1}, {"a": {"b": 1}}, [{}], [[]], 10**15, "x" * 70_000,
]  # fmt: skip


def _paths(document: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, item in members:
        yield from _paths(item, (*path, name))


def _with(document: Any, path: tuple[str | int, ...], value: object) -> Any:
    changed = copy.deepcopy(document)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


def _whole() -> dict[str, Any]:
    document: dict[str, Any] = load((ROOT / "examples" / "site" / "gateway.yaml").read_text(encoding="utf-8"))
    return document | {
        "tcp": [{"door": "agent", "port": 1, "host": "127.0.0.1"}], "timing": {"observe_ms": 1},
        "breaker": {"agent": 1}, "concurrency": {"agent": 1}, "approval_group": "g", "sql_functions": ["f"],
        "http": {"port": 1}, "policy": {"workers": 1, "engine": "regorus", "bundle": "b"}, "aws_services": ["rds"],
        "verification": {"p": {"checks": [
            {"name": "a", "kind": "not_worse", "limit": 1, "provider": "x", "query": {}, "max_gap": 3},
        ]}},
    }  # fmt: skip


def test_a_value_of_another_type_is_a_fault_with_its_key_and_never_a_traceback() -> None:
    """Wherever it stands: text where a number belongs, a word where a list does, nothing at all."""
    document, faults = _whole(), 0
    settings_of(document, Path())
    for path in _paths(document):
        for wrong in WRONG:
            try:
                settings_of(_with(document, path, wrong), Path())
            except ConfigFault as exc:
                assert exc.code.startswith("CONFIG_")  # noqa: PT017  # it may be accepted
                faults += 1
    assert faults > 1_000


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("timing", "observe_ms"), "30"), (("timing", "observe_ms"), 0), (("timing", "observe_ms"), 10**15),
        (("breaker", "agent"), None), (("concurrency", "agent"), True), (("principals", 0, "groups"), "sre-oncall"),
        (("principals", 0, "door"), "back"), (("principals", 1, "id"), "agent:sre-1"),
        (("principals", 0, "default"), "no"), (("principals", 0, "id"), ""),
        (("scopes", "prod-aws", "regions"), "eu-west-1"), (("sql_functions",), "now"), (("origin",), ""),
        (("environments", "prod", "criticality"), "x" * 33), (("scopes", "prod-aws", "tool"), "cloud"),
        (("verification", "p", "checks"), []), (("verification", "p", "checks", 0, "kind"), "nice"),
        (("tcp", 0, "port"), "7"), (("commands", "service-restart", "effects"), []), (("exporters", "siem"), "jsonl"),
    ],
)  # fmt: skip
def test_a_value_that_would_only_matter_later_is_refused_at_start(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(ConfigFault, match=re.escape(str(path[0]))):
        settings_of(_with(_whole(), path, value), Path())
