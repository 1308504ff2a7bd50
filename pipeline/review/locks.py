"""Who works on what: a lock for a while, so that two people do not read the same harm twice; and assignment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select, update

from pipeline.errors import DecidedMeanwhile, ReviewError
from pipeline.review.audit import append
from pipeline.review.recorded import recorded
from pipeline.review.records import ConversationKey, Moderator
from pipeline.review.schema import conversations, readers

LASTS = timedelta(minutes=15)
"""How long a lock holds after the last sign of life of the page."""

_columns = conversations.c


def take_lock(connection: Connection, number: int, reader: Moderator, *, over: bool = False) -> str | None:
    """Take the lock of a conversation, and give up any other; return who has it when it is somebody else.

    ``over`` takes it from them; the caller has checked the role.
    """
    now = datetime.now(UTC)
    held = lock_of(connection, number, now)
    if held and held != reader.name and not over:
        return held
    release(connection, reader, besides=number)
    connection.execute(
        update(conversations).where(_columns.number == number).values(lock_reader=reader.name, lock_until=now + LASTS)
    )
    return None


def lock_of(connection: Connection, number: int, now: datetime | None = None) -> str | None:
    """Return who works on a conversation now."""
    now = now or datetime.now(UTC)
    row = connection.execute(select(_columns.lock_reader, _columns.lock_until).where(_columns.number == number)).one_or_none()
    return row.lock_reader if row and row.lock_until and row.lock_until > now else None


def require_lock(connection: Connection, number: int, reader: Moderator) -> None:
    """Refuse when somebody else works on the conversation; whoever comes first to one that nobody works on may go on.

    Raises
    ------
    DecidedMeanwhile
        When somebody else has the lock.
    """
    held = lock_of(connection, number)
    if held not in (None, reader.name):
        raise DecidedMeanwhile(f"{held} works on this conversation now", do="Wait, or take another one; a lead can take it over")


def release(connection: Connection, reader: Moderator, *, besides: int | None = None) -> None:
    """Give up the locks of a reader."""
    statement = update(conversations).where(_columns.lock_reader == reader.name)
    if besides is not None:
        statement = statement.where(_columns.number != besides)
    connection.execute(statement.values(lock_reader=None, lock_until=None))


def assign(connection: Connection, key: ConversationKey, number: int, assignee: str | None, *, reader: Moderator) -> None:
    """Say whose a conversation is: anybody may take or give back one for themselves, a lead gives it to others.

    Raises
    ------
    ReviewError
        When the reader may not, or there is no such active account.
    """
    before = connection.execute(select(_columns.assignee).where(_columns.number == number)).scalar_one()
    if not reader.may("lead") and ({assignee, before} - {None, reader.name}):
        raise ReviewError("only a lead gives conversations to others", do="Take one that is nobody's")
    if assignee is not None:
        active = connection.execute(select(readers.c.active).where(readers.c.name == assignee)).scalar_one_or_none()
        if not active:
            raise ReviewError("there is no such active account", do="Choose another one")
    connection.execute(update(conversations).where(_columns.number == number).values(assignee=assignee))
    sets = {f"conversation/{number}": recorded(assignee=assignee)}
    append(connection, reader.name, "assign", key.subject, sets=sets, assignee=assignee)
