"""Readers practise and read samples blind; conversations have deadlines; a shadow model runs beside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.review.deadlines import set_deadlines

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column("policy", sa.Column("hours_severe", sa.Integer(), nullable=False, server_default="4"))
    op.add_column("policy", sa.Column("hours_flagged", sa.Integer(), nullable=False, server_default="24"))
    op.add_column("conversations", sa.Column("due", sa.String(length=32), nullable=True))
    op.create_index("conversations_by_deadline", "conversations", ["state", "due", "number"])
    op.create_table(
        "practice_attempts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("attempts_of_reader", "practice_attempts", ["reader", "id"])
    _samples()
    _shadows()
    op.create_index("decisions_by_time", "decisions", ["at"])
    set_deadlines(op.get_bind(), severe=4, flagged=24)


def _samples() -> None:
    op.create_table(
        "samples",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("creator", sa.String(length=64), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sample_readings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=True),
        sa.Column("marks", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["sample"], ["samples.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sample", "conversation", "reader", name="read_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("readings_of_reader", "sample_readings", ["reader", "at", "id"])
    op.create_index("readings_of_conversation", "sample_readings", ["conversation"])


def _shadows() -> None:
    op.create_table(
        "shadows",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("added", sa.String(length=32), nullable=False),
        sa.Column("threshold", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id", "digest", name="shadow_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "shadow_scores",
        sa.Column("shadow", sa.Integer(), nullable=False),
        sa.Column("conversation", sa.Integer(), nullable=False),
        sa.Column("risk", sa.Float(precision=53), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["shadow"], ["shadows.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shadow", "conversation"),
    )
    op.create_index("shadows_of_conversation", "shadow_scores", ["conversation"])
    op.create_index("flags_of_shadow", "shadow_scores", ["shadow", "flagged", "conversation"])
