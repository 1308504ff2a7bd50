"""Ordinary chats typed in sentences, one after another."""

from __future__ import annotations

from helpers.labelled import labelled

from pipeline.corpora.augment.synthetic_chats import MESSAGES, sentences, synthetic_chats
from pipeline.corpora.labelled import LabelledConversation


def _chat(name: str, turns: int) -> LabelledConversation:
    return labelled(name, [(f"{name}-{n % 3}", f"Hello {name}{n}. How are you {name}{n}?") for n in range(turns)])


def test_a_sentence_is_a_message_and_a_long_one_is_cut_at_its_commas() -> None:
    assert list(sentences("Hi there! Well, yes.")) == ["Hi there!", "Well, yes."]
    long = "we went to the market in the morning, then we had lunch"
    assert list(sentences(long)) == ["we went to the market in the morning,", "then we had lunch"]
    assert list(sentences("  ")) == []


def test_synthetic_chats_are_whole_of_two_speakers_and_use_each_chat_once() -> None:
    chats = [_chat(name, 40) for name in "abc"]
    found = list(synthetic_chats(chats, seed=1, most=10))
    assert len(found) == 3 * 40 * 2 // MESSAGES
    assert all(len(one.messages) == MESSAGES and {m.speaker for m in one.messages} == {"A", "B"} for one in found)
    said = [(m.message_id, m.text) for one in found for m in one.messages]
    assert len(said) == len(set(said))
    assert len({one.id for one in found}) == len(found)


def test_synthetic_chats_are_the_same_for_the_same_seed_and_at_most_so_many() -> None:
    chats = [_chat(name, 40) for name in "abcd"]
    first, again, other = (list(synthetic_chats(chats, seed=seed, most=2)) for seed in (1, 1, 2))
    assert len(first) == 2
    assert first == again != other


def test_synthetic_chats_are_as_long_as_is_asked_and_those_of_each_length_have_ids_of_their_own() -> None:
    chats = [_chat(name, 40) for name in "abc"]
    short, long = (list(synthetic_chats(chats, seed=1, most=10, messages=size)) for size in (60, 100))
    assert [len(one.messages) for one in short] == [60] * 4
    assert [len(one.messages) for one in long] == [100] * 2
    assert all(len(one.stages) == len(one.messages) for one in [*short, *long])
    assert not {one.id for one in short} & {one.id for one in long}
