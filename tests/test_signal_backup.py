"""Signal's own export: frames of a backup as JSON, chats mixed, people by the numbers of the backup."""

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
ROBIN = {"aci": "YWNp", "e164": "447700900123", "profileGivenName": "Robin", "profileFamilyName": "Baker"}
HEAD: list[dict[str, Any]] = [
    {"version": "1", "backupTimeMs": "1707858400000"},
    {"account": {"givenName": "Kim"}},
    {"recipient": {"id": "1", "self": {}}},
    {"recipient": {"id": "2", "contact": ROBIN}},
    {"recipient": {"id": "3", "group": {"masterKey": "c2VjcmV0", "snapshot": {"title": {"title": "Bakers"}}}}},
    {"chat": {"id": "1", "recipientId": "2"}},
    {"chat": {"id": "2", "recipientId": "3"}},
]


def item(body: str | None = "hello", at: int = 0, chat: str = "1", fields: dict[str, Any] | None = None) -> dict[str, Any]:
    text = {} if body is None else {"text": {"body": body}}
    sent = str(1707858311000 + at * 1000)
    return {
        "chatItem": {"chatId": chat, "authorId": "2", "dateSent": sent, "incoming": {}, "standardMessage": text, **(fields or {})}
    }


def other(sort: str, content: object, **fields: object) -> dict[str, Any]:
    return item(fields={"standardMessage": None, sort: content, **fields})


def backup(folder: Path, *frames: object) -> Path:
    return write(folder / "main.jsonl", "".join(json.dumps(frame) + "\n" for frame in [*HEAD, *frames]))


@given(talk=st.lists(st.tuples(st.sampled_from("12"), WORDS), min_size=1, max_size=8))
def test_what_is_written_is_read_chat_by_chat(talk: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, log = read_all(backup(Path(folder), *(item(text, at, chat) for at, (chat, text) in enumerate(talk))))
    assert log.warnings == []
    assert {c.title: [m.text for m in c.messages] for c in found} == {
        title: [text for own, text in talk if own == chat]
        for chat, title in (("1", "Robin Baker"), ("2", "Bakers"))
        if any(own == chat for own, _ in talk)
    }
    assert sorted(m.timestamp for c in found for m in c.messages if m.timestamp) == [
        FIRST + timedelta(seconds=at) for at in range(len(talk))
    ]


def test_people_are_named_by_what_is_theirs_and_no_key_is_kept(tmp_path: Path) -> None:
    conversations, log = read_all(
        backup(tmp_path, item(), item(chat="2", fields={"authorId": "1", "incoming": None, "outgoing": {}}))
    )
    (one,), (two,) = (list(c.messages) for c in conversations)
    assert (conversations[0].conversation_id, one.speaker, one.meta) == ("YWNp", "YWNp", {"speaker_name": "Robin Baker"})
    assert (two.speaker, two.meta) == ("Me", {"owner": True, "speaker_name": "Kim"})
    assert conversations[1].conversation_id.startswith("group ")
    assert "c2VjcmV0" not in repr(conversations)
    assert (log.exports[0].format, one.source.line) == ("signal_backup", 8)


@pytest.mark.parametrize(
    ("frame", "kind", "text", "speaker"),
    [
        (other("remoteDeletedMessage", {}), "deleted", "", "YWNp"),
        (other("stickerMessage", {"sticker": {"emoji": "\U0001f35e"}}), "media", "", "YWNp"),
        (other("viewOnceMessage", {"attachment": {"pointer": {"contentType": "image/jpeg"}}}), "media", "", "YWNp"),
        (other("contactMessage", {"contact": {"name": {"givenName": "Pat"}}}), "media", "", "YWNp"),
        (other("poll", {"question": "rye?", "options": [{"option": "yes"}]}), "message", "rye?\nyes", "YWNp"),
        (other("directStoryReplyMessage", {"textReply": {"text": {"body": "nice"}}}), "message", "nice", "YWNp"),
        (other("updateMessage", {"individualCall": {"type": "AUDIO_CALL"}}), "system", "", None),
        (other("somethingNew", {"a": 1}), "unsupported", "", "YWNp"),
        (item(None), "unsupported", "", "YWNp"),
        (item(None, fields={"standardMessage": {"attachments": [{"pointer": {"fileName": "a.jpg"}}]}}), "media", "", "YWNp"),
        (item(fields={"authorId": "99"}), "message", "hello", "recipient 99"),
        (item(chat="99"), "message", "hello", "YWNp"),
    ],
)
def test_every_sort_of_item_is_kept(frame: dict[str, Any], kind: str, text: str, speaker: str | None, tmp_path: Path) -> None:
    (message,) = read_one(backup(tmp_path, frame))
    assert (message.kind, message.text, message.speaker) == (kind, text, speaker)


def test_what_is_known_besides_is_kept(tmp_path: Path) -> None:
    content = {
        "text": {"body": "rye"},
        "quote": {"targetSentTimestamp": "1707858311000", "authorId": "1", "text": {"body": "bread?"}},
        "reactions": [{"emoji": "\U0001f35e", "authorId": "1"}],
        "linkPreview": [{"url": "https://bread.example", "title": "Bread"}],
    }
    earlier = item("ray")["chatItem"]
    (message,) = read_one(
        backup(tmp_path, item(at=60, fields={"standardMessage": content, "revisions": [earlier], "expiresInMs": "5"}))
    )
    assert (message.text, message.meta) == (
        "rye",
        {
            "expiresInMs": "5",
            "edited": "2024-02-13T21:06:11+00:00",
            "revisions": [{"text": "ray", "time": "2024-02-13T21:05:11+00:00"}],
            "quoted": {"speaker": "Me", "text": "bread?"},
            "reply_to_time": "2024-02-13T21:05:11+00:00",
            "reactions": [{"emoji": "\U0001f35e", "speaker": "Me"}],
            "links": [{"url": "https://bread.example", "title": "Bread"}],
            "speaker_name": "Robin Baker",
        },
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"chatItem": 5},
        {"chatItem": {"authorId": "2"}},
        item(fields={"dateSent": "soon"}),
        item(fields={"standardMessage": {"text": 7}}),
        {"recipient": {}},
        {"chat": []},
    ],
)
def test_a_frame_of_another_shape_is_named_by_its_line(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"main\.jsonl:9: a message is not of the form that Signal writes"):
        read_all(backup(tmp_path, item(), bad))


def test_a_line_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = backup(tmp_path, item(), item())
    with pytest.raises(ExportError, match=r"main\.jsonl:9: not valid JSON"):
        read_all(write(path, path.read_bytes()[:-20]))
