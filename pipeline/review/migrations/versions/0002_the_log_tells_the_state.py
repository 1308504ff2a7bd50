"""The database refuses INSERT OR REPLACE into the log; a store that has a log already takes stock of its tables in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.review.audit import take_stock
from pipeline.review.guards import set_guards

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    connection = op.get_bind()
    set_guards(connection)
    if connection.execute(sa.text("SELECT count(*) FROM audit")).scalar_one():
        take_stock(connection)
