"""Texts that are not UTF-8: read where it is plain what they are, and said; else refused with the line."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

CHAT = (
    "13/02/2024, 21:05 - Zoë: crème brûlée, où est-elle ?\n13/02/2024, 21:06 - Kim: déjà mangée, désolé\n"
    "13/02/2024, 21:07 - Zoë: ça va, on prend un café\n"
)
GERMAN = "13/02/2024, 21:05 - Kim: schöne Grüße, wir müssen über Äpfel reden\n13/02/2024, 21:06 - Jo: natürlich, ich höre\n"
RUSSIAN = "13/02/2024, 21:05 - Маша: привет, как дела? пойдём домой\n13/02/2024, 21:06 - Иван: да, хорошо, жду тебя\n"


def texts(path: Path) -> tuple[list[tuple[str | None, str]], str]:
    (conversation,), log = read_all(path)
    return [(m.speaker, m.text) for m in conversation.messages], str(log.warnings)


def expected(chat: str) -> list[tuple[str | None, str]]:
    rows = (line.partition(" - ")[2].partition(": ") for line in chat.splitlines())
    return [(speaker, text) for speaker, _, text in rows]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_and_utf32_are_read_and_said(encoding: str, tmp_path: Path) -> None:
    found, warnings = texts(write(tmp_path / "x", CHAT.encode(encoding)))
    assert found == expected(CHAT)
    assert encoding[:6].upper() in warnings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_table_and_json_in_utf16_are_read(encoding: str, tmp_path: Path) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    table = "conversation_id\tspeaker\ttimestamp\ttext\r\n1\tKim\t2024-02-13T21:05:00Z\tcafé\r\n"
    assert read_one(write(tmp_path / "a.csv", (mark + table).encode(encoding)))[0].text == "café"
    row = {"id": 1, "type": "message", "date": "2024-02-13T21:05:11", "from": "Kim", "from_id": "user1", "text": "café"}
    chat = json.dumps({"name": "K", "type": "personal_chat", "id": 1, "messages": [row]}, ensure_ascii=False)
    assert read_one(write(tmp_path / "a.json", (mark + chat).encode(encoding)))[0].text == "café"


def test_utf16_in_an_archive_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("_chat.txt", CHAT.encode("utf-16"))
    assert texts(tmp_path / "a.zip")[0] == expected(CHAT)


def test_utf16_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="utf-16 and damaged"):
        read_all(write(tmp_path / "x", CHAT.encode("utf-16")[:-1]))


@pytest.mark.parametrize(
    ("chat", "encoding"), [(CHAT, "cp1252"), (CHAT, "mac_roman"), (GERMAN, "cp1252"), (GERMAN, "mac_roman"), (RUSSIAN, "cp1251")]
)
def test_an_older_encoding_is_read_where_it_is_plain_and_said(chat: str, encoding: str, tmp_path: Path) -> None:
    found, warnings = texts(write(tmp_path / "x", chat.encode(encoding)))
    assert found == expected(chat)
    assert encoding in warnings


def test_a_table_in_an_older_encoding_is_read(tmp_path: Path) -> None:
    table = "conversation_id;speaker;timestamp;text\n1;Kim;2024-02-13T21:05:11Z;café\n"
    assert read_one(write(tmp_path / "a.csv", table.encode("cp1252")))[0].text == "café"


def test_a_bad_byte_in_utf8_is_damage_and_no_other_encoding(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"x:4: not UTF-8"):
        read_all(write(tmp_path / "x", CHAT.encode() + b"13/02/2024, 21:08 - Kim: gr\xe9at\n"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp1252", "mac_roman"])
def test_lines_that_end_with_carriage_returns_alone_are_lines(encoding: str, tmp_path: Path) -> None:
    found, warnings = texts(write(tmp_path / "x", CHAT.replace("\n", "\r").encode(encoding)))
    assert found == expected(CHAT)
    assert "carriage returns" in warnings


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1, max_size=200))
def test_utf16_gives_back_every_text(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "x"), f"13/02/2024, 21:05 - Kim: ·{text}\n".encode("utf-16"))
        (message,) = read_one(path)
    assert message.text == f"·{text}"
