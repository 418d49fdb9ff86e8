"""The algebra of the fold, and the strict reading of findings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.finding import NOTHING_PERMITTED, Cap, Finding, Folded, Verdict, fold, parse_findings

STEPS = 3
CODES = st.sampled_from(["RULE_A", "RULE_B", "RULE_C"])
permits = st.builds(
    Finding,
    code=CODES,
    step=st.integers(0, STEPS - 1),
    permit=st.sampled_from([Verdict.SHADOW, Verdict.APPROVE, Verdict.ALLOW]),
)
limits = st.builds(
    Finding,
    code=CODES,
    step=st.integers(0, STEPS - 1),
    limit=st.sampled_from([Verdict.DENY, Verdict.SHADOW, Verdict.APPROVE]),
)
caps = st.builds(
    Cap,
    code=CODES,
    limit=st.sampled_from(Verdict),
    step=st.none() | st.integers(0, STEPS - 1),
)
many = st.lists(permits | limits, max_size=12)


def permit(step: int, verdict: Verdict, code: str = "RULE_A") -> Finding:
    return Finding(code, step, permit=verdict)


def limit(step: int, verdict: Verdict, code: str = "RULE_B") -> Finding:
    return Finding(code, step, limit=verdict)


@given(many, limits)
def test_one_more_limit_never_loosens(findings: list[Finding], extra: Finding) -> None:
    before, after = fold(STEPS, findings), fold(STEPS, [*findings, extra])
    assert after.verdict <= before.verdict
    assert all(a <= b for a, b in zip(after.per_step, before.per_step, strict=True))


@given(many, caps)
def test_one_more_cap_never_loosens(findings: list[Finding], extra: Cap) -> None:
    assert fold(STEPS, findings, [extra]).verdict <= fold(STEPS, findings).verdict


@given(many, permits)
def test_one_more_permit_never_tightens(findings: list[Finding], extra: Finding) -> None:
    assert fold(STEPS, [*findings, extra]).verdict >= fold(STEPS, findings).verdict


@given(many, st.lists(caps, max_size=4), st.randoms(use_true_random=False))
def test_order_does_not_matter(findings: list[Finding], some: list[Cap], random: object) -> None:
    shuffled = list(findings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' Random
    assert fold(STEPS, shuffled, reversed(some)) == fold(STEPS, findings, some)


@given(many, st.lists(caps, max_size=4))
def test_repetition_does_not_matter(findings: list[Finding], some: list[Cap]) -> None:
    assert fold(STEPS, findings * 2, some * 2) == fold(STEPS, findings, some)


@given(st.lists(limits, max_size=8), st.lists(caps, max_size=4))
def test_without_a_permit_everything_is_denied(findings: list[Finding], some: list[Cap]) -> None:
    folded = fold(STEPS, findings, some)
    assert folded.verdict is Verdict.DENY
    assert NOTHING_PERMITTED in folded.because


@given(many, st.lists(caps, max_size=4))
def test_the_action_is_as_strict_as_its_strictest_step(findings: list[Finding], some: list[Cap]) -> None:
    folded = fold(STEPS, findings, some)
    assert folded.verdict == min(folded.per_step)


@given(many, st.lists(caps, max_size=4))
def test_no_limit_is_exceeded(findings: list[Finding], some: list[Cap]) -> None:
    folded = fold(STEPS, findings, some)
    assert all(folded.per_step[f.step] <= f.limit for f in findings if f.limit is not None)
    assert all(folded.per_step[i] <= c.limit for c in some for i in range(STEPS) if c.covers(i))


@given(many, st.lists(caps, max_size=4))
def test_every_verdict_says_why(findings: list[Finding], some: list[Cap]) -> None:
    folded = fold(STEPS, findings, some)
    known = {f.code for f in findings} | {c.code for c in some} | {NOTHING_PERMITTED}
    assert folded.because
    assert set(folded.because) <= known


@given(many)
def test_a_finding_about_one_step_leaves_the_others_alone(findings: list[Finding]) -> None:
    about_one = [f for f in findings if f.step == 1]
    assert fold(STEPS, findings).per_step[1] == fold(STEPS, about_one).per_step[1]


def test_a_limit_wins_over_any_permit() -> None:
    folded = fold(1, [permit(0, Verdict.ALLOW), limit(0, Verdict.SHADOW)])
    assert folded == Folded(Verdict.SHADOW, (Verdict.SHADOW,), ("RULE_B",))


def test_the_permit_that_decides_is_named() -> None:
    folded = fold(1, [permit(0, Verdict.APPROVE, "LOW"), permit(0, Verdict.ALLOW, "HIGH")])
    assert folded == Folded(Verdict.ALLOW, (Verdict.ALLOW,), ("HIGH",))


def test_a_permit_is_no_reason_where_a_limit_holds() -> None:
    findings = [permit(0, Verdict.APPROVE, "LOW"), permit(0, Verdict.ALLOW, "HIGH"), limit(0, Verdict.APPROVE, "CAP")]
    assert fold(1, findings).because == ("CAP",)


def test_one_step_without_a_permit_denies_the_plan() -> None:
    folded = fold(2, [permit(0, Verdict.ALLOW)])
    assert folded == Folded(Verdict.DENY, (Verdict.ALLOW, Verdict.DENY), (NOTHING_PERMITTED,))


def test_a_cap_on_all_steps_holds_for_each() -> None:
    both = [permit(0, Verdict.ALLOW), permit(1, Verdict.ALLOW)]
    folded = fold(2, both, [Cap("STOPPED", Verdict.DENY), Cap("LATER", Verdict.APPROVE, step=1)])
    assert folded == Folded(Verdict.DENY, (Verdict.DENY, Verdict.DENY), ("STOPPED",))


def test_no_steps_are_denied() -> None:
    assert fold(0, []) == Folded(Verdict.DENY, (), (NOTHING_PERMITTED,))


@pytest.mark.parametrize("about", [Finding("RULE_A", 2, permit=Verdict.ALLOW), Cap("CAP_A", Verdict.DENY, step=2)])
def test_a_statement_about_a_step_that_does_not_exist_is_a_fault(about: Finding | Cap) -> None:
    findings, some = ([about], []) if isinstance(about, Finding) else ([], [about])
    with pytest.raises(ValueError, match="no step 2"):
        fold(2, findings, some)


def test_findings_are_read_as_the_contract_shows_them() -> None:
    raw = [
        {"code": "K8S_SCALE", "permit": "approve", "step": 0, "args": {}},
        {"code": "K8S_SCALE_IN_ENVELOPE", "permit": "allow", "step": 0, "args": {"from": 2, "to": 3, "max": 10}},
        {"code": "NOT_THE_CULPRIT", "limit": "deny", "step": 1},
    ]
    found = parse_findings(raw, 2)
    assert [f.to_json() for f in found] == [raw[0], raw[1], {**raw[2], "args": {}}]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (None, "findings is not an array"),
        ({}, "findings is not an array"),
        ([7], "a finding is not an object"),
        ([{"step": 0, "permit": "allow"}], "lacks 'code'"),
        ([{"code": "RULE_A", "permit": "allow"}], "lacks 'step'"),
        ([{"code": "rule_a", "step": 0, "permit": "allow"}], "not a reason code"),
        ([{"code": 5, "step": 0, "permit": "allow"}], "not a reason code"),
        ([{"code": "RULE_A", "step": 0}], "either permit or limit"),
        ([{"code": "RULE_A", "step": 0, "permit": "allow", "limit": "deny"}], "either permit or limit"),
        ([{"code": "RULE_A", "step": 0, "permit": "maybe"}], "'maybe' is not a verdict"),
        ([{"code": "RULE_A", "step": 0, "permit": "ALLOW"}], "'ALLOW' is not a verdict"),
        ([{"code": "RULE_A", "step": 0, "permit": None}], "permit of RULE_A is not a string"),
        ([{"code": "RULE_A", "step": 0, "permit": "deny"}], "RULE_A permits deny"),
        ([{"code": "RULE_A", "step": 0, "limit": "allow"}], "RULE_A limits to allow"),
        ([{"code": "RULE_A", "step": 2, "permit": "allow"}], "step of RULE_A is not an integer from 0 to 1"),
        ([{"code": "RULE_A", "step": -1, "permit": "allow"}], "step of RULE_A"),
        ([{"code": "RULE_A", "step": True, "permit": "allow"}], "step of RULE_A"),
        ([{"code": "RULE_A", "step": 0.0, "permit": "allow"}], "step of RULE_A"),
        ([{"code": "RULE_A", "step": 0, "permit": "allow", "args": []}], "args of RULE_A is not an object"),
        ([{"code": "RULE_A", "step": 0, "permit": "allow", "msg": "x"}], "unknown member 'msg'"),
        ([{"code": "RULE_A", "step": 0, "permit": "allow"}] * 4097, "more than 4096"),
    ],
)
def test_a_malformed_finding_spoils_all(raw: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_findings(raw, 2)


def test_verdicts_are_ordered_and_read_back() -> None:
    assert sorted(Verdict) == [Verdict.DENY, Verdict.SHADOW, Verdict.APPROVE, Verdict.ALLOW]
    assert [Verdict.of(v.word) for v in Verdict] == list(Verdict)


def test_a_cap_says_where_it_holds() -> None:
    assert Cap("CAP_A", Verdict.DENY).to_json() == {"code": "CAP_A", "limit": "deny", "args": {}}
    assert Cap("CAP_A", Verdict.DENY, 1, {"by": "stop"}).to_json() == {
        "code": "CAP_A", "limit": "deny", "step": 1, "args": {"by": "stop"},
    }  # fmt: skip
