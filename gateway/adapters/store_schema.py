"""The tables of a store, as SQLAlchemy Core metadata: what migrations are compared with, on every database."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

# SQLite's STRICT tables refuse a value of the wrong type and know only INTEGER; elsewhere times need 64 bits.
Whole = BigInteger().with_variant(Integer(), "sqlite")


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(name, metadata, *items, sqlite_strict=True)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **options)


def _whole(name: str, **options: Any) -> Column[int]:
    return Column(name, Whole, nullable=False, **options)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _key(name: str) -> Column[str]:
    return _text(name, primary_key=True)


def _key_whole(name: str) -> Column[int]:
    return _whole(name, primary_key=True, autoincrement=False)


actions = _table(
    "actions",
    _key("id"),
    _text("state"),
    _whole("version"),
    _text("agent"),
    _text("owner"),
    _text("door"),
    _text("audience"),
    _text("environments"),  # a JSON array
    _text("incident"),
    _text("plan_digest"),
    _text("doc_digest"),
    _whole("created_ms"),
    _whole("updated_ms"),
    _whole("fence"),
    _text("reason"),
    _text("decision_digest"),
    _text("state_digest"),
    _whole("lease_end_ms"),
    _whole("undo_until_ms"),
    _text("revision"),
    Index("actions_state", "state", "id"),
    Index("actions_incident", "incident", "id", sqlite_where=text("incident <> ''")),
    Index("actions_agent", "agent", "id"),
)
documents = _table("documents", _key("action"), _key("kind"), _bytes("data"))
sealed = _table("sealed", _key("action"), _key("kind"), _bytes("data"))
steps = _table("steps", _key("action"), _key_whole("step"), _text("status"), _whole("fence"), _text("code"))
due = _table(
    "due",
    _key("action"),
    _key("kind"),
    _whole("at_ms"),
    _text("payload"),
    _whole("claimed_until_ms"),
    Index("due_at", "at_ms", "claimed_until_ms"),
)
locks = _table("locks", _key("target"), _text("action"), Index("locks_action", "action"))
nonces = _table("nonces", _key("action"), _key("purpose"), _key("nonce"), _key_whole("fence"))
requests = _table("requests", _key("caller"), _key("request_id"), _text("digest"), _text("answer"), _whole("at_ms"))
votes = _table(
    "votes",
    _key("action"),
    _key("nonce"),
    _key("subject"),
    _text("groups"),  # a JSON array
    _text("assurance"),
    _whole("approve"),  # 0 or 1
    _whole("at_ms"),
    _text("plan_digest"),
    _text("decision_digest"),
    _text("state_digest"),
    _text("comment"),
)
incidents = _table(
    "incidents",
    _key("id"),
    _text("source"),
    _text("status"),
    _whole("alert_ms"),
    _whole("opened_ms"),
    _text("doc"),
    Index("incidents_status", "status", "id"),
)
reads = _table(
    "reads",
    _key("incident"),
    _key_whole("seq"),
    _text("action"),
    _text("hypothesis"),
    _text("targets"),  # a JSON array
    _whole("at_ms"),
    _text("outcome"),
)
applied = _table(
    "applied",
    _key("action"),
    _text("agent"),
    _whole("at_ms"),
    _whole("undone_ms"),  # 0 while it stands
    Index("applied_agent", "agent", "at_ms"),
    Index("applied_at", "at_ms"),
)
applied_targets = _table("applied_targets", _key("target"), _key("action"))
# Actions that failed or had to be taken back, by where and with what: what the breaker counts.
mishaps = _table(
    "mishaps",
    _key("action"),
    _key("environment"),
    _key("operation"),
    _text("agent"),
    _whole("at_ms"),
    Index("mishaps_agent", "agent", "environment", "at_ms"),
    Index("mishaps_operation", "operation", "environment", "at_ms"),
)
drift = _table(
    "drift",
    _key("id"),
    _text("action"),
    _text("target"),
    _text("path"),
    _text("before"),  # JSON
    _text("after"),  # JSON
    _text("manager"),
    _text("name"),
    _text("file"),
    _text("owner"),
    _text("status"),  # open or closed
    _text("how"),
    _text("by"),
    _text("reference"),
    _whole("step"),
    _whole("opened_ms"),
    _whole("due_ms"),
    _whole("closed_ms"),  # 0 while it is open
    Index("drift_status", "status", "id"),
    Index("drift_action", "action", "id"),
    Index("drift_target", "target", "status"),
)
switches = _table(
    "switches", _key("kind"), _key("agent"), _key("environment"), _whole("at_ms"), _text("by"), _text("reason")
)
revisions = _table("revisions", _key("revision"), _text("status"))
leaves = _table(
    "leaves",
    _key_whole("idx"),
    _bytes("hash"),  # RFC 6962 leaf hash of `body`
    _bytes("body"),
    _text("action"),
    _text("kind"),
    _bytes("completes"),  # roots of the subtrees that end with this leaf, 32 bytes each: of 2 leaves, of 4, of 8 …
    Index("leaves_action", "action", "kind", "idx"),
)
log_head = _table("log_head", _key_whole("id"), _whole("size"), _bytes("root"), _bytes("frontier"))
checkpoints = _table("checkpoints", _key_whole("size"), _bytes("root"), _text("note"))
cursors = _table("cursors", _key("sink"), _whole("next"))
dead_letters = _table("dead_letters", _key("sink"), _key_whole("idx"), _text("error"), _whole("at_ms"))
