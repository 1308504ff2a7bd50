"""Headers of tables that people typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.exports import read_one, write
from helpers.workbooks import workbook


@pytest.mark.parametrize("header", ["Conversation_ID;Speaker;Timestamp;Text", "Conversation ID; speaker ;TIMESTAMP;text"])
@pytest.mark.parametrize("first", ["", "sep=;\r\n", '"sep=;"\n'])
def test_a_header_that_a_person_typed_in_excel_is_read(header: str, first: str, tmp_path: Path) -> None:
    rows = "bakers;Kim;2024-02-13 21:05;rye, or wheat?;glad\nbakers;Robin;2024-02-13 21:06;rye;\n"
    messages = read_one(write(tmp_path / "chat.csv", f"{first}{header};Mood\n{rows}"))
    assert [(m.speaker, m.text, m.source.line) for m in messages] == [
        ("Kim", "rye, or wheat?", 2 + bool(first)),
        ("Robin", "rye", 3 + bool(first)),
    ]
    assert messages[0].meta == {"Mood": "glad"}


def test_a_workbook_with_a_typed_header_is_read(tmp_path: Path) -> None:
    sheet = [["Conversation ID", "Speaker", "Timestamp", "Text"], ["bakers", "Kim", "2024-02-13 21:05", "rye?"]]
    (message,) = read_one(write(tmp_path / "chat.xlsx", workbook({"Chat": sheet})))
    assert (message.speaker, message.text) == ("Kim", "rye?")
