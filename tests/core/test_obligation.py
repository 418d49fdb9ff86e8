"""Obligations fold to the strictest of each kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.assurance import Assurance, at_least, strongest
from gateway.core.obligation import (
    Approval,
    Consequence,
    Lease,
    Obligation,
    ProfileUse,
    Requirements,
    VerifySpec,
    fold_obligations,
    parse_obligations,
)

seconds = st.integers(1, 3600)
approvals = st.builds(
    Approval, group=st.sampled_from(["sre", "dba"]), n=st.integers(1, 4), assurance=st.sampled_from(Assurance)
)
specs = st.builds(
    VerifySpec,
    profiles=st.tuples(st.builds(ProfileUse, step=st.integers(0, 3), profile=st.sampled_from(["db", "web"]))),
    window_s=seconds,
    interval_s=seconds,
    on_ineffective=st.sampled_from(Consequence),
    on_inconclusive=st.sampled_from([Consequence.UNDO, Consequence.NEEDS_HUMAN]),
)
obligations = st.lists(
    st.builds(
        Obligation,
        code=st.just("RULE_A"),
        step=st.integers(0, 3),
        approvals=st.lists(approvals, max_size=3).map(tuple),
        lease=st.none() | st.builds(Lease, seconds, required=st.booleans()),
        verify=st.none() | specs,
        notify=st.frozensets(st.sampled_from(["oncall", "audit"])),
        grant_ttl_s=st.none() | seconds,
        approval_ttl_s=st.none() | seconds,
        undo_window_s=st.none() | seconds,
    ),
    max_size=6,
)


@given(obligations, st.randoms(use_true_random=False))
def test_order_does_not_matter(found: list[Obligation], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' Random
    assert fold_obligations(shuffled) == fold_obligations(found)


@given(obligations)
def test_repetition_does_not_matter(found: list[Obligation]) -> None:
    assert fold_obligations(found * 2) == fold_obligations(found)


@given(obligations, obligations)
def test_more_obligations_never_demand_less(some: list[Obligation], more: list[Obligation]) -> None:
    before, after = fold_obligations(some), fold_obligations(some + more)
    assert before.notify <= after.notify
    assert after.lease_required or not before.lease_required
    assert all(_covered(approval, after.approvals) for approval in before.approvals)
    assert _no_longer(before.lease_max_ttl_s, after.lease_max_ttl_s)
    assert _no_longer(before.grant_ttl_s, after.grant_ttl_s)
    assert _no_longer(before.approval_ttl_s, after.approval_ttl_s)
    assert (before.undo_window_s or 0) <= (after.undo_window_s or 0)
    if before.verify is not None:
        assert after.verify is not None
        assert set(before.verify.profiles) <= set(after.verify.profiles)
        assert before.verify.window_s <= after.verify.window_s
        assert before.verify.interval_s >= after.verify.interval_s
        assert before.verify.on_inconclusive <= after.verify.on_inconclusive
        assert before.verify.on_ineffective <= after.verify.on_ineffective


def _covered(need: Approval, by: tuple[Approval, ...]) -> bool:
    return any(a.group == need.group and a.n >= need.n and at_least(a.assurance, need.assurance) for a in by)


def _no_longer(before: int | None, after: int | None) -> bool:
    return before is None or (after is not None and after <= before)


def test_nothing_demanded_is_nothing_required() -> None:
    assert fold_obligations([]) == Requirements()
    assert fold_obligations([]).to_json() == {
        "approvals": [], "lease": {"max_ttl_s": None, "required": False}, "verify": None, "notify": [],
        "grant_ttl_s": None, "approval_ttl_s": None, "undo_window_s": None,
    }  # fmt: skip


def test_the_same_group_needs_the_most_people_and_the_strongest_proof() -> None:
    found = parse_obligations(
        [
            {"code": "RULE_A", "step": 0, "approvals": [{"group": "sre", "n": 2}]},
            {"code": "RULE_B", "step": 1, "approvals": [{"group": "sre", "n": 1, "assurance": "passkey"}]},
            {"code": "RULE_C", "step": 1, "approvals": [{"group": "dba", "n": 1, "assurance": "oidc"}]},
        ],
        2,
    )
    required = fold_obligations(found)
    assert required.approvals == (Approval("dba", 1, Assurance.OIDC), Approval("sre", 2, Assurance.PASSKEY))
    assert required.to_json()["approvals"] == [
        {"group": "dba", "n": 1, "assurance": "oidc"},
        {"group": "sre", "n": 2, "assurance": "passkey"},
    ]


def test_verification_is_read_as_policies_write_it() -> None:
    verify = {"profile": "pg_connections", "window_s": 60, "interval_s": 5,
              "on_ineffective": "commit_flagged", "on_inconclusive": "needs_human"}  # fmt: skip
    found = parse_obligations([{"code": "RULE_A", "step": 1, "verify": verify, "notify": ["oncall"]}], 2)
    required = fold_obligations(found)
    assert required.verify == VerifySpec(
        (ProfileUse(1, "pg_connections"),), 60, 5, Consequence.COMMIT_FLAGGED, Consequence.NEEDS_HUMAN
    )
    assert required.notify == {"oncall"}
    assert required.to_json()["verify"] == {
        "profiles": [{"step": 1, "profile": "pg_connections"}], "window_s": 60, "interval_s": 5,
        "on_ineffective": "commit_flagged", "on_inconclusive": "needs_human",
    }  # fmt: skip


def test_the_default_of_a_bad_verification_is_undo() -> None:
    verify = {"profile": "web", "window_s": 10, "interval_s": 10}
    (found,) = parse_obligations([{"code": "RULE_A", "step": 0, "verify": verify}], 1)
    assert found.verify is not None
    assert (found.verify.on_ineffective, found.verify.on_inconclusive) == (Consequence.UNDO, Consequence.UNDO)


def test_the_lease_of_the_contract_example_is_read() -> None:
    raw = [{"code": "K8S_SCALE", "step": 0, "lease": {"max_ttl_s": 3600}, "grant_ttl_s": 60}]
    required = fold_obligations(parse_obligations(raw, 1))
    assert (required.lease_max_ttl_s, required.lease_required, required.grant_ttl_s) == (3600, False, 60)


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ({}, "RULE_A obliges to nothing"),
        ({"lease": {}}, "lacks 'max_ttl_s'"),
        ({"lease": {"max_ttl_s": 0}}, "max_ttl_s of RULE_A"),
        ({"lease": {"max_ttl_s": 60, "required": 1}}, "not true or false"),
        ({"approvals": [{"group": "sre"}]}, "lacks 'n'"),
        ({"approvals": [{"group": "sre", "n": 0}]}, "n of RULE_A"),
        ({"approvals": [{"group": "", "n": 1}]}, "group of RULE_A is not a name"),
        ({"approvals": [{"group": "sre", "n": 1, "assurance": "vibes"}]}, "assurance of RULE_A is unknown"),
        ({"approvals": {"group": "sre", "n": 1}}, "not an array"),
        ({"notify": "oncall"}, "not an array"),
        ({"verify": {"profile": "web", "window_s": 5, "interval_s": 6}}, "less than once"),
        ({"verify": {"profile": "web", "window_s": 5, "interval_s": 1, "on_ineffective": "shrug"}}, "not undo"),
        (
            {"verify": {"profile": "web", "window_s": 5, "interval_s": 1, "on_inconclusive": "commit_flagged"}},
            "without data",
        ),
        ({"verify": {"profile": "web", "window_s": 5, "interval_s": 1, "extra": 1}}, "unknown member"),
        ({"grant_ttl_s": "60"}, "grant_ttl_s of RULE_A"),
        ({"ttl": 60}, "unknown member 'ttl'"),
    ],
)
def test_a_malformed_obligation_is_refused(member: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_obligations([{"code": "RULE_A", "step": 0, **member}], 1)


def test_assurances_are_ordered_from_a_bare_token_to_a_passkey() -> None:
    assert strongest([]) is Assurance.TOKEN
    assert strongest([Assurance.OIDC, Assurance.SOCKET]) is Assurance.OIDC
    assert at_least(Assurance.PASSKEY, Assurance.MTLS)
    assert not at_least(Assurance.SOCKET, Assurance.OIDC)


CHECK = {"name": "ready", "kind": "equals", "limit": 1, "provider": "kubernetes", "query": {"measure": "ready"}}


def _with_checks(checks: object) -> Requirements:
    verify = {"profile": "web", "window_s": 60, "interval_s": 5, "checks": checks}
    return fold_obligations(parse_obligations([{"code": "VERIFY", "step": 0, "verify": verify}]))


def test_the_checks_of_a_profile_stand_in_the_record_as_the_policy_gave_them() -> None:
    compared = CHECK | {"name": "other", "kind": "not_worse", "control": {"measure": "ready"}}
    found = _with_checks([CHECK, compared]).to_json()["verify"]
    assert found["profiles"][0]["checks"] == [CHECK, compared]


@pytest.mark.parametrize(
    "checks",
    [
        [],
        "ready",
        [CHECK, CHECK],
        [CHECK] * 17,
        [{**CHECK, "kind": "better"}],
        [{**CHECK, "limit": "1"}],
        [{**CHECK, "sql": "SELECT 1"}],
        [{name: value for name, value in CHECK.items() if name != "provider"}],
        [{**CHECK, "query": "ready"}],
        [{**CHECK, "control": "ready"}],
        [{**CHECK, "query": {"promql": "x" * 9000}}],
    ],
)
def test_checks_that_could_not_be_asked_are_refused_with_the_whole_decision(checks: object) -> None:
    with pytest.raises(ValueError, match=r"VERIFY|check|control|limit|better"):
        _with_checks(checks)
