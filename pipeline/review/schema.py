"""The tables of the store, for SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class Moment(TypeDecorator[datetime]):
    """An aware time, kept as ISO 8601 text in UTC with six decimals: sorts as time does, and hashes alike in every database."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the text."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time."""
        return None if value is None else datetime.fromisoformat(value)


def moment_text(value: datetime) -> str:
    """Return a time as the store and the audit log write it."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


metadata = MetaData()

readers = Table(
    "readers",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password", Text),  # argon2id; null where nobody may log in with one
    Column("role", String(8), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created", Moment, nullable=False),
    Column("grey", Boolean, nullable=False),
    Column("content_free", Boolean, nullable=False),
    Column("shortcuts", Boolean, nullable=False),
    Column("pause_minutes", Integer, nullable=False),
    Column("pause_cases", Integer, nullable=False),
    Column("working_since", Moment),  # since the last pause
    Column("last_seen", Moment),
    Column("cases_in_row", Integer, nullable=False),  # severe ones since the last pause
    Column("factor", Text),  # the secret of the authenticator app; null where there is no second factor
    Column("factor_step", Integer),  # of the last code that was taken: none serves twice
    Column("recovery", Text),  # JSON: digests of the recovery codes that are left
    Column("titles", Boolean, nullable=False),  # whether pages call conversations by their titles in the exports
    Column("language", String(2), nullable=False),  # of the sentences
    CheckConstraint("role IN ('reader', 'lead', 'admin')", name="role_known"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),  # of the cookie: a copy of the store opens no session
    Column("reader", ForeignKey("readers.name", ondelete="CASCADE"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("started", Moment, nullable=False),
    Column("seen", Moment, nullable=False),
    Column("pending_factor", String(64)),  # the secret that was shown and is not yet confirmed
)

policy = Table(
    "policy",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("grey", Boolean, nullable=False),
    Column("content_free", Boolean, nullable=False),
    Column("pause_minutes", Integer, nullable=False),
    Column("pause_cases", Integer, nullable=False),
    Column("reveals_an_hour", Integer, nullable=False),
    Column("hours_severe", Integer, nullable=False),  # within which a severe conversation is to be read
    Column("hours_flagged", Integer, nullable=False),
    CheckConstraint("one = 1", name="one_policy"),
)

failures = Table(
    "failures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("who", String(72), nullable=False),  # digest of the name tried, or of the address
    Column("at", Moment, nullable=False),
    Index("failures_by_who", "who", "at"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("path", Text, nullable=False),
    Column("opened", Moment, nullable=False),
    Column("text", String(8), nullable=False),
    Column("model", Text, nullable=False),
    Column("scores_sha256", String(64), nullable=False),
    Column("conversations_sha256", String(64)),  # null in a store from before it was kept
    Column("thresholds_sha256", String(64), nullable=False),
    Column("conversations", Integer, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("speakers", Integer, nullable=False),
    Column("last_at", String(40), nullable=False),  # as the export has it; empty where it has no times
    Column("risk", Float(53), nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("stages", Text, nullable=False),  # JSON: stage -> highest probability, those that reach their thresholds
    Column("severe", Boolean, nullable=False),
    Column("first_row", Integer, nullable=False),  # where its messages begin in scores.parquet
    Column("summary_row", Integer, nullable=False),  # where it stands in conversations.parquet
    Column("state", String(8), nullable=False),  # open, or the current decision's kind
    Column("awaiting", Boolean, nullable=False),  # a second reader is needed
    Column("assignee", ForeignKey("readers.name", ondelete="SET NULL")),
    Column("lock_reader", ForeignKey("readers.name", ondelete="SET NULL")),
    Column("lock_until", Moment),
    Column("changed", Moment, nullable=False),  # imported, or last decided
    Column("due", Moment),  # until when it is to be read; null where it is not flagged
    UniqueConstraint("run_id", "conversation_id", name="conversation_once"),
    Index("conversations_by_risk", "state", "risk", "number"),
    Index("conversations_by_time", "state", "last_at", "number"),
    Index("conversations_by_waiting", "state", "changed", "number"),
    Index("conversations_by_deadline", "state", "due", "number"),
    Index("conversations_by_assignee", "assignee", "state", "risk", "number"),
    Index("conversations_by_lock", "lock_reader"),
    Index("conversations_for_counts", "run_id", "state", "awaiting"),
    sqlite_autoincrement=True,  # a number is never given twice
)

conversation_stages = Table(
    "conversation_stages",
    metadata,
    Column("stage", String(64), primary_key=True),
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), primary_key=True),
    Column("probability", Float(53), nullable=False),
    Index("stages_by_probability", "stage", "probability", "conversation"),
    Index("stages_of_conversation", "conversation"),
)

conversation_speakers = Table(
    "conversation_speakers",
    metadata,
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), primary_key=True),
    Column("slot", String(8), primary_key=True),
    Column("speaker", String(64), nullable=False),  # SHA-256 of the export's own name or id
    Index("conversations_of_speaker", "speaker", "conversation"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("note", Text),
    Column("note_salt", String(32)),  # the log holds a salted digest of the note; without the salt it tells nothing
    Column("reader", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("second_reader", String(64)),
    Column("second_at", Moment),
    Column("undone", Moment),
    Column("replaced_by", Integer),
    CheckConstraint("kind IN ('dismiss', 'watch', 'escalate', 'refer')", name="kind_known"),
    CheckConstraint("second_reader IS NULL OR second_reader <> reader", name="four_eyes"),
    # Two readers at once: the database itself keeps one decision current.
    Index(
        "one_current_decision",
        "conversation",
        unique=True,
        sqlite_where=text("undone IS NULL AND replaced_by IS NULL"),
        postgresql_where=text("undone IS NULL AND replaced_by IS NULL"),
    ),
    Index("decisions_of_conversation", "conversation"),
    Index("decisions_by_time", "at"),
    sqlite_autoincrement=True,
)

corrections = Table(
    "corrections",
    metadata,
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("reader", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("stages", Text, nullable=False),  # JSON list
    Column("at", Moment, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), nullable=False),
    Column("reader", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("note", Text),  # null once it was erased
    Column("note_salt", String(32)),
    Column("for_reader", String(64)),  # whom it names, and whose task it is
    Column("task", Boolean, nullable=False),
    Column("done", Moment),
    Index("notes_of_conversation", "conversation"),
    Index("notes_for_reader", "for_reader", "done"),
    sqlite_autoincrement=True,
)

filters = Table(
    "filters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(40), nullable=False),
    Column("reader", String(64)),  # null: a queue of the whole team
    Column("query", Text, nullable=False),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON, keys sorted
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_by_subject", "subject", "number"),
    Index("audit_by_actor", "actor", "at", "action"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("one = 1", name="one_head"),
)
