"""WhatsApp-Chat-Exporter's JSON: every message of every chat, with its speaker, its words and what it quotes."""

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
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: " <br>" not in text)
ROBIN = "447700900123@s.whatsapp.net"


def row(data: object = "hello", at: int = 0, *, mine: bool = False, **fields: object) -> dict[str, Any]:
    own = {"from_me": mine, "timestamp": FIRST.timestamp() + at, "time": "21:05", "media": False, "key_id": f"K{at}"}
    return own | {"meta": False, "data": data, "sender": None, "safe": False, "mime": None, "reply": None, **fields}


def export(*rows: object, name: str | None = "Robin", address: str = ROBIN) -> str:
    chat = {
        "name": name,
        "type": "android",
        "status": "x",
        "messages": {str(n): one for n, one in enumerate(rows)},
    }
    return json.dumps({address: chat})


@given(talk=st.lists(st.tuples(st.booleans(), WORDS), min_size=1, max_size=5))
def test_what_is_written_is_read_whatever_the_text(talk: list[tuple[bool, str]]) -> None:
    rows = [row(text.replace("\n", " <br>"), at, mine=mine) for at, (mine, text) in enumerate(talk)]
    with tempfile.TemporaryDirectory() as folder:
        (conversation,), log = read_all(write(Path(folder, "result.json"), export(*rows)))
    assert [(m.speaker, m.text) for m in conversation.messages] == [("Me" if mine else "Robin", text) for mine, text in talk]
    assert [m.timestamp for m in conversation.messages] == [FIRST + timedelta(seconds=at) for at in range(len(talk))]
    assert (conversation.conversation_id, conversation.platform, conversation.title) == (ROBIN, "whatsapp", "Robin")
    assert [one.format for one in log.exports] == ["whatsapp_exporter"]


@pytest.mark.parametrize(
    ("fields", "kind", "text", "speaker", "meta"),
    [
        ({"sender": "Pat"}, "message", "hello", "Pat", {}),
        ({"media": True, "data": "a.jpg", "mime": "image/jpeg", "caption": "a loaf"}, "media", "a loaf", "Robin", {}),
        ({"media": True, "data": "a.jpg", "mime": "image/jpeg"}, "media", "", "Robin", {"attachments": ["a.jpg"]}),
        ({"meta": True, "data": "Kim changed the group name"}, "system", "Kim changed the group name", None, {}),
        ({"meta": True, "data": "Message deleted"}, "deleted", "Message deleted", "Robin", {}),
        ({"reply": "K9", "quoted_data": "rye?"}, "message", "hello", "Robin", {"reply_to": "K9", "quoted": [{"text": "rye?"}]}),
        ({"data": None}, "unsupported", "", "Robin", {}),
        ({"reactions": {"Kim": "👍"}}, "message", "hello", "Robin", {"reactions": {"Kim": "👍"}}),
    ],
)
def test_what_a_message_carries_is_kept(
    fields: dict[str, Any], kind: str, text: str, speaker: str | None, meta: dict[str, Any], tmp_path: Path
) -> None:
    (message,) = read_one(write(tmp_path / "result.json", export(row(**fields))))
    assert (message.kind, message.text, message.speaker) == (kind, text, speaker)
    assert meta.items() <= message.meta.items()


def test_who_has_no_name_has_the_number(tmp_path: Path) -> None:
    assert read_one(write(tmp_path / "a.json", export(row(), name=None)))[0].speaker == "447700900123"


@pytest.mark.parametrize("bad", [5, {"from_me": True}, row(timestamp="noon"), row(7)])
def test_a_message_of_another_shape_is_named_and_not_its_text(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="record 2: a message is not of the form that WhatsApp-Chat-Exporter writes"):
        read_all(write(tmp_path / "a.json", export(row("whisper"), bad)))
