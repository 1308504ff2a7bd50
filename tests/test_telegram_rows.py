"""What a row of Telegram Desktop says besides its words: edits, replies, forwards, reactions, media, polls and checklists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.telegram_chats import NOON, message_of, messages, row


def test_edits_replies_and_forwards_are_in_meta(tmp_path: Path) -> None:
    message = message_of(
        tmp_path,
        edited="2024-02-13T14:00:00",
        edited_unixtime=str(NOON + 3600),
        reply_to_message_id=-5,
        forwarded_from="Chess club",
        forwarded_from_id="channel9",
    )
    assert message.text == "hello"
    assert message.meta == {
        "speaker_name": "Kim",
        "edited": "2024-02-13T13:00:00+00:00",
        "reply_to": "-5",
        "forwarded_from": "Chess club",
    }


def test_a_forward_from_a_deleted_account_is_still_a_forward(tmp_path: Path) -> None:
    assert message_of(tmp_path, forwarded_from=None).meta["forwarded_from"] is None
    assert message_of(tmp_path, forwarded_from=None, forwarded_from_id="user3").meta["forwarded_from"] == "user3"


def test_an_old_edit_has_local_time(tmp_path: Path) -> None:
    assert message_of(tmp_path, edited="2019-07-01T10:00:00").meta["edited"] == "2019-07-01T10:00:00"
    assert message_of(tmp_path, edited="2019-07-01T10:00:00", zone="Europe/Berlin").meta["edited"] == "2019-07-01T08:00:00+00:00"


def test_reactions_name_who_and_count_the_others(tmp_path: Path) -> None:
    reactions = [
        {
            "type": "emoji",
            "count": 3,
            "emoji": "👍",
            "recent": [{"from": "Sam", "from_id": "user8", "date": "2024-02-13T13:00:00"}],
        },
        {"type": "custom_emoji", "count": 1, "document_id": "stickers/a.webp"},
        {"type": "paid", "count": 1},
    ]
    assert message_of(tmp_path, reactions=reactions).meta["reactions"] == [
        {"emoji": "👍", "speaker": "user8"},
        {"emoji": "👍", "speaker": None, "count": 2},
        {"emoji": "stickers/a.webp", "speaker": None, "count": 1},
        {"emoji": "paid", "speaker": None, "count": 1},
    ]


NOT_EXPORTED = "(File not included. Change data exporting settings to download.)"


@pytest.mark.parametrize(
    ("fields", "attachments", "media_type"),
    [
        ({"photo": "photos/p1.jpg", "width": 3}, ["photos/p1.jpg"], "photo"),
        ({"photo": NOT_EXPORTED}, None, "photo"),
        ({"file": "files/a.pdf", "file_name": "homework.pdf"}, ["files/a.pdf"], None),
        ({"file": NOT_EXPORTED, "file_name": "homework.pdf"}, ["homework.pdf"], None),
        ({"file": "stickers/s.webp", "media_type": "sticker", "sticker_emoji": "🙂"}, ["stickers/s.webp"], "sticker"),
        ({"file": "voice/v.ogg", "media_type": "voice_message"}, ["voice/v.ogg"], "voice_message"),
        ({"file": NOT_EXPORTED, "media_type": "video_message"}, None, "video_message"),
        ({"contact_information": {"first_name": "Sam"}, "contact_vcard": "contacts/c.vcf"}, ["contacts/c.vcf"], None),
        ({"location_information": {"latitude": 52.5, "longitude": 13.25}}, None, None),
        ({"location_information": None}, None, None),
        ({"place_name": "Park", "address": "Street 1"}, None, None),
        ({"game_title": "Chess"}, None, None),
        ({"invoice_information": {"title": "x"}}, None, None),
    ],
)
def test_media_keep_their_caption_and_their_name(
    tmp_path: Path, fields: dict[str, Any], attachments: list[str] | None, media_type: str | None
) -> None:
    message = message_of(tmp_path, text="look", **fields)
    assert (message.kind, message.text, message.speaker) == ("media", "look", "user7")
    assert message.meta.get("attachments") == attachments
    assert message.meta.get("media_type") == media_type


def test_what_else_telegram_says_of_a_row_is_in_meta(tmp_path: Path) -> None:
    message = message_of(tmp_path, text="", location_information={"latitude": 52.5, "longitude": -0.25}, via_bot="@maps")
    assert message.meta == {
        "speaker_name": "Kim",
        "via_bot": "@maps",
        "location_information": {"latitude": 52.5, "longitude": -0.25},
    }


def test_the_words_of_a_poll_are_words(tmp_path: Path) -> None:
    poll = {
        "question": "Park or cinema?",
        "closed": False,
        "answers": [{"text": "park", "voters": 1}, {"text": "cinema", "voters": 2}],
    }
    message = message_of(tmp_path, text="", poll=poll)
    assert (message.kind, message.text, message.meta["poll"]) == ("message", "Park or cinema?\npark\ncinema", poll)


def test_a_checklist_has_its_words(tmp_path: Path) -> None:
    tasks = [{"id": 1, "text": "soil"}, {"id": 2, "text": [{"type": "bold", "text": "pots"}, " two"]}]
    message = message_of(tmp_path, text="", todo_list={"title": "Shopping", "others_can_append": True, "answers": tasks})
    assert (message.kind, message.text) == ("message", "Shopping\nsoil\npots two")
    assert message.meta["todo_list"]


def test_ids_may_be_negative_or_missing(tmp_path: Path) -> None:
    without_id = row()
    del without_id["id"]
    negative, missing = messages(tmp_path, row(-999_999), without_id)
    assert negative.message_id == "-999999"
    prefix, _, number = missing.message_id.partition(":")
    assert (len(prefix), number) == (12, "2")
