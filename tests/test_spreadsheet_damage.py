"""What spreadsheets make of times and ids: read where the column tells, refused where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.exports import read_all, read_one, write
from helpers.workbooks import workbook
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError

HEADER = ["conversation_id", "speaker", "timestamp", "text"]
FIRST = datetime(2024, 2, 13, 20, 1)
SECONDS = st.lists(st.integers(0, 86_400 * 400), min_size=2, max_size=20).map(sorted)
ZEROS = {1900: datetime(1899, 12, 30), 1904: datetime(1904, 1, 1)}


def serial(moment: datetime, zero: int = 1900) -> float:
    return (moment - ZEROS[zero]) / timedelta(days=1)


def sheet(values: list[float] | list[str], column: str = "timestamp") -> list[Sequence[str | float]]:
    names = [column if name == "timestamp" else name for name in HEADER]
    return [names, *(["c", "kim", value, "bread?"] for value in values)]


def csv(values: list[str], column: str = "timestamp", between: str = ",") -> str:
    return "".join(between.join(str(cell) for cell in row) + "\n" for row in sheet(values, column))


def times(path: Path, **options: object) -> list[datetime | None]:
    return [message.timestamp for message in read_one(path, **options)]


@given(seconds=SECONDS, zero=st.sampled_from([1900, 1904]))
@settings(max_examples=50, deadline=None)
def test_a_workbook_gives_each_time_to_the_second(seconds: list[int], zero: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    moments = [FIRST + timedelta(seconds=second) for second in seconds]
    content = workbook({"Chat": sheet([serial(moment, zero) for moment in moments], "Date")}, from_1904=zero == 1904)
    path = write(tmp_path_factory.mktemp("x") / "t.xlsx", content)
    assert times(path, columns={"timestamp": "Date"}) == moments


@given(seconds=SECONDS, decimals=st.integers(7, 11), comma=st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_csv_gives_each_time_to_the_second_whatever_the_column_is_called(
    seconds: list[int], decimals: int, comma: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    moments = [FIRST + timedelta(seconds=second) for second in (*seconds, 400 * 86_401, 400 * 86_407)]
    values = [f"{serial(moment):.{decimals}f}".replace(".", "," if comma else ".") for moment in moments]
    path = write(tmp_path_factory.mktemp("x") / "t.csv", csv(values, between=";" if comma else ","))
    assert times(path) == moments


@pytest.mark.parametrize("column", ["Date", "Sent date", "Datum", "日時", "Дата и время", "fecha", "createddatetime"])
def test_a_header_that_says_a_date_decides_alone(column: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", csv(["45335.83", "45336", "45700.8340278"], column))
    assert times(path, columns={"timestamp": column})[1:] == [datetime(2024, 2, 14), datetime(2025, 2, 12, 20, 1)]


def test_the_values_that_excel_shows_are_read_with_a_warning(tmp_path: Path) -> None:
    values = [f"{serial(FIRST + timedelta(seconds=second)):.5f}" for second in (0, 59, 61, 3600)]
    (conversation,), log = read_all(write(tmp_path / "t.csv", csv(values)))
    read = [message.timestamp for message in conversation.messages]
    assert read == [FIRST + timedelta(seconds=second) for second in (0, 59, 61, 3600)]
    assert [warning.what for warning in log.warnings] == [
        "the times in `timestamp` are numbers, as Excel counts days since 1900: they were read as dates"
    ]


def test_numbers_beside_dates_are_dates(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", csv(["2024-02-13 20:00", "45335.83", "13/02/2024 21:05"]))
    assert times(path) == [datetime(2024, 2, 13, 20), datetime(2024, 2, 13, 19, 55, 12), datetime(2024, 2, 13, 21, 5)]


@pytest.mark.parametrize(
    "values",
    [
        ["0", "12.5", "45335.83"],
        ["20000", "20060", "20300.5", "79000"],
        ["20000.25", "20001.5", "20300.123"],
        ["72000.123457", "72001.987653", "72100.222222", "72120.333333"],
        ["1707858311.5", "1707858312"],
        ["5", "45335.8340278"],
    ],
)
def test_seconds_are_read_as_seconds(values: list[str], tmp_path: Path) -> None:
    epoch = datetime(1970, 1, 1)
    read = times(write(tmp_path / "t.csv", csv(values)))
    assert [time.replace(tzinfo=None) for time in read if time] == [epoch + timedelta(seconds=float(value)) for value in values]


@pytest.mark.parametrize(
    "values",
    [
        ["45336", "45336", "45337"],
        ["45336.83", "45336.84"],
        ["45336.83", "45350.21", "45401.2"],
        ["45336.83403", "45401.5", "45500.12346"],
        ["45336"],
    ],
)
def test_what_may_be_either_is_refused_with_its_line(values: list[str], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"t\.csv:2: the numbers in `timestamp` .*Format the column as date.*--column"):
        read_all(write(tmp_path / "t.csv", csv(values)))


def test_times_of_day_without_a_date_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", workbook({"Chat": sheet([0.8340277777777778, 0.8347222222222223])}))
    with pytest.raises(ExportError, match=r"t\.xlsx: record 2: .* times of day without a date"):
        read_all(path)


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_tables_that_were_made_of_a_workbook_are_read_alike(kind: str, tmp_path: Path) -> None:
    values = [serial(FIRST), serial(FIRST + timedelta(seconds=61))]
    table = pa.table({"conversation_id": ["c"] * 2, "speaker": ["kim"] * 2, "timestamp": values, "text": ["bread?"] * 2})
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        pq.write_table(table, path)
    else:
        lines = (str(row).replace("'", '"') for row in table.to_pylist())
        write(path, "\n".join(lines))
    assert times(path) == [FIRST, FIRST + timedelta(seconds=61)]


def test_an_examiners_workbook_with_days_and_times_in_two_columns(tmp_path: Path) -> None:
    rows = [
        ["Chat #", "From", "Body", "Timestamp: Date", "Timestamp: Time", "Status"],
        ["1", "Robin", "bread?", 45335.0, 0.8340277777777778, "Read"],
        ["1", "Kim", "yes", 45335.0, 0.8347222222222223, "Sent"],
    ]
    (conversation,), _ = read_all(write(tmp_path / "report.xlsx", workbook({"Chats": rows})))
    assert [message.timestamp for message in conversation.messages] == [FIRST, FIRST + timedelta(minutes=1)]


@pytest.mark.parametrize(
    ("value", "moment"),
    [("20240213210511", datetime(2024, 2, 13, 21, 5, 11)), ("202402132105", datetime(2024, 2, 13, 21, 5))],
)
def test_digits_of_a_date_are_a_date(value: str, moment: datetime, tmp_path: Path) -> None:
    assert times(write(tmp_path / "t.csv", csv([value]))) == [moment]
    line = f'{{"conversation_id": "c", "speaker": "kim", "timestamp": {value}, "text": "bread?"}}\n'
    assert times(write(tmp_path / "t.jsonl", line)) == [moment]


@pytest.mark.parametrize(
    "value",
    ["729551111000000000", "638434587110000000", "133523103110000000", "13352310311000000", "63843458711000", "13352310311"],
    ids=["Apple's nanoseconds", ".NET's ticks", "Windows's", "Chrome's", "milliseconds from the year 1", "seconds from 1601"],
)
def test_numbers_that_count_from_other_years_are_refused(value: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"t\.csv:2: `timestamp` is no time that we can read: .*since 1970"):
        read_all(write(tmp_path / "t.csv", csv([value])))


@given(unit=st.sampled_from([10**3, 10**6, 10**9]), seconds=st.integers(852_000_000, 4_000_000_000))
@settings(max_examples=50, deadline=None)
def test_numbers_since_1970_are_read_in_every_unit(unit: int, seconds: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("x") / "t.csv", csv([str(seconds * unit)]))
    assert times(path) == [datetime.fromtimestamp(seconds, UTC)]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_seconds_of_years_before_most_chats_are_warned_of(kind: str, tmp_path: Path) -> None:
    line = '{"conversation_id": "c", "speaker": "kim", "timestamp": 729551111, "text": "bread?"}\n'
    _, log = read_all(write(tmp_path / f"t.{kind}", csv(["729551111"]) if kind == "csv" else line))
    assert [warning.what for warning in log.warnings] == [
        "the times in `timestamp` are of 1993, counted from 1970: Apple's programs count from 2001, 31 years later"
    ]


@pytest.mark.parametrize("field", ["conversation_id", "speaker"])
@pytest.mark.parametrize("value", ["4.47701E+11", "4,477E+11", "1.20700000000000E+18"])
@pytest.mark.parametrize("time", ["2024-02-13 20:01", "13/02/2024 20:01"])
def test_ids_and_numbers_that_a_spreadsheet_shortened_are_refused(field: str, value: str, time: str, tmp_path: Path) -> None:
    row = {"conversation_id": "c", "speaker": "kim", "timestamp": time, "text": "bread?"} | {field: value}
    lines = ["\t".join(row), "\t".join(row.values())]
    with pytest.raises(ExportError, match=rf"t\.csv:2: a spreadsheet shortened the number in `{field}`.*Format the column as text"):
        read_all(write(tmp_path / "t.csv", "\n".join(lines)))


def test_an_id_of_too_many_digits_in_a_workbook_is_refused(tmp_path: Path) -> None:
    rows = [HEADER, [1207000000000000000.0, "kim", "2024-02-13 20:01", "bread?"]]
    with pytest.raises(ExportError, match=r"t\.xlsx: record 2: a spreadsheet shortened"):
        read_all(write(tmp_path / "t.xlsx", workbook({"Chat": rows})))


@pytest.mark.parametrize("name", ["447700900123", "+447700900123", "1.5", "e+", "4E", "A.5E+11", "kim+robin"])
def test_other_names_and_numbers_are_read(name: str, tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "t.csv", f"conversation_id,speaker,timestamp,text\nc,{name},2024-02-13 20:01,bread?\n"))
    assert message.speaker == name
