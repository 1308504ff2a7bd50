"""Discord's messages as its API gives them: a conversation a channel, as DiscordChatExporter would have it."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, read_one, write
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExportError

FIRST = datetime(2024, 2, 13, 21, 5, 11, 123000, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def row(content: str = "hello", at: int = 0, channel: str = "123", **fields: object) -> dict[str, Any]:
    author = {"id": "11", "username": "kim", "global_name": "Kim", "discriminator": "0"}
    own = {"id": str(1000 + at), "type": 0, "channel_id": channel, "author": author, "content": content, "embeds": [], "tts": False}
    return own | {"timestamp": (FIRST + timedelta(seconds=at)).isoformat(), "edited_timestamp": None, **fields}


@given(texts=st.lists(WORDS, min_size=1, max_size=5), lines=st.booleans())
def test_what_is_written_is_read_in_the_order_of_time(texts: list[str], lines: bool) -> None:
    rows = [row(text, at) for at, text in enumerate(texts)][::-1]
    content = "".join(f"{json.dumps(one)}\n" for one in rows) if lines else json.dumps(rows)
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), log = read_all(write(Path(folder, "x.json"), content))
    assert [m.text for m in conversation.messages] == texts
    assert [m.timestamp for m in conversation.messages] == [FIRST + timedelta(seconds=at) for at in range(len(texts))]
    assert (conversation.conversation_id, conversation.platform) == ("123", "discord")
    assert [export.format for export in log.exports] == ["discord_api"]


def test_each_channel_is_a_conversation(tmp_path: Path) -> None:
    conversations, log = read_all(write(tmp_path / "x.json", json.dumps([row("c", 2), row("b", 1, "9"), row("a")])))
    assert {c.conversation_id: [m.text for m in c.messages] for c in conversations} == {"123": ["a", "c"], "9": ["b"]}
    assert log.warnings == []


@pytest.mark.parametrize(
    ("fields", "kind", "text", "meta"),
    [
        ({"attachments": [{"filename": "a.png"}]}, "media", "hello", {"attachments": ["a.png"]}),
        ({"content": "", "sticker_items": [{"name": "wave"}]}, "media", "", {"stickers": ["wave"]}),
        ({"type": 3, "content": ""}, "system", "", {"actor_id": "11"}),
        ({"type": 19, "message_reference": {"message_id": "5"}}, "message", "hello", {"reply_to": "5"}),
        (
            {"referenced_message": {"content": "rye?", "author": {"id": "12"}}},
            "message",
            "hello",
            {"quoted": [{"text": "rye?", "speaker": "12"}]},
        ),
        ({"edited_timestamp": "2024-02-13T22:00:00+00:00"}, "message", "hello", {"edited": "2024-02-13T22:00:00+00:00"}),
        (
            {
                "content": "",
                "message_reference": {"type": 1, "message_id": "5", "channel_id": "9"},
                "message_snapshots": [{"message": {"content": "rye", "attachments": []}}],
            },
            "message",
            "rye",
            {"forwarded_from": "9"},
        ),
        ({"poll": {"question": {"text": "Which?"}, "answers": []}, "content": ""}, "message", "Which?", {}),
        ({"reactions": [{"emoji": {"name": "👍"}, "count": 2}]}, "message", "hello", {}),
    ],
)
def test_what_a_message_carries_is_kept(fields: dict[str, Any], kind: str, text: str, meta: dict[str, Any], tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "x.json", json.dumps([row(**fields)])))
    assert (message.kind, message.text) == (kind, text)
    assert meta.items() <= message.meta.items()
    assert message.meta["speaker_name"] == "Kim"


@pytest.mark.parametrize("bad", [{"author": 5}, {"timestamp": "noon"}, {"content": 7}, {"message_snapshots": [1]}])
def test_a_message_of_another_shape_is_named_and_not_its_text(bad: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Discord's API writes") as caught:
        read_all(write(tmp_path / "x.json", json.dumps([row(), {**row("whisper"), **bad}])))
    assert "whisper" not in str(caught.value)
