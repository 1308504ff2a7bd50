"""The header that begins a WhatsApp row: its styles and locales, and the order of day and month.

iOS writes ``[13/02/2024, 21:05:11] Name: text``, Android ``13/02/2024, 21:05 - Name: text``, each in the manner of the phone's
locale: 12 or 24 hours, ``p. m.`` with no-break spaces, ``klo 21.25``, year first, marks of writing direction around and inside.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from pipeline.errors import AmbiguousDateOrder
from pipeline.ingest.options import DateOrder

MARKS = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff"
"""Invisible marks of writing direction that phones put before, and inside, a header."""

# Morning and afternoon as phones write them; compared without dots, spaces and case.
_AM = {"am", "vorm", "πμ", "öö", "sa", "ص", "오전", "上午", "午前", "पूर्वाह्न", "fm", "dop", "de"}
_PM = {"pm", "nachm", "μμ", "ös", "ch", "م", "오후", "下午", "午後", "अपराह्न", "em", "odp", "du"}
_HALF = r"[^\W\d_](?:\.?\s?[^\W\d_]){0,9}\.?"
_DATE = rf"\d{{1,4}}[{MARKS}]*\.?[./\-][{MARKS}]*\s?\d{{1,2}}[{MARKS}]*[./\-][{MARKS}]*\s?\d{{1,4}}\.?(?:\s?г\.)?"
_TIME = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?"
_BETWEEN = rf"[{MARKS}]*[,،]?[{MARKS}]*\s+(?:(?:klo|kl\.?|um|à|às|alle|at|a las|o)\s+)?"
_MOMENT = rf"(?P<date>{_DATE}){_BETWEEN}(?P<before>{_HALF}\s?)?(?P<time>{_TIME})(?:\s?(?P<after>{_HALF}))?"
_HEADER = re.compile(
    rf"^[{MARKS}]*(?:(?P<bracket>\[){_MOMENT}[{MARKS}]*\]|{_MOMENT.replace('P<', 'P<a_')}[{MARKS}]*\s-)\s", re.UNICODE
)
_NUMBER = re.compile(r"\d+")
_SEPARATOR = re.compile(r"[./\-]")


class Style(NamedTuple):
    """What stays the same in all headers of one export: a line in another style is text, not a header."""

    bracketed: bool
    separator: str
    seconds: bool
    halves: bool
    year_first: bool


class Header(NamedTuple):
    """A header as written: three numbers of a date, the time of day as hour, minute, second, and where the rest begins."""

    style: Style
    date: tuple[int, int, int]
    clock: tuple[int, int, int]
    end: int

    def moment(self, order: DateOrder) -> datetime | None:
        """Return the wall-clock time, or ``None`` when there is no such day."""
        first, second, third = self.date
        if self.style.year_first:
            year, month, day = first, second, third
        else:
            day, month, year = (first, second, third) if order == "dmy" else (second, first, third)
        try:
            return datetime(year + 2000 if year < 100 else year, month, day, *self.clock)
        except ValueError:
            return None


def parse_header(line: str) -> Header | None:
    """Return the header that a line begins with, if it does."""
    found = _HEADER.match(line)
    if found is None:
        return None
    bracket, *ios = found.group("bracket", "date", "before", "time", "after")
    date_text, before, time_text, after = ios if bracket else found.group("a_date", "a_before", "a_time", "a_after")
    date, clock = _date(date_text), _clock(time_text, before or after)
    if date is None or clock is None:
        return None
    style = _style(bracket is not None, date[1], clock[1], (before or after) is not None, date[0][0] > 31)
    return Header(style, date[0], clock[0], found.end())


_style = lru_cache(maxsize=64)(Style)


@lru_cache(maxsize=1024)
def _date(text: str) -> tuple[tuple[int, int, int], str] | None:
    numbers = [int(number) for number in _NUMBER.findall(text)]
    separator = _SEPARATOR.search(text)
    if len(numbers) != 3 or separator is None:
        return None
    return (numbers[0], numbers[1], numbers[2]), separator[0]


@lru_cache(maxsize=4096)
def _clock(text: str, half_word: str | None) -> tuple[tuple[int, int, int], bool] | None:
    numbers = [int(number) for number in _NUMBER.findall(text)]
    half = _half(half_word)
    hour = None if half == "" else _hour(numbers[0], half)
    second = numbers[2] if len(numbers) > 2 else 0
    if hour is None or numbers[1] > 59 or second > 59:
        return None
    return (hour, numbers[1], second), len(numbers) > 2


def _half(text: str | None) -> str | None:
    """Return ``am``, ``pm``, ``None`` where there is no such word, or an empty string for a word that is neither."""
    if text is None:
        return None
    plain = re.sub(r"[\s.]", "", text).casefold()
    if plain in _PM:
        return "pm"
    return "am" if plain in _AM else ""


def _hour(hour: int, half: str | None) -> int | None:
    if half is None:
        return hour % 24 if hour <= 24 else None
    if not 0 <= hour <= 12:
        return None
    return hour % 12 + (12 if half == "pm" else 0)


@dataclass(slots=True)
class HeaderEvidence:
    """What a first pass learns from all headers of a file: the style that they share, and what tells day from month."""

    styles: Counter[Style] = field(default_factory=Counter)
    _first_over_12: dict[Style, int] = field(default_factory=dict)
    _second_over_12: dict[Style, int] = field(default_factory=dict)
    _previous: dict[tuple[Style, DateOrder], datetime] = field(default_factory=dict)
    _backwards: Counter[tuple[Style, DateOrder]] = field(default_factory=Counter)
    _differ: set[Style] = field(default_factory=set)
    _date: tuple[int, int, int] | None = None

    def add(self, header: Header, line: int) -> None:
        """Take in one more header."""
        style = header.style
        self.styles[style] += 1
        if style.year_first or header.date == self._date:
            return
        self._date = header.date
        first, second, _ = header.date
        if first > 12:
            self._first_over_12.setdefault(style, line)
        if second > 12:
            self._second_over_12.setdefault(style, line)
        if first != second:
            self._differ.add(style)
        orders: tuple[DateOrder, DateOrder] = ("dmy", "mdy")
        for order in orders:
            moment = header.moment(order)
            previous = self._previous.get((style, order))
            if moment is None or (previous is not None and (previous - moment).total_seconds() > 86_400):
                self._backwards[style, order] += 1
            if moment is not None:
                self._previous[style, order] = moment

    @property
    def style(self) -> Style:
        """The style of most headers."""
        return self.styles.most_common(1)[0][0]

    def order(self, file: str) -> DateOrder:
        """Return the order of day and month.

        A first number over 12 is a day; a second number over 12 is one too; else the order under which the file runs forward in
        time, if only one does.

        Raises
        ------
        AmbiguousDateOrder
            When nothing in the file tells.
        """
        style = self.style
        if style.year_first or style not in self._differ:
            return "dmy"
        day_first, month_first = self._first_over_12.get(style), self._second_over_12.get(style)
        if day_first and month_first:
            raise AmbiguousDateOrder(
                f"line {day_first} can only be day-first and line {month_first} only month-first",
                where=f"{file}:{max(day_first, month_first)}",
                do="Say which with --date-order dmy or --date-order mdy; lines of the other order are kept as text",
            )
        if day_first or month_first:
            return "dmy" if day_first else "mdy"
        dmy, mdy = self._backwards[style, "dmy"], self._backwards[style, "mdy"]
        if (dmy == 0) != (mdy == 0):
            return "dmy" if dmy == 0 else "mdy"
        raise AmbiguousDateOrder(
            "the dates fit day-first and month-first alike", where=file, do="Say which with --date-order dmy or --date-order mdy"
        )
