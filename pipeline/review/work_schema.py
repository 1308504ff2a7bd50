"""The tables of practice, of blind samples and of shadow models."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from pipeline.review.schema import Moment, metadata

practice_attempts = Table(
    "practice_attempts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("reader", String(64), nullable=False),
    Column("case_id", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("marks", Text, nullable=False),  # JSON: position -> stages
    Column("decision", String(8), nullable=False),
    Index("attempts_of_reader", "reader", "id"),
    sqlite_autoincrement=True,
)

samples = Table(
    "samples",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(40), nullable=False),
    Column("creator", String(64), nullable=False),
    Column("created", Moment, nullable=False),
    Column("source", String(16), nullable=False),  # what it was drawn from
    sqlite_autoincrement=True,
)

sample_readings = Table(
    "sample_readings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sample", ForeignKey("samples.id", ondelete="CASCADE"), nullable=False),
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), nullable=False),
    Column("reader", String(64), nullable=False),
    Column("at", Moment),  # when it was read; null until then
    Column("kind", String(8)),
    Column("marks", Text),  # JSON: position -> stages
    UniqueConstraint("sample", "conversation", "reader", name="read_once"),
    Index("readings_of_reader", "reader", "at", "id"),
    Index("readings_of_conversation", "conversation"),
    sqlite_autoincrement=True,
)

shadows = Table(
    "shadows",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),  # of the model, or of the threshold file
    Column("digest", String(64), nullable=False),  # of what the scores and thresholds were
    Column("added", Moment, nullable=False),
    Column("threshold", Float(53), nullable=False),
    UniqueConstraint("run_id", "digest", name="shadow_once"),
    sqlite_autoincrement=True,
)

shadow_scores = Table(
    "shadow_scores",
    metadata,
    Column("shadow", ForeignKey("shadows.id", ondelete="CASCADE"), primary_key=True),
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), primary_key=True),
    Column("risk", Float(53), nullable=False),
    Column("flagged", Boolean, nullable=False),
    Index("shadows_of_conversation", "conversation"),
    Index("flags_of_shadow", "shadow", "flagged", "conversation"),
)
