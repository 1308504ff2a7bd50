"""Calendars of other epochs, told by the year: a phone set to one writes its years into the export.

WhatsApp exists since 2009. A date of 1387 is Jalali, one of 2552 Buddhist, one of 113 Taiwan's; they become Gregorian.
The lunar Hijri calendar (1430 and later) and those of other years (5784 is Hebrew) are not converted: their dates are none.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

Calendar = Literal["Gregorian", "Buddhist", "Jalali", "Minguo", "Hijri", "unknown"]

_JALALI = range(1380, 1425)
_HIJRI = range(1425, 1500)
_BUDDHIST = range(2540, 2600)
_BUDDHIST_SHORT = range(52, 80)
_MINGUO = range(100, 160)
_NOBODYS = (range(160, 1000), range(2200, 10_000))
"""Years of no calendar that we know, in which nobody chats."""
_THAI = 543
_TAIWAN = 1911

# A year of 366 days by its remainder: right for the years 1343 to 1472 (Borkowski, "The Persian calendar for 3000 years", 1996).
_CYCLE = 33
_LEAP = frozenset({1, 5, 9, 13, 17, 22, 26, 30})
_NEW_YEAR_1403 = date(2024, 3, 20)


def calendar_of(year: int) -> Calendar:
    """Return the calendar that a year as written belongs to; two digits from 52 on can only be Buddhist (2552 is 2009)."""
    if year in _BUDDHIST or year in _BUDDHIST_SHORT:
        return "Buddhist"
    if year in _JALALI:
        return "Jalali"
    if year in _MINGUO:
        return "Minguo"
    if year in _HIJRI:
        return "Hijri"
    return "unknown" if any(year in years for years in _NOBODYS) else "Gregorian"


def gregorian(year: int, month: int, day: int) -> date:
    """Return the day of a date as written, in the calendar that its year tells.

    Raises
    ------
    ValueError
        When there is no such day, or its calendar is not converted.
    """
    calendar = calendar_of(year)
    if calendar in ("Hijri", "unknown"):
        raise ValueError("a date of a calendar that is not converted")
    if calendar == "Buddhist":
        return date((year if year >= 100 else year + 2500) - _THAI, month, day)
    if calendar == "Jalali":
        return _from_jalali(year, month, day)
    if calendar == "Minguo":
        return date(year + _TAIWAN, month, day)
    return date(year + 2000 if year < 100 else year, month, day)


def _from_jalali(year: int, month: int, day: int) -> date:
    longest = 31 if month <= 6 else 30 if month <= 11 or _leap(year) else 29
    if not (1 <= month <= 12 and 1 <= day <= longest):
        raise ValueError("no such day")
    before = (month - 1) * 31 - max(0, month - 7)
    return _new_year(year) + timedelta(days=before + day - 1)


def _leap(year: int) -> bool:
    return year % _CYCLE in _LEAP


def _new_year(year: int) -> date:
    """Return the first day of a Jalali year: the 20th or 21st of March."""
    between = range(min(year, 1403), max(year, 1403))
    days = timedelta(days=sum(366 if _leap(passed) else 365 for passed in between))
    return _NEW_YEAR_1403 + (days if year > 1403 else -days)
