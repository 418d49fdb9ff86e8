"""What the gateway and the executor need from outside, as Protocols; adapters implement them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Literal, Protocol, TypeVar

from gateway.core.canonical import Json, digest

T = TypeVar("T")


class Clock(Protocol):
    """Wall time in Unix milliseconds and waiting for it; tests use a virtual one."""

    def now_ms(self) -> int:
        """Return the time now."""
        ...

    async def sleep_until(self, at_ms: int) -> None:
        """Return once `now_ms() >= at_ms`."""
        ...


class Ids(Protocol):
    """Fresh, unguessable identifiers."""

    def new(self, prefix: str) -> str:
        """Return `<prefix>_<26 characters>`, sortable by time."""
        ...

    def nonce(self) -> str:
        """Return 128 random bits, URL-safe text."""
        ...


class Signer(Protocol):
    """One active signing key."""

    @property
    def kid(self) -> str:
        """Return the RFC 7638 thumbprint of the public key."""
        ...

    async def sign(self, data: bytes) -> bytes:
        """Return the raw signature over data; raises SignerFault."""
        ...


# --- store -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ActionRow:
    """The state row of an action; everything in it can be folded again from the log."""

    id: str
    state: str
    version: int
    agent: str
    owner: str
    door: str
    audience: str
    environments: tuple[str, ...]
    incident: str
    plan_digest: str
    doc_digest: str
    """sha256 of the write-once proposal document."""
    created_ms: int
    updated_ms: int
    fence: int = 0
    reason: str = ""
    decision_digest: str = ""
    state_digest: str = ""
    lease_end_ms: int = 0
    undo_until_ms: int = 0
    revision: str = ""
    """Policy revision of the decision in force."""

    @property
    def digest(self) -> str:
        """Return the digest of the whole row, which the leaf of its last transition carries."""
        return digest(_members(self))

    def changed(self, **changes: Json) -> "ActionRow":
        """Return the row with other values; like `dataclasses.replace`, which takes three times as long."""
        return ActionRow(**(_members(self) | changes))


_ACTION_FIELDS = tuple(f.name for f in fields(ActionRow))
_action_values = attrgetter(*_ACTION_FIELDS)


def _members(row: ActionRow) -> dict[str, Json]:
    return dict(zip(_ACTION_FIELDS, _action_values(row), strict=True))


class Recorded:
    """A row whose digest is in the leaf that records it, so that an edited one is found."""

    __slots__ = ()

    @property
    def digest(self) -> str:
        """Return the digest of the whole row."""
        return digest(asdict(self))  # type: ignore[call-overload]  # only dataclasses are recorded


@dataclass(frozen=True, slots=True)
class StepRow:
    """The journal of one step."""

    action: str
    step: int
    status: Literal["pending", "intended", "applied", "not_applied", "partly", "unknown", "undone"]
    fence: int
    code: str = ""


def journal_digest(steps: Iterable[StepRow]) -> str:
    """Return the digest of all steps of an action, in their order."""
    return digest([[s.step, s.status, s.fence, s.code] for s in steps])


@dataclass(frozen=True, slots=True)
class DueRow:
    """A timer: `kind` of `action` is to be done at `at_ms`; a claim hides it until `claimed_until_ms`."""

    action: str
    kind: str
    at_ms: int
    payload: str = ""
    claimed_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class VoteRow(Recorded):
    """One vote, bound to what was shown."""

    action: str
    subject: str
    groups: tuple[str, ...]
    assurance: str
    approve: bool
    at_ms: int
    plan_digest: str
    decision_digest: str
    state_digest: str
    nonce: str
    comment: str


@dataclass(frozen=True, slots=True)
class IncidentRow(Recorded):
    """An incident; `doc` is JSON with title, labels, hypotheses, cause."""

    id: str
    source: str
    status: Literal["open", "closed"]
    alert_ms: int
    opened_ms: int
    doc: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A read that was made for an incident; the evidence of later writes."""

    incident: str
    action: str
    hypothesis: str
    targets: tuple[str, ...]
    at_ms: int
    outcome: str


@dataclass(frozen=True, slots=True)
class SwitchRow(Recorded):
    """A stop or freeze; empty agent and environment cover everything."""

    kind: Literal["stop", "freeze"]
    agent: str
    environment: str
    at_ms: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RequestRow:
    """The answer to a request_id, for idempotency."""

    caller: str
    request_id: str
    digest: str
    answer: str
    """The id that the first call produced."""
    at_ms: int


@dataclass(frozen=True, slots=True)
class History:
    """Counts of what was applied and undone inside a window."""

    applied: int
    undone: int
    last_applied_ms: int = 0


@dataclass(frozen=True, slots=True)
class MishapRow:
    """An action that failed or had to be taken back, in one environment and by one operation."""

    action: str
    environment: str
    operation: str
    agent: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class DriftRow(Recorded):
    """An entry of the drift ledger: one field of one target that is not as its owner in code says."""

    id: str
    action: str
    step: int
    target: str
    path: str
    before: str
    """JSON of the value that code gives, as it was before the change."""
    after: str
    """JSON of the value that stands now."""
    manager: str
    """What applies the code: argo, flux, helm, terraform …"""
    name: str
    file: str
    """The file in the owner's repository, where it is known."""
    owner: str
    """The team that owns the target; empty where it is not known."""
    opened_ms: int
    due_ms: int
    status: Literal["open", "closed"] = "open"
    how: str = ""
    """How it was closed: reverted, lease_ended, superseded, proposed, accepted."""
    by: str = ""
    reference: str = ""
    """Where the proposal to change the code can be read."""
    closed_ms: int = 0


@dataclass(frozen=True, slots=True)
class LogHead:
    """The log as it stands in the database."""

    size: int
    root: bytes


class Tx(Protocol):
    """One unit of work, synchronous, inside one database transaction; nothing escapes it but its result."""

    # actions
    def insert_action(self, row: ActionRow) -> None: ...
    def action(self, action: str) -> ActionRow | None: ...
    def update_action(self, row: ActionRow, *, expect_version: int) -> bool:
        """Compare-and-set on the version; false when another was faster."""
        ...

    def actions(
        self, *, states: Sequence[str] = (), incident: str = "", agent: str = "", before: str = "", limit: int = 50
    ) -> list[ActionRow]:
        """Return actions newest first; `before` is the id after which the page starts."""
        ...

    def standing(self, target: str, now_ms: int) -> list[ActionRow]:
        """Return the actions that wrote a target and can still be taken back, oldest first.

        That is: leased, or committed and inside their undo window.
        """
        ...

    # write-once documents (proposal, decision/<n>, observation/<n>, request/<n>, grant_*, receipt, verdict …)
    def put_document(self, action: str, kind: str, data: bytes) -> None:
        """Write a document once; the same bytes again are nothing new, other bytes raise StoreFault."""
        ...

    def document(self, action: str, kind: str) -> bytes | None: ...
    # sealed, deletable blobs (raw snapshots, raw parameters, outputs), already encrypted by the service
    def put_sealed(self, action: str, kind: str, data: bytes) -> None: ...
    def sealed(self, action: str, kind: str) -> bytes | None: ...
    def delete_sealed(self, action: str) -> None: ...
    # journal
    def put_step(self, row: StepRow) -> None: ...
    def steps(self, action: str) -> list[StepRow]: ...
    # timers
    def put_due(self, row: DueRow) -> None:
        """Insert or replace the timer (action, kind)."""
        ...

    def delete_due(self, action: str, kind: str = "") -> None:
        """Delete one timer, or all of an action."""
        ...

    def claim_due(self, now_ms: int, until_ms: int, limit: int) -> list[DueRow]:
        """Claim what is due and unclaimed, earliest first, until `until_ms`."""
        ...

    def next_due_ms(self) -> int | None: ...
    def due_of(self, action: str) -> list[DueRow]: ...
    # locks: target id → action
    def lock(self, target: str, action: str) -> str | None:
        """Take the lock; returns the holder when another action holds it, None when it is ours."""
        ...

    def unlock(self, action: str) -> None: ...
    def locks(self) -> dict[str, str]: ...
    # once-only facts
    def consume_nonce(self, action: str, purpose: str, nonce: str, fence: int) -> bool:
        """Record (action, purpose, nonce, fence); false when it was there already."""
        ...

    def request(self, caller: str, request_id: str) -> RequestRow | None: ...
    def put_request(self, row: RequestRow) -> None: ...
    def claim_request(self, row: RequestRow) -> RequestRow | None:
        """Record an answer under a new request_id; returns the row that is there already instead."""
        ...

    # votes
    def put_vote(self, row: VoteRow) -> bool:
        """Record a vote; false when this subject has voted under this nonce."""
        ...

    def votes(self, action: str, nonce: str) -> list[VoteRow]: ...
    # incidents
    def put_incident(self, row: IncidentRow) -> None: ...
    def incident(self, incident: str) -> IncidentRow | None: ...
    def incidents(self, *, open_only: bool = False, before: str = "", limit: int = 50) -> list[IncidentRow]: ...
    def put_read(self, row: ReadRow) -> None: ...
    def reads(self, incident: str) -> list[ReadRow]: ...
    def history(self, *, agent: str = "", target: str = "", since_ms: int) -> History:
        """Count writes applied and undone; from rows that `note_applied` and `note_undone` wrote."""
        ...

    def note_applied(self, action: str, agent: str, targets: Sequence[str], at_ms: int) -> None: ...
    def note_undone(self, action: str, at_ms: int) -> None: ...
    def note_mishap(self, row: MishapRow) -> None:
        """Count an action that failed or had to be taken back; the first time counts."""
        ...

    def mishaps(self, environment: str, since_ms: int, *, agent: str = "", operation: str = "") -> int:
        """Count the actions of an agent, or by an operation, that went wrong in an environment since then."""
        ...

    # the drift ledger
    def put_drift(self, row: DriftRow) -> None: ...
    def drift_entry(self, entry: str) -> DriftRow | None: ...
    def drift_of(self, action: str) -> list[DriftRow]: ...
    def drift_on(self, target: str) -> list[DriftRow]:
        """Return the open entries of a target, in their order."""
        ...

    def drift(self, *, status: str = "", before: str = "", limit: int = 50) -> list[DriftRow]:
        """Return entries newest first; `before` is the id after which the page starts."""
        ...

    # switches and policy revisions
    def put_switch(self, row: SwitchRow) -> None: ...
    def delete_switch(self, kind: str, agent: str, environment: str) -> None: ...
    def switches(self) -> list[SwitchRow]: ...
    def put_revision(self, revision: str, status: Literal["active", "superseded", "withdrawn"]) -> None: ...
    def revisions(self) -> dict[str, str]: ...
    # log
    def append_leaf(self, leaf: bytes, *, action: str, kind: str) -> int:
        """Append a leaf and return its index; the Merkle frontier moves in the same transaction.

        `action` ("" for leaves of none) and `kind`, the event code, are what `leaf_of` finds it by:
        a store never parses leaves.
        """
        ...

    def last_leaf_hash(self) -> bytes:
        """Return the RFC 6962 hash of the newest leaf; empty when the log is."""
        ...

    def log_head(self) -> LogHead: ...
    def leaves(self, first: int, limit: int) -> list[tuple[int, bytes]]: ...
    def leaf_hashes(self, first: int, last: int) -> list[bytes]:
        """Return the RFC 6962 leaf hashes of [first, last)."""
        ...

    def range_roots(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the RFC 6962 root of each range [first, last) of leaves, in O(log n): what proofs are made of.

        Takes what `core.merkle.inclusion_ranges` and `consistency_ranges` return; raises ValueError for an empty range
        or leaves that do not exist.
        """
        ...

    def leaf_of(self, action: str, kind: str) -> int | None:
        """Return the index of the newest leaf of this kind code for an action."""
        ...

    def leaves_of(self, action: str, limit: int, *, kind: str = "") -> list[tuple[int, bytes]]:
        """Return the newest leaves of an action (of none: ""), of one kind code if it is given, newest first."""
        ...

    def put_checkpoint(self, size: int, root: bytes, note: str) -> None: ...
    def checkpoint(self, min_size: int = 0) -> tuple[int, str] | None:
        """Return (size, note) of the newest checkpoint that covers at least `min_size` leaves."""
        ...

    # exporters
    def cursor(self, sink: str) -> int:
        """Return the index of the next leaf this sink is to get; 0 for a new sink."""
        ...

    def set_cursor(self, sink: str, index: int) -> None: ...
    def put_dead_letter(self, sink: str, index: int, error: str, at_ms: int) -> None: ...
    def dead_letters(self, sink: str) -> list[tuple[int, str, int]]:
        """Return (index, error, at_ms) of what this sink would not take, in order of index."""
        ...


class Store(Protocol):
    """State, log and timers in one database; a unit of work is durable (fsync) when `write` returns."""

    def write(self, unit: Callable[[Tx], T]) -> Awaitable[T]:
        """Run a unit of work in a transaction, group-committed; raises what the unit raises, or StoreFault.

        It may have run when this returns, but counts for nothing until its result was awaited: then it is on disk.
        """
        ...

    async def read(self, unit: Callable[[Tx], T]) -> T:
        """Run a short unit of work that only reads, on a consistent snapshot, in the caller's thread."""
        ...

    async def scan(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work that reads much, on a consistent snapshot, in a thread of its own."""
        ...

    async def close(self) -> None: ...


# --- out ---------------------------------------------------------------------------------------


class Exporter(Protocol):
    """A sink of log records, in order, at least once."""

    name: str

    async def export(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Deliver records (index, leaf bytes); returns only when the sink has them; raises DeliveryFault."""
        ...


class Notifier(Protocol):
    """A channel that tells people."""

    name: str

    async def notify(self, message: Mapping[str, Json]) -> None:
        """Deliver one message; raises DeliveryFault to be tried again."""
        ...
