"""Signal Desktop's messages as JSON: every row, with its speaker, what it quotes, and whether Signal wrote it itself."""

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

FIRST = datetime(2024, 2, 13, 21, 5, 11, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def row(body: object = "hello", at: int = 0, *, mine: bool = False, **fields: object) -> dict[str, Any]:
    sender = {} if mine else {"source": "+447700900123", "sourceServiceId": "aci-robin"}
    own = {"id": f"m{at}", "conversationId": "chat-1", "type": "outgoing" if mine else "incoming", "body": body}
    return own | {"sent_at": int(FIRST.timestamp() * 1000) + at * 1000, "attachments": [], "schemaVersion": 14} | sender | fields


@given(talk=st.lists(st.tuples(st.booleans(), WORDS), min_size=1, max_size=5), lines=st.booleans())
def test_what_is_written_is_read_whatever_the_text(talk: list[tuple[bool, str]], lines: bool) -> None:
    rows = [row(text, at, mine=mine) for at, (mine, text) in enumerate(talk)]
    content = "".join(f"{json.dumps(one)}\n" for one in rows) if lines else json.dumps(rows)
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), log = read_all(write(Path(folder, "Robin.json"), content))
    assert [(m.speaker, m.text) for m in conversation.messages] == [("Me" if mine else "aci-robin", text) for mine, text in talk]
    assert [m.timestamp for m in conversation.messages] == [FIRST + timedelta(seconds=at) for at in range(len(talk))]
    assert (conversation.conversation_id, conversation.title, log.exports[0].format) == ("chat-1", "Robin", "signal_desktop")


@pytest.mark.parametrize(
    ("fields", "kind", "text", "meta"),
    [
        ({"attachments": [{"fileName": "a.jpg", "contentType": "image/jpeg"}]}, "media", "hello", {"attachments": ["a.jpg"]}),
        ({"body": None, "sticker": {"stickerId": 1}}, "media", "", {"media_type": "sticker"}),
        ({"body": "", "deletedForEveryone": True}, "deleted", "", {}),
        ({"body": None, "type": "call-history"}, "system", "", {"type": "call-history", "actor_id": "aci-robin"}),
        (
            {"quote": {"id": 5, "text": "rye?", "authorAci": "aci-kim"}},
            "message",
            "hello",
            {"reply_to": "5", "quoted": [{"text": "rye?", "speaker": "aci-kim"}]},
        ),
        ({"reactions": [{"emoji": "👍", "fromId": "x"}]}, "message", "hello", {"reactions": [{"emoji": "👍", "speaker": "x"}]}),
        ({"body": None}, "unsupported", "", {"speaker_name": "+447700900123"}),
    ],
)
def test_what_a_message_carries_is_kept(fields: dict[str, Any], kind: str, text: str, meta: dict[str, Any], tmp_path: Path) -> None:
    (message,) = read_one(write(tmp_path / "Robin.json", json.dumps([row(**fields)])), format="signal_desktop")
    assert (message.kind, message.text) == (kind, text)
    assert meta.items() <= message.meta.items()


@pytest.mark.parametrize("bad", [{"sent_at": "noon"}, {"body": 7}, {"attachments": [1]}, {"conversationId": []}])
def test_a_message_of_another_shape_is_named_and_not_its_text(bad: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that Signal Desktop writes") as caught:
        read_all(write(tmp_path / "Robin.json", json.dumps([row(), {**row("whisper"), **bad}])))
    assert "whisper" not in str(caught.value)
