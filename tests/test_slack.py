"""Slack's export: a folder a channel, a file a day; ids, threads, marks and system rows by their fields."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
USERS = [
    {"id": "U1", "team_id": "T1", "name": "kim", "profile": {"display_name": "Kim <K>", "real_name": "Kim K"}},
    {"id": "U2", "team_id": "T1", "name": "sam", "real_name": "Sam S", "profile": {}},
]
CHANNELS = [{"id": "C7", "name": "general", "creator": "U1", "is_archived": False, "members": ["U1", "U2"]}]


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def row(text: str = "hello", ts: str = "1707858311.000200", **fields: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "ts": ts, "text": text, **fields}


def export(folder: Path, **days: list[Any]) -> Path:
    (folder / "general").mkdir(parents=True, exist_ok=True)
    write(folder / "users.json", json.dumps(USERS))
    write(folder / "channels.json", json.dumps(CHANNELS))
    for day, rows in days.items():
        write(folder / "general" / f"{day.replace('_', '-').removeprefix('d')}.json", json.dumps(rows))
    return folder


@given(texts=st.lists(WORDS, min_size=1, max_size=6), order=st.randoms(use_true_random=False))
def test_what_is_written_is_read_in_the_order_of_time(texts: list[str], order: Any) -> None:
    rows = [row(escaped(text), f"17078583{number:02}.000100") for number, text in enumerate(texts)]
    shuffled = list(rows)
    order.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(export(Path(folder), d2024_02_13=shuffled))
    assert [(m.message_id, m.text) for m in found] == [(r["ts"], text) for r, text in zip(rows, texts, strict=True)]


def test_days_follow_each_other_and_the_channel_has_its_id(tmp_path: Path) -> None:
    export(tmp_path, d2024_02_14=[row("b", "1707944711.0001")], d2024_02_13=[row("a")])
    (conversation,), log = read_all(tmp_path)
    assert (conversation.conversation_id, conversation.title, conversation.platform) == ("C7", "general", "slack")
    assert [m.text for m in conversation.messages] == ["a", "b"]
    assert [export.format for export in log.exports] == ["slack"]
    assert not log.warnings


def test_a_zip_is_read_like_the_folder(tmp_path: Path) -> None:
    folder = export(tmp_path / "x", d2024_02_13=[row("a"), row("b", "1707858312.0001")])
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for file in sorted(folder.rglob("*.json")):
            archive.write(file, file.relative_to(folder).as_posix())
    (conversation,), _ = read_all(tmp_path / "x.zip")
    assert (conversation.conversation_id, [m.text for m in conversation.messages]) == ("C7", ["a", "b"])


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("hi <@U1>", "hi @Kim <K>"),
        ("hi <@U9>", "hi @U9"),
        ("<#C7|general> <!here> <!subteam^S1|@staff>", "#general @here @staff"),
        ("<https://x.example/a?b=1&amp;c=2|the plan>", "the plan"),
        ("<https://x.example/a?b=1&amp;c=2>", "https://x.example/a?b=1&c=2"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_marks_are_shown_as_people_saw_them(written: str, seen: str, tmp_path: Path) -> None:
    (message,) = read_one(export(tmp_path, d2024_02_13=[row(written)]))
    assert message.text == seen
    assert message.meta.get("raw_text") == (written if "<" in written else None)


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({"subtype": "channel_join", "text": "<@U1> has joined the channel"}, "system", None),
        ({"subtype": "channel_topic", "text": "set the topic"}, "system", None),
        ({"subtype": "bot_message", "user": None, "bot_id": "B1", "username": "helper"}, "message", "B1"),
        ({"subtype": "thread_broadcast"}, "message", "U1"),
        ({"subtype": "tombstone", "text": "This message was deleted."}, "deleted", "U1"),
        ({"files": [{"id": "F1", "name": "plan.pdf"}]}, "media", "U1"),
        ({"text": "", "blocks": [{"type": "rich_text"}]}, "unsupported", "U1"),
        ({"text": "U1 has joined the channel"}, "message", "U1"),
    ],
)
def test_a_row_that_is_no_ordinary_message_is_kept_as_what_it_is(
    fields: dict[str, Any], kind: str, speaker: str | None, tmp_path: Path
) -> None:
    (message,) = read_one(export(tmp_path, d2024_02_13=[{**row(), **fields}]))
    assert (message.kind, message.speaker) == (kind, speaker)


def test_what_is_known_besides_is_kept(tmp_path: Path) -> None:
    fields = {
        "thread_ts": "1707858000.0001",
        "edited": {"user": "U1", "ts": "1707858400.000000"},
        "reactions": [{"name": "wave", "users": ["U2"], "count": 2}],
        "files": [{"id": "F1", "name": "plan.pdf"}],
    }
    (message,) = read_one(export(tmp_path, d2024_02_13=[row(**fields)]))
    assert message.meta["reply_to"] == "1707858000.0001"
    assert message.meta["edited"] == "2024-02-13T21:06:40+00:00"
    assert message.meta["reactions"] == [{"emoji": "wave", "speaker": "U2"}, {"emoji": "wave", "speaker": None, "count": 1}]
    assert message.meta["attachments"] == ["plan.pdf"]
    assert message.meta["speaker_name"] == "Kim <K>"


@pytest.mark.parametrize("bad", [5, {**row(), "ts": "noon"}, {**row(), "text": 7}, {**row(), "reactions": [3]}])
def test_a_row_of_another_shape_is_named_by_its_place(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"2024-02-13\.json: record 2: a message is not of the form that Slack writes"):
        read_all(export(tmp_path, d2024_02_13=[row(), bad]))
