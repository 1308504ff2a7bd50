"""The audit log: append-only, each line chained to the one before by its hash; and the check that finds any change.

Four things hold the log. The database refuses to change or delete a line (triggers). Each line's hash covers the hash before it.
The end of the log (number and hash) is noted in the store and in a file beside it, so that lines cut off the end are missed. And
each line names what it set in the tables, so that a change past the log is found (`pipeline.review.recorded`).
Who can write the database *and* that file could still forge a whole log: `safelight audit verify` prints the end of the log, to
be kept elsewhere and given back with ``--head``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, column, select, update
from sqlalchemy.exc import DBAPIError

from pipeline.errors import ReviewError
from pipeline.review.audit_head import FIRST, Head, log_end, noted_head, write_head
from pipeline.review.guards import missing_guards
from pipeline.review.recorded import RECORDED, Derived, Recorded, columns_there, differences, index_digest, raw, rows_of, shown
from pipeline.review.records import AuditEntry
from pipeline.review.schema import audit, audit_head, moment_text
from pipeline.review.store import Store

_LINE = ("number", "at", "actor", "action", "subject", "detail", "previous", "hash")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found: the end of the log, what is wrong, and what to know though it is not wrong, in words."""

    head: Head
    problems: Sequence[str]
    notes: Sequence[str] = ()


def append(
    connection: Connection,
    actor: str,
    action: str,
    subject: str = "",
    *,
    sets: Mapping[str, Recorded] | None = None,
    **detail: Any,
) -> AuditEntry:
    """Add a line to the log, in the transaction of what it tells of. ``detail`` holds ids, numbers and digests only.

    ``sets`` names the rows that were changed and the columns that were set: ``kind/key`` -> columns, as `recorded` gives them.
    """
    head = log_end(connection)
    number, now = head.number + 1, datetime.now(UTC)
    stated = {**detail, "sets": sets or {}}
    content = json.dumps(stated, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    digest = _hash(number, moment_text(now), actor, action, subject, content, head.hash)
    connection.execute(
        audit.insert().values(
            number=number, at=now, actor=actor, action=action, subject=subject, detail=content, previous=head.hash, hash=digest
        )
    )
    connection.execute(update(audit_head).values(number=number, hash=digest))
    return AuditEntry(number, now, actor, action, subject, stated, head.hash, digest)


def _hash(number: int, at: str, actor: str, action: str, subject: str, detail: str, previous: str) -> str:
    line = json.dumps([number, at, actor, action, subject, detail, previous], ensure_ascii=True)
    return hashlib.sha256(line.encode("ascii")).hexdigest()


def entries(connection: Connection, *, subject: str | None = None, after: int = 0) -> Iterator[AuditEntry]:
    """Yield the lines of the log in order, all of them or those about a subject."""
    query = select(audit).where(audit.c.number > after).order_by(audit.c.number)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield _entry(row)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.number, row.at, row.actor, row.action, row.subject, json.loads(row.detail), row.previous, row.hash)


def take_stock(connection: Connection) -> None:
    """Record the tables as they are, in a store whose log did not record them: what comes after is compared with this.

    A migration calls this when the tables lack what later migrations add.
    """
    opened: dict[str, Any] = {}
    sets: dict[str, Recorded] = {}
    for kind in RECORDED:
        there = columns_there(connection, kind)
        for key, row in rows_of(connection, kind, there) if there else ():
            run_id = row.pop("run_id", None)
            if kind == "run":
                opened[key] = row["opened"]
                row["index"] = index_digest(connection, key)
            if kind == "conversation" and (row["state"], row["assignee"], row["changed"]) == ("open", None, opened[run_id]):
                continue
            sets[f"{kind}/{key}"] = row
    append(connection, "", "take stock", sets=sets)


def renew_head(store: Store, *, actor: str, reason: str) -> None:
    """Note the end of the log as it is now, whatever was noted before, and say so in the log with the reason.

    For a head file that was lost, or a store that came back from a backup. `verify` tells of it ever after.
    """
    try:
        before = str(noted_head(store.head) or "missing")
    except ReviewError:
        before = "damaged"
    with store.writing(unchecked=True) as connection:
        last = connection.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).one_or_none()
        end = Head(last.number, last.hash) if last else Head(0, FIRST)
        stored = connection.execute(raw(audit_head, ("number", "hash"))).one_or_none()
        if stored is None:
            connection.execute(audit_head.insert().values(one=1, number=end.number, hash=end.hash))
        connection.execute(update(audit_head).values(number=end.number, hash=end.hash))
        in_store = ":".join(map(shown, stored)) if stored else "missing"
        line = append(connection, actor, "renew head", before=before, in_store=in_store, reason=reason)
    write_head(store.head, Head(line.number, line.hash))


def verify(store: Store, *, noted: Head | None = None, index: bool = True) -> Verdict:
    """Check every line of the log, its end against what was noted of it, the triggers, and the tables against the log.

    Without ``index`` the conversations of each run are not read: for a page that must come at once.
    """
    problems: list[str] = []
    wanted = {"given": noted} if noted else {}
    try:  # before the log is read: another process may add a line and note it meanwhile
        beside = noted_head(store.head)
    except ReviewError as error:
        problems.append(f"{error.where}: {error.what}")
    else:
        if beside:
            wanted[f"noted in {store.head.name}"] = beside
        elif noted is None:
            problems.append(f"{store.head} is missing: nothing outside of the database tells where the log ended")
    head, notes = Head(0, FIRST), []
    try:
        with _as_written(store) as connection:
            problems += missing_guards(connection)
            derived = Derived()
            head = _check_chain(connection, wanted, derived, problems, notes)
            problems += _check_end(connection, head)
            problems += derived.problems
            problems += differences(connection, derived, index=index)
    except DBAPIError as error:
        problems.append(f"the store cannot be read to its end ({type(error.orig).__name__})")
    for name, other in wanted.items():
        if other.number > head.number:
            problems.append(f"the log ends at line {head.number}, but line {other.number} was {name}: lines were cut off")
    return Verdict(head, problems, notes)


@contextmanager
def _as_written(store: Store) -> Iterator[Connection]:
    """Yield a connection that reads what is there, text that is not UTF-8 too."""
    with store.reading() as connection:
        driver = connection.connection.driver_connection
        if connection.dialect.name != "sqlite" or driver is None:
            yield connection
            return
        driver.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        try:
            yield connection
        finally:
            driver.text_factory = str


def _check_chain(
    connection: Connection, wanted: Mapping[str, Head], derived: Derived, problems: list[str], notes: list[str]
) -> Head:
    """Walk the chain; return its end, and leave in ``derived`` what it tells of the tables."""
    head = Head(0, FIRST)
    for row in connection.execute(raw(audit, _LINE).order_by(column("number")).execution_options(yield_per=1000)):
        line: tuple[Any, ...] = tuple(row)
        number, at, actor, action, subject, detail, previous, digest = line
        if not isinstance(number, int):
            problems.append(f"a line after line {head.number} has no number")
            continue
        if number != head.number + 1:
            problems.append(f"line {head.number + 1} is missing: line {number} comes after {head.number}")
        elif previous != head.hash:
            problems.append(f"line {number} does not follow from the line before it")
        if not all(isinstance(value, str) for value in line[1:]) or digest != _hash(
            number, at, actor, action, subject, detail, previous
        ):
            problems.append(f"line {number} was changed")
        for name, other in wanted.items():
            if other.number == number and other.hash != digest:
                problems.append(f"line {number} is not the one {name}")
        try:
            stated = json.loads(detail)
            derived.take(number, actor, action, subject, stated)
            if action == "renew head":
                notes.append(_renewed(number, at, actor, stated))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            problems.append(f"line {number} does not tell what it set")
        head = Head(number, digest)
    return head


def _renewed(number: int, at: str, actor: str, stated: Mapping[str, Any]) -> str:
    return (
        f"line {number}: on {shown(at[:10])} {shown(actor)} noted the end of the log anew. Before, the file said "
        f"{shown(stated['before'])}. Lines may have been lost then. The reason given: {shown(stated['reason'], 400)}"
    )


def _check_end(connection: Connection, head: Head) -> Iterator[str]:
    stored = connection.execute(raw(audit_head, ("number", "hash"))).all()
    if not stored:
        yield "the store does not note the end of its log"
    elif tuple(stored[0]) != (head.number, head.hash):
        yield f"the log ends at line {head.number}, but the store notes line {shown(stored[0][0])} as its end, or another hash"
