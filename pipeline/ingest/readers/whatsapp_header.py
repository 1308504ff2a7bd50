"""The header that begins a WhatsApp row, in the styles and locales of all phones.

iOS writes ``[13/02/2024, 21:05:11] Name: text``, Android ``13/02/2024, 21:05 - Name: text``, an old iOS
``13/02/2024, 21:05:11: Name: text``. What is copied out of WhatsApp Web begins with the time:
``[21:05, 13/02/2024] Name: text``. Each is in the manner of the phone's locale: 12 or 24 hours, ``p. m.`` with no-break spaces,
``晚上9:05``, ``21 h 05``, ``klo 21.25``, year first, marks of writing direction around and inside.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from pipeline.ingest.options import DateOrder
from pipeline.ingest.times.calendars import gregorian
from pipeline.ingest.times.day_periods import hour_of, says_nothing

MARKS = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff"
"""Invisible marks of writing direction that phones put before, and inside, a header."""

Form = Literal["bracket", "dash", "colon", "copied"]

_SEPARATORS = r"./\-年년"
_DATE = rf"\d{{1,4}}[{MARKS}]*\.?[{_SEPARATORS}][{MARKS}]*\s?\d{{1,2}}[{MARKS}]*(?:[./\-月월]\s?|\s)[{MARKS}]*\d{{1,4}}[.日일]?"
_TIME = r"\d{1,2}(?:[:.٫]|\s?h\s?)\d{1,2}(?:(?:[:.٫]|\s?min\s?)\d{2})?(?!\d)"
_WORDS = r"[^\d\[\]:\n]{0,40}?"
_BETWEEN = rf"(?P<between>[{MARKS}]*[\s,،]{_WORDS})"
_MOMENT = rf"(?P<date>{_DATE}){_BETWEEN}(?P<time>{_TIME})(?P<after>{_WORDS})"
_HEADER = re.compile(rf"^[{MARKS}]*(?P<open>\[)?{_MOMENT}(?P<close>\]|\s[-–—]|:)\s")
_COPIED = re.compile(
    rf"^[{MARKS}]*\[(?P<between>{_WORDS})(?P<time>{_TIME})(?P<after>{_WORDS})[,،]\s[{MARKS}]*(?P<date>{_DATE})[{MARKS}]*\]\s"
)

# The commonest headers in two parts, each read once: a chat has few days, and a day few minutes.
_COMMON_DAY = re.compile(r"(\[)?(\d{4}|\d{1,2})([./-])(\d{1,2})\3(\d{4}|\d{2}),?", re.ASCII)
_COMMON_MINUTE = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_SECONDS = frozenset(f":{second:02}" for second in range(60))
_LONGEST_DAY = len("[31/12/2024,")
_LONGEST_MINUTE, _LONGEST_CLOCK = len("21:05"), len("21:05:11")

# What only begins like a header: a date, a time, and the end of one. Such a line is never passed over without a word.
_LIKE_ONE = re.compile(
    rf"^[{MARKS}]*(?:\[[^\]\n]{{0,8}}?|)\d{{1,4}}\D{{1,4}}\d{{1,2}}\D{{1,4}}\d{{1,4}}\b\D{{1,40}}?\d{{1,2}}\D{{1,10}}\d{{2}}"
    rf"[^\]\n]{{0,40}}?(?:\]|\s[-–—]|:)\s"
)
_NUMBER = re.compile(r"\d+")
_SEPARATOR = re.compile(rf"[{_SEPARATORS}]")
_FORMS: dict[tuple[bool, str], Form] = {(True, "]"): "bracket", (False, "-"): "dash", (False, ":"): "colon"}


class Style(NamedTuple):
    """What stays the same in all headers of one export: a line in another style is text, not a header."""

    form: Form
    separator: str
    seconds: bool
    halves: bool
    year_first: bool


class Header(NamedTuple):
    """A header as written: three numbers of a date, the time of day as hour, minute, second, and where the rest begins.

    ``clock`` is ``None`` where the time has a word beside it that is in no language that we know. ``short`` says that no number of
    the date has more than two digits.
    """

    style: Style
    date: tuple[int, int, int]
    clock: tuple[int, int, int] | None
    end: int
    short: bool

    def moment(self, order: DateOrder) -> datetime | None:
        """Return the wall-clock time, or ``None`` when there is no such day."""
        if self.clock is None:
            return None
        day = day_of(self.date, "ymd" if self.style.year_first else order)
        return None if day is None else datetime(day.year, day.month, day.day, *self.clock)


@lru_cache(maxsize=4096)
def day_of(numbers: tuple[int, int, int], order: DateOrder) -> date | None:
    """Return the day that three numbers are in an order; ``None`` where there is no such day."""
    first, second, third = numbers
    year, month, day = {"ymd": numbers, "dmy": (third, second, first), "mdy": (third, first, second)}[order]
    try:
        return gregorian(year, month, day)
    except (ValueError, OverflowError):
        return None


def parse_header(line: str) -> Header | None:
    """Return the header that a line begins with, if it does."""
    return _common_header(line) or _any_header(line)


class CommonDay(NamedTuple):
    """The day of one of the commonest headers; ``styles`` is the header's style without and with seconds."""

    numbers: tuple[int, int, int]
    short: bool
    close: str
    styles: tuple[Style, Style]


class CommonMinute(NamedTuple):
    """Hour and minute of one of the commonest headers; ``text`` is as ISO 8601 writes them."""

    hour: int
    minute: int
    text: str


CommonHeader = tuple[CommonDay, CommonMinute, str | None, int]
"""Day, minute, second with its colon where there is one, and where the rest begins."""


def common_header(line: str) -> CommonHeader | None:
    """Return one of the commonest headers that a line begins with; any other is to be read by `parse_header`."""
    blank = line.find(" ", 0, _LONGEST_DAY + 1)
    day = _common_day(line[:blank]) if blank > 0 else None
    if day is None:
        return None
    end = line.find(day.close, blank, blank + _LONGEST_CLOCK + 2 + len(day.close))
    if end < 0:
        return None
    clock, second = line[blank + 1 : end], None
    if len(clock) > _LONGEST_MINUTE:
        clock, second = clock[:-3], clock[-3:]
        if second not in _SECONDS:
            return None
    minute = _common_minute(clock)
    return (day, minute, second, end + len(day.close)) if minute is not None else None


@lru_cache(maxsize=4096)
def _common_day(text: str) -> CommonDay | None:
    match = _COMMON_DAY.fullmatch(text)
    if match is None:
        return None
    opened, first, separator, second, third = match.groups()
    numbers = int(first), int(second), int(third)
    form: Form = "dash" if opened is None else "bracket"
    styles = (
        _style(form, separator, False, False, numbers[0] > 31),
        _style(form, separator, True, False, numbers[0] > 31),
    )
    return CommonDay(numbers, len(first) <= 2 and len(third) <= 2, " - " if opened is None else "] ", styles)


@lru_cache(maxsize=4096)
def _common_minute(text: str) -> CommonMinute | None:
    match = _COMMON_MINUTE.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2])) if match else (99, 99)
    return CommonMinute(hour % 24, minute, f"{hour % 24:02}:{minute:02}") if hour <= 24 and minute <= 59 else None


def _common_header(line: str) -> Header | None:
    header = common_header(line)
    if header is None:
        return None
    day, minute, second, end = header
    clock = minute.hour, minute.minute, int(second[1:]) if second is not None else 0
    return Header(day.styles[second is not None], day.numbers, clock, end, day.short)


def _any_header(line: str) -> Header | None:
    match = _HEADER.match(line)
    if match is None:
        return _copied_header(line)
    opened, date_text, between, time_text, after, close = match.groups()
    form = _FORMS.get((opened is not None, "-" if close[-1] in "–—" else close[-1]))
    date, clock = _date(date_text), _clock(time_text, between, after)
    if form is None or date is None or clock is None or (form == "colon" and not clock.seconds):
        return None
    style = _style(form, date.separator, clock.seconds, clock.halves, date.numbers[0] > 31)
    return Header(style, date.numbers, clock.time, match.end(), date.short)


def _copied_header(line: str) -> Header | None:
    match = _COPIED.match(line)
    if match is None:
        return None
    date, clock = _date(match["date"]), _clock(match["time"], match["between"], match["after"])
    if date is None or clock is None:
        return None
    style = _style("copied", date.separator, clock.seconds, clock.halves, date.numbers[0] > 31)
    return Header(style, date.numbers, clock.time, match.end(), date.short)


def is_like_header(line: str) -> bool:
    """Whether a line that is no header begins like one."""
    return _LIKE_ONE.match(line) is not None


_style = lru_cache(maxsize=64)(Style)


class _Date(NamedTuple):
    numbers: tuple[int, int, int]
    separator: str
    short: bool


class _Clock(NamedTuple):
    time: tuple[int, int, int] | None
    seconds: bool
    halves: bool


@lru_cache(maxsize=1024)
def _date(text: str) -> _Date | None:
    numbers = _NUMBER.findall(text)
    separator = _SEPARATOR.search(text)
    if len(numbers) != 3 or separator is None:
        return None
    first, second, third = (int(number) for number in numbers)
    return _Date((first, second, third), separator[0], max(map(len, numbers)) <= 2)


@lru_cache(maxsize=8192)
def _clock(text: str, between: str, after: str) -> _Clock | None:
    numbers = [int(number) for number in _NUMBER.findall(text)]
    second = numbers[2] if len(numbers) > 2 else 0
    if numbers[0] > 24 or numbers[1] > 59 or second > 59:
        return None
    words = [word for word in (between.strip(" ,،\u200e\u200f"), after.strip()) if not says_nothing(word)]
    if not words:
        return _Clock((numbers[0] % 24, numbers[1], second), len(numbers) > 2, halves=False)
    hour = _hour(words[0], numbers[0]) if len(words) == 1 else None
    return _Clock(None if hour is None else (hour, numbers[1], second), len(numbers) > 2, halves=True)


def _hour(words: str, hour: int) -> int | None:
    whole = hour_of(words, hour)
    return hour_of(_without_fillers(words), hour) if whole is None else whole


def _without_fillers(words: str) -> str:
    """Return the words without those at their ends that say nothing: ``г., 9:05 пр.об.``, ``ŋdi ga 9:05``."""
    parts = words.split()
    while len(parts) > 1 and says_nothing(parts[0]):
        parts.pop(0)
    while len(parts) > 1 and says_nothing(parts[-1]):
        parts.pop()
    return " ".join(parts)
