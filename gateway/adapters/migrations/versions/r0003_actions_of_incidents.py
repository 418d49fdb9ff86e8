"""Only actions of an incident stand in the index of incidents: most name none, and each cost a page of the log.

A migration is history: it spells its tables out and imports nothing that later code may change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Replace the index by a partial one."""
    op.drop_index("actions_incident", "actions")
    op.create_index("actions_incident", "actions", ["incident", "id"], sqlite_where=sa.text("incident <> ''"))
