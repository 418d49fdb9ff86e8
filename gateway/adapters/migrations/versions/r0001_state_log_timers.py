"""The first schema: state, log and timers.

A migration is history: it spells its tables out and imports nothing that later code may change.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_ACTION_TEXTS = ("state", "agent", "owner", "door", "audience", "environments", "incident", "plan_digest", "doc_digest",
                 "reason", "decision_digest", "state_digest", "revision")  # fmt: skip
_ACTION_WHOLES = ("version", "created_ms", "updated_ms", "fence", "lease_end_ms", "undo_until_ms")
# Short rows live in the index of their key: one page less to write at every change.
_BY_KEY = frozenset({"actions", "steps", "due", "locks", "nonces", "requests", "votes", "reads", "applied",
                     "applied_targets", "switches", "revisions", "cursors", "dead_letters"})  # fmt: skip
_VOTE_TEXTS = ("groups", "assurance", "plan_digest", "decision_digest", "state_digest", "comment")


def upgrade() -> None:
    """Create everything."""
    _actions()
    _timers_and_locks()
    _approvals_and_incidents()
    _history_and_switches()
    _log()


def _actions() -> None:
    _create("actions", _text("id", key=True), *_each(_text, _ACTION_TEXTS), *_each(_whole, _ACTION_WHOLES))
    _create("documents", _text("action", key=True), _text("kind", key=True), _bytes("data"))
    _create("sealed", _text("action", key=True), _text("kind", key=True), _bytes("data"))
    step_keys = (_text("action", key=True), _whole("step", key=True))
    _create("steps", *step_keys, _text("status"), _whole("fence"), _text("code"))
    op.create_index("actions_state", "actions", ["state", "id"])
    op.create_index("actions_incident", "actions", ["incident", "id"])
    op.create_index("actions_agent", "actions", ["agent", "id"])


def _timers_and_locks() -> None:
    due_keys = [_text("action", key=True), _text("kind", key=True)]
    _create("due", *due_keys, _whole("at_ms"), _text("payload"), _whole("claimed_until_ms"))
    _create("locks", _text("target", key=True), _text("action"))
    nonce_texts = [_text(name, key=True) for name in ("action", "purpose", "nonce")]
    _create("nonces", *nonce_texts, _whole("fence", key=True))
    request_keys = [_text("caller", key=True), _text("request_id", key=True)]
    _create("requests", *request_keys, _text("digest"), _text("answer"), _whole("at_ms"))
    op.create_index("due_at", "due", ["at_ms", "claimed_until_ms"])
    op.create_index("locks_action", "locks", ["action"])


def _approvals_and_incidents() -> None:
    vote_keys = [_text(name, key=True) for name in ("action", "nonce", "subject")]
    _create("votes", *vote_keys, *_each(_text, _VOTE_TEXTS), _whole("approve"), _whole("at_ms"))
    incident_texts = [_text("source"), _text("status"), _text("doc")]
    _create("incidents", _text("id", key=True), *incident_texts, _whole("alert_ms"), _whole("opened_ms"))
    read_keys = (_text("incident", key=True), _whole("seq", key=True))
    read_texts = [_text("action"), _text("hypothesis"), _text("targets"), _text("outcome")]
    _create("reads", *read_keys, *read_texts, _whole("at_ms"))
    op.create_index("incidents_status", "incidents", ["status", "id"])


def _history_and_switches() -> None:
    _create("applied", _text("action", key=True), _text("agent"), _whole("at_ms"), _whole("undone_ms"))
    _create("applied_targets", _text("target", key=True), _text("action", key=True))
    switch_keys = [_text(name, key=True) for name in ("kind", "agent", "environment")]
    _create("switches", *switch_keys, _whole("at_ms"), _text("by"), _text("reason"))
    _create("revisions", _text("revision", key=True), _text("status"))
    op.create_index("applied_agent", "applied", ["agent", "at_ms"])
    op.create_index("applied_at", "applied", ["at_ms"])


def _log() -> None:
    leaf_bytes = [_bytes(name) for name in ("hash", "body", "completes")]
    _create("leaves", _whole("idx", key=True), *leaf_bytes, _text("action"), _text("kind"))
    _create("log_head", _whole("id", key=True), _whole("size"), _bytes("root"), _bytes("frontier"))
    _create("checkpoints", _whole("size", key=True), _bytes("root"), _text("note"))
    _create("cursors", _text("sink", key=True), _whole("next"))
    _create("dead_letters", _text("sink", key=True), _whole("idx", key=True), _text("error"), _whole("at_ms"))
    op.create_index("leaves_action", "leaves", ["action", "kind", "idx"])


def _create(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=name not in _BY_KEY)


def _each(kind: Callable[[str], sa.Column[Any]], names: Sequence[str]) -> list[sa.Column[Any]]:
    return [kind(name) for name in names]


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, primary_key=key)


def _whole(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, Whole, nullable=False, primary_key=key, autoincrement=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)
