"""Accounts may have a second factor, and an admin sets what holds for everybody. The log tells that nobody has one yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.review.audit import append
from pipeline.review.recorded import recorded

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column("readers", sa.Column("factor", sa.Text(), nullable=True))
    op.add_column("readers", sa.Column("factor_step", sa.Integer(), nullable=True))
    op.add_column("readers", sa.Column("recovery", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("pending_factor", sa.String(length=64), nullable=True))
    op.create_table(
        "policy",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grey", sa.Boolean(), nullable=False),
        sa.Column("content_free", sa.Boolean(), nullable=False),
        sa.Column("pause_minutes", sa.Integer(), nullable=False),
        sa.Column("pause_cases", sa.Integer(), nullable=False),
        sa.Column("reveals_an_hour", sa.Integer(), nullable=False),
        sa.CheckConstraint("one = 1", name="one_policy"),
        sa.PrimaryKeyConstraint("one"),
    )
    connection = op.get_bind()
    names = connection.execute(sa.text("SELECT name FROM readers ORDER BY name")).scalars().all()
    if names:
        nobody = recorded(factor=None, recovery=None)
        append(connection, "", "add second factors", sets={f"account/{name}": nobody for name in names})
