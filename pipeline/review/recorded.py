"""The state of the store as the audit log tells it, and the comparison of the tables with it.

Each line that changes the store names the rows and the columns that it set, so that the log alone gives what the tables must
hold. Short values are in the log as they are; notes, passwords, paths and message ids as digests. The index of a run (one row a
conversation, what was found in it, and who speaks) is one digest, taken whenever Safelight itself writes it.

Not recorded, since no decision hangs on it: locks, sessions, failed log-ins, and how a reader wants to work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, Table, column, inspect, select

from pipeline.digests import sha256_of_text
from pipeline.review.case_digest import evidence_digest, sources_digest
from pipeline.review.case_schema import case_notes, case_runs, cases, identities
from pipeline.review.schema import (
    conversation_speakers,
    conversation_stages,
    conversations,
    corrections,
    decisions,
    moment_text,
    notes,
    policy,
    readers,
    runs,
)
from pipeline.review.work_schema import practice_attempts, sample_readings, samples

RECORDED: Mapping[str, tuple[Table, tuple[str, ...], tuple[str, ...]]] = {
    "account": (readers, ("name",), ("role", "active", "created", "password", "factor", "recovery")),
    "policy": (
        policy,
        ("one",),
        ("grey", "content_free", "pause_minutes", "pause_cases", "reveals_an_hour", "hours_severe", "hours_flagged"),
    ),
    "run": (
        runs,
        ("id",),
        ("path", "opened", "text", "model", "scores_sha256", "conversations_sha256", "thresholds_sha256", "conversations"),
    ),
    "conversation": (conversations, ("number",), ("state", "awaiting", "assignee", "changed")),
    "decision": (
        decisions,
        ("id",),
        ("conversation", "kind", "reason", "note", "reader", "at", "second_reader", "second_at", "undone", "replaced_by"),
    ),
    "note": (notes, ("id",), ("conversation", "reader", "at", "note", "for_reader", "task", "done")),
    "correction": (corrections, ("conversation", "position", "reader"), ("message_id", "stages", "at")),
    "case": (cases, ("name",), ("created", "creator", "evidence")),
    "case_run": (case_runs, ("case_name", "run_id"), ("added", "reader")),
    "identity": (identities, ("id",), ("case_name", "kind", "source", "target", "reader", "at", "undone")),
    "practice": (practice_attempts, ("id",), ("reader", "case_id", "at", "marks", "decision")),
    "sample": (samples, ("id",), ("name", "creator", "created", "source")),
    "reading": (sample_readings, ("id",), ("sample", "conversation", "reader", "at", "kind", "marks")),
    "case_note": (case_notes, ("id",), ("case_name", "kind", "note", "reader", "at", "assignee", "done", "done_by")),
}
"""What the log tells: kind of row -> its table, the columns of its key, and the columns that are recorded."""

_DIGESTED = frozenset({"password", "factor", "recovery", "path", "message_id"})

_INDEX = (
    "number",
    "conversation_id",
    "platform",
    "messages",
    "speakers",
    "last_at",
    "risk",
    "flagged",
    "stages",
    "severe",
    "first_row",
    "summary_row",
)

Recorded = dict[str, Any]
"""Column -> value, as a line of the log holds it."""


def recorded(**columns: Any) -> Recorded:
    """Return columns as a line of the log holds them."""
    return {name: _plain(name, value) for name, value in columns.items()}


def _plain(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DIGESTED:
        return sha256_of_text(str(value))
    if isinstance(value, datetime):
        return moment_text(value)
    return value.hex() if isinstance(value, bytes) else value


def note_digest(note: str | None, salt: str | None) -> str | None:
    """Return what the log holds of a note: nothing that can be guessed back once the salt is deleted with the note."""
    return None if note is None else sha256_of_text(f"{salt}\n{note}")


def as_ranges(numbers: Iterable[int]) -> str:
    """Return numbers as a line of the log holds many of them: ``1-40 57``."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _from_ranges(text: str) -> set[int]:
    pairs = (part.partition("-") for part in text.split())
    return {number for first, _, last in pairs for number in range(int(first), int(last or first) + 1)}


def raw(table: Table, names: Iterable[str]) -> Select[Any]:
    """Return a query of columns as the database has them, without types: whatever somebody wrote there can be read."""
    return select(*(column(name) for name in names)).select_from(table)


def columns_there(connection: Connection, kind: str) -> tuple[str, ...]:
    """Return the recorded columns of a kind that its table has; a later migration may add others, or the table."""
    table, _, columns = RECORDED[kind]
    if not inspect(connection).has_table(table.name):
        return ()
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    return tuple(name for name in columns if name in there)


def rows_of(connection: Connection, kind: str, columns: Sequence[str] | None = None) -> Iterator[tuple[str, Recorded]]:
    """Yield the rows of a kind as the database has them: key, and recorded columns, all of them or those that are named."""
    table, key, every_column = RECORDED[kind]
    columns = every_column if columns is None else columns
    extra = {"decision": ("note_salt",), "note": ("note_salt",), "case_note": ("note_salt",), "conversation": ("run_id",)}.get(
        kind, ()
    )
    names = [*key, *columns, *extra]
    for row in connection.execute(raw(table, names).execution_options(yield_per=1000)):
        values = dict(zip(names, row, strict=True))
        if "note_salt" in values:
            values["note"] = note_digest(values["note"], values["note_salt"])
        plain = recorded(**{name: values[name] for name in columns})
        yield "/".join(str(values[name]) for name in key), plain | {name: values[name] for name in extra if name == "run_id"}


def index_digest(connection: Connection, run_id: str) -> str:
    """Return the digest of a run's index: every conversation, the stages found in it and the digests of its speakers."""
    digest = hashlib.sha256()
    ours = select(conversations.c.number).where(conversations.c.run_id == run_id)
    number = column("number")
    queries = [raw(conversations, _INDEX).where(column("run_id") == run_id).order_by(number)]
    for table, names in (
        (conversation_stages, ("conversation", "stage", "probability")),
        (conversation_speakers, ("conversation", "slot", "speaker")),
    ):
        queries.append(raw(table, names).where(column("conversation").in_(ours)).order_by(column("conversation")))
    for query in queries:
        rows = connection.execute(query.execution_options(yield_per=5000))
        # Sorted here, since databases sort text each in their own way.
        for _, group in groupby(map(tuple, rows), key=lambda row: row[0]):
            for row in sorted(map(repr, group)):
                digest.update(row.encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()


@dataclass
class Derived:
    """What the log says that the tables hold. ``rows``: kind -> key -> column -> value; ``problems``: contradictions in it."""

    rows: dict[str, dict[str, Recorded]] = field(default_factory=lambda: {kind: {} for kind in RECORDED})
    problems: list[str] = field(default_factory=list)

    def take(self, number: int, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Take in a line of the log. A line that is not formed as ours raises what Python raises."""
        before_it = detail.get("found", {})
        for name, before_value in before_it.items() if isinstance(before_it, dict) else ():  # of a search it is a number
            kind, _, key = name.partition("/")
            before = self.rows[kind].get(key, {})
            if any(before.get(column_) != value for column_, value in before_value.items()):
                self.problems.append(f"before line {number} the index of {kind} {shown(key)} had been changed")
        sets = detail.get("sets")
        for name, values in (_earlier(actor, action, subject, detail) if sets is None else sets).items():
            kind, _, key = name.partition("/")
            row = self.rows[kind].setdefault(key, {})
            if action == "take stock":
                self.problems += [
                    f"at line {number} the {column_} of {kind} {shown(key)} was not the one in the log"
                    for column_, value in values.items()
                    if column_ in row and row[column_] != value
                ]
            row.update(values)
        for decision in detail.get("decisions", ()) if action == "purge" else ():
            self.rows["decision"].pop(str(decision), None)
        for name in detail.get("removed", ()):
            kind, _, key = name.partition("/")
            self.rows[kind].pop(key, None)
        if gone := _from_ranges(detail.get("gone", "")):
            self._drop_conversations(gone)
        if gone := _from_ranges(detail.get("gone_corrections", "")):
            self._drop_corrections(gone)

    def _drop_conversations(self, gone: set[int]) -> None:
        self.rows["conversation"] = {key: row for key, row in self.rows["conversation"].items() if int(key) not in gone}
        kept = {key: row for key, row in self.rows["decision"].items() if row.get("conversation") not in gone}
        self.rows["decision"] = kept
        self.rows["note"] = {key: row for key, row in self.rows["note"].items() if row.get("conversation") not in gone}
        self._drop_corrections(gone)

    def _drop_corrections(self, gone: set[int]) -> None:
        corrections = self.rows["correction"]
        self.rows["correction"] = {key: row for key, row in corrections.items() if int(key.partition("/")[0]) not in gone}
        self.rows["reading"] = {key: row for key, row in self.rows["reading"].items() if row.get("conversation") not in gone}


def _earlier(actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> dict[str, Recorded]:
    """Return what a line of a store made by an earlier Safelight set; those lines name no rows."""
    name = subject.removeprefix("reader:")
    if action == "add account":
        return {f"account/{name}": {"role": detail["role"], "active": True}}
    if action == "change account":
        return {f"account/{name}": {"role": detail["role"], "active": detail["active"]}}
    if action == "decide":
        about = {"kind": detail["kind"], "reason": detail["reason"], "note": detail["note"], "reader": actor}
        return {f"decision/{detail['decision']}": about | {"second_reader": None}}
    if action == "confirm":
        return {f"decision/{detail['decision']}": {"second_reader": actor}}
    if action == "erase notes":
        return {f"decision/{decision}": {"note": None} for decision in detail["decisions"]}
    return {}


def differences(connection: Connection, derived: Derived, *, index: bool = True) -> Iterator[str]:
    """Yield where the tables are not what the log says. Without ``index`` the index of each run is not looked at."""
    opened = {key: row["opened"] for key, row in rows_of(connection, "run")}
    for kind in RECORDED:
        left = dict(derived.rows[kind])
        for key, row in rows_of(connection, kind):
            expected = left.pop(key, None)
            if kind == "conversation":
                pristine = {"state": "open", "awaiting": False, "assignee": None, "changed": opened.get(row["run_id"])}
                expected = pristine | (expected or {})
            if expected is None:
                yield f"{kind} {shown(key)} is in the store and not in the log"
                continue
            for name, value in expected.items():
                if name in row and row[name] != value:
                    yield f"the {name} of {kind} {shown(key)} is not the one in the log"
            if index and kind == "run" and index_digest(connection, key) != expected.get("index"):
                yield f"the conversations of run {shown(key)}, or what was found in them, are not those in the log"
            if index and kind == "case" and evidence_digest(connection, key) != expected.get("index"):
                yield f"the links, patterns or priorities of case {shown(key)} are not those in the log"
            if index and kind == "case_run" and sources_digest(connection, key.rpartition("/")[2]) != expected.get("index"):
                yield f"the accounts or exports of run {shown(key.rpartition('/')[2])} are not those in the log"
        for key in left:
            yield f"{kind} {shown(key)} is in the log and not in the store"


def shown(text: Any, limit: int = 80) -> str:
    """Return a text from a table, which anybody may have written there, so that a terminal can show it."""
    return str(text)[:limit].encode("unicode_escape", "backslashreplace").decode("ascii")
