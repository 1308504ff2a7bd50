"""Decisions and corrections: made, read by a second reader, taken back; each in one transaction with its line in the audit log."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.errors import DecidedMeanwhile, ReviewError
from pipeline.review.audit import append
from pipeline.review.deadlines import set_deadlines
from pipeline.review.four_eyes import awaits, require_other_person, unread
from pipeline.review.locks import release, require_lock
from pipeline.review.policy import read_policy
from pipeline.review.recorded import Recorded, note_digest, recorded
from pipeline.review.records import FOUR_EYES, KINDS, REASONS, ConversationKey, Decision, Kind, Moderator, StageCorrection
from pipeline.review.schema import conversations, corrections, decisions

_LONGEST_NOTE = 4000


def decide(
    connection: Connection, number: int, kind: Kind, *, reason: str, note: str | None, reader: Moderator, seen: int | None
) -> Decision:
    """Keep a reader's decision on a conversation. ``seen`` is the id of the decision that the reader had before their eyes.

    Another decision of the same reader is taken back by it; another reader's is replaced, and stays that reader's judgement.

    Raises
    ------
    DecidedMeanwhile
        When the decision that holds is not the one seen, or somebody else works on the conversation. Nothing is changed then.
    ReviewError
        When the reason is not on the list, "other" comes without words, or a decision that two have read is changed by no lead.
    """
    note = _checked(kind, reason, note)
    key = key_of(connection, number)
    before = current_decision(connection, number)
    if (before.id if before else None) != seen:
        # What waits for a second reader is hidden until that one has read, so its kind is not told here either.
        kind_ = "it waits for a second reader" if before and awaits(before) else before.kind if before else ""
        by = f": {kind_}, by {before.reader}" if before else ": it was taken back"
        raise DecidedMeanwhile(f"this conversation was decided while you read it{by}", do="Look at that, then decide again")
    require_lock(connection, number, reader)
    if before and before.second_reader and not reader.may("lead"):
        raise ReviewError("two readers agreed on this decision", do="Ask a lead to change it")
    now, salt = datetime.now(UTC), secrets.token_hex(16) if note else None
    if before:
        is_own = before.reader == reader.name
        closed = {"undone": now} if is_own else {"replaced_by": 0}  # until its id is known
        connection.execute(update(decisions).where(decisions.c.id == before.id).values(closed))
        changes = {f"decision/{before.id}": recorded(**closed)}
        append(connection, reader.name, "undo" if is_own else "replace", key.subject, sets=changes, decision=before.id)
    values = {"conversation": number, "kind": kind, "reason": reason, "note": note, "reader": reader.name, "at": now}
    made = connection.execute(decisions.insert().values(**values, note_salt=salt).returning(decisions.c.id)).scalar_one()
    sets = _set_state(connection, number, kind, awaiting=kind in FOUR_EYES, now=now)
    later = dict.fromkeys(("second_reader", "second_at", "undone", "replaced_by"))
    sets[f"decision/{made}"] = recorded(**(values | {"note": note_digest(note, salt)})) | later
    if before and before.reader != reader.name:
        connection.execute(update(decisions).where(decisions.c.id == before.id).values(replaced_by=made))
        sets[f"decision/{before.id}"] = {"replaced_by": made}
    append(connection, reader.name, "decide", key.subject, sets=sets, decision=made, kind=kind, reason=reason)
    release(connection, reader)
    return one_decision(connection, made)


def _checked(kind: Kind, reason: str, note: str | None) -> str | None:
    if kind not in KINDS:
        raise ReviewError(f"{kind!r} is no decision", do=f"Choose from {', '.join(KINDS)}")
    if reason not in REASONS[kind]:
        raise ReviewError("no reason was chosen from the list", do="Choose one")
    note = (note or "").replace("\0", "").strip() or None
    if reason == "other" and note is None:
        raise ReviewError("“another reason” needs words", do="Say which")
    if note and len(note) > _LONGEST_NOTE:
        raise ReviewError(f"the note has {len(note)} characters", do=f"Say it in {_LONGEST_NOTE}")
    return note


def confirm(connection: Connection, decision_id: int, *, reader: Moderator, must_read: Collection[int]) -> Decision:
    """Note that a second reader read the conversation and agrees.

    ``must_read`` are the positions of the messages that this reader must have revealed: that of the alert, and those with stages.

    Raises
    ------
    DecidedMeanwhile
        When the decision is not current any more.
    ReviewError
        When it needs no second reader, has one, this may be its first reader, or has not read what they must by the audit log.
    """
    decision = one_decision(connection, decision_id)
    number = number_of(connection, decision.key)
    if not decision.current:
        raise DecidedMeanwhile("this decision was taken back or replaced while you read", do="Look at what holds now")
    if decision.kind not in FOUR_EYES or decision.second_reader:
        raise ReviewError("this decision needs no second reader any more", do="Go on with the next conversation")
    require_other_person(connection, decision, reader)
    left = unread(connection, decision, reader, must_read)
    if left is None:
        raise ReviewError("you have not opened this conversation", do="Open it and read it first")
    if left:
        raise ReviewError(
            f"you have not revealed {'message' if len(left) == 1 else 'messages'} {', '.join(map(str, left[:20]))}",
            do="Read what led to the alert first",
        )
    require_lock(connection, number, reader)
    now = datetime.now(UTC)
    connection.execute(update(decisions).where(decisions.c.id == decision_id).values(second_reader=reader.name, second_at=now))
    sets = _set_state(connection, number, decision.kind, awaiting=False, now=now)
    sets[f"decision/{decision_id}"] = recorded(second_reader=reader.name, second_at=now)
    append(connection, reader.name, "confirm", decision.key.subject, sets=sets, decision=decision_id, kind=decision.kind)
    release(connection, reader)
    return one_decision(connection, decision_id)


def undo(connection: Connection, decision_id: int, *, reader: Moderator) -> Decision:
    """Take a decision back; the conversation is open again.

    Raises
    ------
    DecidedMeanwhile
        When the decision is not current any more, or somebody else works on the conversation.
    ReviewError
        When it is another person's, and this reader is no lead.
    """
    decision = one_decision(connection, decision_id)
    number = number_of(connection, decision.key)
    if not decision.current:
        raise DecidedMeanwhile("this decision was taken back or replaced already", do="Look at what holds now")
    if reader.name not in (decision.reader, decision.second_reader) and not reader.may("lead"):
        raise ReviewError("this is another reader's decision", do="Decide otherwise yourself, or ask a lead")
    require_lock(connection, number, reader)
    now = datetime.now(UTC)
    connection.execute(update(decisions).where(decisions.c.id == decision_id).values(undone=now))
    sets = _set_state(connection, number, "open", awaiting=False, now=now)
    sets[f"decision/{decision_id}"] = recorded(undone=now)
    append(connection, reader.name, "undo", decision.key.subject, sets=sets, decision=decision_id)
    return one_decision(connection, decision_id)


def _set_state(connection: Connection, number: int, state: str, *, awaiting: bool, now: datetime) -> dict[str, Recorded]:
    """Set the state of a conversation; return what the log is to hold of it."""
    values = {"state": state, "awaiting": awaiting, "changed": now}
    connection.execute(update(conversations).where(conversations.c.number == number).values(values))
    if state == "open":
        hours = read_policy(connection)
        only = conversations.c.number == number
        set_deadlines(connection, severe=hours.hours_severe, flagged=hours.hours_flagged, only=only)
    return {f"conversation/{number}": recorded(**values)}


def correct(
    connection: Connection, number: int, *, message_id: str, position: int, stages: Sequence[str], reader: Moderator
) -> StageCorrection:
    """Keep which stages a message carries by a reader's judgement, in place of what the same reader said before."""
    key = key_of(connection, number)
    now = datetime.now(UTC)
    chosen = tuple(sorted(stages))
    values = {"position": position, "stages": json.dumps(chosen), "at": now}
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    statement = insert(corrections).values(conversation=number, message_id=message_id, reader=reader.name, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[corrections.c.conversation, corrections.c.message_id, corrections.c.reader], set_=values
        )
    )
    record = recorded(message_id=message_id, stages=values["stages"], at=now)
    sets = {f"correction/{number}/{position}/{reader.name}": record}
    append(connection, reader.name, "correct", key.subject, sets=sets, position=position, stages=chosen)
    return StageCorrection(key, message_id, position, chosen, reader.name, now)


def key_of(connection: Connection, number: int) -> ConversationKey:
    """Return the key of a conversation by its number in the store.

    Raises
    ------
    ReviewError
        When there is none.
    """
    columns = conversations.c
    row = connection.execute(select(columns.run_id, columns.conversation_id).where(columns.number == number)).one_or_none()
    if row is None:
        raise ReviewError(f"there is no conversation {number} in the store", do="Go back to the queue")
    return ConversationKey(row.run_id, row.conversation_id)


def number_of(connection: Connection, key: ConversationKey) -> int:
    """Return the number of a conversation in the store.

    Raises
    ------
    ReviewError
        When there is none.
    """
    columns = conversations.c
    wanted = (columns.run_id == key.run_id) & (columns.conversation_id == key.conversation_id)
    number = connection.execute(select(columns.number).where(wanted)).scalar_one_or_none()
    if number is None:
        raise ReviewError("there is no such conversation in the store", do="Open its run with `safelight review`")
    return number


_WITH_KEY = select(decisions, conversations.c.run_id, conversations.c.conversation_id).join(
    conversations, conversations.c.number == decisions.c.conversation
)


def one_decision(connection: Connection, decision_id: int) -> Decision:
    """Return a decision by its id.

    Raises
    ------
    ReviewError
        When there is none.
    """
    row = connection.execute(_WITH_KEY.where(decisions.c.id == decision_id)).one_or_none()
    if row is None:
        raise ReviewError(f"there is no decision {decision_id}", do="Go back to the queue")
    return _decision(row)


def current_decision(connection: Connection, number: int) -> Decision | None:
    """Return the last word on a conversation, or nothing where it is open."""
    query = _WITH_KEY.where(decisions.c.conversation == number, decisions.c.undone.is_(None), decisions.c.replaced_by.is_(None))
    row = connection.execute(query).one_or_none()
    return _decision(row) if row else None


def awaiting_others(connection: Connection, reader: Moderator) -> set[int]:
    """Return the ids of the decisions that wait for a second reader and are not this reader's own."""
    current = decisions.c.undone.is_(None) & decisions.c.replaced_by.is_(None) & decisions.c.second_reader.is_(None)
    query = select(decisions.c.id).where(current, decisions.c.kind.in_(FOUR_EYES), decisions.c.reader != reader.name)
    return set(connection.execute(query).scalars())


def read_decisions(connection: Connection, *, number: int | None = None) -> Iterator[Decision]:
    """Yield the decisions in the order made, those taken back too: of all conversations, or of one."""
    query = _WITH_KEY.order_by(decisions.c.id)
    if number is not None:
        query = query.where(decisions.c.conversation == number)
    yield from map(_decision, connection.execute(query))


def read_corrections(connection: Connection, *, number: int | None = None) -> Iterator[StageCorrection]:
    """Yield each reader's last correction of each message: of all conversations, or of one."""
    query = (
        select(corrections, conversations.c.run_id, conversations.c.conversation_id)
        .join(conversations, conversations.c.number == corrections.c.conversation)
        .order_by(corrections.c.conversation, corrections.c.position, corrections.c.reader)
    )
    if number is not None:
        query = query.where(corrections.c.conversation == number)
    for row in connection.execute(query):
        key = ConversationKey(row.run_id, row.conversation_id)
        yield StageCorrection(key, row.message_id, row.position, tuple(json.loads(row.stages)), row.reader, row.at)


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        id=row.id,
        key=ConversationKey(row.run_id, row.conversation_id),
        kind=row.kind,
        reason=row.reason,
        note=row.note,
        reader=row.reader,
        at=row.at,
        second_reader=row.second_reader,
        second_at=row.second_at,
        undone=row.undone,
        replaced_by=row.replaced_by,
    )
