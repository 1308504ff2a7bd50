"""Times of every sort that exports have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

_DIGITS = 25
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A number of this size or more counts milliseconds, microseconds, nanoseconds: seconds reach the first in the year 5138.
_MICROSECONDS_PER_UNIT = ((10**17, None), (10**14, 1), (10**11, 1_000))


def from_iso(text: str, zone: ZoneInfo | None = None) -> datetime:
    """Read an ISO 8601 time; see ``in_utc`` for one without an offset.

    Raises
    ------
    ValueError
        When it is none.
    """
    return in_utc(datetime.fromisoformat(text.strip()), zone)


def from_number(value: float) -> datetime:
    """Read a number of seconds, milliseconds, microseconds or nanoseconds since 1970: which, is told from its size.

    Numbers below 10¹¹ are seconds (up to the year 5138), below 10¹⁴ milliseconds (from 1973 on), below 10¹⁷ microseconds.

    Raises
    ------
    ValueError
        When it is no time.
    """
    try:
        return _EPOCH + timedelta(microseconds=_microseconds(value))
    except OverflowError as error:
        raise ValueError("out of range") from error


def whole(value: object) -> int:
    """Return a whole number, from itself, from a decimal or from its text.

    Raises
    ------
    TypeError, ValueError
        When it is none, or larger than any time.
    """
    if isinstance(value, Decimal) and value.adjusted() > _DIGITS:
        raise ValueError("out of range")
    if not isinstance(value, int | float | str | Decimal):
        raise TypeError("not a number")
    return int(value)


def _microseconds(value: float) -> int:
    size = abs(value)
    for least, factor in _MICROSECONDS_PER_UNIT:
        if size >= least:
            return int(value // 1_000) if factor is None else int(value * factor)
    return round(value * 1_000_000)


def in_utc(moment: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the time in UTC. One without an offset is taken to be in ``zone``, or stays naive when there is none.

    Raises
    ------
    ValueError
        When UTC takes it out of the years 1 to 9999.
    """
    if moment.tzinfo is None:
        if zone is None:
            return moment
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error
