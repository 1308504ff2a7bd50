"""Dates in words, as Google's Takeout writes them in the language of the account: ``Tuesday, February 13, 2024 at 9:05:11 PM UTC``.

The names of months in all languages are Babel's. A name that is one month here and another there (``listopad``) is refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from babel import Locale
from babel.localedata import locale_identifiers

from pipeline.ingest.times.day_periods import ON_PHONES, hour_of, plain_word

_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.]|\s?[h時时시]\s?)(?P<minute>\d{1,2})(?:(?:[:.]|\s?(?:min|[分분])\s?)(?P<second>\d{1,2})(?:\.\d+)?)?"
    r"\s?(?:[分분초秒s](?!\w))?"
)
_ZONE = re.compile(r"\b(?:UTC|GMT|Z)(?:[+-]0{1,2}(?::?00)?)?(?![\w+-])|\(UTC\)")
_OTHER_ZONE = re.compile(r"\b(?:UTC|GMT)[+-]\d|[+-]\d{2}:?\d{2}\b")
_BY_MARKS = re.compile(r"(?P<year>\d{4})\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日일]")
_MONTH_NUMBER = re.compile(r"tháng\s+(\d{1,2})")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_DAY = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_WORD = re.compile(r"[^\W\d_][^\s\d,،、]*")

_SHORT = 1

_ENGLISH = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def from_long_date(text: str) -> datetime:
    """Read a date and a time in words, in UTC.

    Raises
    ------
    ValueError
        When it is none, is in another zone, or its month is not known.
    """
    clock = _TIME.search(text)
    if clock is None or _OTHER_ZONE.search(text):
        raise ValueError("no time in UTC")
    before, after = text[: clock.start()], _ZONE.sub(" ", text[clock.end() :])
    year, month, day = _date(f"{before} {after}")
    hour = _hour(int(clock["hour"]), before, after)
    return datetime(year, month, day, hour, int(clock["minute"]), int(clock["second"] or 0), tzinfo=UTC)


def _hour(hour: int, before: str, after: str) -> int:
    """Return the hour with the part of the day that stands behind the time, or else before it."""
    if hour > 12:
        return hour
    behind, ahead = after.split()[:2], before.split()[-1:]
    for word in ("".join(behind), "".join(behind[:1]), "".join(ahead)):
        if word and (read_hour := hour_of(word, hour)) is not None:
            return read_hour
    return hour


def _date(text: str) -> tuple[int, int, int]:
    if (marked := _BY_MARKS.search(text)) is not None:
        return int(marked["year"]), int(marked["month"]), int(marked["day"])
    years = _YEAR.findall(text)
    if len(years) != 1:
        raise ValueError("no year, or several")
    numbered = _MONTH_NUMBER.search(text)
    month = int(numbered[1]) if numbered else _month(text)
    days = _DAY.findall(_MONTH_NUMBER.sub(" ", text))
    if len(days) != 1:
        raise ValueError("no day, or several")
    return int(years[0]), month, int(days[0])


def _month(text: str) -> int:
    words = {plain_word(word) for word in _WORD.findall(text)}
    named = [number for number, name in enumerate(_ENGLISH, 1) if name in words]
    if len(named) != 1:
        named = [number for word in words if (number := _months().get(word)) is not None]
    if len(set(named)) != 1:
        raise ValueError("no month, or several")
    return named[0]


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    """Return the month of each name that means one month in all languages that are on phones."""
    months: dict[str, set[int]] = {}
    for identifier in locale_identifiers():
        if identifier.partition("_")[0] not in ON_PHONES:
            continue
        for widths in Locale.parse(identifier).months.values():
            for number, name in widths.get("wide", {}).items():
                word = plain_word(str(name))
                if len(word) > _SHORT and not word.isdecimal():
                    months.setdefault(word, set()).add(int(number))
    return {word: numbers.pop() for word, numbers in months.items() if len(numbers) == 1}
