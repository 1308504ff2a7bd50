"""DiscordChatExporter's JSON: every row, by its author's id, whatever version wrote it."""

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


def row(id_: int = 1, content: str = "hello", **fields: Any) -> dict[str, Any]:
    return {
        "id": str(id_),
        "type": "Default",
        "timestamp": "2024-02-13T21:05:11.123+00:00",
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": content,
        "author": {"id": "900", "name": "kim", "discriminator": "0000", "nickname": "Kimmy", "isBot": False, "roles": []},
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        **fields,
    }


def channel(*rows: object, id_: str = "77") -> str:
    about = {
        "guild": {"id": "5", "name": "club"},
        "channel": {"id": id_, "type": "GuildTextChat", "name": "general", "topic": None},
    }
    return json.dumps({**about, "dateRange": {}, "exportedAt": "2024-03-01T00:00:00Z", "messages": rows, "messageCount": len(rows)})


def one(path: Path, **fields: Any) -> Any:
    return read_one(write(path / "c.json", channel(row(**fields))))[0]


def test_a_channel_is_a_conversation_by_its_id(tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "c.json", channel(row(1), row(2))))
    assert (conversation.conversation_id, conversation.title, conversation.platform) == ("77", "general", "discord")
    assert [export.format for export in log.exports] == ["discord"]
    first, second = conversation.messages
    assert (first.message_id, first.speaker, first.meta["speaker_name"]) == ("1", "900", "Kimmy")
    assert first.timestamp == datetime(2024, 2, 13, 21, 5, 11, 123000, UTC)
    assert str(second.source) == f"{tmp_path / 'c.json'}: record 2"


@given(texts=st.lists(WORDS, min_size=1, max_size=6), order=st.randoms(use_true_random=False))
def test_what_is_written_is_read_whatever_the_text_and_the_ids(texts: list[str], order: Any) -> None:
    ids = list(range(len(texts)))
    order.shuffle(ids)
    with tempfile.TemporaryDirectory() as folder:
        found = read_one(write(Path(folder, "c.json"), channel(*(row(i, text) for i, text in zip(ids, texts, strict=True)))))
    assert [(m.message_id, m.text) for m in found] == [(str(i), text) for i, text in zip(ids, texts, strict=True)]


@pytest.mark.parametrize(
    ("fields", "kind", "speaker"),
    [
        ({}, "message", "900"),
        ({"type": "Reply"}, "message", "900"),
        ({"type": "20"}, "message", "900"),
        ({"type": "Call", "content": "Started a call"}, "system", None),
        ({"type": "ChannelPinnedMessage", "content": "Pinned a message."}, "system", None),
        ({"type": "7", "content": "Joined the server."}, "system", None),
        ({"content": "", "attachments": [{"id": "3", "url": "u", "fileName": "a.png"}]}, "media", "900"),
        ({"content": "", "stickers": [{"id": "3", "name": "wave"}]}, "media", "900"),
        ({"content": ""}, "unsupported", "900"),
        ({"content": "", "embeds": [{"title": "t", "url": "u"}]}, "media", "900"),
    ],
)
def test_a_row_that_is_no_ordinary_message_is_kept_as_what_it_is(
    fields: dict[str, Any], kind: str, speaker: str | None, tmp_path: Path
) -> None:
    message = one(tmp_path, **fields)
    assert (message.kind, message.speaker) == (kind, speaker)


def test_words_that_sound_like_the_platform_stay_a_message(tmp_path: Path) -> None:
    assert one(tmp_path, content="Started a call and left the group").kind == "message"


def test_a_forward_has_its_words(tmp_path: Path) -> None:
    message = one(
        tmp_path,
        content="",
        forwardedMessage={"timestamp": "2024-02-12T00:00:00Z", "content": "from elsewhere", "attachments": []},
        reference={"messageId": "4", "channelId": "66", "guildId": "5"},
    )
    assert (message.text, message.kind, message.meta["forwarded_from"]) == ("from elsewhere", "message", "66")


def test_what_is_known_besides_is_kept(tmp_path: Path) -> None:
    message = one(
        tmp_path,
        type="Reply",
        timestampEdited="2024-02-13T21:07:00+00:00",
        reference={"messageId": "4"},
        attachments=[{"id": "1", "fileName": "plan.pdf"}],
        reactions=[{"emoji": {"name": "👍"}, "count": 3, "users": [{"id": "901"}]}],
        interaction={"id": "1", "name": "roll"},
    )
    assert message.meta["edited"] == "2024-02-13T21:07:00+00:00"
    assert message.meta["reply_to"] == "4"
    assert message.meta["attachments"] == ["plan.pdf"]
    assert message.meta["reactions"] == [{"emoji": "👍", "speaker": "901"}, {"emoji": "👍", "speaker": None, "count": 2}]
    assert message.meta["interaction"] == {"id": "1", "name": "roll"}


def test_a_version_with_few_fields_is_read(tmp_path: Path) -> None:
    few = {"id": "1", "type": "Default", "timestamp": "2021-01-01T00:00:00Z", "content": "hi", "author": {"id": "9", "name": "k"}}
    (message,) = read_one(write(tmp_path / "c.json", channel(few)))
    assert (message.speaker, message.text, message.meta) == ("9", "hi", {"speaker_name": "k"})


@pytest.mark.parametrize("bad", [5, None, {"type": "Default"}, row(content=["x"]), {**row(), "timestamp": "noon"}])  # type: ignore[dict-item]
def test_a_row_of_another_shape_is_named_by_its_place(bad: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"c\.json: record 2: a message is not of the form"):
        read_all(write(tmp_path / "c.json", channel(row(), bad)))


def test_a_cut_off_file_is_an_error_with_its_byte(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cut off"):
        read_all(write(tmp_path / "c.json", channel(*(row(i) for i in range(50)))[:-300]))


def test_the_words_of_an_embed_are_kept_and_are_not_the_senders(tmp_path: Path) -> None:
    fields = [{"name": "Oven", "value": "220 degrees"}]
    embed = {"title": "A recipe", "url": "https://x.example", "description": "flour, water", "fields": fields}
    message = one(tmp_path, content="see", embeds=[{**embed, "author": {"name": "Baker"}, "footer": {"text": "rye"}}])
    assert message.text == "see"
    assert message.meta["embeds"] == ["https://x.example"]
    assert message.meta["embed_texts"] == ["A recipe\nflour, water\nOven\n220 degrees\nBaker\nrye"]


def test_a_poll_has_its_words_and_a_pinned_message_its_mark(tmp_path: Path) -> None:
    poll = {"question": {"text": "Which day?"}, "answers": [{"poll_media": {"text": "Sat"}}, {"text": "Sun"}]}
    message = one(tmp_path, content="", poll=poll, isPinned=True)
    assert (message.kind, message.text, message.meta["pinned"]) == ("message", "Which day?\nSat\nSun", True)
