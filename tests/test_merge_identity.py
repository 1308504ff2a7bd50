"""Which rows of two exports are one message, and whose phone each export is from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from helpers.merging import chat, export, said

from pipeline.ingest.merge.group import put_together
from pipeline.ingest.merge.talk import Talk, name_rank, platform_id, words_key
from pipeline.schema import Conversation


def test_an_account_of_another_person_with_the_same_friend_is_another_chat() -> None:
    first = [replace(row, message_id=str(n)) for n, row in enumerate(chat(3, 20, names=("kim", "robin")))]
    second = [replace(row, message_id=str(n)) for n, row in enumerate(chat(9, 20, names=("alex", "robin")))]
    members = [export(rows, n, platform="telegram", conversation="user42", title="Robin") for n, rows in enumerate((first, second))]
    wholes, (doubt,) = put_together(members, "auto")
    assert len(wholes) == 2
    assert "stand for another message" in doubt.why


def test_the_owner_of_each_phone_is_told_by_the_messages() -> None:
    rows = chat(4, 40)
    members = [
        export(rows[:35], 0, platform="signal", names={"Kim": "You"}),
        export(rows[5:], 1, platform="signal", names={"Robin": "You"}),
    ]
    (whole,), _ = put_together(members, "auto")
    assert said(whole) == said(rows)


def test_rows_without_words_count_once_in_any_language() -> None:
    rows = chat(6, 30)
    rows[3] = replace(rows[3], kind="media", text="<Media omitted>")
    rows[8] = replace(rows[8], kind="system", speaker=None, text="Robin changed the subject")
    rows[12] = replace(rows[12], kind="deleted", text="You deleted this message")
    other = list(rows)
    other[3] = replace(rows[3], text="IMG-1.jpg (file attached)", meta={"attachments": ["IMG-1.jpg"]})
    other[8] = replace(rows[8], text="Robin hat den Betreff geändert")
    other[12] = replace(rows[12], text="Diese Nachricht wurde gelöscht")
    (whole,), _ = put_together([export(rows, 0), export(other, 1)], "auto")
    assert len(whole.talk.messages) == 30
    assert whole.talk.messages[3].meta["attachments"] == ["IMG-1.jpg"]


def test_rows_that_look_alike_and_are_two_stay_two() -> None:
    rows = chat(6, 30)
    for number, name in ((10, "IMG-1.jpg"), (11, "IMG-2.jpg")):
        rows[number] = replace(
            rows[number],
            kind="media",
            speaker="Kim",
            timestamp=rows[10].timestamp,
            text=f"{name} (file attached)",
            meta={"attachments": [name]},
        )
    for number in (20, 21):
        rows[number] = replace(rows[number], speaker=None, timestamp=rows[20].timestamp, text=f"from nobody {number}")
    here, there = [row for n, row in enumerate(rows) if n not in (10, 21)], [row for n, row in enumerate(rows) if n != 20]
    (whole,), _ = put_together([export(here, 0), export(there, 1)], "auto")
    assert sorted(map(str, said(whole))) == sorted(map(str, said(rows)))


def test_rows_without_a_time_count_once() -> None:
    rows = chat(6, 30)
    rows[0] = replace(rows[0], timestamp=None, kind="unsupported", speaker=None, text="a line before the first header")
    rows[15] = replace(rows[15], timestamp=None)
    (whole,), _ = put_together([export(rows, 0), export([*rows, *chat(7, 2)], 1)], "auto")
    assert said(whole)[:30] == said(rows)
    assert len(whole.talk.messages) == 32


def test_a_clock_that_changes_on_one_side_only_is_followed() -> None:
    rows = chat(11, 80)
    moved = [
        replace(row, timestamp=row.timestamp + timedelta(hours=4 if n < 40 else 5)) for n, row in enumerate(rows) if row.timestamp
    ]
    (whole,), _ = put_together([export(rows, 0), export(moved, 1, names={"Kim": "K"})], "auto")
    assert [text for _, text in said(whole)] == [row.text for row in rows]


def test_an_answer_points_to_the_message_as_it_is_now_called() -> None:
    rows = chat(6, 40)
    first, second = export(rows[:30], 0), export(rows[10:], 1)
    messages = list(second.talk.messages)
    messages[-1] = replace(messages[-1], meta={"reply_to": messages[2].message_id})
    second = replace(second, talk=Talk(replace(second.talk.conversation, messages=tuple(messages)), tuple(messages)))
    (whole,), _ = put_together([first, second], "auto")
    ids = {message.message_id: message.text for message in whole.talk.messages}
    assert len(ids) == 40
    assert ids[str(whole.talk.messages[-1].meta["reply_to"])] == rows[12].text


def test_names_and_ids_are_told() -> None:
    assert [name_rank(name) for name in ("Robin", "+44 7700 900123", "~+1 (555) 010-0199", "You", "Du")] == [0, 1, 1, 2, 2]
    assert words_key("see  @\u2068Kim\u2069 \u200e<This message was edited>", edited=True) == words_key("see @+44 7700 900123")
    bare = Conversation(conversation_id="Robin_3", platform="messenger", title="Robin_3", messages=())
    assert platform_id(bare) is None
    assert platform_id(replace(bare, conversation_id="inbox/robin_111")) == "111"
