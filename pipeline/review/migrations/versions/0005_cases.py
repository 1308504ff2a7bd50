"""Cases: runs that belong together, the accounts in them, who may be one person, notes and tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "accounts",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("identity", name="account_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("creator", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "case_links",
        sa.Column("case_name", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("strength", sa.Float(precision=53), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.CheckConstraint("source < target", name="link_in_order"),
        sa.ForeignKeyConstraint(["case_name"], ["cases.name"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["source"], ["accounts.number"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target"], ["accounts.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_name", "source", "target", "reason"),
    )
    op.create_index("links_of_source", "case_links", ["source"], unique=False)
    op.create_index("links_of_target", "case_links", ["target"], unique=False)
    op.create_table(
        "case_notes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("case_name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("note_salt", sa.String(length=32), nullable=True),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("assignee", sa.String(length=64), nullable=True),
        sa.Column("done", sa.String(length=32), nullable=True),
        sa.Column("done_by", sa.String(length=64), nullable=True),
        sa.CheckConstraint("kind IN ('note', 'task')", name="note_kind_known"),
        sa.ForeignKeyConstraint(["assignee"], ["readers.name"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["case_name"], ["cases.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("notes_of_case", "case_notes", ["case_name", "id"], unique=False)
    op.create_table(
        "case_patterns",
        sa.Column("case_name", sa.String(length=64), nullable=False),
        sa.Column("pattern", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("strength", sa.Float(precision=53), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_name"], ["cases.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_name", "pattern"),
    )
    op.create_table(
        "case_priorities",
        sa.Column("case_name", sa.String(length=64), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Float(precision=53), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.number"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["case_name"], ["cases.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_name", "account"),
    )
    op.create_index("priorities_of_account", "case_priorities", ["account"], unique=False)
    op.create_table(
        "case_runs",
        sa.Column("case_name", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=False),
        sa.Column("added", sa.String(length=32), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_name"], ["cases.name"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_name", "run_id"),
    )
    op.create_index("cases_of_run", "case_runs", ["run_id"], unique=False)
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("case_name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("undone", sa.String(length=32), nullable=True),
        sa.CheckConstraint("kind IN ('confirm', 'merge', 'split')", name="identity_kind_known"),
        sa.CheckConstraint("source < target", name="identity_in_order"),
        sa.ForeignKeyConstraint(["case_name"], ["cases.name"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["source"], ["accounts.number"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target"], ["accounts.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("identities_of_source", "identities", ["source"], unique=False)
    op.create_index("identities_of_target", "identities", ["target"], unique=False)
    op.create_index(
        "one_current_identity",
        "identities",
        ["case_name", "source", "target"],
        unique=True,
        sqlite_where=sa.text("undone IS NULL"),
        postgresql_where=sa.text("undone IS NULL"),
    )
    op.create_table(
        "conversation_accounts",
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=8), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.number"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation", "slot"),
    )
    op.create_index("conversations_of_account", "conversation_accounts", ["account", "conversation"], unique=False)
    op.create_table(
        "conversation_sources",
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=False),
        sa.Column("export", sa.String(length=64), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.String(length=40), nullable=False),
        sa.Column("last_at", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation"),
    )
    op.create_index("sources_by_content", "conversation_sources", ["content"], unique=False)
    op.create_index("sources_by_run", "conversation_sources", ["run_id"], unique=False)
