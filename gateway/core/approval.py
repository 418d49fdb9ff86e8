"""Approvals: which votes count, and whether they meet what the decision requires.

A vote is bound to what was shown: plan, decision, state digest and the request's nonce. A vote that is bound to
anything else, that came late, or that comes from somebody who may not vote is void and says why. Nobody fills two
places: a quorum is a set of distinct people that covers every place of every group. One countable rejection rejects.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.assurance import Assurance, at_least
from gateway.core.obligation import Approval


@dataclass(frozen=True, slots=True)
class Binding:
    """What a vote is about."""

    plan_digest: str
    decision_digest: str
    state_digest: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request for approval; `barred` may not approve: the agent, its owner (a person or a team), whom it acts for."""

    binding: Binding
    barred: frozenset[str]
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person answered; `groups` and `assurance` are those that the gateway established."""

    subject: str
    groups: frozenset[str]
    assurance: Assurance
    approve: bool
    at_ms: int
    binding: Binding


class Void(StrEnum):
    """Why a vote does not count."""

    BARRED = "VOTE_BARRED"
    BOUND_ELSEWHERE = "VOTE_BOUND_ELSEWHERE"
    LATE = "VOTE_LATE"
    NO_GROUP = "VOTE_NO_GROUP"
    ASSURANCE = "VOTE_ASSURANCE"
    TWICE = "VOTE_TWICE"


class Tally(StrEnum):
    """Where a request stands."""

    MISSING = "missing"
    QUORUM = "quorum"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Tallied:
    """The result of a count."""

    tally: Tally
    counted: tuple[Vote, ...]
    """The votes that count, in the order given; after a quorum, exactly those that fill a place."""
    void: tuple[tuple[Vote, Void], ...]
    missing: Mapping[str, int]
    """Places still open by group; empty after a quorum."""


def refusal(vote: Vote, request: Request, required: tuple[Approval, ...]) -> Void | None:
    """Return why one vote cannot count, or None when it can."""
    if vote.binding != request.binding:
        return Void.BOUND_ELSEWHERE
    if vote.at_ms >= request.expires_ms:
        return Void.LATE
    asked = tuple(need for need in required if need.group in vote.groups)
    if not asked:
        return Void.NO_GROUP
    if not vote.approve:
        return None  # whoever could be asked may reject, however they signed in
    if not request.barred.isdisjoint({vote.subject, *vote.groups}):
        return Void.BARRED
    return None if any(at_least(vote.assurance, need.assurance) for need in asked) else Void.ASSURANCE


def tally(required: Iterable[Approval], votes: Iterable[Vote], request: Request) -> Tallied:
    """Count votes, the first approval of each person.

    Raises ValueError when nothing is required: that would approve itself.
    """
    needed = tuple(required)
    if not needed:
        raise ValueError("an approval must be required of somebody")
    counted, void = _sift(needed, votes, request)
    if any(not vote.approve for vote in counted):
        return Tallied(Tally.REJECTED, tuple(counted), tuple(void), {})
    places = [need for need in needed for _ in range(need.n)]
    filled = _fill(places, counted)
    missing: dict[str, int] = {}
    for i, place in enumerate(places):
        if i not in filled:
            missing[place.group] = missing.get(place.group, 0) + 1
    if missing:
        return Tallied(Tally.MISSING, tuple(counted), tuple(void), missing)
    chosen = frozenset(filled.values())
    return Tallied(Tally.QUORUM, tuple(v for i, v in enumerate(counted) if i in chosen), tuple(void), {})


def _sift(
    needed: tuple[Approval, ...], votes: Iterable[Vote], request: Request
) -> tuple[list[Vote], list[tuple[Vote, Void]]]:
    counted: list[Vote] = []
    void: list[tuple[Vote, Void]] = []
    seen: set[str] = set()
    for vote in votes:
        why = refusal(vote, request, needed)
        if why is None and vote.approve and vote.subject in seen:
            why = Void.TWICE
        if why is None:
            seen.add(vote.subject)
            counted.append(vote)
        else:
            void.append((vote, why))
    return counted, void


def _fill(places: list[Approval], votes: list[Vote]) -> dict[int, int]:
    """Return place → vote for as many places as can be filled by distinct people (augmenting paths)."""
    filled: dict[int, int] = {}
    for vote in range(len(votes)):
        _seat(vote, places, votes, filled, set())
    return filled


def _seat(vote: int, places: list[Approval], votes: list[Vote], filled: dict[int, int], tried: set[int]) -> bool:
    for i, place in enumerate(places):
        if i in tried or not _fits(votes[vote], place):
            continue
        tried.add(i)
        if i not in filled or _seat(filled[i], places, votes, filled, tried):
            filled[i] = vote
            return True
    return False


def _fits(vote: Vote, place: Approval) -> bool:
    return place.group in vote.groups and at_least(vote.assurance, place.assurance)
