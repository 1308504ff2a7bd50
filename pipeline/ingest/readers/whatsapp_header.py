"""The header that begins a WhatsApp row, in the styles and locales of all phones.

iOS writes ``[13/02/2024, 21:05:11] Name: text``, Android ``13/02/2024, 21:05 - Name: text``, an old iOS
``13/02/2024, 21:05:11: Name: text``, each in the manner of the phone's locale: 12 or 24 hours, ``p. m.`` with no-break spaces,
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

Form = Literal["bracket", "dash", "colon"]

_SEPARATORS = r"./\-年년"
_DATE = rf"\d{{1,4}}[{MARKS}]*\.?[{_SEPARATORS}][{MARKS}]*\s?\d{{1,2}}[{MARKS}]*(?:[./\-月월]\s?|\s)[{MARKS}]*\d{{1,4}}[.日일]?"
_TIME = r"\d{1,2}(?:[:.٫]|\s?h\s?)\d{1,2}(?:(?:[:.٫]|\s?min\s?)\d{2})?(?!\d)"
_WORDS = r"[^\d\[\]:\n]{0,40}?"
_BETWEEN = rf"(?P<between>[{MARKS}]*[\s,،]{_WORDS})"
_MOMENT = rf"(?P<date>{_DATE}){_BETWEEN}(?P<time>{_TIME})(?P<after>{_WORDS})"
_HEADER = re.compile(rf"^[{MARKS}]*(?P<open>\[)?{_MOMENT}(?P<close>\]|\s-|:)\s")

# The commonest headers, which the pattern above reads in the same way and in five times as long.
_COMMON = re.compile(
    r"(?:(\[)|)(\d{4}|\d{1,2})([./-])(\d{1,2})\3(\d{4}|\d{2}),? (\d{1,2}):(\d{2})(?::(\d{2}))?(?(1)\]| -) ", re.ASCII
)

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
        day = _day(self.date, "ymd" if self.style.year_first else order)
        return None if day is None else datetime(day.year, day.month, day.day, *self.clock)


@lru_cache(maxsize=1024)
def _day(numbers: tuple[int, int, int], order: DateOrder) -> date | None:
    first, second, third = numbers
    year, month, day = {"ymd": numbers, "dmy": (third, second, first), "mdy": (third, first, second)}[order]
    try:
        return gregorian(year, month, day)
    except (ValueError, OverflowError):
        return None


def parse_header(line: str) -> Header | None:
    """Return the header that a line begins with, if it does."""
    return _common_header(line) or _any_header(line)


def _common_header(line: str) -> Header | None:
    found = _COMMON.match(line)
    if found is None:
        return None
    opened, first, separator, second, third, hour, minute, seconds = found.groups()
    clock = int(hour), int(minute), int(seconds or 0)
    if clock[0] > 24 or clock[1] > 59 or clock[2] > 59:
        return None
    numbers = int(first), int(second), int(third)
    form: Form = "dash" if opened is None else "bracket"
    style = _style(form, separator, seconds is not None, False, numbers[0] > 31)
    return Header(style, numbers, (clock[0] % 24, *clock[1:]), found.end(), len(first) <= 2 and len(third) <= 2)


def _any_header(line: str) -> Header | None:
    found = _HEADER.match(line)
    if found is None:
        return None
    opened, date_text, between, time_text, after, close = found.groups()
    form = _FORMS.get((opened is not None, close[-1]))
    date, clock = _date(date_text), _clock(time_text, between, after)
    if form is None or date is None or clock is None or (form == "colon" and not clock.seconds):
        return None
    style = _style(form, date.separator, clock.seconds, clock.halves, date.numbers[0] > 31)
    return Header(style, date.numbers, clock.time, found.end(), date.short)


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
    found = _NUMBER.findall(text)
    separator = _SEPARATOR.search(text)
    if len(found) != 3 or separator is None:
        return None
    first, second, third = (int(number) for number in found)
    return _Date((first, second, third), separator[0], max(map(len, found)) <= 2)


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
