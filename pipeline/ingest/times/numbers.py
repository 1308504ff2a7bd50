"""Numbers in a column of times: counted since 1970 in any unit, or the digits of a date and a time of day.

Programs count from other years too: Apple's from 2001, .NET's from the year 1, Windows's and Chrome's from 1601. Read as if they
were counted since 1970, these give years in which nobody chatted, and are refused.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.ingest.times.parse import from_number, in_utc

_SECONDS_BELOW = 10**11
_COMPACT = {12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_YEARS = range(1996, 2100)
"""Of times in milliseconds or less, and of dates in digits; seconds are old enough for any year that has passed."""
_LAST = 2200
_YEAR = 31_556_952
_RELATIVE = 8 * _YEAR


def counted(number: float, zone: ZoneInfo | None) -> datetime:
    """Return the time of a number.

    Raises
    ------
    ValueError
        When it is no time, or one in which nobody chatted.
    """
    if isinstance(number, int) and (compact := _compact(number)) is not None:
        return in_utc(compact, zone)
    moment = from_number(number)
    if moment.year > _LAST or (abs(number) >= _SECONDS_BELOW and moment.year not in _YEARS):
        raise ValueError("counted from another year than 1970")
    return moment


def _compact(number: int) -> datetime | None:
    """Return the time whose digits a number has: 20240213210511."""
    digits = str(number)
    try:
        moment = datetime.strptime(digits, _COMPACT[len(digits)])
    except (KeyError, ValueError):
        return None
    return moment if moment.year in _YEARS else None


def year_before_chats(number: float) -> int | None:
    """Return the year of a number of seconds since 1970 that is before most chats; ``None`` where it is later, or relative."""
    return 1970 + int(number // _YEAR) if _RELATIVE <= number < (_YEARS.start - 1970) * _YEAR else None
