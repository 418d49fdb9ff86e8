"""Inputs are checked before, and answers after, any engine."""

from types import MappingProxyType
from typing import Any

import orjson
import pytest

from gateway.adapters.policy_document import Documents
from gateway.core.canonical import freeze
from gateway.errors import PolicyFault
from tests.fakes.mini_bundle import document, mini_bundle

DOCUMENTS = Documents(mini_bundle())
PERMIT = {"code": "DEMO_PERMIT", "permit": "allow", "step": 0, "args": {}}
DUTY = {"code": "DEMO_DUTY", "step": 0, "notify": ["on-call"]}


def _answer(findings: list[Any], obligations: list[Any] = (), **more: Any) -> bytes:  # type: ignore[assignment]
    answer = {"schema": "countermand.decision/1", "findings": findings, "obligations": list(obligations)}
    return orjson.dumps(answer | more)


def test_frozen_documents_are_encoded_like_plain_ones() -> None:
    assert DOCUMENTS.encode(freeze(document())) == DOCUMENTS.encode(document())
    assert isinstance(freeze(document()), MappingProxyType)


def test_an_answer_is_sorted_whatever_the_order_of_the_engine() -> None:
    limit = {"code": "DEMO_LIMIT", "limit": "deny", "step": 0, "args": {}}
    assert DOCUMENTS.answer(_answer([PERMIT, limit]), 1) == DOCUMENTS.answer(_answer([limit, PERMIT]), 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"1", b"null", b"[]", b"{}", b'"<undefined>"', b"{",
        _answer([], schema="countermand.decision/2"),
        _answer([], verdict="allow"),
        _answer([PERMIT | {"code": "OTHER"}]),
        _answer([PERMIT | {"step": 1}]),
        _answer([PERMIT | {"step": "0"}]),
        _answer([PERMIT | {"permit": "deny"}]),
        _answer([PERMIT | {"limit": "deny"}]),
        _answer([PERMIT | {"verdict": "allow"}]),
        _answer([{"code": "DEMO_PERMIT", "step": 0, "args": {}}]),
        _answer([PERMIT, "<undefined>"]),
        _answer([], [DUTY | {"notify": "on-call"}]),
        _answer([], [{"code": "DEMO_DUTY", "step": 0}]),
        _answer([], [DUTY | {"approvals": [{"group": "g", "n": 0}]}]),
        orjson.dumps({"schema": "countermand.decision/1", "findings": []}),
    ],
)  # fmt: skip
def test_a_doubtful_answer_is_a_fault(answer: bytes) -> None:
    with pytest.raises(PolicyFault) as fault:
        DOCUMENTS.answer(answer, 1)
    assert fault.value.code == "POLICY_ANSWER_INVALID"


@pytest.mark.parametrize(
    "change",
    [{"now_ms": 2**63}, {"steps": [document()["steps"][0] | {"i": 1}]}, {"agent": {"id": "a"}}, {"plan": object()},
     {1: 2}],
)  # fmt: skip
def test_a_doubtful_input_is_a_fault(change: dict[Any, Any]) -> None:
    with pytest.raises(PolicyFault) as fault:
        DOCUMENTS.encode(document() | change)
    assert fault.value.code == "POLICY_INPUT_INVALID"


def test_the_fault_says_where_the_input_is_wrong() -> None:
    wrong = document()
    wrong["steps"][0]["effect"] = ["harmless"]
    with pytest.raises(PolicyFault, match="steps/0/effect/0"):
        DOCUMENTS.encode(wrong)
