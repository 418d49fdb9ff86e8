"""What the log tells of the ledgers: changes applied and taken back, mishaps, drift, used nonces, answered requests.

These rows decide what comes next: rates and cooldowns count what was applied, the breaker counts mishaps, a nonce or a
request_id that was used is not used again.

A log that was begun by a gateway whose leaves did not tell of these goes on: what was proposed before the first start
that tells its deadlines (audittimers) is not compared, and neither are requests that no leaf knows.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.core.auditfold import ActionFold, Violation
from gateway.core.canonical import Json, digest
from gateway.core.events import Leaf
from gateway.core.kinds import LeafKind as K

Key = TypeVar("Key", bound=Hashable)
Applied = tuple[str, int, int]
"""(agent, when it was applied last, when it was taken back or 0)."""
_LOOKS = frozenset({"observe", "probe", "sample"})
"""Purposes that only read; their attempts write no leaf."""


@dataclass(frozen=True, slots=True)
class StoredLedgers:
    """The ledgers of a database; digests are taken over rows as the writers of the leaves took them."""

    applied: Mapping[str, Applied] = field(default_factory=dict)
    """Action → what is counted of it."""
    applied_targets: frozenset[tuple[str, str]] = frozenset()
    """(target, action)."""
    mishaps: Mapping[tuple[str, ...], tuple[str, int]] = field(default_factory=dict)
    """(action, environment, operation) → (agent, when)."""
    drift: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """(action, entry) → digest."""
    nonces: frozenset[tuple[str, str, str, int]] = frozenset()
    """(action, purpose, nonce, fence)."""
    requests: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """(caller, request_id) → digest."""
    letters: frozenset[tuple[str, int]] = frozenset()
    """(sink, index of the leaf) of what could not be delivered."""
    cursors: Mapping[str, int] = field(default_factory=dict)
    """Sink → index of the next leaf that it gets."""


@dataclass(slots=True)
class LedgerFold:
    """The ledgers as the log tells them, grown leaf by leaf."""

    applied: dict[str, Applied] = field(default_factory=dict)
    targets: dict[str, Sequence[str]] = field(default_factory=dict)
    """Action → all targets that it was proposed for."""
    agents: dict[str, str] = field(default_factory=dict)
    mishaps: dict[tuple[str, ...], tuple[str, int]] = field(default_factory=dict)
    drift: dict[tuple[str, ...], str] = field(default_factory=dict)
    granted: dict[str, str] = field(default_factory=dict)
    """Action → the nonce of its grant to act."""
    nonces: set[tuple[str, str, str, int]] = field(default_factory=set)
    requests: dict[tuple[str, ...], str] = field(default_factory=dict)
    letters: set[tuple[str, int]] = field(default_factory=set)
    leaves: int = 0
    complete: bool = False
    """A start has said that from it on all of this is told."""
    older: set[str] = field(default_factory=set)
    """Actions that were proposed before."""

    def take(self, leaf: Leaf) -> None:
        """Take one leaf, in order."""
        self.leaves += 1
        self.complete = self.complete or (leaf.kind is K.RESTART and "timing" in leaf.body)
        if leaf.action and not self.complete:
            self.older.add(leaf.action)
        self._told(leaf)

    def _told(self, leaf: Leaf) -> None:
        body, action = leaf.body, leaf.action
        match leaf.kind:
            case K.PROPOSAL:
                self._proposed(leaf)
            case K.OUTCOME | K.UNDO_OUTCOME if body.get("counted") is True:
                self._counted(leaf)
            case K.MISHAP:
                for place in _pairs(body.get("places")):
                    self.mishaps.setdefault((action, *place), (self.agents.get(action, ""), leaf.at_ms))
            case K.DRIFT:
                self.drift[action, _text(body, "entry")] = _text(body, "row")
            case K.GRANT if "nonce" in body:
                self.granted[action] = _text(body, "nonce")
            case K.ATTEMPT if "instance" in body:
                self._begun(action, body)
            case K.REQUEST_ANSWERED:
                self.requests[_text(body, "caller"), _text(body, "request_id")] = _text(body, "row")
            case K.DEAD_LETTER:
                self.letters.add((_text(body, "sink"), _whole(body, "index")))

    def _proposed(self, leaf: Leaf) -> None:
        body, targets = leaf.body, leaf.body.get("targets")
        self.agents[leaf.action] = _text(body, "agent")
        self.targets[leaf.action] = [str(t) for t in targets] if isinstance(targets, Sequence) else ()
        if "request_id" in body:
            row = {
                "caller": body.get("agent"), "request_id": body["request_id"], "digest": body.get("digest"),
                "answer": leaf.action, "at_ms": body.get("created_ms"),
            }  # fmt: skip
            self.requests[_text(body, "agent"), _text(body, "request_id")] = digest(row)

    def _counted(self, leaf: Leaf) -> None:
        agent, at_ms, undone_ms = self.applied.get(leaf.action, (self.agents.get(leaf.action, ""), 0, 0))
        if leaf.kind is K.OUTCOME:
            self.applied[leaf.action] = (agent, max(at_ms, leaf.at_ms), undone_ms)
        elif leaf.action in self.applied:  # what could not be told was never counted, also once it is taken back
            self.applied[leaf.action] = (agent, at_ms, leaf.at_ms)

    def _begun(self, action: str, body: Mapping[str, Json]) -> None:
        purpose = _text(body, "purpose")
        nonce = self.granted.get(action, "") if purpose == "apply" else _text(body, "nonce")
        self.nonces.add((action, purpose, nonce, _whole(body, "fence")))


def compare_ledgers(told: LedgerFold, actions: Mapping[str, ActionFold], stored: StoredLedgers) -> Iterator[Violation]:
    """Yield every row that is not what the log tells, and every one that is missing."""
    for violation in _of_actions(told, actions, stored):
        if violation.action not in told.older:
            yield violation
    for request, code in compared(told.requests, stored.requests, "REQUEST"):
        if code != "REQUEST_UNKNOWN" or not told.older:
            yield Violation(-1, "", code, f"request {request[1]} of {request[0]} was not answered so")
    letters = compared(dict.fromkeys(told.letters, ""), dict.fromkeys(stored.letters, ""), "DEAD_LETTER")
    for letter, code in letters:
        yield Violation(letter[1], "", code, f"what {letter[0]} would not take is not what was recorded")
    for sink, index in sorted(stored.cursors.items()):
        if not 0 <= index <= told.leaves:
            yield Violation(-1, "", "CURSOR_AHEAD", f"{sink} is to get leaf {index} next, there are {told.leaves}")


def _of_actions(told: LedgerFold, actions: Mapping[str, ActionFold], stored: StoredLedgers) -> Iterator[Violation]:
    """Yield the rows about actions that differ."""
    for name, code in compared(told.applied, stored.applied, "APPLIED"):
        yield Violation(-1, name, code, "what counts as applied and taken back is not what was recorded")
    targets = {(target, name): "" for name in told.applied for target in told.targets.get(name, ())}
    for key, code in compared(targets, dict.fromkeys(stored.applied_targets, ""), "APPLIED"):
        yield Violation(-1, key[1], code, f"what counts as applied to {key[0]} is not what was recorded")
    for place, code in compared(told.mishaps, stored.mishaps, "MISHAP"):
        yield Violation(-1, place[0], code, f"what the breaker counts of {place[2]} in {place[1]} was not recorded so")
    for entry, code in compared(told.drift, stored.drift, "DRIFT"):
        yield Violation(-1, entry[0], code, f"entry {entry[1]} of the drift ledger is not as it was recorded")
    yield from _nonces(told, actions, stored.nonces)


def compared(told: Mapping[Key, object], stored: Mapping[Key, object], table: str) -> Iterator[tuple[Key, str]]:
    """Yield (key, code) of what differs between a table as it is told and as it is stored."""
    for key in sorted({*told, *stored}, key=str):
        if key not in stored:
            yield key, f"{table}_MISSING"
        elif key not in told:
            yield key, f"{table}_UNKNOWN"
        elif told[key] != stored[key]:
            yield key, f"{table}_DIFFERS"


def _nonces(
    told: LedgerFold, actions: Mapping[str, ActionFold], stored: frozenset[tuple[str, str, str, int]]
) -> Iterator[Violation]:
    """Yield nonces of attempts that never began, and attempts whose nonce could be used again.

    Looking writes no leaf: of its nonces only the action is known.
    """
    for name, purpose, nonce, fence in sorted(stored - told.nonces):
        if purpose not in _LOOKS or name not in actions:
            detail = f"the log knows no attempt to {purpose} under fence {fence} with the nonce {nonce}"
            yield Violation(-1, name, "NONCE_UNKNOWN", detail)
    for name, purpose, _, fence in sorted(told.nonces - stored):
        detail = f"the nonce of its attempt to {purpose} under fence {fence} counts as never used"
        yield Violation(-1, name, "NONCE_MISSING", detail)


def _pairs(value: Json) -> Iterator[tuple[str, str]]:
    """Yield (environment, operation)."""
    for pair in value if isinstance(value, Sequence) and not isinstance(value, str) else ():
        if isinstance(pair, Sequence) and len(pair) == 2:  # a pair
            yield str(pair[0]), str(pair[1])


def _text(body: Mapping[str, Json], name: str) -> str:
    return str(body.get(name, ""))


def _whole(body: Mapping[str, Json], name: str) -> int:
    value = body.get(name)
    return value if isinstance(value, int) else -1
