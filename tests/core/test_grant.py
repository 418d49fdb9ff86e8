"""Grants: the numbered checks of DESIGN §5, each with its own reason code."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.assurance import Assurance
from gateway.core.canonical import canonical, digest_bytes
from gateway.core.dsse import Envelope, Signature, pae
from gateway.core.grant import Grant, GrantKind, Opened, Purpose, open_grant, statement
from gateway.core.keys import VerifyKey
from gateway.core.predicate import AgentRef, ApprovalRef, Leave, PolicyRef
from gateway.core.statement import MAX_STATEMENT_BYTES, Refused
from tests.core.signing import GATEWAY, PLAN, STRANGER, public_key, sign

NOW = 1_764_000_000_000
SNAPSHOT = b'{"steps":[null,{"DBInstanceClass":"db.r5.large"}]}'
DIGEST = "sha256:" + "ab" * 32
AUDIENCE = "executor/prod-eu"
KEYS = {public_key(GATEWAY).kid: public_key(GATEWAY)}
GRANT = Grant(
    kind=GrantKind.ACTION,
    action="act_01JD",
    plan_digest=PLAN.digest,
    grant_id="gra_01JD",
    nonce="n" * 22,
    audience=AUDIENCE,
    not_before_ms=NOW,
    expires_ms=NOW + 300_000,
    agent=AgentRef("spiffe://acme.test/agent/sre-1", "team-checkout", "alice@acme.test"),
    tier="approval",
    policy=PolicyRef(DIGEST, "dec_01JD", "sha256:" + "cd" * 32),
    approvals=(ApprovalRef("bob@acme.test", "webauthn", Assurance.PASSKEY, NOW - 5, "sha256:" + "ef" * 32),),
    state_digest="sha256:" + "01" * 32,
    undo_plan_digest=digest_bytes(SNAPSHOT),
)
OBSERVE = replace(GRANT, kind=GrantKind.OBSERVE, tier="autonomous", approvals=(), state_digest=None,
                  undo_plan_digest=None, agent=AgentRef("a", "o"))  # fmt: skip
UNDO = replace(GRANT, kind=GrantKind.UNDO)
AT_ONCE = replace(OBSERVE, kind=GrantKind.ACTION, leave=Leave("8f3a", 1))


def opened(
    envelope: bytes,
    *,
    keys: dict[str, VerifyKey] = KEYS,
    purpose: Purpose = Purpose.APPLY,
    audience: str = AUDIENCE,
    now_ms: int = NOW,
    plan_bytes: bytes = PLAN.to_bytes(),
    fence: int = 2,
    highest_fence: int = 1,
    undo: bytes | None = SNAPSHOT,
) -> Opened | Refused:
    return open_grant(
        envelope, keys=keys, purpose=purpose, audience=audience, now_ms=now_ms, plan_bytes=plan_bytes,
        fence=fence, highest_fence=highest_fence, undo_plan_bytes=undo,
    )  # fmt: skip


def code(result: Opened | Refused) -> str:
    return result.code if isinstance(result, Refused) else "OPENED"


@pytest.mark.parametrize("grant", [GRANT, OBSERVE, UNDO, AT_ONCE])
def test_a_grant_opens_to_what_was_sealed(grant: Grant) -> None:
    purpose = {GrantKind.ACTION: Purpose.APPLY, GrantKind.UNDO: Purpose.UNDO}.get(grant.kind, Purpose.OBSERVE)
    assert opened(sign(statement(grant)), purpose=purpose) == Opened(grant, PLAN, public_key(GATEWAY).kid, 2)


@pytest.mark.parametrize("grant", [GRANT, OBSERVE, UNDO])
def test_only_a_plain_read_is_begun_with_its_decision(grant: Grant) -> None:
    with pytest.raises(ValueError, match="only a plain read"):
        replace(grant, leave=Leave("8f3a", 1))


def test_a_change_that_nobody_approved_is_not_begun_with_its_decision_either() -> None:
    with pytest.raises(ValueError, match="only a plain read"):
        replace(AT_ONCE, state_digest=DIGEST)


@pytest.mark.parametrize("leave", [{}, {"instance": "8f3a"}, {"instance": "8f3a", "fence": 0}, "8f3a", None])
def test_a_leave_that_is_malformed_opens_nothing(leave: object) -> None:
    said = json.loads(statement(AT_ONCE))
    said["predicate"]["leave"] = leave
    assert code(opened(sign(canonical(said)))) == "GRANT_PREDICATE"


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("grant", [GRANT, OBSERVE, UNDO])
def test_each_purpose_takes_only_its_own_kind_of_grant(purpose: Purpose, grant: Grant) -> None:
    expected = "OPENED" if purpose.grant is grant.kind else "GRANT_PREDICATE"
    assert code(opened(sign(statement(grant)), purpose=purpose)) == expected


@pytest.mark.parametrize("purpose", [Purpose.OBSERVE, Purpose.PROBE, Purpose.SAMPLE])
def test_reading_needs_an_observe_grant(purpose: Purpose) -> None:
    assert purpose.grant is GrantKind.OBSERVE


GOOD = sign(statement(GRANT))
KID = public_key(GATEWAY).kid


def _keys(**limits: int) -> dict[str, VerifyKey]:
    return {KID: public_key(GATEWAY, **limits)}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (opened(b"{}"), "GRANT_ENVELOPE"),
        (opened(sign(statement(GRANT), payload_type="x").replace(b"vnd.in-toto+json", b"json")), "GRANT_ENVELOPE"),
        (opened(GOOD, keys={}), "GRANT_KEY_UNKNOWN"),
        (opened(GOOD, keys=_keys(not_before_ms=NOW + 1)), "GRANT_KEY_NOT_YET"),
        (opened(GOOD, keys=_keys(not_before_ms=NOW)), "OPENED"),
        (opened(GOOD, keys=_keys(expires_ms=NOW)), "GRANT_KEY_EXPIRED"),
        (opened(GOOD, keys=_keys(expires_ms=NOW + 1)), "OPENED"),
        (opened(GOOD, keys=_keys(revoked_ms=NOW)), "GRANT_KEY_REVOKED"),
        (opened(GOOD, keys=_keys(revoked_ms=NOW + 1)), "OPENED"),
        (opened(sign(statement(GRANT), STRANGER)), "GRANT_KEY_UNKNOWN"),
        (opened(sign(statement(GRANT), payload_type="other")), "GRANT_SIGNATURE"),
        (opened(GOOD, audience="executor/prod-us"), "GRANT_AUDIENCE"),
        (opened(GOOD, now_ms=NOW - 1), "GRANT_NOT_YET"),
        (opened(GOOD, now_ms=NOW + 299_999), "OPENED"),
        (opened(GOOD, now_ms=NOW + 300_000), "GRANT_EXPIRED"),
        (opened(GOOD, plan_bytes=PLAN.to_bytes().replace(b"large", b"xlarg")), "GRANT_SUBJECT"),
        (opened(GOOD, plan_bytes=PLAN.to_bytes() + b" "), "GRANT_SUBJECT"),
        (opened(GOOD, plan_bytes=b""), "GRANT_SUBJECT"),
        (opened(GOOD, plan_bytes=b'{"steps":7,"connectors":[]}'), "GRANT_SUBJECT"),
        (opened(GOOD, plan_bytes=b'{"steps":[7],"connectors":[]}'), "GRANT_SUBJECT"),
        (opened(GOOD, plan_bytes=b'{"a":' * 900 + b"1" + b"}" * 900), "GRANT_SUBJECT"),
        (opened(GOOD, undo=SNAPSHOT + b" "), "GRANT_SUBJECT"),
        (opened(GOOD, undo=None), "OPENED"),
        (opened(sign(statement(UNDO)), purpose=Purpose.UNDO, undo=None), "GRANT_SUBJECT"),
        (opened(GOOD, fence=1), "GRANT_FENCE"),
        (opened(GOOD, fence=0), "GRANT_FENCE"),
    ],
)
def test_each_failed_check_has_its_own_code(result: Opened | Refused, expected: str) -> None:
    assert code(result) == expected


def test_two_signatures_are_not_a_grant() -> None:
    one = Envelope.from_bytes(GOOD)
    two = replace(one, signatures=(*one.signatures, Signature("other", b"x")))
    assert code(opened(two.to_bytes())) == "GRANT_ENVELOPE"


# Everything is wrong, then mended one check at a time: the first failure is the one that is told.
def test_the_checks_run_in_the_order_of_the_design() -> None:
    expired = _keys(expires_ms=1)
    broken = GOOD.replace(b'"sig":"', b'"sig":"AAAA')
    observe = sign(statement(replace(OBSERVE, audience="other")))
    elsewhere = sign(statement(replace(GRANT, audience="other")))
    seen = [
        code(opened(b"", keys={}, now_ms=0, plan_bytes=b"", fence=0)),
        code(opened(broken, keys={}, now_ms=0, plan_bytes=b"", fence=0)),
        code(opened(broken, keys=expired, now_ms=5, plan_bytes=b"", fence=0)),
        code(opened(broken, now_ms=5, plan_bytes=b"", fence=0)),
        code(opened(observe, now_ms=5, plan_bytes=b"", fence=0)),
        code(opened(elsewhere, now_ms=5, plan_bytes=b"", fence=0)),
        code(opened(GOOD, now_ms=5, plan_bytes=b"", fence=0)),
        code(opened(GOOD, plan_bytes=b"", fence=0)),
        code(opened(GOOD, fence=0)),
        code(opened(GOOD)),
    ]
    assert seen == [
        "GRANT_ENVELOPE", "GRANT_KEY_UNKNOWN", "GRANT_KEY_EXPIRED", "GRANT_SIGNATURE", "GRANT_PREDICATE",
        "GRANT_AUDIENCE", "GRANT_NOT_YET", "GRANT_SUBJECT", "GRANT_FENCE", "OPENED",
    ]  # fmt: skip


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_changed_byte_opens(position: int, flip: int) -> None:
    changed = bytearray(GOOD)
    changed[position] ^= flip
    assert isinstance(opened(bytes(changed)), Refused)


@given(st.integers(0, len(PLAN.to_bytes()) - 1), st.integers(1, 255))
def test_no_changed_plan_byte_opens(position: int, flip: int) -> None:
    changed = bytearray(PLAN.to_bytes())
    changed[position] ^= flip
    assert code(opened(GOOD, plan_bytes=bytes(changed))) == "GRANT_SUBJECT"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_not_raised(data: bytes) -> None:
    assert code(opened(data)) == "GRANT_ENVELOPE"


def _forged(**changes: object) -> bytes:
    claim = json.loads(statement(GRANT))
    predicate = claim["predicate"]
    for key, value in changes.items():
        owner = claim if key in claim else predicate
        if value is None:
            owner.pop(key)
        else:
            owner[key] = value
    return sign(canonical(claim))


# Our own key signed these: what an executor would do with a statement that a fault of the gateway made.
@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"subject": []},
        {"subject": [{"name": "action/act_1", "digest": {"sha256": "ab" * 32}}] * 2},
        {"subject": [{"name": "image/act_1", "digest": {"sha256": "ab" * 32}}]},
        {"subject": [{"name": "action/", "digest": {"sha256": "ab" * 32}}]},
        {"subject": [{"name": "action/act_1", "digest": {"sha256": "AB" * 32}}]},
        {"subject": [{"name": "action/act_1", "digest": {"sha512": "ab" * 64}}]},
        {"predicateType": "https://countermand.dev/ActionGrant/v2"},
        {"predicate": []},
        {"nonce": None},
        {"nonce": "short"},
        {"scope": "all"},
        {"tier": "shadow"},
        {"tier": "root"},
        {"approvals": []},
        {"approvals": [{"subject": "bob"}]},
        {"notBefore": NOW + 300_000},
        {"expires": "never"},
        {"expires": True},
        {"agent": {"id": "a"}},
        {"agent": {"id": "", "owner": "o"}},
        {"policy": {"revision": "sha1:ab", "decisionId": "d", "decision": DIGEST}},
        {"stateDigest": "sha256:xyz"},
    ],
)
def test_a_signed_statement_that_is_no_proper_grant_is_refused(changes: dict[str, object]) -> None:
    assert code(opened(_forged(**changes))) == "GRANT_PREDICATE"


def test_a_statement_beyond_what_kms_signs_is_not_made() -> None:
    many = tuple(replace(GRANT.approvals[0], subject="x" * 200) for _ in range(16))
    with pytest.raises(ValueError, match=str(MAX_STATEMENT_BYTES)):
        statement(replace(GRANT, approvals=many))


def test_a_grant_with_ten_approvals_still_fits() -> None:
    assert len(statement(replace(GRANT, approvals=GRANT.approvals * 10))) <= MAX_STATEMENT_BYTES


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nonce": "short"}, "nonce"),
        ({"expires_ms": NOW}, "expires after"),
        ({"not_before_ms": -1}, "expires after"),
        ({"audience": ""}, "names its agent"),
        ({"agent": AgentRef("a", "")}, "names its agent"),
        ({"tier": "root"}, "unknown tier"),
        ({"approvals": GRANT.approvals * 17}, "too many approvals"),
        ({"tier": "shadow"}, "never runs"),
        ({"approvals": ()}, "needs an approval"),
        ({"kind": GrantKind.UNDO, "undo_plan_digest": None}, "undo plan"),
    ],
)
def test_what_no_grant_may_say_cannot_be_built(change: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        replace(GRANT, **change)  # type: ignore[arg-type]  # the table mixes fields


def test_a_plan_digest_that_is_none_is_refused_when_sealing() -> None:
    with pytest.raises(ValueError, match="plan digest"):
        statement(replace(GRANT, plan_digest="nonsense"))


def test_the_statement_reads_as_documented() -> None:
    claim = json.loads(statement(GRANT))
    assert claim["_type"] == "https://in-toto.io/Statement/v1"
    assert claim["subject"] == [{"name": "action/act_01JD", "digest": {"sha256": PLAN.digest[7:]}}]
    assert claim["predicateType"] == "https://countermand.dev/ActionGrant/v1"
    assert claim["predicate"]["approvals"] == [
        {"subject": "bob@acme.test", "method": "webauthn", "assurance": "passkey", "at": NOW - 5,
         "evidence": {"sha256": "ef" * 32}},
    ]  # fmt: skip
    assert pae("t", b"p") == b"DSSEv1 1 t 1 p"
