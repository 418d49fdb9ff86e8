"""Processes: argv is exactly a configured shape."""

import pytest

from gateway.core.effect import Effect, Undo
from gateway.parsing.catalog import Catalog, CommandShape, Scope, Slot
from gateway.parsing.result import Refusal
from tests.parsing.site import SITE, as_typed, code, step, typed, typed_code


def test_a_command_in_a_configured_shape_is_a_step_of_its_host() -> None:
    parsed = step("systemctl restart web.service")
    assert parsed.step.to_json() == {
        "tool": "process",
        "operation": "units.restart",
        "api": {"argv": ["systemctl", "restart", "web.service"]},
        "target": {"scope": "web-1", "kind": "process", "id": "process:web-1/systemctl", "fanout": "one",
                   "names": ["systemctl"]},
        "params": {"unit": "web.service"},
    }  # fmt: skip
    assert (parsed.effects, parsed.undo) == (frozenset({Effect.WRITE}), Undo.NEUTRAL)


@pytest.mark.parametrize(
    "line",
    ["systemctl status nginx", "systemctl restart worker.service", "drain-node n1", "drain-node --seconds 30 n1",
     "drain-node 30 n1"],
)  # fmt: skip
def test_the_typed_form_is_the_same_step(line: str) -> None:
    parsed = step(line)
    again = typed(as_typed(parsed))
    assert not isinstance(again, Refusal)
    assert again.steps[0].step.params == parsed.step.params
    assert again.steps[0].step.operation == parsed.step.operation


@pytest.mark.parametrize(
    "line",
    [
        "systemctl", "systemctl stop web.service", "systemctl restart sshd.service", "systemctl restart",
        "systemctl restart web.service worker.service", "systemctl restart web.service --force",
        "systemctl status -H evil",
        "systemctl status --host=evil", "systemctl status ../x", "systemctl status 'a b'", "systemctl status ''",
        "systemctl status 'a;b'", "systemctl status é'é'", "systemctl status " + "a" * 33, "systemctl edit x",
        "drain-node 0 n1", "drain-node 601 n1", "drain-node 030 n1", "drain-node --seconds n1 n2", "drain-node",
    ],
)  # fmt: skip
def test_any_other_argv_is_refused(line: str) -> None:
    assert code(line) in {"PROCESS_SHAPE", "LEX_NON_ASCII"}


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"unit": "web.service"}, "accepted"),
        ({"unit": "sshd.service"}, "PROCESS_PARAMS"),
        ({"unit": "web.service", "x": 1}, "PROCESS_PARAMS"),
        ({"unit": True}, "PROCESS_PARAMS"),
        ({"unit": ["web.service"]}, "PROCESS_PARAMS"),
        ({}, "PROCESS_PARAMS"),
    ],
)
def test_typed_params_are_the_named_slots(params: dict[str, object], refusal: str) -> None:
    assert typed_code({"tool": "process", "operation": "units.restart", "params": params}) == refusal


def test_an_operation_without_a_shape_is_refused() -> None:
    assert typed_code({"tool": "process", "operation": "units.stop", "params": {}}) == "TYPED_OPERATION_UNKNOWN"


def test_a_shape_without_effects_is_unknown() -> None:
    shape = CommandShape("odd", (Slot("word", "x"),), frozenset(), "odd.run")
    catalog = Catalog({"h": Scope("h", "process")}, SITE.kubectl, SITE.aws, (shape,))
    assert step("odd x", catalog).effects == {Effect.UNKNOWN}


def test_a_process_cannot_take_the_name_of_a_tool() -> None:
    shape = CommandShape("psql", (Slot("word", "x"),), frozenset({"read"}), "psql.run")
    catalog = Catalog(SITE.scopes, SITE.kubectl, SITE.aws, (shape,))
    assert code("psql x", catalog) == "PSQL_NO_COMMAND"
