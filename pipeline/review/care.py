"""Care for the reader: what was seen today, and when a pause would do good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, func, select, update

from pipeline.review.audit import append
from pipeline.review.records import Moderator
from pipeline.review.schema import audit, readers

PAUSE = timedelta(minutes=5)
"""How long a pause is suggested for; being away so long counts as one."""


@dataclass(frozen=True, slots=True)
class Today:
    """What a reader saw since midnight UTC: conversations opened, messages revealed, decisions made."""

    conversations: int
    revealed: int
    decided: int


def seen_today(connection: Connection, reader: Moderator) -> Today:
    """Count what a reader saw and did today, from the audit log."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    query = (
        select(audit.c.action, func.count(), func.count(audit.c.subject.distinct()))
        .where(audit.c.actor == reader.name, audit.c.at >= midnight, audit.c.action.in_(("view", "reveal", "decide", "confirm")))
        .group_by(audit.c.action)
    )
    lines = {action: (count, subjects) for action, count, subjects in connection.execute(query)}
    number = {action: lines.get(action, (0, 0)) for action in ("view", "reveal", "decide", "confirm")}
    return Today(number["view"][1], number["reveal"][0], number["decide"][0] + number["confirm"][0])


def pause_due(connection: Connection, reader: Moderator) -> Literal["time", "cases"] | None:
    """Return why a pause is due before the next conversation, if one is."""
    row = connection.execute(select(readers.c.working_since, readers.c.cases_in_row).where(readers.c.name == reader.name)).one()
    if row.cases_in_row >= reader.pause_cases:
        return "cases"
    worked = datetime.now(UTC) - row.working_since if row.working_since else timedelta(0)
    return "time" if worked >= timedelta(minutes=reader.pause_minutes) else None


def note_work(connection: Connection, reader: Moderator, *, opened: bool = False, severe: bool = False) -> None:
    """Note that a reader works now, and the conversation that was opened: a severe one lengthens the run, another ends it."""
    now = datetime.now(UTC)
    columns = readers.c
    row = connection.execute(
        select(columns.working_since, columns.last_seen, columns.cases_in_row).where(columns.name == reader.name)
    ).one()
    rested = row.last_seen is None or now - row.last_seen >= PAUSE
    cases = 0 if rested else row.cases_in_row
    if opened:
        cases = cases + 1 if severe else 0
    since = now if rested or row.working_since is None else row.working_since
    connection.execute(
        update(readers).where(columns.name == reader.name).values(working_since=since, last_seen=now, cases_in_row=cases)
    )


def end_pause(connection: Connection, reader: Moderator, *, taken: bool) -> None:
    """Begin again: the clock and the run of severe cases stand at nothing."""
    now = datetime.now(UTC)
    connection.execute(
        update(readers).where(readers.c.name == reader.name).values(working_since=now, last_seen=now, cases_in_row=0)
    )
    append(connection, reader.name, "pause", f"reader:{reader.name}", taken=taken)
