"""Saved filters of the queue: a reader's own, and queues of the whole team, which leads keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, or_, select

from pipeline.errors import ReviewError
from pipeline.review.audit import append
from pipeline.review.records import Moderator
from pipeline.review.schema import filters

_MOST = 50


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A filter by name; ``query`` is what stands after the question mark in the address. ``team``: everybody's."""

    id: int
    name: str
    query: str
    team: bool


def filters_for(connection: Connection, reader: Moderator) -> Sequence[SavedFilter]:
    """Return the team's queues, then the reader's own filters."""
    mine = or_(filters.c.reader.is_(None), filters.c.reader == reader.name)
    rows = connection.execute(select(filters).where(mine).order_by(filters.c.reader.is_not(None), filters.c.name)).all()
    return [SavedFilter(row.id, row.name, row.query, row.reader is None) for row in rows]


def save_filter(connection: Connection, name: str, query: str, *, team: bool, reader: Moderator) -> None:
    """Keep a filter; one of the same name is replaced.

    Raises
    ------
    ReviewError
        When it has no name, there are too many, or a reader who is no lead makes one for the team.
    """
    name = " ".join(name.split())[:40]
    if not name:
        raise ReviewError("the filter has no name", do="Give it one")
    if team and not reader.may("lead"):
        raise ReviewError("only a lead keeps the team's queues", do="Save it for yourself")
    owner = None if team else reader.name
    same = filters.c.reader.is_(None) if owner is None else filters.c.reader == owner
    connection.execute(delete(filters).where(same, filters.c.name == name))
    if len(connection.execute(select(filters.c.id).where(same)).all()) >= _MOST:
        raise ReviewError(f"there are {_MOST} filters", do="Delete one first")
    connection.execute(filters.insert().values(name=name, reader=owner, query=query[:2000]))
    append(connection, reader.name, "save filter", team=team)


def drop_filter(connection: Connection, filter_id: int, *, reader: Moderator) -> None:
    """Delete a filter of one's own; a lead also those of the team."""
    mine = filters.c.reader == reader.name
    allowed = or_(mine, filters.c.reader.is_(None)) if reader.may("lead") else mine
    connection.execute(delete(filters).where(filters.c.id == filter_id, allowed))
    append(connection, reader.name, "delete filter")
