"""Four eyes: who can be the second reader of a decision, by what the audit log says that they opened and revealed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from pipeline.errors import ReviewError
from pipeline.review.audit import entries
from pipeline.review.records import FOUR_EYES, Decision, Moderator
from pipeline.review.schema import audit


def unread(connection: Connection, decision: Decision, reader: Moderator, must_read: Collection[int]) -> Sequence[int] | None:
    """Return which messages a reader has not revealed, by position; nothing where the conversation was not even opened.

    ``must_read`` are the positions of the message of the alert and of those that carry stages.
    """
    opened = False
    left = set(must_read)
    for line in entries(connection, subject=decision.key.subject):
        if line.actor == reader.name:
            opened = opened or line.action == "view"
            if line.action == "reveal":
                left.discard(line.detail["position"])
    return sorted(left) if opened else None


def is_hidden(decision: Decision | None, reader: Moderator, left: Sequence[int] | None) -> bool:
    """Return whether a decision is not to be shown to a reader yet, who may become its second reader."""
    return decision is not None and awaits(decision) and decision.reader != reader.name and left != []


def awaits(decision: Decision) -> bool:
    """Return whether a decision needs a second reader and has none."""
    return decision.current and decision.kind in FOUR_EYES and decision.second_reader is None


def require_other_person(connection: Connection, decision: Decision, reader: Moderator) -> None:
    """Refuse a second reader who is the first one, or who may know the password of the first one's account, or the other way.

    Raises
    ------
    ReviewError
        When that is so.
    """
    if decision.reader == reader.name:
        raise ReviewError("the second reader must be another person", do="Ask a colleague to read it")
    givers = {name: password_from(connection, name) for name in (decision.reader, reader.name)}
    for name, other in ((decision.reader, reader.name), (reader.name, decision.reader)):
        if givers[name] == other:
            raise ReviewError(
                f"{other} set the password of {name}, so the two accounts may be one person",
                do=f"Let {name} choose another password under settings first, or ask a third person",
            )
    first, second = givers.values()
    if first is not None and first == second and not first.startswith("cli"):
        raise ReviewError(
            f"{first} set the passwords of both accounts, so the two may be one person",
            do="Let one of the two choose another password under settings first",
        )


def password_from(connection: Connection, name: str) -> str | None:
    """Return who else set the password of an account; nothing where its own person did last."""
    query = (
        select(audit.c.actor)
        .where(audit.c.subject == f"reader:{name}", audit.c.action.in_(("add account", "set password")))
        .order_by(audit.c.number.desc())
        .limit(1)
    )
    actor = connection.execute(query).scalar_one_or_none()
    return None if actor in (None, name) else actor
