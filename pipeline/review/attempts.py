"""The readings of practice cases in the store: kept, with a line in the log each, since a certificate is made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, select

from pipeline.errors import ReviewError
from pipeline.practice.cases import ANSWERS, PracticeCase
from pipeline.practice.grading import Attempt
from pipeline.review.audit import append
from pipeline.review.recorded import recorded
from pipeline.review.records import Moderator
from pipeline.review.work_schema import practice_attempts

_columns = practice_attempts.c


def keep_attempt(
    connection: Connection, case: PracticeCase, *, marks: Mapping[int, Sequence[str]], decision: str, reader: Moderator
) -> int:
    """Keep a reading; return its number.

    Raises
    ------
    ReviewError
        When no decision was chosen.
    """
    if decision not in ANSWERS:
        raise ReviewError("no decision was chosen", do="Choose one")
    kept = {str(position): sorted(set(stages)) for position, stages in sorted(marks.items()) if stages}
    values = {"reader": reader.name, "case_id": case.id, "at": datetime.now(UTC), "marks": json.dumps(kept), "decision": decision}
    made = connection.execute(practice_attempts.insert().values(**values).returning(_columns.id)).scalar_one()
    sets = {f"practice/{made}": recorded(**values)}
    append(connection, reader.name, "practise", f"reader:{reader.name}", sets=sets, case=case.id)
    return made


def attempts(connection: Connection, *, reader: str | None = None) -> list[Attempt]:
    """Return the readings in the order made: of everybody, or of one reader."""
    query = select(practice_attempts).order_by(_columns.id)
    if reader is not None:
        query = query.where(_columns.reader == reader)
    return [_attempt(row) for row in connection.execute(query)]


def latest_attempts(connection: Connection, reader: str, *, count: int = 20) -> list[tuple[int, Attempt]]:
    """Return the latest readings of one reader with their numbers, the newest first."""
    query = select(practice_attempts).where(_columns.reader == reader).order_by(_columns.id.desc()).limit(count)
    return [(row.id, _attempt(row)) for row in connection.execute(query)]


def one_attempt(connection: Connection, number: int) -> Attempt:
    """Return a reading by its number.

    Raises
    ------
    ReviewError
        When there is none.
    """
    row = connection.execute(select(practice_attempts).where(_columns.id == number)).one_or_none()
    if row is None:
        raise ReviewError("there is no such reading", do="Go back to the practice")
    return _attempt(row)


def _attempt(row: Row[tuple[object, ...]]) -> Attempt:
    marks = {int(position): frozenset(stages) for position, stages in json.loads(row.marks).items()}
    return Attempt(case=row.case_id, reader=row.reader, at=row.at, marks=marks, decision=row.decision)
