"""Votes: bound, eligible, distinct; and the quorum they make."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.approval import Binding, Request, Tally, Void, Vote, tally
from gateway.core.assurance import Assurance
from gateway.core.obligation import Approval

BINDING = Binding("sha256:plan", "sha256:decision", "sha256:state", "nonce")
REQUEST = Request(BINDING, frozenset({"agent-1", "alice"}), expires_ms=100)
SRE = Approval("sre", 1)


def vote(subject: str = "bob", *groups: str, approve: bool = True, **more: object) -> Vote:
    plain = Vote(subject, frozenset(groups or {"sre"}), Assurance.OIDC, approve, 50, BINDING)
    return replace(plain, **more)  # type: ignore[arg-type]  # the caller names fields of Vote


votes = st.lists(
    st.builds(
        Vote,
        subject=st.sampled_from(["bob", "carol", "dan", "erin", "alice"]),
        groups=st.frozensets(st.sampled_from(["sre", "dba", "security"]), max_size=3),
        assurance=st.sampled_from([Assurance.TOKEN, Assurance.PASSKEY]),
        approve=st.sampled_from([True, True, True, False]),
        at_ms=st.sampled_from([50, 100]),
        binding=st.sampled_from([BINDING, BINDING, replace(BINDING, nonce="other")]),
    ),
    max_size=7,
)
required = st.lists(
    st.builds(
        Approval, st.sampled_from(["sre", "dba"]), st.integers(1, 2),
        st.sampled_from([Assurance.TOKEN, Assurance.PASSKEY]),
    ),
    min_size=1, max_size=2, unique_by=lambda a: a.group,
)  # fmt: skip


def test_one_eligible_vote_makes_a_quorum_of_one() -> None:
    result = tally([SRE], [vote()], REQUEST)
    assert (result.tally, result.counted, result.void, result.missing) == (Tally.QUORUM, (vote(),), (), {})


def test_without_votes_every_place_is_missing() -> None:
    assert tally([Approval("sre", 2), Approval("dba", 1)], [], REQUEST).missing == {"sre": 2, "dba": 1}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (vote("agent-1"), Void.BARRED),
        (vote("alice"), Void.BARRED),
        (vote(binding=replace(BINDING, plan_digest="x")), Void.BOUND_ELSEWHERE),
        (vote(binding=replace(BINDING, decision_digest="x")), Void.BOUND_ELSEWHERE),
        (vote(binding=replace(BINDING, state_digest="x")), Void.BOUND_ELSEWHERE),
        (vote(binding=replace(BINDING, nonce="x")), Void.BOUND_ELSEWHERE),
        (vote(at_ms=100), Void.LATE),
        (vote("bob", "dba"), Void.NO_GROUP),
        (vote("bob", "dba", approve=False), Void.NO_GROUP),
    ],
)
def test_a_vote_that_cannot_count_says_why(bad: Vote, why: Void) -> None:
    result = tally([SRE], [bad], REQUEST)
    assert (result.tally, result.void) == (Tally.MISSING, ((bad, why),))


def test_a_weaker_assurance_than_required_does_not_count() -> None:
    strong = Approval("sre", 1, Assurance.PASSKEY)
    assert tally([strong], [vote()], REQUEST).void == ((vote(), Void.ASSURANCE),)
    assert tally([strong], [vote(assurance=Assurance.PASSKEY)], REQUEST).tally is Tally.QUORUM


def test_the_same_person_counts_once() -> None:
    result = tally([Approval("sre", 2)], [vote(), vote(at_ms=51)], REQUEST)
    assert result.missing == {"sre": 1}
    assert result.void == ((vote(at_ms=51), Void.TWICE),)


def test_one_person_in_two_groups_fills_one_place() -> None:
    both = [SRE, Approval("security", 1)]
    assert tally(both, [vote("bob", "sre", "security")], REQUEST).tally is Tally.MISSING


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_people_are_seated_so_that_the_quorum_is_found_in_any_order(order: tuple[int, ...]) -> None:
    some = [vote("bob", "sre", "security"), vote("carol", "sre", "dba"), vote("dan", "sre")]
    needed = [SRE, Approval("security", 1), Approval("dba", 1)]
    assert tally(needed, [some[i] for i in order], REQUEST).tally is Tally.QUORUM


def test_a_strong_place_is_kept_for_who_can_fill_it() -> None:
    strong, weak = Approval("dba", 1, Assurance.PASSKEY), Approval("sre", 1)
    some = [vote("bob", "sre", "dba", assurance=Assurance.PASSKEY), vote("carol", "sre")]
    assert tally([weak, strong], some, REQUEST).tally is Tally.QUORUM


def test_only_those_who_fill_a_place_are_counted_in_a_quorum() -> None:
    result = tally([SRE], [vote("bob"), vote("carol")], REQUEST)
    assert (result.tally, len(result.counted)) == (Tally.QUORUM, 1)


@pytest.mark.parametrize("subject", ["bob", "alice"])
def test_one_rejection_rejects_even_by_the_owner(subject: str) -> None:
    result = tally([SRE], [vote("carol"), vote(subject, approve=False)], REQUEST)
    assert (result.tally, result.missing) == (Tally.REJECTED, {})


def test_who_has_approved_may_still_reject() -> None:
    assert tally([Approval("sre", 2)], [vote(), vote(approve=False)], REQUEST).tally is Tally.REJECTED


def test_a_rejection_bound_to_something_else_rejects_nothing() -> None:
    stale = vote(approve=False, binding=replace(BINDING, nonce="old"))
    assert tally([SRE], [stale, vote("carol")], REQUEST).tally is Tally.QUORUM


def test_a_rejection_needs_no_strong_assurance() -> None:
    weak = vote(approve=False, assurance=Assurance.TOKEN)
    assert tally([Approval("sre", 1, Assurance.PASSKEY)], [weak], REQUEST).tally is Tally.REJECTED


def test_requiring_nobody_is_a_fault() -> None:
    with pytest.raises(ValueError, match="somebody"):
        tally([], [vote()], REQUEST)


@given(required, votes)
def test_a_quorum_is_distinct_eligible_people_one_for_each_place(needed: list[Approval], some: list[Vote]) -> None:
    result = tally(needed, some, REQUEST)
    if result.tally is not Tally.QUORUM:
        return
    subjects = [v.subject for v in result.counted]
    assert len(set(subjects)) == len(subjects) == sum(need.n for need in needed)
    assert not set(subjects) & REQUEST.barred
    assert all(v.approve and v.binding == BINDING and v.at_ms < REQUEST.expires_ms for v in result.counted)


@given(required, votes)
def test_every_vote_counts_or_says_why_not(needed: list[Approval], some: list[Vote]) -> None:
    result = tally(needed, some, REQUEST)
    known = [v for v, _ in result.void] + list(result.counted)
    assert all(v in some for v in known)
    if result.tally is not Tally.QUORUM:
        assert len(known) == len(some)


@given(required, votes)
def test_without_a_quorum_no_choice_of_people_would_make_one(needed: list[Approval], some: list[Vote]) -> None:
    result = tally(needed, some, REQUEST)
    places = [need for need in needed for _ in range(need.n)]
    possible = any(
        all(place.group in v.groups and (place.assurance is Assurance.TOKEN or v.assurance is Assurance.PASSKEY)
            for place, v in zip(places, chosen, strict=True))
        for chosen in permutations(result.counted, len(places))
    )  # fmt: skip
    if result.tally is Tally.MISSING:
        assert not possible
    if result.tally is Tally.QUORUM:
        assert possible


@given(required, votes, votes)
def test_more_votes_never_undo_a_rejection(needed: list[Approval], some: list[Vote], more: list[Vote]) -> None:
    if tally(needed, some, REQUEST).tally is Tally.REJECTED:
        assert tally(needed, some + more, REQUEST).tally is Tally.REJECTED
