"""The audit log: append-only, each line chained to the one before by its hash; and the check that finds any change.

Three things hold the log. The database refuses to change or delete a line (triggers). Each line's hash covers the hash before it.
And the end of the log (number and hash) is noted in the store and in a file beside it, so that lines cut off the end are missed.
Who can write the database *and* that file could still forge a whole log: `safelight audit verify` prints the end of the log, to
be kept elsewhere and given back with ``--head``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select, update

from pipeline.errors import ReviewError
from pipeline.review.records import AuditEntry
from pipeline.review.schema import audit, audit_head, conversations, decisions, moment_text
from pipeline.review.store import Store

FIRST = "0" * 64
"""What the first line has for the hash before it."""


_OF_DECISIONS = frozenset({"decide", "confirm", "undo", "replace", "erase notes", "purge"})
"""Actions whose detail names a ``decision``, or ``decisions``."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: how many lines, and the hash of the last."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found: the end of the log, and what is wrong, in words."""

    head: Head
    problems: Sequence[str]


def append(connection: Connection, actor: str, action: str, subject: str = "", **detail: Any) -> AuditEntry:
    """Add a line to the log, in the transaction of what it tells of. ``detail`` holds ids, numbers and digests only."""
    head = log_end(connection)
    number, now = head.number + 1, datetime.now(UTC)
    content = json.dumps(detail, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    digest = _hash(number, now, actor, action, subject, content, head.hash)
    connection.execute(
        audit.insert().values(
            number=number, at=now, actor=actor, action=action, subject=subject, detail=content, previous=head.hash, hash=digest
        )
    )
    connection.execute(update(audit_head).values(number=number, hash=digest))
    return AuditEntry(number, now, actor, action, subject, detail, head.hash, digest)


def _hash(number: int, at: datetime, actor: str, action: str, subject: str, detail: str, previous: str) -> str:
    line = json.dumps([number, moment_text(at), actor, action, subject, detail, previous], ensure_ascii=True)
    return hashlib.sha256(line.encode("ascii")).hexdigest()


def log_end(connection: Connection) -> Head:
    """Return the end of the log as the store notes it."""
    row = connection.execute(select(audit_head.c.number, audit_head.c.hash)).one()
    return Head(row.number, row.hash)


def entries(connection: Connection, *, subject: str | None = None, after: int = 0) -> Iterator[AuditEntry]:
    """Yield the lines of the log in order, all of them or those about a subject."""
    query = select(audit).where(audit.c.number > after).order_by(audit.c.number)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield _entry(row)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.number, row.at, row.actor, row.action, row.subject, json.loads(row.detail), row.previous, row.hash)


def note_head(store: Store) -> None:
    """Write the end of the log to the file beside the store. A file that lags behind is still right: its line must be in the log.

    Raises
    ------
    ReviewError
        When the file cannot be written.
    """
    with store.reading() as connection:
        head = log_end(connection)
    beside = store.head.with_name(f".{store.head.name}.new")
    try:
        beside.write_text(f"{head}\n", "ascii")
        beside.replace(store.head)
    except OSError as error:
        raise ReviewError(
            f"the end of the audit log cannot be noted ({error.strerror})", where=str(store.head), do="Make the folder writable"
        ) from error


def read_head(text: str, *, where: str) -> Head:
    """Read the end of a log as `verify` prints it.

    Raises
    ------
    ReviewError
        When it is none.
    """
    number, _, digest = text.strip().partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise ReviewError("this is no end of an audit log", where=where, do="Give number:hash as `verify` prints it")
    return Head(int(number), digest)


def verify(store: Store, *, noted: Head | None = None) -> Verdict:
    """Check every line of the log, its end against what was noted of it, and each decision against the log."""
    beside = _file_head(store.head)
    wanted = {name: head for name, head in (("given", noted), (f"noted in {store.head.name}", beside)) if head}
    problems: list[str] = []
    with store.reading() as connection:
        head, told = _check_chain(connection, wanted, problems)
        stored = log_end(connection)
        if stored != head:
            problems.append(f"the log ends at line {head.number}, but the store notes line {stored.number} as its end")
        problems += _check_decisions(connection, told)
    if head.number and not wanted:
        problems.append(f"{store.head} is missing: nothing outside of the database tells where the log ended")
    for name, other in wanted.items():
        if other.number > head.number:
            problems.append(f"the log ends at line {head.number}, but line {other.number} was {name}: lines were cut off")
    return Verdict(head, problems)


def _file_head(path: Path) -> Head | None:
    if not path.is_file():
        return None
    return read_head(path.read_text("ascii", "replace"), where=str(path))


def _check_chain(
    connection: Connection, wanted: Mapping[str, Head], problems: list[str]
) -> tuple[Head, dict[int, dict[str, Mapping[str, Any]]]]:
    """Walk the chain; return its end, and what it tells of each decision."""
    head = Head(0, FIRST)
    told: dict[int, dict[str, Mapping[str, Any]]] = {}
    for row in connection.execute(select(audit).order_by(audit.c.number).execution_options(yield_per=1000)):
        if row.number != head.number + 1:
            problems.append(f"line {head.number + 1} is missing: line {row.number} comes after {head.number}")
        elif row.previous != head.hash:
            problems.append(f"line {row.number} does not follow from the line before it")
        if row.hash != _hash(row.number, row.at, row.actor, row.action, row.subject, row.detail, row.previous):
            problems.append(f"line {row.number} was changed")
        for name, other in wanted.items():
            if other.number == row.number and other.hash != row.hash:
                problems.append(f"line {row.number} is not the one {name}")
        for decision, line in _about_decisions(row):
            told.setdefault(decision, {})[row.action] = line
        head = Head(row.number, row.hash)
    return head, told


def _about_decisions(row: Row[Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if row.action not in _OF_DECISIONS:
        return
    detail = json.loads(row.detail)
    for decision in [detail["decision"]] if "decision" in detail else detail["decisions"]:
        yield decision, {"actor": row.actor, **detail}


def note_digest(note: str | None, salt: str | None) -> str | None:
    """Return what the log holds of a note: nothing that can be guessed back once the salt is deleted with the note."""
    return None if note is None else hashlib.sha256(f"{salt}\n{note}".encode("utf-8", "surrogatepass")).hexdigest()


def _check_decisions(connection: Connection, told: Mapping[int, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Yield where a decision in the store is not what the log tells of it."""
    missing = {decision for decision, lines in told.items() if "decide" in lines and "purge" not in lines}
    query = select(decisions, conversations.c.state).join(conversations, conversations.c.number == decisions.c.conversation)
    for row in connection.execute(query.order_by(decisions.c.id)):
        missing.discard(row.id)
        lines = told.get(row.id, {})
        made = lines.get("decide")
        if made is None:
            yield f"decision {row.id} is not in the log"
            continue
        same = (made["kind"], made["reason"], made["actor"]) == (row.kind, row.reason, row.reader)
        if not same or ("erase notes" not in lines and made["note"] != note_digest(row.note, row.note_salt)):
            yield f"decision {row.id} is not the one in the log"
        confirmed = lines.get("confirm")
        if (confirmed["actor"] if confirmed else None) != row.second_reader:
            yield f"the second reader of decision {row.id} is not the one in the log"
        if ("undo" in lines) != (row.undone is not None) or ("replace" in lines) != (row.replaced_by is not None):
            yield f"decision {row.id} holds, or does not, otherwise than in the log"
        if row.undone is None and row.replaced_by is None and row.state != row.kind:
            yield f"the state of the conversation of decision {row.id} is not the decision's"
    for decision in sorted(missing):
        yield f"decision {decision} is in the log and not in the store"
