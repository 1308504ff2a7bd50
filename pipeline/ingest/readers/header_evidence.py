"""What all headers of a file tell together: the style that is its own, and the order of day, month and year."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.errors import AmbiguousDateOrder, ExportError
from pipeline.ingest.options import DateOrder
from pipeline.ingest.readers.whatsapp_header import Header, Style
from pipeline.ingest.times.calendars import Calendar, calendar_of

_ORDERS: tuple[DateOrder, ...] = ("dmy", "mdy", "ymd")
_A_DAY = 86_400


@dataclass(slots=True)
class _Course:
    """How the dates of one style run when they are read in one order."""

    backwards: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, moment: datetime | None) -> None:
        """Take in the next date; one that is in no month counts as a step backwards."""
        if moment is None or (self.last is not None and (self.last - moment).total_seconds() > _A_DAY):
            self.backwards += 1
        if moment is not None:
            self.first = moment if self.first is None else self.first
            self.last = moment

    @property
    def days(self) -> float:
        return 0.0 if self.first is None or self.last is None else abs((self.last - self.first).total_seconds()) / _A_DAY


@dataclass(slots=True)
class HeaderEvidence:
    """What a first pass learns from all headers of a file.

    An export begins with a header of its own, which no participant can write: its style is the file's. Where the first line is
    none, the style of most headers is.
    """

    styles: Counter[Style] = field(default_factory=Counter)
    first_lines: dict[Style, int] = field(default_factory=dict)
    lead: Style | None = None
    calendars: Counter[Calendar] = field(default_factory=Counter)
    _first_over_12: dict[Style, int] = field(default_factory=dict)
    _second_over_12: dict[Style, int] = field(default_factory=dict)
    _courses: dict[tuple[Style, DateOrder], _Course] = field(default_factory=dict)
    _differ: set[Style] = field(default_factory=set)
    _long: set[Style] = field(default_factory=set)
    _date: tuple[int, int, int] | None = None

    def add(self, header: Header, line: int, *, leads: bool = False) -> None:
        """Take in one more header whose time could be read; ``leads`` says that nothing stands before it."""
        style = header.style
        self.styles[style] += 1
        self.first_lines.setdefault(style, line)
        if leads:
            self.lead = style
        if header.date == self._date:
            return
        self._date = header.date
        first, second, third = header.date
        self.calendars[calendar_of(first if style.year_first else third)] += 1
        if style.year_first:
            return
        if not header.short:
            self._long.add(style)
        if first > 12:
            self._first_over_12.setdefault(style, line)
        if second > 12:
            self._second_over_12.setdefault(style, line)
        if first != second:
            self._differ.add(style)
        for order in _ORDERS:
            self._courses.setdefault((style, order), _Course()).add(header.moment(order))

    @property
    def style(self) -> Style:
        """The style of the file's own headers."""
        return self.lead or self.styles.most_common(1)[0][0]

    def order(self, file: str) -> DateOrder:
        """Return the order of day, month and year.

        A first number over 12 is a day; a second number over 12 is one too; else the order under which the file runs forward in
        time, if only one does. Three numbers of two digits begin with the year where only that runs forward, or in less time.

        Raises
        ------
        AmbiguousDateOrder
            When nothing in the file tells.
        """
        style = self.style
        if style.year_first:
            return "dmy"
        if self._begins_with_year(style):
            return "ymd"
        if style not in self._differ:
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
        dmy, mdy = self._courses[style, "dmy"].backwards, self._courses[style, "mdy"].backwards
        if (dmy == 0) != (mdy == 0):
            return "dmy" if dmy == 0 else "mdy"
        raise AmbiguousDateOrder(
            "the dates fit day-first and month-first alike", where=file, do="Say which with --date-order dmy or --date-order mdy"
        )

    def check_dates(self, order: DateOrder, file: str) -> None:
        """Refuse an order under which no header has a date.

        Raises
        ------
        ExportError
            When there is no such day, with the first line.
        """
        course = self._courses.get((self.style, order))
        if course is not None and course.first is None:
            raise ExportError(
                f"no header in it has a day that exists when its date is read as {order}",
                where=f"{file}:{self.first_lines[self.style]}",
                do="Say another --date-order, or none",
            )

    def _begins_with_year(self, style: Style) -> bool:
        """Whether dates such as 22-01-20 make a shorter, steadier course when their first number is the year."""
        if style in self._long or (style, "ymd") not in self._courses:
            return False
        year_first = self._courses[style, "ymd"]
        others = [self._courses[style, order] for order in ("dmy", "mdy")]
        return year_first.backwards == 0 and all(
            other.backwards > 0 or (other.days > 28 and year_first.days < other.days / 4) for other in others
        )
