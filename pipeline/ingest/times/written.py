"""Times as people and programs write them: local, in any order of day and month, with the name of a month, with an offset.

Which order numbers stand in is told from all dates of a file, as for WhatsApp (`pipeline.ingest.readers.header_evidence`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipeline.ingest.options import DateOrder
from pipeline.ingest.readers.header_evidence import HeaderEvidence
from pipeline.ingest.readers.whatsapp_header import Header, Style, parse_header
from pipeline.ingest.times.parse import in_utc

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_CLOCK = r"(?P<clock>\d{1,2}:\d{2}(?::\d{2})?(?:[  ]?[ap]\.?m\.?)?)"
_NAMED = (
    re.compile(
        rf"(?:[a-z]{{3,9}}\.?,? )?{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})(?:,| at)? *(?:{_CLOCK})?", re.I
    ),
    re.compile(rf"(?:[a-z]{{3,9}}\.?,? )?(?P<day>\d{{1,2}})[ -]?{_MONTH},?[ -]?(?P<year>\d{{4}}),? *(?:{_CLOCK})?", re.I),
    re.compile(rf"[a-z]{{3}} {_MONTH} +(?P<day>\d{{1,2}}) {_CLOCK} (?:[A-Z]{{3,5}} )?(?P<year>\d{{4}})", re.I),
)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?", re.DOTALL)
_OFFSET = re.compile(r"\s*\(?(?:(?:UTC|GMT|Z)(?P<utc>[+-]\d{1,2}(?::?\d{2})?)?|(?P<bare>[+-]\d{2}:?\d{2}))\)?\s*\Z", re.I)
_IN_UTC = re.compile(r"\d (?:UTC|GMT) \d{4}\Z")
_FRACTION = re.compile(r"(:\d{2})[.,](\d{1,9})(?!\d)")
_NAMED_STYLE = Style("bracket", "-", seconds=True, halves=False, year_first=True)


class WrittenTime(NamedTuple):
    """A time as written; ``header`` has its date and clock, ``offset`` is what stands behind it, where something does."""

    header: Header
    microsecond: int = 0
    offset: timezone | None = None

    def moment(self, order: DateOrder, zone: ZoneInfo | None) -> datetime | None:
        """Return the time: in UTC where an offset or a zone is known, else naive; ``None`` where there is no such time."""
        wall = self.header.moment(order)
        if wall is None:
            return None
        wall = wall.replace(microsecond=self.microsecond, tzinfo=self.offset)
        try:
            return in_utc(wall, zone)
        except (ValueError, OverflowError):
            return None


@lru_cache(maxsize=4096)
def read_written(text: str) -> WrittenTime | None:
    """Read a date with or without a time of day, which is then midnight; ``None`` where the text is no date."""
    text = text.strip()
    offset = None
    match = _OFFSET.search(text)
    if match and match.start() > 0 and (match["bare"] is None or ":" in text[: match.start()]):
        offset, text = _offset(match["utc"] or match["bare"]), text[: match.start()].rstrip()
    microsecond = 0
    if fraction := _FRACTION.search(text):
        microsecond = int(fraction[2][:6].ljust(6, "0"))
        text = text[: fraction.start(2) - 1] + text[fraction.end() :]
    if offset is None and _IN_UTC.search(text):
        offset = UTC
    header = _named(text) or _numbers(text)
    if header is None or header.clock is None:
        return None
    # One order holds for all dates of a file, whether a time of day has seconds or not.
    style = header.style._replace(separator="/", seconds=True, halves=False)
    return WrittenTime(header._replace(style=style), microsecond, offset)


def date_orders() -> HeaderEvidence:
    """Return what gathers the dates of a file, to tell their order: ``add(written.header, line)`` each."""
    return HeaderEvidence()


def order_of(evidence: HeaderEvidence, asked: DateOrder | None, file: str) -> DateOrder:
    """Return the order of the dates of a file: as the user says, else as all of them tell.

    Raises
    ------
    AmbiguousDateOrder
        When nothing tells.
    """
    if asked is not None or not evidence.styles:
        return asked or "dmy"
    return evidence.order(file)


def _offset(text: str | None) -> timezone:
    if text is None:
        return UTC
    digits = text[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    away = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-away if text[0] == "-" else away) if away < timedelta(days=1) else UTC


def _named(text: str) -> Header | None:
    for pattern in _NAMED:
        if match := pattern.fullmatch(text):
            clock = parse_header(f"[2000-01-01 {match['clock']}] ") if match["clock"] else None
            if match["clock"] and (clock is None or clock.clock is None):
                return None
            date = int(match["year"]), _MONTHS[match["month"][:3].casefold()], int(match["day"])
            return Header(_NAMED_STYLE, date, (clock.clock if clock else None) or (0, 0, 0), 0, short=False)
    return None


def _numbers(text: str) -> Header | None:
    if _ISO.fullmatch(text):
        text = text.replace("T", " ", 1)
    header = parse_header(f"[{text}] ") or parse_header(f"[{text} 00:00] ")
    return header if header is None or header.end >= len(text) else None
