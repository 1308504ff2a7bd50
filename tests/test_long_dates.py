"""Dates in words: every common language's long date is read, and what is none is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from babel.dates import format_date

from pipeline.ingest.times.long_dates import from_long_date

MOMENT = datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Tuesday, February 13, 2024 at 9:05:11 PM UTC",
        "Tuesday, February 13, 2024 at 9:05:11\u202fPM UTC",
        "Tuesday, 13 February 2024 at 21:05:11 UTC",
        "Dienstag, 13. Februar 2024 um 21:05:11 UTC",
        "mardi 13 février 2024 à 21:05:11 UTC",
        "martes, 13 de febrero de 2024, 21:05:11 UTC",
        "martes, 13 de febrero de 2024, 9:05:11 p. m. UTC",
        "2024年2月13日火曜日 21:05:11 UTC",
        "2024년 2월 13일 화요일 오후 9시 5분 11초 UTC",
        "2024年2月13日星期二 UTC 21:05:11",
        "вторник, 13 февраля 2024 г. в 21:05:11 UTC",
        "wtorek, 13 lutego 2024 21:05:11 UTC",
        "21:05:11 UTC Thứ Ba, 13 tháng 2, 2024",
        "الثلاثاء، ١٣ فبراير ٢٠٢٤ في ٩:٠٥:١١ م UTC",
        "tiistai 13. helmikuuta 2024 klo 21.05.11 UTC",
        "2024. február 13., kedd 21:05:11 UTC",
    ],
)
def test_a_long_date_is_read_in_any_language(text: str) -> None:
    assert from_long_date(text) == MOMENT


@pytest.mark.parametrize(
    "language", ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "ru", "uk", "tr", "el", "hi", "id", "ro"]
)
@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_is_read(language: str, month: int) -> None:
    day = datetime(2024, month, 13, 21, 5, 11, tzinfo=UTC)
    assert from_long_date(f"{format_date(day, 'full', locale=language)} 21:05:11 UTC") == day


def test_midnight_and_noon() -> None:
    assert from_long_date("Tuesday, February 13, 2024 at 12:05:11 AM UTC").hour == 0
    assert from_long_date("Tuesday, February 13, 2024 at 12:05:11 PM UTC").hour == 12


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "Tuesday, February 13, 2024",
        "Tuesday, Foobar 13, 2024 at 9:05:11 PM UTC",
        "Tuesday, February 30, 2024 at 9:05:11 PM UTC",
        "Tuesday, February 13, 2024 at 9:05:11 PM UTC+2",
        "Tuesday, February 13 at 9:05:11 PM UTC",
        "Tuesday, February, 2024 at 9:05:11 PM UTC",
        "Tuesday, 13 listopad 2024 at 21:05:11 UTC",
        "February 13 March 2024 21:05:11 UTC",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"in UTC|several|day|month"):
        from_long_date(text)
