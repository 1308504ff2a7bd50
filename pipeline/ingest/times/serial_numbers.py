"""Dates as Excel counts them: days and parts of a day since the end of 1899, or since 1904.

A cell that is not formatted as a date holds 45335.8340278 for 13 February 2024, 20:01. A number of seconds, from where a chat
began, looks alike. Which of them a column holds is told from the whole of it, and asked where nothing tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from pipeline.errors import ExportError
from pipeline.ingest.times.parse import in_utc

FROM_1900 = datetime(1899, 12, 30)
"""Day 0, as all days from March 1900 on are counted."""
FROM_1904 = datetime(1904, 1, 1)
"""Day 0 of workbooks that Excel for Mac began."""

pc: Any = pyarrow.compute  # its functions are made at run time

_FIRST, _BEHIND = 20_000, 80_000
"""Dates from 1954 to 2119."""
_LIKELY, _UNLIKELY = 32_874, 51_502
"""Dates from 1990 to 2040, in which people chat."""
_DAY = 86_400
_FINE = 5
"""Excel shows a time with five decimals or more; seconds have three, if any."""
_CHANCE = 0.01
_NUMBER = re.compile(r"\s*(\d{1,5})(?:[.,](\d{1,17}))?\s*")
_DATE_WORDS = frozenset(
    {
        *("datum", "fecha", "data", "dato", "datas", "päivämäärä", "pvm", "tarih", "tarihi", "tanggal", "tarikh", "ngày", "dátum"),
        *("datums", "kuupäev", "dáta", "dyddiad", "дата", "датум", "ημερομηνία", "تاريخ", "التاريخ", "תאריך", "दिनांक", "तारीख"),
        *("日期", "日付", "日時", "날짜", "일시", "วันที่", "თარიღი", "ամսաթիվ", "tarix", "sana"),
    }
)
_WORD = re.compile(r"[^\W_]+")


def says_date(column: str) -> bool:
    """Whether the name of a column says that dates stand in it."""
    name = column.casefold()
    return "date" in name or not _DATE_WORDS.isdisjoint(_WORD.findall(name)) or name.strip() in _DATE_WORDS


@dataclass(frozen=True, slots=True)
class SerialDates:
    """Reads the dates of a column that holds serial numbers."""

    day_zero: datetime

    def moment(self, value: object, zone: ZoneInfo | None) -> datetime | None:
        """Return the time of a number, to the second where it is a whole one; ``None`` where the value is no such number."""
        number = serial_number(value)
        if number is None or not _FIRST <= number < _BEHIND:
            return None
        seconds = number * _DAY
        whole = seconds.to_integral_value()
        exact = abs(seconds - whole) <= _tolerance(number)
        milliseconds = int(whole) * 1000 if exact else int((seconds * 1000).to_integral_value())
        return in_utc(self.day_zero + timedelta(milliseconds=milliseconds), zone)


def serial_number(value: object) -> Decimal | None:
    """Return a number of up to five digits before its point or comma; ``None`` where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    match = _NUMBER.fullmatch(value if isinstance(value, str) else str(value))
    return Decimal(f"{match[1]}.{match[2] or 0}") if match else None


def _decimals(number: Decimal) -> int:
    return -int(number.normalize().as_tuple().exponent) if number % 1 else 0


def _tolerance(number: Decimal) -> float:
    """Return how far a time may be from a whole second, when its number was cut to these decimals: in seconds."""
    return min(0.5, _DAY * 0.5 * 10.0 ** -max(_decimals(number), _FINE) + 0.001)


def _is_number(value: object) -> bool:
    try:
        float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return False
    return True


@dataclass(slots=True)
class NumberColumn:
    """What the numbers in a column of times tell, all together. ``place`` is the line or row of the first.

    ``counted`` is one that is no serial number of Excel's, but counts from some year.
    """

    place: int = 0
    count: int = 0
    has_dates: bool = False
    counted: float | None = None
    _others: bool = False
    _fine: int = 0
    _fractions: int = 0
    _chance: float = 1.0
    _low: Decimal = Decimal(_BEHIND)
    _high: Decimal = Decimal(0)

    def add(self, value: object, place: int) -> None:
        """Take in the value of a record; an empty one tells nothing."""
        if self._others or value in (None, "") or value != value:
            return
        if type(value) is str and (":" in value or "/" in value):
            self.has_dates = True
            return
        number = serial_number(value)
        if number is None:
            self._others = _is_number(value)
            self.counted = float(value) if self._others else None  # pyright: ignore[reportArgumentType]
            self.has_dates = self.has_dates or not self._others
            return
        self.place = self.place or place
        self.count += 1
        self._low, self._high = min(self._low, number), max(self._high, number)
        self._others = not (_FIRST <= number < _BEHIND or number < 1)
        self._weigh(number)

    def add_column(self, values: pa.Array, places: NDArray[np.int64]) -> None:
        """Take in the values of records that follow each other; texts are then dates, as their reader found."""
        if self._others:
            return
        if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
            filled = pc.not_equal(values, "") if pa.types.is_string(values.type) else pc.is_valid(values)
            self.has_dates = self.has_dates or bool(pc.any(filled).as_py())
        elif (pc.max(values).as_py() or 0) >= _BEHIND:
            self._others, self.counted = True, pc.max(values).as_py()
        else:
            for value, place in zip(values.to_pylist(), places.tolist(), strict=True):
                self.add(value, place)

    def _weigh(self, number: Decimal) -> None:
        """Take in how likely a number of seconds would by chance be a whole second of a day."""
        decimals = _decimals(number)
        self._fractions += decimals > 0
        if decimals < _FINE:
            return
        self._fine += 1
        seconds, tolerance = number * _DAY, _tolerance(number)
        exact = abs(seconds - seconds.to_integral_value()) <= tolerance
        self._chance = self._chance * min(1.0, 2 * tolerance) if exact else float("inf")

    def serial_dates(self, column: str, where: str, *, day_zero: datetime, only_dates: bool) -> SerialDates | None:
        """Return what reads the dates of the column, or ``None`` where its numbers are seconds or there are none.

        ``only_dates``: such a file never counts seconds.

        Raises
        ------
        ExportError
            When nothing tells one from the other, with the first line or row.
        """
        if self._others or not self.count:
            return None
        if self._low < 1:
            if self._high < 1 and self.count > 1 and self._chance < _CHANCE:
                raise _unsure(column, where, "are times of day without a date, as Excel counts them")
            return None
        if self.has_dates or only_dates or says_date(column) or self._chance < _CHANCE:
            return SerialDates(day_zero)
        crowded = self.count > self._high - self._low  # more than a message a second, if these are seconds
        fractions = self._fractions * 2 > self.count
        fine = fractions and self._fine * 2 > self._fractions and self._chance <= 1
        if fine and crowded:
            return SerialDates(day_zero)
        if crowded or fine or (fractions and self._low >= _LIKELY and self._high < _UNLIKELY):
            raise _unsure(column, where, "are dates as Excel counts them, or seconds: nothing tells")
        return None


def _unsure(column: str, where: str, what: str) -> ExportError:
    return ExportError(
        f"the numbers in `{column}` {what}",
        where=where,
        do="Format the column as date and time and save the file again, or name another: --column timestamp=…; "
        "seconds are to begin at 0",
    )
