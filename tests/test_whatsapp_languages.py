"""Headers in all languages of the CLDR: parsed, or counted and named, never silently the text of the row above."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

import pytest
from babel import Locale
from babel.dates import format_date, format_time
from babel.localedata import locale_identifiers
from helpers.exports import read_all, read_one, write

from pipeline.errors import ExportError
from pipeline.ingest.readers.whatsapp_header import parse_header

# Bodo and Dzongkha write words between the numbers, Latin a year of an era, Yoruba minutes of one digit: such lines are named, not
# read. Sindhi's word for "AM" is the morning in Urdu, which is on more phones; Torwali sets its "PM" as two words.
NOT_READ = {"brx", "dz", "la", "sd", "trw", "yo"}


@pytest.mark.parametrize("hour", [0, 5, 9, 12, 15, 21])
def test_a_header_is_read_in_every_language(hour: int) -> None:
    moment = datetime(2024, 2, 13, hour, 5, 11)
    wrong = []
    for name in locale_identifiers():
        locale = Locale.parse(name)
        if locale.language in NOT_READ:
            continue
        date = format_date(moment, "short", locale=locale)
        for line in (
            f"{date}, {format_time(moment, 'short', locale=locale)} - Kim: hello",
            f"[{date} {format_time(moment, 'medium', locale=locale)}] Kim: hello",
        ):
            header = parse_header(line)
            if header is None or header.clock is None or header.clock[:2] != (hour, 5) or not {2, 13} <= set(header.date):
                wrong.append(line)
    assert wrong == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("晚上9:05", time(21, 5)),
        ("凌晨12:05", time(0, 5)),
        ("清晨5:05", time(5, 5)),
        ("中午12:05", time(12, 5)),
        ("晚上12:05", time(0, 5)),
        ("오후 9:05", time(21, 5)),
        ("12:05 m.", time(12, 5)),
        ("3:05 de la madrugada", time(3, 5)),
        ("9:05 da noite", time(21, 5)),
        ("9:05 ب.ظ.", time(21, 5)),
        ("9:05 e pasdites", time(21, 5)),
        ("9:05 PTG", time(21, 5)),
        ("21:05 ч.", time(21, 5)),
        ("21 h 05", time(21, 5)),
        ("21:05 Uhr", time(21, 5)),
        ("klo 21.05", time(21, 5)),
    ],
)
def test_a_part_of_the_day_tells_the_hour(written: str, expected: time, tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x", f"2024/2/13 {written} - Kim: hello\n"))
    assert message.timestamp == datetime.combine(datetime(2024, 2, 13), expected)


def test_parts_of_the_day_beside_am_and_pm_make_rows_of_their_own(tmp_path: Path) -> None:
    chat = "2024/2/13 下午3:10 - 林: 茶\n2024/2/13 晚上9:05 - 梅: 好\n2024/2/14 凌晨12:10 - 林: 晚安\n2024/2/14 上午8:10 - 梅: 早\n"
    messages = read_one(write(tmp_path / "x", chat))
    assert [(m.speaker, m.timestamp.hour) for m in messages if m.timestamp] == [("林", 15), ("梅", 21), ("林", 0), ("梅", 8)]


def test_noon_among_rows_with_am_and_pm(tmp_path: Path) -> None:
    chat = "13/02/2024, 11:59 a. m. - Kim: one\n13/02/2024, 12:00 m. - Pat: two\n13/02/2024, 1:00 p. m. - Kim: three\n"
    messages = read_one(write(tmp_path / "x", chat))
    assert [(m.speaker, m.timestamp and m.timestamp.hour) for m in messages] == [("Kim", 11), ("Pat", 12), ("Kim", 13)]


def test_canadian_french_on_an_iphone(tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x", "[2024-02-13 21 h 05 min 11 s] Luc: allô\n"))
    assert (message.speaker, message.timestamp) == ("Luc", datetime(2024, 2, 13, 21, 5, 11))


def test_an_old_iphones_header_ends_with_a_colon(tmp_path: Path) -> None:
    messages = read_one(write(tmp_path / "x", "2016-06-27, 8:04:08 AM: Kim: hello\nagain\n2016-06-27, 8:05:08 PM: Pat: a: b\n"))
    assert [(m.speaker, m.text) for m in messages] == [("Kim", "hello\nagain"), ("Pat", "a: b")]
    assert messages[1].timestamp == datetime(2016, 6, 27, 20, 5, 8)


def test_a_word_in_no_language_begins_a_row_without_a_time_and_is_named(tmp_path: Path) -> None:
    chat = "13/02/2024, 9:05 pm - Kim: one\n13/02/2024, 9:06 blorp - Pat: two\n13/02/2024, 9:07 pm - Kim: three\n"
    (conversation,), log = read_all(write(tmp_path / "x", chat))
    assert [(m.speaker, m.text) for m in conversation.messages] == [("Kim", "one"), ("Pat", "two"), ("Kim", "three")]
    assert [str(warning.where).rpartition(":")[2] for warning in log.warnings if "no language" in warning.what] == ["2"]
    assert "blorp" not in str(log.warnings)


@pytest.mark.parametrize(
    "line", ["13/02/2024, 21:05 oclock sharp - Pat: two", "13/02/2024, 21#05 - Pat: two", "45/78/2024, 21:05 - Pat: two"]
)
def test_a_line_that_only_begins_like_a_header_is_named(line: str, tmp_path: Path) -> None:
    file = write(tmp_path / "x", f"13/02/2024, 21:05 - Kim: one\n{line}\n13/02/2024, 21:07 - Kim: three\n")
    (conversation,), log = read_all(file)
    assert [m.text for m in conversation.messages] == [f"one\n{line}", "three"]
    assert any(warning.where.endswith("x:2") for warning in log.warnings)


def test_a_file_of_headers_that_cannot_be_read_is_refused_with_the_line(tmp_path: Path) -> None:
    file = write(tmp_path / "x", "13/02/2024, 9:05 blorp - Kim: one\n13/02/2024, 9:06 blorp - Pat: two\n")
    with pytest.raises(ExportError, match="headers that cannot be read"):
        read_all(file)


def test_a_year_of_two_digits_may_stand_first(tmp_path: Path) -> None:
    chat = "[22-01-20 10:00:00] Kim: one\n[22-01-21 10:01:00] Pat: two\n[22-02-13 10:01:00] Pat: three\n"
    days = [m.timestamp.date().isoformat() for m in read_one(write(tmp_path / "x", chat)) if m.timestamp]
    assert days == ["2022-01-20", "2022-01-21", "2022-02-13"]
    asked = read_one(write(tmp_path / "y", "22-01-20, 10:00 - Kim: one\n"), date_order="ymd")
    assert asked[0].timestamp == datetime(2022, 1, 20, 10)


def test_a_year_of_two_digits_at_the_end_stays_there(tmp_path: Path) -> None:
    chat = "13-02-24, 10:00 - Kim: one\n14-02-24, 10:00 - Pat: two\n01-03-24, 10:00 - Pat: three\n"
    days = [m.timestamp.date().isoformat() for m in read_one(write(tmp_path / "x", chat)) if m.timestamp]
    assert days == ["2024-02-13", "2024-02-14", "2024-03-01"]


@pytest.mark.parametrize(
    ("header", "calendar"),
    [
        ("\u200f۱۴۰۲/۱۱/۲۴،\u200f ۲۱:۰۵ - ", "Jalali"),
        ("[13/2/2567 21:05:00] ", "Buddhist"),
        ("13/2/67, 21:05 - ", "Buddhist"),
        ("113/2/13 下午9:05 - ", "Minguo"),
    ],
)
def test_years_of_another_calendar_are_converted_and_said(header: str, calendar: str, tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "x", f"{header}Kim: hello\n"))
    assert [m.timestamp for m in conversation.messages] == [datetime(2024, 2, 13, 21, 5)]
    assert any(calendar in warning.what for warning in log.warnings)


@pytest.mark.parametrize(("date", "calendar"), [("13/8/1445", "Hijri"), ("5784/06/04", "unknown"), ("13/6/740", "unknown")])
def test_years_of_a_calendar_that_is_not_converted_are_refused(date: str, calendar: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=calendar):
        read_all(write(tmp_path / "x", f"{date}, 21:05 - Kim: hello\n"))
