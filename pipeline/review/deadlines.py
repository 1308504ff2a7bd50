"""Until when a flagged conversation is to be read, by the hours that an admin sets; and how long the open ones wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, update

from pipeline.review.schema import conversations

_columns = conversations.c
_MANY = 1000


def deadline(changed: datetime, *, flagged: bool, severe: bool, hours_severe: int, hours_flagged: int) -> datetime | None:
    """Return until when a conversation that came in then is to be read; nothing where it is not flagged."""
    return changed + timedelta(hours=hours_severe if severe else hours_flagged) if flagged else None


def set_deadlines(connection: Connection, *, severe: int, flagged: int, only: ColumnElement[bool] | None = None) -> None:
    """Set the deadlines of the conversations anew; ``severe`` and ``flagged`` are hours.

    Conversations came in many at once, so that there are few groups with one time.
    """
    chosen = [] if only is None else [only]
    connection.execute(update(conversations).where(~_columns.flagged, _columns.due.is_not(None), *chosen).values(due=None))
    query = select(_columns.changed, _columns.severe).where(_columns.flagged, *chosen).distinct()
    for changed, is_severe in connection.execute(query).all():
        due = deadline(changed, flagged=True, severe=is_severe, hours_severe=severe, hours_flagged=flagged)
        group = (_columns.changed == changed, _columns.severe == is_severe, _columns.flagged)
        connection.execute(update(conversations).where(*group, *chosen).values(due=due))


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """How the open conversations of a queue stand.

    ``waiting`` and ``late`` count up to ``many``, so that a queue of any length is counted at once. ``oldest`` is when the one came
    in that waits longest, ``next_due`` the next deadline that is not over.
    """

    waiting: int
    late: int
    oldest: datetime | None
    next_due: datetime | None
    many: int = _MANY


def service_level(connection: Connection, conditions: Sequence[ColumnElement[bool]], *, now: datetime) -> ServiceLevel:
    """Return how the open, flagged conversations stand that meet the conditions."""
    wanted = (*conditions, _columns.state == "open", ~_columns.awaiting, _columns.flagged)
    waiting = _count(connection, wanted)
    late = _count(connection, (*wanted, _columns.due < now))
    oldest = select(_columns.changed).where(*wanted).order_by(_columns.changed, _columns.number).limit(1)
    following = select(_columns.due).where(*wanted, _columns.due >= now).order_by(_columns.due, _columns.number).limit(1)
    return ServiceLevel(
        waiting, late, connection.execute(oldest).scalar_one_or_none(), connection.execute(following).scalar_one_or_none()
    )


def _count(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> int:
    some = select(_columns.number).where(*conditions).limit(_MANY).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
