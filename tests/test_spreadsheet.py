"""Workbooks: the sheet with messages is found, its rows are read as any table's, and what is none is said."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from helpers.workbooks import workbook
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.parsing.grids import column_names

HEADER = ["conversation_id", "speaker", "timestamp", "text"]
ROWS = [HEADER, ["c1", "kim", "2024-02-13 21:05:11", "bread?"], ["c1", "robin", "13/02/2024 21:06", "yes"]]
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff_"), min_size=1).map(
    lambda t: f"·{t}·"
)


@given(texts=st.lists(WORDS, min_size=1, max_size=5))
@settings(max_examples=50)
def test_what_is_written_is_read(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [HEADER, *(["c", "kim", "2024-02-13 21:05:11", text] for text in texts)]
    found = read_one(write(tmp_path_factory.mktemp("x") / "t.xlsx", workbook({"Chat": rows})))
    assert [m.text for m in found] == texts


def test_the_sheet_with_messages_is_found_and_the_others_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", workbook({"Notes": [["flour", 3.0]], "Chat": [["A title"], *ROWS]}))
    (conversation,), log = read_all(path)
    assert [export.format for export in log.exports] == ["xlsx"]
    assert [(m.speaker, m.text, m.source.row) for m in conversation.messages] == [("kim", "bread?", 3), ("robin", "yes", 4)]
    assert [m.timestamp for m in conversation.messages] == [datetime(2024, 2, 13, 21, 5, 11), datetime(2024, 2, 13, 21, 6)]
    assert [warning.what for warning in log.warnings] == ["1 sheet(s) passed over that hold no table of messages"]


def test_ids_differ_between_sheets(tmp_path: Path) -> None:
    conversations, _ = read_all(write(tmp_path / "t.xlsx", workbook({"A": ROWS, "B": [HEADER, ["c2", "kim", "", "rye"]]})))
    ids = [message.message_id for conversation in conversations for message in conversation.messages]
    assert len(ids) == len(set(ids)) == 3


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", workbook({"A": [["room", "who", "when", "said"], ["r", "kim", 1707858311.0, "bread?"]]}))
    columns = {"conversation_id": "room", "speaker": "who", "timestamp": "when", "text": "said"}
    (message,) = read_one(path, columns=columns)
    assert (message.speaker, message.text, message.timestamp is not None) == ("kim", "bread?", True)


def test_a_spreadsheet_of_something_else_is_passed_over_beside_a_chat(tmp_path: Path) -> None:
    write(tmp_path / "expenses.xlsx", workbook({"A": [["Date", "Item", "Amount"], ["2024-02-13", "flour", 3.0]]}))
    write(tmp_path / "chat.txt", "13/02/2024, 21:05 - Kim: hello\n13/02/2024, 21:06 - Robin: hi\n")
    _, log = read_all(tmp_path)
    assert [export.format for export in log.exports] == ["whatsapp"]
    with pytest.raises(ExportError, match="a spreadsheet without a table of messages"):
        read_all(tmp_path / "expenses.xlsx")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", workbook({"A": [["speaker", "timestamp", "text"], ["kim", "", "bread?"]]}))
    with pytest.raises(ExportError, match="no column `conversation_id`"):
        read_all(path)


def test_damage_and_a_size_beyond_the_limit_are_said(tmp_path: Path) -> None:
    whole = workbook({"A": ROWS})
    with pytest.raises(ExportError, match=r"t\.xlsx: the workbook is damaged"):
        read_all(write(tmp_path / "t.xlsx", whole.replace(b"xl/worksheets/sheet1.xml", b"xl/worksheets/sheetX.xml")))
    with pytest.raises(ArchiveRefused, match=r"unpacks to more than 100 bytes"):
        read_all(write(tmp_path / "u.xlsx", whole), max_member_bytes=100, format="xlsx")


def test_columns_get_a_name_each_however_many_they_are() -> None:
    """A line of tens of thousands of separators took minutes."""
    assert column_names(["Name", "Name", "a~2", "a", "a", "", "Name"]) == [
        "Name",
        "Name~2",
        "a~2",
        "a",
        "a~3",
        "column 6",
        "Name~3",
    ]
    assert len(set(column_names(["", *["x"] * 60_000]))) == 60_001
