"""Composed variety keeps labels on their words and parents in its name; building writes what can be read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.labelled import grooming, ordinary
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Taxonomy, load_settings
from pipeline.corpora.augment.compose import Composition, compose
from pipeline.corpora.augment.without_speakers import merge_bursts
from pipeline.corpora.build import build_corpus
from pipeline.corpora.open import read_corpus
from pipeline.corpora.split import split_corpus
from pipeline.errors import CorpusError, SafelightError

NOISELESS = Composition(per_conversation=6, excerpt=0.3, splice=1, crop=0.5, thin=0.5, swap=0.5, slots=0, noise=0)


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000))
def test_labels_stay_on_their_words(seed: int) -> None:
    parents, fillers = [grooming(1), grooming(2), ordinary(1)], [ordinary(50), ordinary(51)]
    labels = {m.text: stages for c in (*parents, *fillers) for m, stages in zip(c.messages, c.stages, strict=True)}
    for derived in compose(parents, fillers, NOISELESS.model_copy(update={"seed": seed})):
        assert [labels[message.text] for message in derived.messages] == list(derived.stages)
        parent = next(parent for parent in parents if derived.id.startswith(f"{parent.id}+"))
        assert derived.is_grooming == parent.is_grooming
        assert any(derived.stages) == any(parent.stages), "a grooming keeps a label"
        assert parent.group in derived.parents
        assert derived.relatives & parent.relatives


def test_the_same_seed_gives_the_same_corpus(root: Path) -> None:
    settings_ = load_settings(root / "configs" / "composition.toml", Composition)
    parents, fillers = [grooming(n) for n in range(4)], [ordinary(n) for n in range(4)]
    first = list(compose(parents, fillers, settings_))
    assert first == list(compose(parents, fillers, settings_))
    assert first != list(compose(parents, fillers, settings_.model_copy(update={"seed": 1})))
    assert len([c for c in first if not c.id.endswith("+without-speakers")]) == 4 * settings_.per_conversation
    assert any(
        message.text not in {m.text for p in (*parents, *fillers) for m in p.messages} for c in first for message in c.messages
    )


def test_a_share_is_given_once_more_without_speakers() -> None:
    settings_ = Composition(per_conversation=0, without_speakers=1)
    for original, derived in zip([grooming(1), ordinary(1)], compose([grooming(1)], [ordinary(1)], settings_), strict=True):
        assert {message.speaker for message in derived.messages} == {"?"}
        assert " ".join(m.text for m in derived.messages) == " ".join(m.text for m in original.messages if m.text)
        assert frozenset().union(*(s or () for s in derived.stages)) == frozenset().union(*(s or () for s in original.stages))
        assert (derived.is_grooming, derived.relatives >= {original.group}) == (original.is_grooming, True)
        assert not derived.ages


def test_a_line_of_unlabelled_messages_is_unlabelled() -> None:
    messages = [replace(message, speaker="A") for message in grooming(1).messages[:2]]
    ((line, stages),) = merge_bursts([(messages[0], None), (messages[1], frozenset({"trust"}))])
    assert stages is None
    assert line.text == f"{messages[0].text} {messages[1].text}"


def test_the_mark_for_what_is_not_written_is_never_changed() -> None:
    parent = grooming(1)
    (first, *rest) = parent.messages
    parent = replace(parent, conversation=replace(parent.conversation, messages=(replace(first, text="[SEXUAL]"), *rest)))
    noisy = Composition(
        per_conversation=20,
        excerpt=0,
        splice=0,
        crop=0,
        thin=0,
        swap=0,
        slots=0,
        noise=1,
        noise_per_message={"typo": 1, "casing": 1},
    )
    assert {derived.messages[0].text for derived in compose([parent], [], noisy)} == {"[SEXUAL]"}


def test_noise_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such noise: fog"):
        Composition(noise_per_message={"fog": 0.1})


def test_what_is_built_is_read_back_with_its_labels(tmp_path: Path, taxonomy: Taxonomy) -> None:
    conversations = [grooming(n) for n in range(10)] + [ordinary(n) for n in range(10)]
    splits = split_corpus(conversations, shares={"train": 0.5, "test": 0.5}, seed=1)
    counts = build_corpus(conversations, splits, NOISELESS, taxonomy=taxonomy, ordinary=[ordinary(70)], out=tmp_path / "built")
    assert counts == {"train": 10 + 60 + 1, "test": 10}
    train = list(read_corpus(tmp_path / "built" / "train.jsonl", taxonomy))
    test = list(read_corpus(tmp_path / "built" / "test.jsonl", taxonomy))
    assert {c.id for c in test} == {c.id for c in conversations if splits.conversations[c.id] == "test"}
    held = {c.group for c in test}
    assert not any(c.relatives & held for c in train), "nothing is composed from what is tested on"
    by_id = {c.id: c for c in conversations}
    for back in test:
        assert back.stages == by_id[back.id].stages
        assert back.groomers == by_id[back.id].groomers
        assert back.tells == by_id[back.id].tells
    derived = next(c for c in train if "+" in c.id)
    assert derived.parents
    card = (tmp_path / "built" / "CARD.md").read_text("utf-8")
    assert "train" in card
    assert "dinner" not in card, "a card holds no message"
    assert json.loads((tmp_path / "built" / "splits.json").read_text())["seed"] == 1


def test_a_corpus_without_a_training_split_is_not_built(tmp_path: Path, taxonomy: Taxonomy) -> None:
    conversations = [grooming(n) for n in range(4)] + [ordinary(n) for n in range(4)]
    splits = split_corpus(conversations, shares={"one": 0.5, "two": 0.5}, seed=1)
    with pytest.raises(CorpusError, match="no split is named `train`"):
        build_corpus(conversations, splits, NOISELESS, taxonomy=taxonomy, out=tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_a_folder_that_is_no_corpus_of_ours_is_not_replaced(tmp_path: Path, taxonomy: Taxonomy) -> None:
    conversations = [grooming(n) for n in range(4)] + [ordinary(n) for n in range(4)]
    splits = split_corpus(conversations, shares={"train": 0.5, "test": 0.5}, seed=1)
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "thesis.txt").write_text("mine")
    with pytest.raises(SafelightError):
        build_corpus(conversations, splits, NOISELESS, taxonomy=taxonomy, out=tmp_path / "built", overwrite=True)
    assert (tmp_path / "built" / "thesis.txt").read_text() == "mine"
