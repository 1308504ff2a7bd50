"""signal-export's two files of a chat: the objects are read where they are, else the Markdown."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
# What the tool's Markdown cannot tell apart: its own marks and breaks, and lines that look like headers.
SPOKEN = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="[")).filter(
    lambda text: text == text.rstrip() and text != "(This message was deleted)"
)


def row(body: str = "hello", **fields: Any) -> dict[str, Any]:
    return {
        "date": "2024-02-13T21:05:11",
        "sender": "Kim",
        "body": f"{body}  ",
        "quote": "",
        "sticker": None,
        "reactions": [],
        "attachments": [],
        **fields,
    }


def chat(folder: Path, *rows: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return write(folder / "data.json", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)).parent


@given(texts=st.lists(WORDS, min_size=1, max_size=6))
def test_objects_are_read_as_written(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(chat(Path(folder) / "Sam", *(row(text) for text in texts)))
    assert [m.text for m in found] == texts


@given(lines=st.lists(st.lists(SPOKEN, min_size=1, max_size=3), min_size=1, max_size=5), seconds=st.booleans())
def test_markdown_is_read_as_written(lines: list[list[str]], seconds: bool) -> None:
    texts = ["\n".join(parts).rstrip("\n") for parts in lines]
    time = "2024-02-13 21:05:11" if seconds else "2024-02-13, 21:05"
    content = "".join(f"[{time}] Kim: {text}  \n\n" for text in texts)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Sam").mkdir()
        found = read_one(write(Path(folder) / "Sam" / "chat.md", content))
    assert [(m.speaker, m.text) for m in found] == [("Kim", text) for text in texts]


def test_the_same_chat_in_both_files_is_read_once_with_a_warning(tmp_path: Path) -> None:
    folder = chat(tmp_path / "Sam", row("one"))
    write(folder / "chat.md", "[2024-02-13 21:05:11] Kim: one  \n\n")
    write(folder / "index.html", "<html></html>")
    (conversation,), log = read_all(tmp_path)
    assert (conversation.conversation_id, [m.text for m in conversation.messages]) == ("Sam", ["one"])
    assert [warning.what for warning in log.warnings] == ["holds the same chat as data.json, which was read instead"]


def test_times_are_naive_until_a_zone_is_given(tmp_path: Path) -> None:
    folder = chat(tmp_path / "Sam", row())
    assert read_one(folder)[0].timestamp == datetime(2024, 2, 13, 21, 5, 11)
    assert read_one(folder, timezone="Europe/Madrid")[0].timestamp == datetime(2024, 2, 13, 20, 5, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({"sender": "No-Sender"}, "system", None),
        ({"deleted": True, "body": ""}, "deleted", "Kim"),
        ({"call": True, "body": "Missed voice call  "}, "system", None),
        ({"attachments": [{"name": "a.jpg", "path": "./media/a.jpg"}]}, "media", "Kim"),
        ({"sticker": {"id": "1"}, "body": "  "}, "media", "Kim"),
        ({"body": "  "}, "unsupported", "Kim"),
        ({"body": "Missed voice call  "}, "message", "Kim"),
    ],
)
def test_a_row_that_is_no_ordinary_message_is_kept_as_what_it_is(
    fields: dict[str, Any], kind: str, speaker: str | None, tmp_path: Path
) -> None:
    (message,) = read_one(chat(tmp_path / "Sam", {**row(), **fields}))
    assert (message.kind, message.speaker) == (kind, speaker)


def test_what_is_known_besides_is_kept(tmp_path: Path) -> None:
    fields = {
        "quote": "\n\n> one\n> two\n\n",
        "reactions": [["Sam", "👍"], {"name": "Pat", "emoji": "❤"}],
        "attachments": [{"name": "a.jpg", "path": "./media/a.jpg"}],
    }
    (message,) = read_one(chat(tmp_path / "Sam", row(**fields)))
    assert message.meta == {
        "reply_to": "one\ntwo",
        "attachments": ["a.jpg"],
        "reactions": [{"emoji": "👍", "speaker": "Sam"}, {"emoji": "❤", "speaker": "Pat"}],
    }


def test_a_deleted_message_and_lines_before_the_first_are_kept_in_markdown(tmp_path: Path) -> None:
    (tmp_path / "Sam").mkdir()
    content = (
        "a stray line\n\n[2024-02-13, 21:05] Kim: (This message was deleted)\n\n[2024-02-13, 21:06] No-Sender: Missed call  \n\n"
    )
    found = read_one(write(tmp_path / "Sam" / "chat.md", content))
    assert [(m.kind, m.speaker, m.text) for m in found] == [
        ("system", None, "a stray line"),
        ("deleted", "Kim", ""),
        ("system", None, "Missed call"),
    ]


@pytest.mark.parametrize("bad", [{**row(), "date": "noon"}, {**row(), "body": 7}, {**row(), "reactions": [["x"]]}])
def test_a_row_of_another_shape_is_named_by_its_line(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"data\.json:2: a message is not of the form that signal-export writes"):
        read_all(chat(tmp_path / "Sam", row(), bad))


def test_a_day_that_is_in_no_month_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "Sam").mkdir()
    content = "[2024-02-13, 21:05] Kim: hello\n\n[2024-02-31, 21:06] Kim: again  \n\n"
    with pytest.raises(ExportError, match=r"chat\.md:3: a message is not of the form that signal-export writes"):
        read_all(write(tmp_path / "Sam" / "chat.md", content))
