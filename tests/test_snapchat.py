"""Snapchat's chat_history.json: turned into the order of time, status rows told by their type."""

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

BASE = 1707858311000
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def row(content: str | None = "hello", at: int = 0, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    moment = datetime.fromtimestamp(BASE / 1000 + at, UTC)
    return {
        "From": "kim.snaps",
        "Media Type": "TEXT",
        "Created": f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        "Content": content,
        "Conversation Title": None,
        "IsSender": False,
        "Created(microseconds)": BASE + at * 1000,
        "IsSaved": False,
        "Media IDs": "",
        **(fields or {}),
    }


def history(path: Path, **conversations: object) -> Path:
    return write(path / "chat_history.json", json.dumps(conversations))


@given(texts=st.lists(WORDS, min_size=1, max_size=6), newest_first=st.booleans())
def test_what_is_written_is_read_in_the_order_of_time(texts: list[str], newest_first: bool) -> None:
    rows = [row(text, at) for at, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(history(Path(folder), sam=rows[::-1] if newest_first else rows))
    assert [m.text for m in found] == texts


def test_rows_of_one_moment_keep_the_order_of_the_conversation(tmp_path: Path) -> None:
    rows = [row("c", 1), row("b", 0), row("a", 0)]
    assert [m.text for m in read_one(history(tmp_path, sam=rows))] == ["a", "b", "c"]


def test_each_key_is_a_conversation_and_its_title_is_kept(tmp_path: Path) -> None:
    path = history(tmp_path, sam=[row()], group7=[row(fields={"Conversation Title": "the team"})])
    conversations, log = read_all(path)
    assert [(c.conversation_id, c.title) for c in conversations] == [("sam", None), ("group7", "the team")]
    assert [export.format for export in log.exports] == ["snapchat"]


@pytest.mark.parametrize("value", [BASE, BASE * 1000])
def test_microseconds_are_told_from_milliseconds_by_their_size(value: int, tmp_path: Path) -> None:
    (message,) = read_one(history(tmp_path, sam=[row(fields={"Created(microseconds)": value})]))
    assert message.timestamp == datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)


def test_an_export_without_them_has_the_other_time(tmp_path: Path) -> None:
    plain = {key: value for key, value in row().items() if key != "Created(microseconds)"}
    assert read_one(history(tmp_path, sam=[plain]))[0].timestamp == datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({"Media Type": "MEDIA", "Content": "", "Media IDs": "b~1 | b~2"}, "media", "kim.snaps"),
        ({"Media Type": "STICKER", "Content": ""}, "media", "kim.snaps"),
        ({"Media Type": "STATUSCONVERSATIONCAPTURESCREENSHOT", "Content": ""}, "system", None),
        ({"Content": None}, "unsupported", "kim.snaps"),
        ({"Content": "STATUS of my day"}, "message", "kim.snaps"),
    ],
)
def test_a_row_that_is_no_ordinary_message_is_kept_as_what_it_is(
    fields: dict[str, Any], kind: str, speaker: str | None, tmp_path: Path
) -> None:
    (message,) = read_one(history(tmp_path, sam=[row(fields=fields)]))
    assert (message.kind, message.speaker) == (kind, speaker)


def test_what_is_known_besides_is_kept(tmp_path: Path) -> None:
    fields = {"Media Type": "MEDIA", "Media IDs": "b~1 | b~2", "IsSaved": True, "IsSender": True}
    (message,) = read_one(history(tmp_path, sam=[row(fields=fields)]))
    assert message.meta == {"IsSaved": True, "media_type": "MEDIA", "attachments": ["b~1", "b~2"], "owner": True}


@pytest.mark.parametrize("bad", [5, ["x"], {"From": ["x"]}, {"Content": 7}, row(fields={"Created(microseconds)": "soon"})])
def test_a_row_of_another_shape_is_named_by_its_place(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Snapchat writes"):
        read_all(history(tmp_path, sam=[row(), bad]))


def test_a_time_that_does_not_say_so_is_in_utc_too(tmp_path: Path) -> None:
    plain = {key: value for key, value in row().items() if key != "Created(microseconds)"}
    first, second = read_one(history(tmp_path, sam=[row(at=9), {**plain, "Created": "2024-02-13 21:05:11"}]))
    assert {message.timestamp and message.timestamp.tzinfo for message in (first, second)} == {UTC}
