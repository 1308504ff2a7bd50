"""Blind samples: two readers read the same conversations, and neither sees what the other, or the model, says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from pipeline.digests import sha256_of_text
from pipeline.errors import ReviewError
from pipeline.review.audit import append
from pipeline.review.decisions import key_of
from pipeline.review.recorded import recorded
from pipeline.review.records import KINDS, Moderator
from pipeline.review.schema import conversations, readers
from pipeline.review.work_schema import sample_readings, samples, shadow_scores

Source = Literal["flagged", "open", "shadow"]

SOURCES: Mapping[Source, str] = {
    "flagged": "the open conversations that are flagged",
    "open": "all open conversations",
    "shadow": "the open conversations that only a shadow flags",
}
"""What a sample is drawn from."""

MOST = 500
LONGEST = 500
"""Messages of a conversation that is drawn: a blind reading shows all of them at once."""

_READERS = 2
_readings = sample_readings.c


@dataclass(frozen=True, slots=True)
class Reading:
    """A conversation that one reader is to read, or has read: ``at``, ``kind`` and ``marks`` are set then."""

    id: int
    sample: int
    conversation: int
    reader: str
    at: datetime | None
    kind: str | None
    marks: Mapping[int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample, and how much of it is read."""

    id: int
    name: str
    creator: str
    created: datetime
    source: Source
    readers: Sequence[str]
    conversations: int
    done: int


def draw_sample(
    connection: Connection, name: str, *, chosen: Sequence[str], count: int, source: Source, runs: Sequence[str], lead: Moderator
) -> int:
    """Draw a sample and give it to two readers; return its number.

    Drawn are the conversations with the lowest digests of the name and their numbers: as good as by chance, and the same again for
    the same name.

    Raises
    ------
    ReviewError
        When it has no name, the readers are not two active accounts, or there is nothing to draw from.
    """
    name = " ".join(name.split())[:40]
    if not name:
        raise ReviewError("the sample has no name", do="Give it one")
    active = set(connection.execute(select(readers.c.name).where(readers.c.active)).scalars())
    if len(set(chosen)) != _READERS or not set(chosen) <= active:
        raise ReviewError("a sample needs two readers", do="Choose two active accounts")
    if not 1 <= count <= MOST:
        raise ReviewError(f"{count} is not a number of conversations to draw", do=f"Give 1 to {MOST}")
    numbers: list[int] = list(connection.execute(select(conversations.c.number).where(*_drawn_from(source, runs))).scalars())
    if not numbers:
        raise ReviewError(f"there is nothing to draw from: {SOURCES[source]}", do="Choose something else")
    drawn = sorted(numbers, key=lambda number: sha256_of_text(f"{name}\n{number}"))[:count]
    values = {"name": name, "creator": lead.name, "created": datetime.now(UTC), "source": source}
    made = connection.execute(samples.insert().values(**values).returning(samples.c.id)).scalar_one()
    sets = {f"sample/{made}": recorded(**values)}
    for number in drawn:
        for reader in sorted(chosen):
            row = {"sample": made, "conversation": number, "reader": reader, "at": None, "kind": None, "marks": None}
            reading = connection.execute(sample_readings.insert().values(**row).returning(_readings.id)).scalar_one()
            sets[f"reading/{reading}"] = recorded(**row)
    append(connection, lead.name, "draw sample", sets=sets, sample=made, conversations=len(drawn), readers=sorted(chosen))
    return made


def _drawn_from(source: Source, runs: Sequence[str]) -> list[ColumnElement[bool]]:
    columns = conversations.c
    wanted = [columns.run_id.in_(runs), columns.state == "open", columns.messages.between(1, LONGEST)]
    if source == "flagged":
        wanted.append(columns.flagged)
    elif source == "shadow":
        flagged = select(shadow_scores.c.conversation).where(shadow_scores.c.flagged)
        wanted += [~columns.flagged, columns.number.in_(flagged)]
    return wanted


def keep_reading(
    connection: Connection, reading_id: int, *, kind: str, marks: Mapping[int, Sequence[str]], reader: Moderator
) -> Reading:
    """Keep what a reader says of a conversation of a sample.

    Raises
    ------
    ReviewError
        When it is another's, was read already, or no decision was chosen.
    """
    reading = one_reading(connection, reading_id)
    if reading.reader != reader.name:
        raise ReviewError("this is another reader's", do="Read your own")
    if reading.at is not None:
        raise ReviewError("you have read this one", do="Go on with the next")
    if kind not in KINDS:
        raise ReviewError("no decision was chosen", do="Choose one")
    kept = {str(position): sorted(set(stages)) for position, stages in sorted(marks.items()) if stages}
    values = {"at": datetime.now(UTC), "kind": kind, "marks": json.dumps(kept)}
    connection.execute(update(sample_readings).where(_readings.id == reading_id).values(**values))
    subject = key_of(connection, reading.conversation).subject
    # What was decided stays out of the line's own words: the other reader may look at the log.
    append(
        connection, reader.name, "read blind", subject, sets={f"reading/{reading_id}": recorded(**values)}, sample=reading.sample
    )
    return one_reading(connection, reading_id)


def one_reading(connection: Connection, reading_id: int) -> Reading:
    """Return a reading by its number.

    Raises
    ------
    ReviewError
        When there is none.
    """
    row = connection.execute(select(sample_readings).where(_readings.id == reading_id)).one_or_none()
    if row is None:
        raise ReviewError("there is no such reading", do="Go back to your readings")
    return _reading(row)


def readings_to_do(connection: Connection, reader: Moderator) -> list[Reading]:
    """Return what a reader has still to read blind, in the order of the samples."""
    query = select(sample_readings).where(_readings.reader == reader.name, _readings.at.is_(None)).order_by(_readings.id)
    return [_reading(row) for row in connection.execute(query)]


def count_to_do(connection: Connection, reader: Moderator) -> int:
    """Return how many a reader has still to read blind."""
    query = select(func.count()).where(_readings.reader == reader.name, _readings.at.is_(None))
    return connection.execute(query).scalar_one()


def reading_to_do_of(connection: Connection, number: int, reader: Moderator) -> int | None:
    """Return the reading in which a reader has still to read a conversation blind; then its own page would say too much."""
    mine = (_readings.conversation == number, _readings.reader == reader.name, _readings.at.is_(None))
    return connection.execute(select(_readings.id).where(*mine).order_by(_readings.id).limit(1)).scalar_one_or_none()


def readings_of(connection: Connection, sample: int) -> list[Reading]:
    """Return all readings of a sample."""
    query = select(sample_readings).where(_readings.sample == sample).order_by(_readings.id)
    return [_reading(row) for row in connection.execute(query)]


def all_samples(connection: Connection) -> list[Sample]:
    """Return the samples, the newest first."""
    about = select(
        _readings.sample, func.count(), func.count(_readings.at), func.min(_readings.reader), func.max(_readings.reader)
    ).group_by(_readings.sample)
    counts = {sample: rest for sample, *rest in connection.execute(about)}
    made = []
    for row in connection.execute(select(samples).order_by(samples.c.id.desc())):
        total, done, first, second = counts.get(row.id, (0, 0, "", ""))
        people = [str(name) for name in (first, second) if name]
        made.append(Sample(row.id, row.name, row.creator, row.created, row.source, people, total // _READERS, done))
    return made


def _reading(row: Row[tuple[object, ...]]) -> Reading:
    marks = {int(position): frozenset(stages) for position, stages in json.loads(row.marks or "{}").items()}
    return Reading(row.id, row.sample, row.conversation, row.reader, row.at, row.kind, marks)
