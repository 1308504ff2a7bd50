"""Readers choose titles and a language, leave notes and tasks, and save filters of the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column("readers", sa.Column("titles", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("readers", sa.Column("language", sa.String(length=2), nullable=False, server_default="en"))
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("note_salt", sa.String(length=32), nullable=True),
        sa.Column("for_reader", sa.String(length=64), nullable=True),
        sa.Column("task", sa.Boolean(), nullable=False),
        sa.Column("done", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("notes_of_conversation", "notes", ["conversation"])
    op.create_index("notes_for_reader", "notes", ["for_reader", "done"])
    op.create_table(
        "filters",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("conversations_by_waiting", "conversations", ["state", "changed", "number"])
