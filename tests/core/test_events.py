"""Leaves: stable codes, a class for every field, and nothing secret in them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.canonical import canonical, loads_strict
from gateway.core.events import Leaf, LeafKind, leaf, read_leaf
from gateway.core.leaffields import FIELDS, FieldClass
from gateway.core.redact import Redactor
from gateway.core.states import Event, Guard, State

REDACTOR = Redactor("k1", b"key")

# Published codes: a line may be added, never changed or removed.
CODES = {
    "PROPOSAL": "CM1001", "OBSERVATION": "CM1002", "DECISION": "CM1003", "REQUEST": "CM1004", "GRANT": "CM1005",
    "VOTE": "CM1006", "VOID": "CM1007", "ATTEMPT": "CM1010", "INTENT": "CM1011", "OUTCOME": "CM1012", "PROBE": "CM1013",
    "SAMPLE": "CM1014", "VERDICT": "CM1015", "CONFLICT": "CM1016", "RECEIPT": "CM1017", "UNDO_INTENT": "CM1020",
    "UNDO_OUTCOME": "CM1021", "READ_BACK": "CM1022", "EXPIRY": "CM1030", "REVOCATION": "CM1031", "REFUSAL": "CM1032",
    "CANCELLATION": "CM1033", "ABORT": "CM1034", "LEASE": "CM1035", "SUPERSESSION": "CM1036", "RESOLUTION": "CM1037",
    "ACKNOWLEDGEMENT": "CM1038", "NOTIFICATION": "CM1039", "DRIFT": "CM1040", "MISHAP": "CM1041",
    "SWITCH": "CM2001", "KEY_EVENT": "CM2002",
    "BUNDLE": "CM2003", "RESTART": "CM2004", "SECURITY": "CM2005", "DEAD_LETTER": "CM2006",
    "REQUEST_ANSWERED": "CM2007", "DISCOVERY": "CM2010",
    "INCIDENT_OPENED": "CM3001", "HYPOTHESIS": "CM3002", "CAUSE": "CM3003", "INCIDENT_CLOSED": "CM3004",
}  # fmt: skip


def make(kind: LeafKind = LeafKind.PROPOSAL, **body: object) -> bytes:
    return leaf(
        kind, action="act_1", at_ms=5, state_before=None, event=Event.SUBMIT, guard=Guard.PARSED,
        state_after=State.PROPOSED, version=1, body=body, prev_leaf=b"\x01" * 32, redactor=REDACTOR,
    )  # fmt: skip


def test_codes_are_stable() -> None:
    assert {kind.name: kind.value for kind in LeafKind} == CODES


def test_codes_are_unique_and_well_formed() -> None:
    assert len(set(CODES.values())) == len(CODES) == len(LeafKind.__members__)
    assert all(re.fullmatch(r"CM[123]\d{3}", code) for code in CODES.values())


@pytest.mark.parametrize("kind", LeafKind)
def test_every_kind_has_classified_fields(kind: LeafKind) -> None:
    assert FieldClass.PUBLIC in FIELDS[kind].values()


def test_a_leaf_reads_back() -> None:
    data = make(agent="a", digest="sha256:x")
    assert read_leaf(data) == Leaf(
        LeafKind.PROPOSAL, "act_1", 5, 1, None, Event.SUBMIT, Guard.PARSED, State.PROPOSED,
        {"agent": "a", "digest": "sha256:x"}, (), "", "01" * 32,
    )  # fmt: skip


def test_a_leaf_of_no_action_reads_back() -> None:
    data = leaf(
        LeafKind.RESTART, action="", at_ms=0, state_before=None, event=None, guard=None, state_after=None,
        version=0, body={"instance": "i"}, prev_leaf=b"", redactor=REDACTOR,
    )  # fmt: skip
    read = read_leaf(data)
    assert (read.action, read.state_after, read.prev) == ("", None, "")


def test_a_sensitive_field_passes_the_pattern_net() -> None:
    body = read_leaf(make(text="psql password=hunter2", agent="a")).body
    assert body["text"] == f"psql password={REDACTOR.placeholder('hunter2')}"


def test_a_secret_field_leaves_only_its_hmac() -> None:
    read = read_leaf(make(raw={"a": 1}))
    assert read.body["raw"] == REDACTOR.placeholder({"a": 1})
    assert read.redacted == ("raw",)


def test_a_field_that_nobody_classified_is_secret() -> None:
    read = read_leaf(make(brand_new="value"))
    assert read.body["brand_new"] == REDACTOR.placeholder("value")
    assert read.redacted == ("brand_new",)


@given(st.dictionaries(st.sampled_from(["agent", "text", "raw", "new"]), st.text(max_size=20)))
def test_leaves_are_canonical_and_read_back(body: dict[str, str]) -> None:
    data = make(LeafKind.PROPOSAL, **body)
    assert canonical(loads_strict(data)) == data
    assert set(read_leaf(data).body) == set(body)


GOOD = make(agent="a")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"kind":"CM1001"', b'"kind":"CM9999"'),
        (b'"kind":', b'"Kind":'),
        (b'"at_ms":5', b'"at_ms":-5'),
        (b'"at_ms":5', b'"at_ms":5.0'),
        (b'"at_ms":5', b'"at_ms": 5'),
        (b'"at_ms":5', b'"at_ms":"5"'),
        (b'"event":"submit"', b'"event":"summit"'),
        (b'"guard":"parsed"', b'"guard":""'),
        (b'"state_after":"PROPOSED"', b'"state_after":"proposed"'),
        (b'"action":"act_1"', b'"action":null'),
        (b'"body":{"agent":"a"}', b'"body":[]'),
        (b'"redacted":[]', b'"redacted":[1]'),
        (b'"prev":"01', b'"prev":"0g'),
        (b'"row":""', b'"row":"sha256:zz"'),
        (b'"schema":"countermand.leaf/1"', b'"schema":"countermand.leaf/2"'),
        (b'"version":1', b'"version":true'),
        (b"{", b"["),
    ],
)
def test_a_malformed_leaf_is_refused(old: bytes, new: bytes) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=r"."):
        read_leaf(GOOD.replace(old, new, 1))


def test_a_leaf_nested_beyond_measure_is_refused() -> None:
    deep = b'{"a":' * 600 + b"1" + b"}" * 600
    with pytest.raises(ValueError, match=r"canonical|nested"):
        read_leaf(GOOD.replace(b'{"agent":"a"}', deep))


def test_a_sample_beyond_what_an_integer_carries_reads_back() -> None:
    assert read_leaf(make(LeafKind.SAMPLE, value=1e20)).body["value"] == 1e20
