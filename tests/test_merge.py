"""One chat is one chat: exports of the same chat become one conversation, each message once, and two chats stay two."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from helpers.merging import START, chat, export, said
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.merge.group import put_together
from pipeline.schema import Message, Source


@given(st.integers(0, 10_000), st.integers(10, 60), st.booleans())
def test_a_chat_merged_with_itself_is_the_chat(seed: int, count: int, seconds: bool) -> None:
    rows = chat(seed, count)
    (whole,), unsure = put_together([export(rows, 0), export(rows, 1, seconds=seconds)], "auto")
    assert said(whole) == said(rows)
    assert whole.repeated == count
    assert not unsure


@given(st.integers(0, 10_000), st.integers(30, 80), st.data())
def test_parts_that_overlap_are_the_chat_again_whatever_their_order(seed: int, count: int, data: st.DataObject) -> None:
    rows = chat(seed, count)
    start = data.draw(st.integers(1, count // 2))
    end = data.draw(st.integers(start + 12, count))
    parts = [export(rows[:end], 0), export(rows[start:], 1)]
    wholes = [put_together(order, "auto")[0] for order in (parts, parts[::-1])]
    for found in wholes:
        assert len(found) == 1
        assert said(found[0]) == said(rows)
        assert found[0].repeated == end - start
    assert wholes[0][0].talk.messages == wholes[1][0].talk.messages


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.permutations(range(4)))
def test_many_parts_give_one_result_in_every_order(seed: int, order: list[int]) -> None:
    rows = chat(seed, 120)
    cuts = [(0, 45), (30, 75), (60, 105), (90, 120)]
    parts = [export(rows[start:end], number) for number, (start, end) in enumerate(cuts)]
    (expected,), _ = put_together(parts, "auto")
    (found,), _ = put_together([replace(parts[place], unit=number) for number, place in enumerate(order)], "auto")
    assert said(found) == said(rows)
    assert found.talk.messages == expected.talk.messages
    assert found.conversation.conversation_id == expected.conversation.conversation_id


@given(st.integers(0, 10_000), st.sampled_from([-8, -5, -1, 0, 1, 2, 5, 9]), st.booleans())
def test_two_phones_with_other_clocks_and_names_are_one_chat(seed: int, hours: int, seconds: bool) -> None:
    rows = chat(seed, 60)
    here = export(rows[:50], 0, names={"Robin": "+44 7700 900123"})
    there = export(rows[10:], 1, hours=hours, seconds=seconds, names={"Kim": "Kimmy K"})
    (whole,), _ = put_together([here, there], "auto")
    assert len(whole.talk.messages) == 60
    assert [text for _, text in said(whole)] == [row.text for row in rows]
    speakers = {message.speaker for message in whole.talk.messages}
    assert len(speakers) == 2
    assert "Robin" in speakers
    times = [message.timestamp for message in whole.talk.messages if message.timestamp is not None]
    assert times == sorted(times) or not seconds


@given(st.integers(0, 10_000), st.sampled_from([0, 0, -3, 5]), st.booleans(), st.data())
def test_no_message_is_lost_and_none_counted_twice_where_each_phone_deleted_some(
    seed: int, hours: int, seconds: bool, data: st.DataObject
) -> None:
    rows = chat(seed, 80)
    for number, row in enumerate(rows):
        if any(row.text == other.text for other in rows[max(0, number - 8) : number]):  # who can tell such two apart?
            rows[number] = replace(row, text=f"{row.text} {number}")
    gone = [data.draw(st.sets(st.integers(0, 79), max_size=6)) for _ in range(2)]
    parts = [[row for n, row in enumerate(rows) if n not in some] for some in gone]
    members = [export(parts[0], 0), export(parts[1], 1, hours=hours, seconds=seconds, names={"Robin": "+44 7700 900123"})]
    (whole,), _ = put_together(members, "auto")
    kept = [row for n, row in enumerate(rows) if n not in gone[0] & gone[1]]
    found = Counter(said(whole))
    assert not [row for row in kept if (row.speaker, row.text) not in found]
    for part in parts:
        assert not Counter(said(part)) - found
    assert len(whole.talk.messages) == len(kept)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.booleans())
def test_two_chats_of_the_same_people_stay_two(one: int, other: int, same_day: bool) -> None:
    first, second = chat(2 * one, 40), chat(2 * other + 1, 40)
    if same_day and first[0].timestamp is not None and second[0].timestamp is not None:
        delta = first[0].timestamp - second[0].timestamp
        second = [replace(row, timestamp=row.timestamp + delta) for row in second if row.timestamp is not None]
    wholes, _ = put_together([export(first, 0, title="Robin"), export(second, 1, title="Robin")], "auto")
    assert len(wholes) == 2


def test_one_persons_words_to_two_people_do_not_make_one_chat() -> None:
    rows = chat(5, 30)
    others = [row if row.speaker == "Kim" else replace(row, speaker="Sam", text=f"{row.text} no") for row in rows]
    wholes, _ = put_together([export(rows, 0, title="Robin"), export(others, 1, title="Sam")], "auto")
    assert len(wholes) == 2
    only = [row for row in rows if row.speaker == "Kim"]
    wholes, _ = put_together([export(only, 0, title="Robin"), export(only, 1, title="Sam", hours=1)], "auto")
    assert len(wholes) == 2


def test_the_same_words_a_day_later_are_another_talk() -> None:
    rows = chat(5, 30)
    wholes, unsure = put_together([export(rows, 0, title="Robin"), export(rows, 1, title="Robin", hours=24)], "auto")
    assert len(wholes) == 2
    assert [doubt.why for doubt in unsure] == ["the same title and the same people, and no message is in both"]


def test_a_bot_that_says_the_same_to_two_people_makes_no_chat_of_theirs() -> None:
    texts = ["hello, press 1", "1", "thank you", "bye"]
    rows = [
        Message(
            message_id=str(n),
            speaker=("Bot", "Kim")[n % 2],
            text=t,
            timestamp=START + timedelta(minutes=n),
            source=Source("x", line=n),
        )
        for n, t in enumerate(texts)
    ]
    wholes, _ = put_together([export(rows, 0), export(rows, 1, hours=1, names={"Kim": "Sam"})], "auto")
    assert len(wholes) == 2


def test_too_little_in_common_is_told_and_with_always_it_is_one() -> None:
    rows = chat(8, 22)
    parts = [export(rows[:12], 0, title="Robin"), export(rows[12:], 1, title="Robin")]
    wholes, (doubt,) = put_together(parts, "auto")
    assert len(wholes) == 2
    assert "no message is in both" in doubt.why
    (whole,), _ = put_together(parts, "always")
    assert said(whole) == said(rows)


@pytest.mark.parametrize(
    ("platform", "first", "second", "chats"),
    [
        ("discord", "123", "123", 1),
        ("discord", "123", "124", 2),
        ("telegram", "channel5", "channel5", 1),
        ("messenger", "inbox/robin_111", "e2ee_cutover/robinsmith_111", 1),
        ("messenger", "inbox/robin_111", "inbox/robin_112", 2),
        ("table", "chat-1", "chat-1", 2),
        ("table", "550e8400-e29b-41d4", "550e8400-e29b-41d4", 1),
    ],
)
def test_parts_that_share_no_message_are_told_by_the_platforms_id(platform: str, first: str, second: str, chats: int) -> None:
    rows = [replace(row, timestamp=row.timestamp.replace(tzinfo=UTC)) for row in chat(3, 40) if row.timestamp is not None]
    parts = [
        export(rows[:20], 0, platform=platform, conversation=first),
        export(rows[20:], 1, platform=platform, conversation=second),
    ]
    for order in (parts, parts[::-1]):
        wholes, _ = put_together(order, "auto")
        assert len(wholes) == chats
        if chats == 1:
            assert said(wholes[0]) == said(rows)


def test_the_same_messages_under_two_ids_of_a_platform_are_told_and_kept_apart() -> None:
    rows = chat(3, 40, names=("user1", "user2"))
    for platform, first, second, chats in (
        ("table", "550e8400-e29b-41d4", "550e8400-e29b-41d5", 2),
        ("telegram", "user2", "user9", 2),
        ("telegram", "user2", "user1", 1),
        ("discord", "1", "2", 2),
    ):
        parts = [export(rows, 0, platform=platform, conversation=first), export(rows, 1, platform=platform, conversation=second)]
        wholes, _ = put_together(parts, "auto")
        assert len(wholes) == chats, platform


def test_messages_of_one_id_are_one_message_with_its_latest_words() -> None:
    rows = [replace(row, timestamp=row.timestamp.replace(tzinfo=UTC)) for row in chat(3, 20) if row.timestamp is not None]
    later = [replace(row, text="rye, not oat", meta={"edited": True}) if row.message_id == "4" else row for row in rows]
    gone = [replace(row, text="", kind="deleted") if row.message_id == "6" else row for row in later]
    (whole,), _ = put_together(
        [
            export(rows[:18], 0, platform="telegram", conversation="user7"),
            export(gone, 1, platform="telegram", conversation="user7"),
        ],
        "auto",
    )
    by_id = {message.message_id: message for message in whole.talk.messages}
    assert len(whole.talk.messages) == 20
    assert (by_id["4"].text, by_id["4"].meta["earlier_text"]) == ("rye, not oat", rows[4].text)
    assert (by_id["6"].kind, by_id["6"].text, by_id["6"].meta["deleted_later"]) == ("message", rows[6].text, True)
    assert whole.changed == 1
