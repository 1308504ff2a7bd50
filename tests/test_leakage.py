"""What a model learned from is kept as hashes, small, without words, and found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.labelled import grooming, labelled, ordinary

from pipeline.corpora.labelled import LabelledConversation
from pipeline.errors import CorpusError
from pipeline.evaluate import DatasetSelection, evaluate
from pipeline.evaluate.dataset_selection import select_dataset
from pipeline.model.folder import ModelFolder, open_model_folder
from pipeline.model.leakage import LEARNED, find_leakage, save_training_hashes
from pipeline.model.load import load_model


def story(number: int, *, groomer: str | None = None) -> LabelledConversation:
    lines = [
        ("AB"[row % 2], f"on day {number * 100 + row} we went to town {number * 7 + row * row} and came home by train {row}")
        for row in range(24)
    ]
    return labelled(f"story-{number}", lines, groomer=groomer)


def folder_of(path: Path, learned: list[LabelledConversation]) -> ModelFolder:
    save_training_hashes(path, learned)
    return ModelFolder(path, "test", "test", "0", {})


def cut(one: LabelledConversation, name: str, start: int, end: int) -> LabelledConversation:
    conversation = replace(one.conversation, conversation_id=name, messages=one.messages[start:end])
    return replace(one, conversation=conversation, stages=one.stages[start:end], group=name)


def test_the_same_a_near_duplicate_an_excerpt_and_a_known_groomer_are_told_apart(tmp_path: Path) -> None:
    learned = [story(number) for number in range(40)] + [grooming(1, groomer="wolf77"), ordinary(3)]
    folder = folder_of(tmp_path, learned)
    again = replace(story(5), conversation=replace(story(5).conversation, conversation_id="renamed"))
    near = cut(story(6), "near", 1, 23)
    excerpt = cut(story(7), "excerpt", 0, 9)
    offender = labelled("offender", [("k", "good game on the ice today"), ("wolf77", "see you at the rink then")], groomer="wolf77")
    found = find_leakage(folder, [again, near, excerpt, offender, story(99), ordinary(8)])
    assert found.same == ("renamed",)
    assert found.speakers == ("offender",)
    assert found.alike == ("near", "excerpt")
    assert found.unchecked == ""
    assert str(found) == "1 learned from themselves, 1 with a groomer it learned from, 2 near-duplicates or excerpts"


def test_other_conversations_are_not_taken_for_known_ones(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [story(number) for number in range(60)])
    assert find_leakage(folder, [story(number) for number in range(100, 160)]).ids == ()


def test_a_speaker_letter_of_our_own_corpus_is_nobody(tmp_path: Path) -> None:
    ours = {"corpus": "safelight-written"}
    folder = folder_of(tmp_path, [labelled("a", [("A", "one two three four")], groomer="A", attributes=ours)])
    assert find_leakage(folder, [labelled("b", [("A", "five six seven eight")], groomer="A", attributes=ours)]).ids == ()


def test_no_words_are_kept_and_the_file_is_small(tmp_path: Path) -> None:
    save_training_hashes(tmp_path, [story(number, groomer="A") for number in range(200)])
    content = (tmp_path / LEARNED).read_bytes()
    assert len(content) < 60_000
    assert b"train" not in content
    assert b"town" not in content


def test_a_model_says_what_it_learned_from_and_its_training_part_is_refused(tiny_model: Path, tiny_corpus: Path) -> None:
    folder, loaded = load_model(tiny_model)
    assert LEARNED in folder.hashes
    with pytest.raises(CorpusError, match=r"has met 12 of these 12 conversations in training .* such as turned-0"):
        select_dataset(DatasetSelection([tiny_corpus], split="all"), folder, loaded.taxonomy)
    with pytest.raises(CorpusError, match="every one of these"):
        select_dataset(DatasetSelection([tiny_corpus], split="all", leakage="leave out"), folder, loaded.taxonomy)
    found = evaluate(tiny_model, DatasetSelection([tiny_corpus], split="all", leakage="allow")).metrics
    assert found["leakage"]["found"] == 12
    assert found["leakage"]["policy"] == "allow"


def test_an_encoder_is_tested_on_its_test_part_alone(tiny_encoder_model: Path, tiny_corpus: Path) -> None:
    folder, loaded = load_model(tiny_encoder_model)
    for part, refused in (("train", True), ("validation", True)):
        with pytest.raises(CorpusError, match="has met"):
            select_dataset(DatasetSelection([tiny_corpus], split=part), folder, loaded.taxonomy)
        assert refused
    # The conversations of this corpus are so alike that only the words of the test part itself are not among what was learned.
    found = select_dataset(DatasetSelection([tiny_corpus], split="test", leakage="allow"), folder, loaded.taxonomy)
    assert found.leakage.same == ()
    assert found.tested


def test_a_folder_from_before_says_what_cannot_be_checked(root: Path, tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path, "test", "test", "0", {})
    assert find_leakage(folder, [ordinary(1)]).unchecked.startswith("any of them")
    assert open_model_folder(root / "models" / "default").name
