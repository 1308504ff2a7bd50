"""What the rows of Viber's chats are; the layouts stand in `pipeline.ingest.readers.viber`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace

from pipeline.ingest.readers.text_grammar import Entry, Line, TextFormat
from pipeline.ingest.times.written import WrittenTime, read_written
from pipeline.schema import Kind

DELIMITERS = (",", ";", "\t")
_ROW = re.compile(r"\[ (?P<time>\d{1,4}[^\]\n]{8,30}?) \] (?:(?P<name>[^:\n]{1,80}): )?(?P<text>.*)", re.DOTALL)
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?:[ \u202f]?[AaPp]\.?[Mm]\.?)?")
_NUMBER = re.compile(r"\+?[\d\s()-]{5,20}")
_AMOUNT = re.compile(r"[-+]?[€$£]?\s?\d[\d.,\s]*[€$£]?")
THINGS = frozenset({"photo message", "video message", "sticker message", "sticker", "voice message", "gif message", "file message"})
_CALLS = frozenset({"missed call", "incoming call", "outgoing call", "missed video call", "incoming video call", "cancelled call"})
DELETED = frozenset({"this message was deleted", "you deleted a message"})
_WHO = frozenset({"sender", "name", "from", "contact", "author"})
_WHAT = frozenset({"message", "text", "content", "body"})
_MOST = 0.8


def time_of(row: Sequence[str]) -> WrittenTime | None:
    """Return the time of a record, whose first two fields are a date and a time of day; ``None`` where they are not."""
    if not 4 <= len(row) <= 5 or not _TIME_OF_DAY.fullmatch(row[1].strip()):
        return None
    return read_written(f"{row[0].strip()} {row[1].strip()}")


def is_header(row: Sequence[str]) -> bool:
    """Whether a record is a header, such as ``Date, Time, Sender, Phone number, Message``."""
    names = [name.strip().casefold() for name in row]
    return 4 <= len(names) <= 5 and names[:2] == ["date", "time"] and names[2] in _WHO and names[-1] in _WHAT


def is_csv(text: str) -> bool:
    """Whether the rows of a head are Viber's: a date, a time, a name, a number where there is one, the words."""
    for delimiter in DELIMITERS:
        try:
            records = (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row)
            first = next(records, None)
            if first is None or not (is_header(first) or time_of(first) is not None):
                continue
            rows = [first, *records][:100]
        except csv.Error:
            continue
        if len(rows) > 1:
            rows = rows[:-1] if len(text) >= 1 << 16 else rows
        if rows and is_header(rows[0]):
            rows = rows[1:]
        known = [row for row in rows if time_of(row) is not None]
        if rows and known and known[0] is rows[0] and len(known) >= _MOST * len(rows):
            return _are_messages(known)
    return False


def _are_messages(rows: Sequence[Sequence[str]]) -> bool:
    """Whether records with a date and a time are a chat's: they name numbers, or what stands last is no amount."""
    numbers = sum(len(row) == 5 and _NUMBER.fullmatch(row[3]) is not None for row in rows)
    amounts = sum(_AMOUNT.fullmatch(row[-1]) is not None for row in rows)
    other = sum(len(row) == 5 and bool(row[3].strip()) for row in rows) - numbers
    return numbers >= _MOST * len(rows) or (other <= (1 - _MOST) * len(rows) and amounts <= len(rows) / 2)


def kind_of(speaker: str | None, text: str) -> tuple[Kind, dict[str, object]]:
    """Return what a row is, from its whole text."""
    plain = text.strip().casefold()
    if plain in _CALLS:
        return "system", {"actor_id": speaker}
    if plain in DELETED:
        return "deleted", {}
    return ("media", {}) if plain in THINGS else ("message", {})


class ViberGrammar:
    """What the lines of Viber's text are."""

    def line(self, text: str) -> Line:
        """Return what a line is."""
        row = _ROW.fullmatch(text)
        written = read_written(row["time"]) if row else None
        if row is None or written is None:
            return None
        return Entry(row["name"], row["text"], written=written, kind="message" if row["name"] else "system")

    def whole(self, entry: Entry, text: str) -> Entry:
        """Return the row with its whole text."""
        kind, meta = kind_of(entry.speaker, text) if entry.kind == "message" else (entry.kind, {})
        return replace(entry, text=text, kind=kind, meta=meta)


FORMAT = TextFormat(
    "Viber",
    "viber",
    ViberGrammar,
    do="Export the chats again: Settings, Calls and messages, Email message history",
    colon=True,
)
