"""The tables of cases. Accounts have numbers given by the store, so that what the log says of one tells nothing once it is gone."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from pipeline.review.schema import Moment, metadata

cases = Table(
    "cases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created", Moment, nullable=False),
    Column("creator", String(64), nullable=False),
    Column("evidence", Text, nullable=False),  # JSON: the runs that the links were made of, and when
)

case_runs = Table(
    "case_runs",
    metadata,
    Column("case_name", ForeignKey("cases.name", ondelete="CASCADE"), primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("added", Moment, nullable=False),
    Column("reader", String(64), nullable=False),
    Index("cases_of_run", "run_id"),
)

conversation_sources = Table(
    "conversation_sources",
    metadata,
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("export", String(64), nullable=False),  # id of the export, as `pipeline.link.identifiers.Exports` makes it
    Column("content", String(64), nullable=False),  # of the file's SHA-256 and the conversation id: equal in two runs of it
    Column("first_at", String(40), nullable=False),  # in UTC where the export has a zone; empty where it has no times
    Column("last_at", String(40), nullable=False),
    Index("sources_by_content", "content"),
    Index("sources_by_run", "run_id"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("identity", String(64), nullable=False),  # SHA-256 of export, platform and speaker
    UniqueConstraint("identity", name="account_once"),
    sqlite_autoincrement=True,  # a number is never given twice
)

conversation_accounts = Table(
    "conversation_accounts",
    metadata,
    Column("conversation", ForeignKey("conversations.number", ondelete="CASCADE"), primary_key=True),
    Column("slot", String(8), primary_key=True),
    Column("account", ForeignKey("accounts.number", ondelete="CASCADE"), nullable=False),
    Index("conversations_of_account", "account", "conversation"),
)

case_links = Table(
    "case_links",
    metadata,
    Column("case_name", ForeignKey("cases.name", ondelete="CASCADE"), primary_key=True),
    Column("source", ForeignKey("accounts.number", ondelete="CASCADE"), primary_key=True),  # the lower number
    Column("target", ForeignKey("accounts.number", ondelete="CASCADE"), primary_key=True),
    Column("reason", String(32), primary_key=True),
    Column("strength", Float(53), nullable=False),
    Column("words", Text, nullable=False),  # the reason as a sentence, without names
    Column("evidence", Text, nullable=False),  # JSON: conversation, position, line or record of the export
    CheckConstraint("source < target", name="link_in_order"),
    Index("links_of_source", "source"),
    Index("links_of_target", "target"),
)

case_patterns = Table(
    "case_patterns",
    metadata,
    Column("case_name", ForeignKey("cases.name", ondelete="CASCADE"), primary_key=True),
    Column("pattern", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("strength", Float(53), nullable=False),
    Column("content", Text, nullable=False),  # JSON: accounts with roles, conversations, reasons, what is not known
)

case_priorities = Table(
    "case_priorities",
    metadata,
    Column("case_name", ForeignKey("cases.name", ondelete="CASCADE"), primary_key=True),
    Column("account", ForeignKey("accounts.number", ondelete="CASCADE"), primary_key=True),
    Column("priority", Float(53), nullable=False),
    Column("reasons", Text, nullable=False),  # JSON list of sentences
    Index("priorities_of_account", "account"),
)

identities = Table(
    "identities",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_name", ForeignKey("cases.name", ondelete="CASCADE"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("source", ForeignKey("accounts.number", ondelete="CASCADE"), nullable=False),
    Column("target", ForeignKey("accounts.number", ondelete="CASCADE"), nullable=False),
    Column("reader", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("undone", Moment),
    CheckConstraint("kind IN ('confirm', 'merge', 'split')", name="identity_kind_known"),
    CheckConstraint("source < target", name="identity_in_order"),
    Index("identities_of_source", "source"),
    Index("identities_of_target", "target"),
    # Two readers at once: the database itself keeps one judgement on a pair current.
    Index(
        "one_current_identity",
        "case_name",
        "source",
        "target",
        unique=True,
        sqlite_where=text("undone IS NULL"),
        postgresql_where=text("undone IS NULL"),
    ),
    sqlite_autoincrement=True,
)

case_notes = Table(
    "case_notes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_name", ForeignKey("cases.name", ondelete="CASCADE"), nullable=False),
    Column("kind", String(4), nullable=False),
    Column("note", Text),  # null once it is erased
    Column("note_salt", String(32)),
    Column("reader", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("assignee", ForeignKey("readers.name", ondelete="SET NULL")),
    Column("done", Moment),
    Column("done_by", String(64)),
    CheckConstraint("kind IN ('note', 'task')", name="note_kind_known"),
    Index("notes_of_case", "case_name", "id"),
    sqlite_autoincrement=True,
)
