"""The first tables; and the audit log refuses to change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CURRENT = "undone IS NULL AND replaced_by IS NULL"


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("audit_by_actor", "audit", ["actor", "at", "action"], unique=False)
    op.create_index("audit_by_subject", "audit", ["subject", "number"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("one = 1", name="one_head"),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "failures",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("who", sa.String(length=72), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("failures_by_who", "failures", ["who", "at"], unique=False)
    op.create_table(
        "readers",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("grey", sa.Boolean(), nullable=False),
        sa.Column("content_free", sa.Boolean(), nullable=False),
        sa.Column("shortcuts", sa.Boolean(), nullable=False),
        sa.Column("pause_minutes", sa.Integer(), nullable=False),
        sa.Column("pause_cases", sa.Integer(), nullable=False),
        sa.Column("working_since", sa.String(32), nullable=True),
        sa.Column("last_seen", sa.String(32), nullable=True),
        sa.Column("cases_in_row", sa.Integer(), nullable=False),
        sa.CheckConstraint("role IN ('reader', 'lead', 'admin')", name="role_known"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("opened", sa.String(32), nullable=False),
        sa.Column("text", sa.String(length=8), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("scores_sha256", sa.String(length=64), nullable=False),
        sa.Column("thresholds_sha256", sa.String(length=64), nullable=False),
        sa.Column("conversations", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "conversations",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("speakers", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.String(length=40), nullable=False),
        sa.Column("risk", sa.Float(precision=53), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("stages", sa.Text(), nullable=False),
        sa.Column("severe", sa.Boolean(), nullable=False),
        sa.Column("first_row", sa.Integer(), nullable=False),
        sa.Column("summary_row", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("awaiting", sa.Boolean(), nullable=False),
        sa.Column("assignee", sa.String(length=64), nullable=True),
        sa.Column("lock_reader", sa.String(length=64), nullable=True),
        sa.Column("lock_until", sa.String(32), nullable=True),
        sa.Column("changed", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["assignee"], ["readers.name"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["lock_reader"], ["readers.name"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("run_id", "conversation_id", name="conversation_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("conversations_by_assignee", "conversations", ["assignee", "state", "risk", "number"], unique=False)
    op.create_index("conversations_by_lock", "conversations", ["lock_reader"], unique=False)
    op.create_index("conversations_by_risk", "conversations", ["state", "risk", "number"], unique=False)
    op.create_index("conversations_by_time", "conversations", ["state", "last_at", "number"], unique=False)
    op.create_index("conversations_for_counts", "conversations", ["run_id", "state", "awaiting"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("seen", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["reader"], ["readers.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "conversation_speakers",
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=8), nullable=False),
        sa.Column("speaker", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation", "slot"),
    )
    op.create_index("conversations_of_speaker", "conversation_speakers", ["speaker", "conversation"], unique=False)
    op.create_table(
        "conversation_stages",
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("stage", "conversation"),
    )
    op.create_index("stages_by_probability", "conversation_stages", ["stage", "probability", "conversation"], unique=False)
    op.create_index("stages_of_conversation", "conversation_stages", ["conversation"], unique=False)
    op.create_table(
        "corrections",
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("stages", sa.Text(), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation", "message_id", "reader"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("note_salt", sa.String(length=32), nullable=True),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("second_reader", sa.String(length=64), nullable=True),
        sa.Column("second_at", sa.String(32), nullable=True),
        sa.Column("undone", sa.String(32), nullable=True),
        sa.Column("replaced_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('dismiss', 'watch', 'escalate', 'refer')", name="kind_known"),
        sa.CheckConstraint("second_reader IS NULL OR second_reader <> reader", name="four_eyes"),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_of_conversation", "decisions", ["conversation"], unique=False)
    op.create_index(
        "one_current_decision",
        "decisions",
        ["conversation"],
        unique=True,
        sqlite_where=sa.text(_CURRENT),
        postgresql_where=sa.text(_CURRENT),
    )
    op.execute("INSERT INTO audit_head (one, number, hash) VALUES (1, 0, '" + "0" * 64 + "')")
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = [
    f"""CREATE TRIGGER audit_keeps_from_{event.lower()} BEFORE {event} ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"""
    for event in ("UPDATE", "DELETE")
]

_POSTGRESQL = [
    """CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    """CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()""",
]
