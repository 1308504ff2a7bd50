"""Viber's CSV without a header and its text: names, numbers, quoted texts, local times."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import AmbiguousDateOrder, ExportError

CHAT = "13/02/2024,21:05:11,Robin,+447700900123,bread?\n13/02/2024,21:06:11,Me,+447700900124,yes\n"


@given(
    drawn=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), st.integers(0, 3000)), min_size=1
    ),
    delimiter=st.sampled_from(",;\t"),
    style=st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%d.%m.%Y"]),
)
def test_what_is_written_is_read(
    drawn: list[tuple[str, int]], delimiter: str, style: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out, moment, written = io.StringIO(), datetime(2024, 1, 14, 9, 30), []
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    for text, minutes in drawn:
        moment += timedelta(minutes=minutes)
        writer.writerow([moment.strftime(style), f"{moment:%H:%M:%S}", "Robin", "+447700900123", f"·{text}"])
        written.append(("+447700900123", f"·{text}", moment))
    found = read_one(write(tmp_path_factory.mktemp("x") / "Robin.csv", out.getvalue()))
    assert [(m.speaker, m.text, m.timestamp) for m in found] == written


def test_names_numbers_and_the_chats_title_are_kept(tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "Robin.csv", CHAT))
    assert [export.format for export in log.exports] == ["viber"]
    assert (conversation.platform, conversation.title) == ("viber", "Robin")
    first, second = conversation.messages
    assert (first.speaker, first.meta["speaker_name"], first.text, first.source.line) == ("+447700900123", "Robin", "bread?", 1)
    assert (second.meta["speaker_name"], second.timestamp) == ("Me", datetime(2024, 2, 13, 21, 6, 11))


def test_a_header_is_passed_over(tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "Robin.csv", "Date,Time,Sender,Phone number,Message\n" + CHAT))
    assert [export.format for export in log.exports] == ["viber"]
    assert [(m.text, m.source.line) for m in conversation.messages] == [("bread?", 2), ("yes", 3)]


def test_rows_without_a_number_calls_and_files_are_kept_as_what_they_are(tmp_path: Path) -> None:
    rows = ["Robin,Photo message", "Robin,Missed call", "Robin,a photo message", ",Kim joined"]
    path = write(tmp_path / "Robin.csv", "".join(f"13/02/2024,9:05:11 PM,{row}\n" for row in rows))
    found = read_one(path)
    assert [(m.kind, m.speaker) for m in found] == [
        ("media", "Robin"),
        ("system", None),
        ("message", "Robin"),
        ("system", None),
    ]
    assert found[0].timestamp == datetime(2024, 2, 13, 21, 5, 11)


def test_the_text_of_a_chat_is_read(tmp_path: Path) -> None:
    content = "[ 13/02/2024 21:05 ] Robin: bread?\nof rye\n[ 13/02/2024 21:06 ] Me: yes: please\n"
    (conversation,), log = read_all(write(tmp_path / "Robin.txt", content))
    assert [export.format for export in log.exports] == ["viber"]
    assert [(m.speaker, m.text) for m in conversation.messages] == [("Robin", "bread?\nof rye"), ("Me", "yes: please")]


def test_local_times_obey_the_zone_and_the_order_of_dates(tmp_path: Path) -> None:
    path = write(tmp_path / "Robin.csv", CHAT.replace("13/02", "03/04"))
    with pytest.raises(AmbiguousDateOrder):
        read_all(path)
    found = read_one(path, date_order="mdy", timezone="Europe/Madrid")
    assert found[0].timestamp == datetime(2024, 3, 4, 20, 5, 11, tzinfo=UTC)


def test_a_record_that_is_none_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"Robin\.csv:3: a record of 2 fields"):
        read_all(write(tmp_path / "Robin.csv", CHAT + "cut,off\n"), format="viber")
    with pytest.raises(ExportError, match=r"Robin\.csv:3: not valid CSV"):
        read_all(write(tmp_path / "Robin.csv", CHAT + '13/02/2024,21:07:11,Robin,,"open\n'))


@pytest.mark.parametrize(
    "rows",
    [
        "13/02/2024,21:05,flour,rye,12.50\n13/02/2024,21:06,oats,,3\n",
        "13/02/2024,21:05,flour,12.50\n13/02/2024,21:06,oats,3\n",
        "Date,Time,Item,Amount\n13/02/2024,21:05,flour,12.50\n",
        "Date,Time,Item,Shop\n13/02/2024,21:05,flour,mill\n",
    ],
)
def test_another_table_with_dates_is_not_taken(rows: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="not a chat export"):
        read_all(write(tmp_path / "x.csv", rows))
