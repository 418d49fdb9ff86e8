"""What the log tells of the other tables: journals, votes, switches, incidents, reads, revisions and locks.

Leaves carry the digest of a row where they do not hold all of it. Locks follow from states: a change holds its targets
from the beginning of its attempt until it is settled. The ledgers are `auditledger`'s, the timers `audittimers`'.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.auditfold import ActionFold, StoredRow, Violation
from gateway.core.auditledger import LedgerFold, StoredLedgers, compare_ledgers, compared
from gateway.core.audittimers import StoredTimer, TimerFold, compare_timers
from gateway.core.canonical import Json
from gateway.core.effect import Effect, only_reads
from gateway.core.events import Leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.states import State

_HOLDS = frozenset({State.EXECUTING, State.VERIFYING, State.UNDOING, State.NEEDS_HUMAN})
_INCIDENT = frozenset({K.INCIDENT_OPENED, K.HYPOTHESIS, K.CAUSE, K.INCIDENT_CLOSED})
_READ = {State.SUCCEEDED: "succeeded", State.FAILED: "failed"}
_EFFECTS = frozenset(Effect)
_SWITCH_KEY = ("kind", "agent", "environment")


@dataclass(frozen=True, slots=True)
class StoredTables:
    """The tables of a database; digests are taken over rows as the writers of the leaves took them."""

    journals: Mapping[str, str]
    """Action → digest of its steps, of those that have any."""
    votes: Mapping[tuple[str, ...], str]
    """(action, nonce, subject) → digest."""
    switches: Mapping[tuple[str, ...], str]
    """(kind, agent, environment) → digest."""
    incidents: Mapping[str, str]
    """Incident → digest."""
    revisions: Mapping[str, str]
    """Revision → status."""
    locks: Mapping[str, str]
    """Target → action."""
    timers: Sequence[StoredTimer]
    reads: Sequence[tuple[str, str, str, frozenset[str]]] = ()
    """(incident, action, outcome, targets): what counts as evidence."""
    ledgers: StoredLedgers = field(default_factory=StoredLedgers)


@dataclass(slots=True)
class TableFold:
    """The tables as the log tells them, grown leaf by leaf."""

    votes: dict[tuple[str, ...], str] = field(default_factory=dict)
    switches: dict[tuple[str, ...], str] = field(default_factory=dict)
    incidents: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    targets: dict[str, frozenset[str]] = field(default_factory=dict)
    """Action → the targets that it changes."""
    proposed: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    """Action → the incident that it was proposed for, and all its targets."""
    timers: TimerFold = field(default_factory=TimerFold)
    ledgers: LedgerFold = field(default_factory=LedgerFold)

    def take(self, leaf: Leaf) -> None:
        """Take one leaf, in order."""
        self.timers.take(leaf)
        self.ledgers.take(leaf)
        if leaf.action:
            self._about_action(leaf)
        elif leaf.kind in _INCIDENT:
            self.incidents[_text(leaf.body, "incident")] = _text(leaf.body, "row")
        elif leaf.kind is K.SWITCH:
            self._switch(leaf.body)
        elif leaf.kind is K.BUNDLE:
            self._revision(leaf.body)

    def _about_action(self, leaf: Leaf) -> None:
        body = leaf.body
        match leaf.kind:
            case K.PROPOSAL:
                self.targets[leaf.action] = _changed(body)
                self.proposed[leaf.action] = _text(body, "incident"), frozenset(_words(body, "targets"))
            case K.VOTE if "row" in body:
                self.votes[leaf.action, _text(body, "nonce"), _text(body, "subject")] = _text(body, "row")
            case K.ATTEMPT if "incident" in body:
                self.incidents[_text(body, "incident")] = _text(body, "row")

    def _switch(self, body: Mapping[str, Json]) -> None:
        key = tuple(_text(body, name) for name in _SWITCH_KEY)
        if body.get("change") == "on":
            self.switches[key] = _text(body, "row")
        else:
            for kind in key[0].split("+"):
                self.switches.pop((kind, *key[1:]), None)

    def _revision(self, body: Mapping[str, Json]) -> None:
        revision, before = _text(body, "revision"), _text(body, "previous")
        match body.get("change"):
            case "loaded":
                if before and self.revisions.get(before) != "withdrawn":
                    self.revisions[before] = "superseded"
                self.revisions[revision] = "active"
            case "withdrawn":
                self.revisions[revision] = "withdrawn"


def compare_tables(
    told: TableFold, actions: Mapping[str, ActionFold], rows: Mapping[str, StoredRow], stored: StoredTables,
    now_ms: int | None,
) -> Iterator[Violation]:  # fmt: skip
    """Yield every row that is not what the log tells, and every one that is missing."""
    journals = {name: action.journal for name, action in actions.items() if action.journal}
    for name, code in compared(journals, stored.journals, "JOURNAL"):
        yield Violation(-1, name, code, "the steps are not those that its last transition left")
    for key, code in compared(told.votes, stored.votes, "VOTE"):
        yield Violation(-1, key[0], code, f"the vote of {key[2]} is not the one that was recorded")
    for key, code in compared(told.switches, stored.switches, "SWITCH"):
        named = f"{key[0]} agent={key[1] or '*'} environment={key[2] or '*'}"
        yield Violation(-1, "", code, f"the switch {named} is not as it was recorded")
    for name, code in compared(told.incidents, stored.incidents, "INCIDENT"):
        yield Violation(-1, "", code, f"incident {name} is not as it was recorded")
    for name, code in compared(told.revisions, stored.revisions, "REVISION"):
        yield Violation(-1, "", code, f"revision {name} is not in the state that was recorded")
    yield from _reads(told, actions, stored)
    yield from _locks(told, actions, stored.locks)
    yield from compare_timers(told.timers, actions, rows, stored.timers, now_ms)
    yield from compare_ledgers(told.ledgers, actions, stored.ledgers)


def _reads(told: TableFold, actions: Mapping[str, ActionFold], stored: StoredTables) -> Iterator[Violation]:
    """Yield evidence that no action of the log made; a missing one may have come after its incident was closed."""
    for incident, name, outcome, targets in stored.reads:
        action = actions.get(name)
        made = action is not None and _READ.get(action.state) == outcome
        if not made or told.proposed.get(name) != (incident, targets):
            yield Violation(-1, name, "READ_UNKNOWN", f"the log knows no such evidence for incident {incident}")


def _locks(told: TableFold, actions: Mapping[str, ActionFold], stored: Mapping[str, str]) -> Iterator[Violation]:
    for target, name in sorted(stored.items()):
        action = actions.get(name)
        if action is None or action.state not in _HOLDS or target not in told.targets.get(name, ()):
            yield Violation(-1, name, "LOCK_UNKNOWN", f"the log does not say that it holds {target}")
    for name, action in actions.items():
        for target in sorted(told.targets.get(name, ())) if action.state in _HOLDS else ():
            holder = stored.get(target)
            # What people have to look at may be held by another change that came on top.
            if holder is None or (holder != name and action.state is not State.NEEDS_HUMAN):
                yield Violation(-1, name, "LOCK_MISSING", f"it must hold {target}, which {holder or 'nobody'} holds")


def _changed(body: Mapping[str, Json]) -> frozenset[str]:
    """Return the targets that an action changes: a plan that only reads locks nothing."""
    effects = [Effect(word) for word in _words(body, "effects") if word in _EFFECTS]
    return frozenset() if only_reads(effects) else frozenset(_words(body, "targets"))


def _words(body: Mapping[str, Json], name: str) -> list[str]:
    found = body.get(name)
    return [word for word in found if isinstance(word, str)] if isinstance(found, Sequence) else []


def _text(body: Mapping[str, Json], name: str) -> str:
    return str(body.get(name, ""))
