"""One chat is one chat: exports of the same chat become one conversation, each message once, and two chats stay two."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.merge.group import Member, Whole, put_together
from pipeline.ingest.merge.talk import Talk, name_rank, platform_id, words_key
from pipeline.schema import Conversation, Message, Source

WORDS = [
    *("rye", "oven", "loaf", "flour", "bake", "salt", "water", "dough"),
    *("crust", "rise", "knead", "cool", "slice", "butter", "jam", "toast"),
]
START = datetime(2024, 2, 13, 21, 5)
OFTEN = ("ok", "yes", "haha", "👍")


def chat(seed: int, count: int, *, minutes: int = 7, names: Sequence[str] = ("Kim", "Robin")) -> list[Message]:
    """Return messages of two people, some of them the short ones that stand in every chat, at times that only go forward."""
    chance = random.Random(seed)  # noqa: S311
    moment = START + timedelta(days=seed % 300)
    rows: list[Message] = []
    for number in range(count):
        moment += timedelta(seconds=chance.choice((0, 5, 20, 61, 60 * minutes)))
        text = chance.choice(OFTEN) if chance.random() < 0.4 else " ".join(chance.choices(WORDS, k=chance.randint(2, 5)))
        speaker = names[number % len(names)] if number < 2 else chance.choice(names)
        rows.append(Message(message_id=str(number), speaker=speaker, text=text, timestamp=moment, source=Source("x", line=number)))
    return rows


def export(
    rows: Sequence[Message],
    unit: int,
    *,
    platform: str = "whatsapp",
    conversation: str | None = None,
    title: str | None = None,
    hours: int = 0,
    seconds: bool = True,
    names: dict[str, str] | None = None,
) -> Member:
    """Return rows as an export: with its own ids (where the platform has none), its own clock, and its own names."""
    digest = hashlib.sha256(repr((rows, hours, seconds, names)).encode()).hexdigest()
    messages = tuple(
        replace(
            row,
            message_id=row.message_id if conversation is not None else f"{digest[:12]}:{number}",
            speaker=(names or {}).get(row.speaker or "", row.speaker),
            timestamp=None
            if row.timestamp is None
            else (row.timestamp if seconds else row.timestamp.replace(second=0)) + timedelta(hours=hours),
            source=Source(digest[:12], line=number),
        )
        for number, row in enumerate(rows, 1)
    )
    talk = Talk(
        Conversation(conversation_id=conversation or digest[:12], platform=platform, title=title, messages=messages), messages
    )
    return Member(talk, f"export {digest[:6]}", digest, unit, 0)


def said(whole: Whole | Sequence[Message]) -> list[tuple[str | None, str]]:
    messages = whole.talk.messages if isinstance(whole, Whole) else whole
    return [(message.speaker, message.text) for message in messages]


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
