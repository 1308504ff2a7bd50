"""Dismiss many conversations for one reason at once, and take that back at once; each is a decision of its own in the log."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from pipeline.errors import ReviewError
from pipeline.review.decisions import current_decision, decide, undo
from pipeline.review.records import Decision, Moderator
from pipeline.review.schema import conversations, decisions

MOST = 50
"""Conversations that are dismissed at once: a page of the queue."""


def dismiss_all(
    connection: Connection, numbers: Sequence[int], *, reason: str, note: str | None, reader: Moderator
) -> list[Decision]:
    """Dismiss open conversations; return the decisions. All of them are dismissed, or none.

    Raises
    ------
    ReviewError
        When there are none or too many, or one is severe: a person reads those one by one.
    DecidedMeanwhile
        When one was decided, or somebody else works on it.
    """
    numbers = list(dict.fromkeys(numbers))
    if not 1 <= len(numbers) <= MOST:
        raise ReviewError(f"{len(numbers)} conversations are chosen", do=f"Choose 1 to {MOST}")
    columns = conversations.c
    severe = connection.execute(select(columns.number).where(columns.number.in_(numbers), columns.severe)).scalars().all()
    if severe:
        raise ReviewError(
            f"{len(severe)} of them carry a severe stage (no. {', '.join(map(str, severe[:10]))})",
            do="Read those one by one, and choose the others",
        )
    return [decide(connection, number, "dismiss", reason=reason, note=note, reader=reader, seen=None) for number in numbers]


def undo_all(connection: Connection, ids: Sequence[int], *, reader: Moderator) -> list[Decision]:
    """Take decisions back, those that still hold, and return them."""
    taken: list[Decision] = []
    for decision_id in dict.fromkeys(ids):
        number = _conversation_of(connection, decision_id)
        current = current_decision(connection, number) if number is not None else None
        if current is not None and current.id == decision_id:
            taken.append(undo(connection, decision_id, reader=reader))
    return taken


def _conversation_of(connection: Connection, decision_id: int) -> int | None:
    return connection.execute(select(decisions.c.conversation).where(decisions.c.id == decision_id)).scalar_one_or_none()
