"""WhatsApp's headers in the manner of many phones, and the order of day and month."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write

from pipeline.errors import AmbiguousDateOrder, ExportError

EVENING = datetime(2024, 2, 13, 21, 5)

HEADERS = {
    "ios-24h": "[13/02/2024, 21:05:11] ",
    "ios-12h-us": "[2/13/24, 9:05:11\u202fPM] ",
    "ios-leading-mark": "\u200e[13/02/2024, 21:05:11] ",
    "ios-de": "[13.02.24, 21:05:11] ",
    "ios-da": "[13.02.2024 kl. 21.05.11] ",
    "ios-zh": "[2024/2/13 下午9:05:11] ",
    "ios-ko": "[2024. 2. 13. 오후 9:05:11] ",
    "android-en-gb": "13/02/2024, 21:05 - ",
    "android-en-us-nnbsp": "2/13/24, 9:05\u202fPM - ",
    "android-en-us-space": "2/13/24, 9:05 pm - ",
    "android-es-nbsp": "13/2/2024, 9:05\xa0p.\xa0m. - ",
    "android-es-space": "13/2/24 9:05 p. m. - ",
    "android-fi": "13.2.2024 klo 21.25 - ",
    "android-sv": "2024-02-13 21:05 - ",
    "android-nl": "13-02-2024 21:05 - ",
    "android-de": "13.02.24, 21:05 - ",
    "android-fr": "13/02/2024 à 21:05 - ",
    "android-pt": "13/02/2024 às 21:05 - ",
    "android-he": "\u200f13.2.2024, 21:05 - ",
    "android-ar-marks": "13\u200f/2\u200f/2024، 21:05 - ",
    "android-ar-digits": "١٣‏/٢‏/٢٠٢٤، ٩:٠٥ م - ",
    "android-bg": "13.02.24 г., 21:05 - ",
    "android-el": "13/2/2024, 9:05 μ.μ. - ",
    "android-hu": "2024. 02. 13. 21:05 - ",
    "android-through-a-word-processor": "13/02/2024, 21:05 – ",
    "web-copied": "[21:05, 13/02/2024] ",
    "web-copied-us": "[9:05 PM, 2/13/2024] ",
    "web-copied-es": "[9:05 p.\xa0m., 13/2/2024] ",
    "web-copied-fi": "[21.05, 13.2.2024] ",
    "web-copied-zh": "[下午9:05, 2024/2/13] ",
    "web-copied-ar": "[٩:٠٥ م، ١٣\u200f/٢\u200f/٢٠٢٤] ",
    "embedding-marks": "\u202a13/02/2024, 21:05\u202c - ",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_is_read_in_the_manner_of_its_phone(header: str, tmp_path: Path) -> None:
    lines = [
        f"{header}Kim: hello",
        "second line",
        f"{header}Änne-Marie (work): a: b",
        f"{header}Kim created this and nobody said it",
    ]
    messages = read_one(write(tmp_path / "x", "\n".join(lines) + "\n"))
    assert [message.speaker for message in messages] == ["Kim", "Änne-Marie (work)", None]
    assert [message.text for message in messages] == ["hello\nsecond line", "a: b", "Kim created this and nobody said it"]
    assert [message.kind for message in messages] == ["message", "message", "system"]
    for message in messages:
        assert message.timestamp is not None
        assert message.timestamp.replace(second=0, minute=5) == EVENING


@pytest.mark.parametrize(("clock", "hour"), [("12:05 AM", 0), ("1:05 AM", 1), ("11:05 am", 11), ("12:05 PM", 12), ("1:05 pm", 13)])
def test_noon_and_midnight(clock: str, hour: int, tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x", f"2/13/24, {clock} - Kim: hello\n"))
    assert message.timestamp == datetime(2024, 2, 13, hour, 5)


def test_the_order_comes_from_the_whole_file_and_not_from_its_first_line(tmp_path: Path) -> None:
    day_first = read_one(write(tmp_path / "a", "03/04/2024, 10:00 - Kim: a\n13/04/2024, 10:00 - Kim: b\n"))
    month_first = read_one(write(tmp_path / "b", "03/04/2024, 10:00 - Kim: a\n03/14/2024, 10:00 - Kim: b\n"))
    assert day_first[0].timestamp == datetime(2024, 4, 3, 10)
    assert month_first[0].timestamp == datetime(2024, 3, 4, 10)


def test_the_order_is_the_one_that_runs_forward_in_time(tmp_path: Path) -> None:
    messages = read_one(
        write(tmp_path / "x", "05/11/2023, 10:00 - Kim: a\n01/12/2023, 10:00 - Kim: b\n02/01/2024, 10:00 - Kim: c\n")
    )
    assert [message.timestamp for message in messages] == [
        datetime(2023, 11, 5, 10),
        datetime(2023, 12, 1, 10),
        datetime(2024, 1, 2, 10),
    ]


def test_dates_that_fit_both_orders_are_refused_with_the_flag_that_helps(tmp_path: Path) -> None:
    file = write(tmp_path / "x", "03/04/2024, 10:00 - Kim: a\n05/06/2024, 10:00 - Kim: b\n")
    with pytest.raises(AmbiguousDateOrder, match="--date-order dmy"):
        read_one(file)
    assert read_one(file, date_order="dmy")[0].timestamp == datetime(2024, 4, 3, 10)
    assert read_one(file, date_order="mdy")[0].timestamp == datetime(2024, 3, 4, 10)


def test_dates_that_can_be_neither_order_name_their_lines(tmp_path: Path) -> None:
    file = write(tmp_path / "x", "13/04/2024, 10:00 - Kim: a\n04/14/2024, 10:00 - Kim: b\n")
    with pytest.raises(AmbiguousDateOrder, match="line 1 can only be day-first and line 2 only month-first"):
        read_one(file)


def test_days_and_months_that_are_equal_are_not_ambiguous(tmp_path: Path) -> None:
    assert read_one(write(tmp_path / "x", "04/04/2024, 10:00 - Kim: a\n"))[0].timestamp == datetime(2024, 4, 4, 10)


def test_times_are_naive_unless_a_zone_is_given(tmp_path: Path) -> None:
    file = write(tmp_path / "x", "13/07/2024, 10:00 - Kim: a\n")
    assert read_one(file)[0].timestamp == datetime(2024, 7, 13, 10)
    assert read_one(file, timezone="Europe/London")[0].timestamp == datetime(2024, 7, 13, 9, tzinfo=UTC)


@pytest.mark.parametrize("header", ["2/13/24, 9:05 PM - ", "[2/13/24, 9:05:11 PM] ", "[9:05 PM, 2/13/2024] "])
def test_an_order_under_which_no_header_has_a_day_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no header in it has a day") as caught:
        read_all(write(tmp_path / "x", f"{header}Kim: a\n{header}Robin: b\n"), date_order="dmy")
    assert "--date-order" in str(caught.value)


def test_time_that_runs_backwards_is_warned_of_by_line(tmp_path: Path) -> None:
    _, log = read_all(write(tmp_path / "x", "13/07/2024, 10:00 - Kim: a\n11/07/2024, 10:00 - Pat: b\n13/07/2024, 11:00 - Kim: c\n"))
    (warning,) = log.warnings
    assert warning.where.endswith("x:2")
    assert "backwards" in warning.what
