"""What the breaker counts, and the ledger of changes outside their owner in code.

A migration is history: it spells its tables out and imports nothing that later code may change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_DRIFT_TEXTS = ("action", "target", "path", "before", "after", "manager", "name", "file", "owner", "status", "how",
                "by", "reference")  # fmt: skip
_DRIFT_WHOLES = ("step", "opened_ms", "due_ms", "closed_ms")


def upgrade() -> None:
    """Create both tables."""
    keys = [_text(name, key=True) for name in ("action", "environment", "operation")]
    op.create_table("mishaps", *keys, _text("agent"), _whole("at_ms"), sqlite_strict=True, sqlite_with_rowid=False)
    op.create_index("mishaps_agent", "mishaps", ["agent", "environment", "at_ms"])
    op.create_index("mishaps_operation", "mishaps", ["operation", "environment", "at_ms"])
    texts, wholes = [_text(name) for name in _DRIFT_TEXTS], [_whole(name) for name in _DRIFT_WHOLES]
    op.create_table("drift", _text("id", key=True), *texts, *wholes, sqlite_strict=True)
    op.create_index("drift_status", "drift", ["status", "id"])
    op.create_index("drift_action", "drift", ["action", "id"])
    op.create_index("drift_target", "drift", ["target", "status"])


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, primary_key=key)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, Whole, nullable=False, autoincrement=False)
