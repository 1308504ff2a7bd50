"""Splits keep relatives together whatever the corpus, checks say what is wrong, and both are written down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.labelled import grooming, labelled, ordinary
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Taxonomy
from pipeline.corpora.check import check_corpus
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.split import read_splits, split_corpus, write_splits
from pipeline.errors import CorpusError

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


def corpus(size: int = 30) -> list[LabelledConversation]:
    return [grooming(number) for number in range(size)] + [ordinary(number) for number in range(size)]


@settings(max_examples=40)
@given(
    groomers=st.lists(st.integers(0, 12), min_size=20, max_size=30),
    parents=st.lists(st.integers(0, 19), min_size=20, max_size=30),
    seed=st.integers(0, 5),
)
def test_relatives_and_groomers_never_stand_on_two_sides(groomers: list[int], parents: list[int], seed: int) -> None:
    conversations = [grooming(number, f"who{who}") for number, who in enumerate(groomers)]
    conversations += [replace(ordinary(number), parents=(f"plain-{parent}",)) for number, parent in enumerate(parents)]
    conversations += [ordinary(number) for number in range(40, 60)]
    where = split_corpus(conversations, shares=SHARES, seed=seed).conversations
    for a in conversations:
        for b in conversations:
            if a.relatives & b.relatives or (a.groomers or frozenset()) & (b.groomers or frozenset()):
                assert where[a.id] == where[b.id]


def test_a_split_is_the_same_for_everybody_and_keeps_the_classes() -> None:
    conversations = corpus()
    made = split_corpus(conversations, shares=SHARES, seed=3)
    assert made == split_corpus(list(conversations), shares=SHARES, seed=3)
    assert made != split_corpus(conversations, shares=SHARES, seed=4)
    for name, share in SHARES.items():
        part = [c for c in conversations if made.conversations[c.id] == name]
        assert sum(bool(c.is_grooming) for c in part) == pytest.approx(30 * share, abs=1)
        assert len(part) == pytest.approx(60 * share, abs=2)


def test_what_is_held_out_goes_to_the_last_split_whole() -> None:
    conversations = corpus()
    dutch = [replace(c, attributes={**c.attributes, "language": "nl"}) for c in conversations[:4]]
    made = split_corpus([*dutch, *conversations[4:]], shares=SHARES, seed=3, held_out={"language": "nl"})
    assert {made.conversations[c.id] for c in dutch} == {"test"}


def test_splits_of_another_corpus_are_refused(tmp_path: Path) -> None:
    conversations = corpus()
    path = tmp_path / "splits.json"
    write_splits(split_corpus(conversations, shares=SHARES, seed=3), path, overwrite=False)
    assert read_splits(path, conversations).seed == 3
    changed = [labelled("turned-0", [("g0", "other words", "access"), ("k0", "oh")], groomer="g0"), *conversations[1:]]
    with pytest.raises(CorpusError, match=r"1 conversation\(s\) are not those of the splits, such as turned-0"):
        read_splits(path, changed)


@pytest.mark.parametrize(
    ("shares", "told"),
    [({"train": 0.5, "test": 0.4}, "the shares add up to 0.9"), ({"train": 0.999, "test": 0.001}, "split test would be empty")],
)
def test_shares_that_cannot_be_are_refused(shares: dict[str, float], told: str) -> None:
    with pytest.raises(CorpusError, match=told):
        split_corpus(corpus(5), shares=shares, seed=1)


def test_a_clean_corpus_has_no_problem(taxonomy: Taxonomy) -> None:
    found = check_corpus(corpus(), taxonomy)
    assert found.problems == []
    assert (found.conversations, found.grooming) == (60, {"grooming": 30, "ordinary": 30})


def test_the_written_corpus_is_clean(root: Path, taxonomy: Taxonomy) -> None:
    from pipeline.corpora.open import read_corpus

    assert check_corpus(list(read_corpus(root / "data" / "synthetic", taxonomy)), taxonomy).problems == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (labelled("w", [("a", "hello", "access"), ("b", "oh hi")]), "stages in a conversation that is called ordinary"),
        (labelled("w", [("a", "hi there"), ("b", "hello you")], groomer="c"), "a groomer who writes nothing"),
        (labelled("w", [("a", "hi"), ("b", "hello", "trust")], groomer="a"), "stages on a message of who is no groomer"),
        (labelled("w", [("a", " "), ("b", "")]), "conversation(s) without words"),
        (replace(ordinary(3), group="x", conversation=replace(ordinary(3).conversation, conversation_id="w")), "near-duplicates"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(wrong: LabelledConversation, told: str, taxonomy: Taxonomy) -> None:
    (problem,) = check_corpus([*corpus(), wrong], taxonomy).problems
    assert told in problem
    assert wrong.id in problem


def test_who_stands_in_two_splits_is_found(taxonomy: Taxonomy) -> None:
    conversations = [*corpus(8), grooming(90, "g1")]
    where = {c.id: "train" for c in conversations} | {"turned-90": "test"}
    (problem,) = check_corpus(conversations, taxonomy, splits=where).problems
    assert "1 groomer(s) in several splits: g1" in problem


def test_what_should_be_known_is_noted(taxonomy: Taxonomy) -> None:
    alone = labelled("alone", [("a", "is anybody here"), ("a", "no")], attributes={})
    notes = " / ".join(check_corpus([*corpus(4), alone], taxonomy).notes)
    assert "conversation(s) with one speaker: alone" in notes
    assert "1 conversation(s) state no licence" in notes
    assert "stage coercion is told by no part of the corpus" in notes
    assert "stage access stands on 4 message(s) only" in notes
