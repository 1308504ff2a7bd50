"""The queue: which conversations, in which order, a page at a time; each begins where the last one ended, so all cost the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from pipeline.review.index import speaker_digest
from pipeline.review.records import KINDS, ConversationKey
from pipeline.review.schema import conversation_speakers, conversation_stages, conversations, runs

PAGE = 50

State = Literal["open", "awaiting", "dismiss", "watch", "escalate", "refer", "all"]

STATES: tuple[State, ...] = ("open", "awaiting", *KINDS, "all")

Order = Literal["risk", "recent", "waiting", "deadline", "stage"]

ORDERS: tuple[Order, ...] = ("risk", "recent", "waiting", "deadline", "stage")

_UPWARDS = {"waiting", "deadline"}

_RARE = 1000

_columns = conversations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which conversations a queue shows. ``assignee``: a name, ``-`` for nobody's, empty for all; order by ``stage`` names one.

    ``since`` and ``until`` are days, such as 2026-11-27, of the last message, both included. Order by ``waiting`` begins with what
    came in, or was last decided, longest ago; order by ``deadline`` with what is to be read first, and leaves out what has none.
    """

    runs: Sequence[str]
    state: State = "open"
    order: Order = "risk"
    stage: str = ""
    platform: str = ""
    assignee: str = ""
    speaker: str = ""
    text: str = ""
    flagged: bool = False
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A conversation in the queue."""

    number: int
    key: ConversationKey
    platform: str
    messages: int
    speakers: int
    last_at: str
    due: datetime | None
    late: bool
    risk: float
    flagged: bool
    severe: bool
    stages: Mapping[str, float]
    state: str
    awaiting: bool
    assignee: str | None
    locked_by: str | None
    summary_row: int


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of the queue; ``after`` and ``before`` are where the next and the previous one begin, or nothing at an end."""

    rows: Sequence[QueueRow]
    after: str | None
    before: str | None


def queue_page(
    connection: Connection, wanted: Wanted, *, after: str | None = None, before: str | None = None, size: int = PAGE
) -> QueuePage:
    """Return a page of the queue, from its beginning, after a place or before one."""
    query, value = _query(connection, wanted)
    place = _place(wanted, after or before)
    backwards = before is not None and after is None
    upwards = backwards != (wanted.order in _UPWARDS)
    if place is not None:
        beyond = _before(value, place) if upwards else _after(value, place)
        query = query.where(beyond)
    down = (value.desc(), _columns.number.desc())
    query = query.order_by(*((value.asc(), _columns.number.asc()) if upwards else down)).limit(size + 1)
    rows = list(connection.execute(query))
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    has_after = more if not backwards else bool(rows)
    has_before = more if backwards else place is not None and bool(rows)
    now = datetime.now(UTC)
    return QueuePage(
        [_row(row, now) for row in rows],
        _token(rows[-1]) if rows and has_after else None,
        _token(rows[0]) if rows and has_before else None,
    )


def _query(connection: Connection, wanted: Wanted) -> tuple[Select[Any], ColumnElement[Any]]:
    by: dict[str, ColumnElement[Any]] = {"recent": _columns.last_at, "waiting": _columns.changed, "deadline": _columns.due}
    value = by.get(wanted.order, _columns.risk)
    joined = conversations
    conditions = [*conditions_of(wanted), *_searches(connection, wanted)]
    if wanted.stage:
        joined = conversations.join(conversation_stages, conversation_stages.c.conversation == _columns.number)
        conditions.append(conversation_stages.c.stage == wanted.stage)
        if wanted.order == "stage":
            value = conversation_stages.c.probability
    return select(conversations, value.label("place")).select_from(joined).where(*conditions), value


def conditions_of(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return the conditions of a queue, without what is searched for and without the stage."""
    conditions: list[ColumnElement[bool]] = [_columns.run_id.in_(wanted.runs)]
    if wanted.state == "awaiting":
        conditions.append(_columns.awaiting)
        conditions.append(_columns.state.in_(("escalate", "refer")))
    elif wanted.state != "all":
        # A decision that waits is in no other list: its kind is hidden until a second reader has read.
        conditions += [_columns.state == wanted.state, ~_columns.awaiting]
    if wanted.platform:
        conditions.append(_columns.platform == wanted.platform)
    if wanted.assignee:
        conditions.append(_columns.assignee.is_(None) if wanted.assignee == "-" else _columns.assignee == wanted.assignee)
    if wanted.flagged:
        conditions.append(_columns.flagged)
    if wanted.order == "deadline":
        conditions.append(_columns.due.is_not(None))
    if wanted.since:
        conditions.append(_columns.last_at >= wanted.since)
    if wanted.until:
        conditions.append(_columns.last_at < f"{wanted.until}~")  # a sign after all that can follow the day
    return conditions


def every_condition(connection: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return all conditions of a queue, for what only counts."""
    conditions = [*conditions_of(wanted), *_searches(connection, wanted)]
    if wanted.stage:
        of_stage = select(conversation_stages.c.conversation).where(conversation_stages.c.stage == wanted.stage)
        conditions.append(_columns.number.in_(of_stage))
    return conditions


def _searches(connection: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return the conditions of what is searched for.

    A database that goes down the queue looking for something rare reads all of it. So what is rare is looked up first, in an index
    that holds it; what is found often is met soon on the way down.
    """
    conditions: list[ColumnElement[bool]] = []
    if wanted.text:
        same = _columns.conversation_id.contains(wanted.text, autoescape=True)
        numbers = _rare(connection, select(_columns.number).where(_columns.run_id.in_(wanted.runs), same))
        given = [int(wanted.text)] if wanted.text.isdecimal() and len(wanted.text) < 9 else []
        conditions.append(same if numbers is None else _columns.number.in_([*numbers, *given]))
    if wanted.speaker:
        theirs = select(conversation_speakers.c.conversation).where(conversation_speakers.c.speaker == digest_of(wanted.speaker))
        numbers = _rare(connection, theirs)
        conditions.append(_columns.number.in_(theirs if numbers is None else numbers))
    return conditions


def _rare(connection: Connection, query: Select[Any]) -> list[int] | None:
    """Return what a query finds, or nothing where that is much."""
    numbers: list[int] = list(connection.execute(query.limit(_RARE + 1)).scalars())
    return numbers if len(numbers) <= _RARE else None


def digest_of(speaker: str) -> str:
    """Return the digest of a speaker who is given by name, or by the digest itself."""
    is_digest = len(speaker) == 64 and not set(speaker) - set("0123456789abcdef")
    return speaker if is_digest else speaker_digest(speaker)


def _after(value: ColumnElement[Any], place: tuple[Any, int]) -> ColumnElement[bool]:
    return and_(value <= place[0], or_(value < place[0], _columns.number < place[1]))


def _before(value: ColumnElement[Any], place: tuple[Any, int]) -> ColumnElement[bool]:
    return and_(value >= place[0], or_(value > place[0], _columns.number > place[1]))


def _token(row: Row[Any]) -> str:
    return f"{row.number}~{row.place}"


def _place(wanted: Wanted, token: str | None) -> tuple[Any, int] | None:
    """Return the place that a token names; a token that is none of ours is the beginning."""
    number, _, value = (token or "").partition("~")
    if not number.isdecimal():
        return None
    if wanted.order == "recent":
        return value, int(number)
    try:
        if wanted.order in _UPWARDS:
            return datetime.fromisoformat(value), int(number)
        return float(value), int(number)
    except ValueError:
        return None


def _row(row: Row[Any], now: datetime) -> QueueRow:
    return QueueRow(
        number=row.number,
        key=ConversationKey(row.run_id, row.conversation_id),
        platform=row.platform,
        messages=row.messages,
        speakers=row.speakers,
        last_at=row.last_at[:16].replace("T", " "),
        due=row.due if row.state == "open" else None,
        late=row.state == "open" and row.due is not None and row.due < now,
        risk=row.risk,
        flagged=row.flagged,
        severe=row.severe,
        stages=json.loads(row.stages),
        state=row.state,
        awaiting=row.awaiting,
        assignee=row.assignee,
        locked_by=row.lock_reader if row.lock_until and row.lock_until > now else None,
        summary_row=row.summary_row,
    )


def queue_row(connection: Connection, number: int) -> tuple[QueueRow, int, int] | None:
    """Return one conversation, where its messages begin in the scores, and where its summary stands."""
    row = connection.execute(select(conversations).where(_columns.number == number)).one_or_none()
    return (_row(row, datetime.now(UTC)), row.first_row, row.summary_row) if row else None


def counts(connection: Connection, runs_: Sequence[str]) -> dict[str, int]:
    """Return how many conversations are in each state; only those that are decided are counted, the rest follows."""
    decided = (_columns.run_id.in_(runs_), _columns.state.in_(KINDS))
    query = select(_columns.state, _columns.awaiting, func.count()).where(*decided).group_by(_columns.state, _columns.awaiting)
    numbers: dict[str, int] = dict.fromkeys(STATES, 0)
    for state, awaiting, count in connection.execute(query):
        numbers["awaiting" if awaiting else state] += count
    total = select(func.coalesce(func.sum(runs.c.conversations), 0)).where(runs.c.id.in_(runs_))
    numbers["all"] = connection.execute(total).scalar_one()
    numbers["open"] = numbers["all"] - sum(numbers[kind] for kind in ("awaiting", *KINDS))
    return numbers


def platforms(connection: Connection, runs_: Sequence[str]) -> list[str]:
    """Return the platforms that occur."""
    return sorted(connection.execute(select(_columns.platform).where(_columns.run_id.in_(runs_)).distinct()).scalars())


def same_speaker(connection: Connection, number: int, runs_: Sequence[str], *, limit: int = 20) -> dict[str, list[QueueRow]]:
    """Return for each speaker slot the other conversations in which the same speaker writes, riskiest first."""
    mine, theirs = conversation_speakers.alias("mine"), conversation_speakers.alias("theirs")
    query = (
        select(conversations, mine.c.slot.label("slot"))
        .select_from(mine.join(theirs, theirs.c.speaker == mine.c.speaker))
        .join(conversations, _columns.number == theirs.c.conversation)
        .where(mine.c.conversation == number, theirs.c.conversation != number, _columns.run_id.in_(runs_))
        .order_by(_columns.risk.desc(), _columns.number)
        .limit(limit)
    )
    by_speaker: dict[str, list[QueueRow]] = {}
    now = datetime.now(UTC)
    for row in connection.execute(query):
        by_speaker.setdefault(row.slot, []).append(_row(row, now))
    return by_speaker
