"""Which columns of an examiner's table hold what: Cellebrite's and Magnet AXIOM's, which differ between versions and apps."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from pipeline.ingest.addresses import OWNER, UNKNOWN
from pipeline.ingest.options import DateOrder
from pipeline.ingest.parsing.grids import DELIMITERS, column_names
from pipeline.ingest.times.written import read_written

_SPACES = re.compile(r"\s+")
_ATTACHMENT = re.compile(r"attachments?(?: ?#?\d+)?(?:\(s\))?|attachment\(s\)|media file(?:name|s)?|attachment file ?name.*")
_SENT = ("message sent date/time", "sent date/time", "created date/time", "message date/time", "timestamp date/time", "date/time")
_NOT_SENT = re.compile(r"\b(?:last|deleted|modified|read|received|delivered|edited|accessed)\b")
_OFFSET = re.compile(r"UTC ?([+-]\d{1,2}:?\d{2})?|GMT", re.IGNORECASE)
_ORDER = re.compile(r"\((dd?|MM?|yyyy)\b")
_ORDERS: dict[str, DateOrder] = {"d": "dmy", "M": "mdy", "y": "ymd"}
_PARTY = re.compile(r"(?P<way>From|To|Cc|Bcc): ?(?P<who>.+)", re.IGNORECASE)
_OUT = frozenset({"sent", "outbox", "outgoing", "draft", "drafts"})
_IN = frozenset({"inbox", "incoming", "received"})
SYSTEM = frozenset({"system message", "system message system message"})
"""The sender, in Cellebrite's reports, of what an app itself wrote."""

_HEADERS = 5
_FEWEST = 3
"""A report's table has a column for who, one for when and one for the text."""
_MOST = 0.8
_OF_CHAT = ("chat #", "identifier", "participants", "name", "chat name", "source", "account")


def folded(name: str) -> str:
    """Return a column's name as names are compared."""
    return _SPACES.sub(" ", name).strip().casefold()


@dataclass(frozen=True, slots=True)
class Roles:
    """The place of each role's column among the columns of a table; the names are as they stand in its header."""

    program: str
    names: tuple[str, ...]
    of: Mapping[str, int]
    attachments: tuple[int, ...]
    carried: tuple[int, ...] = ()
    offset: str | None = None
    order: DateOrder | None = None

    def record(self, cells: Sequence[Any], above: dict[int, Any]) -> dict[str, Any]:
        """Return the message of a row; ``above`` keeps what stands once for all rows of a chat, and is written to."""
        row = [cells[place] if place < len(cells) else "" for place in range(len(self.names))]
        self._carry(row, above)
        sender, receiver, outgoing = self._people(row)
        files = [str(row[place]).strip() for place in self.attachments if str(row[place]).strip()]
        text = self._cell(row, "text")
        used = {*self.of.values(), *self.attachments}
        meta: dict[str, Any] = {
            self.names[place]: _plain(value) for place, value in enumerate(row) if place not in used and value not in ("", None)
        }
        meta |= {name: self._cell(row, name) for name in ("deleted", "status", "participants", "folder") if self._cell(row, name)}
        if receiver:
            meta["receiver"] = receiver
        if files:
            meta["attachments"] = files
        if outgoing:
            meta["owner"] = True
        system = sender is not None and sender.casefold() in SYSTEM
        return {
            "conversation_id": self._conversation(row, sender, receiver),
            "conversation_title": self._cell(row, "title") or None,
            "platform": self._cell(row, "app").casefold() or None,
            "speaker": None if system else sender or UNKNOWN,
            "timestamp": self._time(row),
            "text": text,
            "kind": "system" if system else "media" if files else "message" if text else "unsupported",
            "meta": meta,
        }

    def _carry(self, row: list[Any], above: dict[int, Any]) -> None:
        """Fill what stands only in the first row of a chat; another number of the chat begins anew."""
        chat = self.of.get("chat")
        if chat is not None and row[chat] not in ("", None) and row[chat] != above.get(chat):
            above.clear()
        for place in self.carried:
            if row[place] in ("", None):
                row[place] = above.get(place, "")
            else:
                above[place] = row[place]

    def _cell(self, row: Sequence[Any], role: str) -> str:
        place = self.of.get(role)
        return "" if place is None else _text(row[place])

    def _people(self, row: Sequence[Any]) -> tuple[str | None, str | None, bool]:
        """Return who sent the message and to whom, and whether the owner of the device sent it."""
        sender, receiver = self._cell(row, "sender").strip(), self._cell(row, "receiver").strip()
        way = (self._cell(row, "direction") or self._cell(row, "folder")).strip().casefold()
        party = self._cell(row, "party").strip()
        outgoing = way in _OUT
        if party and not sender:
            named = {match["way"].casefold(): match["who"].strip() for match in _PARTY.finditer(party)}
            other = named.get("from") or named.get("to") or party
            outgoing = outgoing or (way not in _IN and "to" in named and "from" not in named)
            sender, receiver = (OWNER, other) if outgoing else (other, receiver)
        if not sender:
            partner = self._cell(row, "partner").strip()
            sender, receiver = (OWNER, receiver or partner) if outgoing else (partner if way in _IN else "", receiver)
        outgoing = outgoing or sender.casefold().endswith("(owner)")
        return sender or None, receiver or None, outgoing

    def _conversation(self, row: Sequence[Any], sender: str | None, receiver: str | None) -> str:
        for role in ("chat", "partner", "participants"):
            if cell := self._cell(row, role).strip():
                return cell
        people = sorted({name for name in (sender, receiver) if name and name != OWNER})
        return " ~ ".join(people) or "unknown"

    def _time(self, row: Sequence[Any]) -> Any:
        """Return a time as the table reader takes it."""
        when = row[self.of["time"]]
        if "date" in self.of:
            when = _joined(row[self.of["date"]], when)
        if isinstance(when, datetime):
            when = when.isoformat(" ")
        if not isinstance(when, str) or not when.strip():
            return when
        text = when.strip()
        written = read_written(text)
        if written is not None and written.offset is None and self.offset is not None:
            text, written = f"{text} {self.offset}", read_written(f"{text} {self.offset}")
        if self.order is not None and written is not None:
            return written.moment(self.order, None) or text
        return text


def cellebrite_roles(header: Sequence[str]) -> Roles | None:
    """Return the roles of the columns of one of Cellebrite's tables of chats, or ``None`` where it is none."""
    names = [folded(name) for name in header]
    text = _first(names, "body", "message", "content", "text")
    people = [_first(names, "from", "sender"), _first(names, "party", "parties")]
    times = [place for place, name in enumerate(names) if name.startswith(("timestamp: ", "timestamp-"))]
    when = _first(names, "timestamp: time", "timestamp-time") if times else _first(names, "timestamp", "date/time", "time")
    if when is None and times:
        when = times[0]
    marked = bool(times) or "chat #" in names or any(name.startswith("instant message") for name in names)
    if text is None or when is None or people == [None, None] or not marked:
        return None
    columns = {
        "text": text,
        "time": when,
        "sender": people[0],
        "party": people[1],
        "date": next((place for place in times if place != when and names[place].endswith("date")), None),
        "chat": _first(names, "chat #", "thread id", "identifier"),
        "participants": _first(names, "participants"),
        "receiver": _first(names, "to"),
        "direction": _first(names, "direction"),
        "folder": _first(names, "folder"),
        "title": _first(names, "chat name", "name"),
        "app": _first(names, "source", "application"),
        "status": _first(names, "status"),
        "deleted": _first(names, "deleted - instant message", "deleted"),
    }
    return _roles("cellebrite", header, names, columns, carried=_OF_CHAT if "chat #" in names else ())


def axiom_roles(header: Sequence[str]) -> Roles | None:
    """Return the roles of the columns of one of AXIOM's tables of messages, or ``None`` where it is none."""
    names = [folded(name) for name in header]
    times = [place for place, name in enumerate(names) if "date/time" in name]
    sent = [place for place in times if not _NOT_SENT.search(names[place].partition(" - ")[0])]
    when = next((place for start in _SENT for place in sent if names[place].startswith(start)), (sent or times or [None])[0])
    text = _first(names, "message", "message body", "message text", "body", "text", "content")
    who = _first(names, "sender", "sender name", "from", "author", "sender id", "screen name")
    partner = _first(names, "partner", "participants", "participant(s)", "other participants")
    if text is None or when is None or (who is None and partner is None):
        return None
    columns = {
        "text": text,
        "time": when,
        "sender": who,
        "receiver": _first(names, "receiver", "recipient", "recipient(s)", "recipients", "to"),
        "partner": partner,
        "direction": _first(names, "direction", "message direction", "type"),
        "chat": _first(
            names, "chat id", "_chatid", "thread id", "conversation id", "group id", "channel id", "room id", "chat", "group name"
        ),
        "title": _first(names, "group name", "chat name", "thread name", "conversation name"),
        "app": _first(names, "artifact", "artifact type", "application"),
        "status": _first(names, "message status", "status"),
    }
    offset = _OFFSET.search(header[when])
    order = _ORDER.search(header[when])
    return _roles(
        "axiom",
        header,
        names,
        columns,
        offset=None if offset is None else f"UTC{offset[1] or ''}",
        order=None if order is None else _ORDERS[order[1][0]],
    )


ROLES = {"cellebrite": cellebrite_roles, "axiom": axiom_roles}


def forensic_format(header: Sequence[str]) -> str | None:
    """Return the program whose table has such a header."""
    return next((program for program, roles in ROLES.items() if roles(header) is not None), None)


def report_format(text: str) -> str | None:
    """Return the program of an examiner's CSV from its head: a header in its first rows, and rows of as many fields below it.

    A line of a chat that only looks like such a header is none, for the lines below it are no such rows.
    """
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
        except csv.Error:
            continue
        for place, row in enumerate(rows[:_HEADERS]):
            program = forensic_format(column_names(row)) if len(row) >= _FEWEST else None
            if program is not None and place + sum(len(other) == len(row) for other in rows[place:]) >= _MOST * len(rows):
                return program
    return None


def _roles(
    program: str,
    header: Sequence[str],
    names: Sequence[str],
    columns: Mapping[str, int | None],
    *,
    carried: Sequence[str] = (),
    offset: str | None = None,
    order: DateOrder | None = None,
) -> Roles:
    of = {role: place for role, place in columns.items() if place is not None}
    files = [place for place, name in enumerate(names) if _ATTACHMENT.fullmatch(name) and place not in of.values()]
    above = tuple(place for place, name in enumerate(names) if name in carried)
    return Roles(program, tuple(header), of, tuple(files), above, offset, order)


def _first(names: Sequence[str], *wanted: str) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _joined(day: Any, clock: Any) -> Any:
    """Return a whole time of a day and a time of day, where the latter is not whole itself."""
    if isinstance(clock, datetime) or (isinstance(clock, str) and read_written(clock) is not None):
        return clock
    if isinstance(day, datetime | date) and isinstance(clock, time):
        return datetime.combine(day, clock)
    if isinstance(day, int | float) and isinstance(clock, int | float | time):
        return day + (_share_of_day(clock) if isinstance(clock, time) else clock)
    return f"{day} {clock}".strip() if isinstance(day, str) or isinstance(clock, str) else day


def _share_of_day(clock: time) -> float:
    return (clock.hour * 3600 + clock.minute * 60 + clock.second) / 86_400
