"""PAN 2012 with its ground truth: who, which lines, and lists that choose conversations."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.exports import write
from helpers.pan12_xml import conversation, corpus, message

from pipeline.config import Taxonomy
from pipeline.corpora.open import read_corpus
from pipeline.corpora.readers.pan12 import read_pan12
from pipeline.errors import CorpusError

PREDATOR, CHILD, OTHER = "f" * 32, "0" * 32, "1" * 32
FIRST, SECOND, THIRD = "a1" * 16, "b2" * 16, "c3" * 16


def pan12(folder: Path, *, lines: bool = True) -> Path:
    """Write a corpus of the exact shape: three conversations, one predator in two of them."""
    folder.mkdir(exist_ok=True)
    write(
        folder / "pan12-sexual-predator-identification-test-corpus-2012-05-17.xml",
        corpus(
            conversation(
                FIRST, message(1, "hi & hello", PREDATOR), message(2, "hey <3", CHILD), message(3, 'our "secret"', PREDATOR)
            ),
            conversation(SECOND, message(1, "you there", PREDATOR), message(2, "no", CHILD, time="23:59")),
            conversation(THIRD, message(1, "ubuntu?", OTHER), message(2, "try apt", CHILD)),
        ),
    )
    write(folder / "pan12-sexual-predator-identification-groundtruth-problem1.txt", f"{PREDATOR}\n")
    if lines:
        write(folder / "pan12-sexual-predator-identification-groundtruth-problem2.txt", f"{FIRST}\t1\n{FIRST}\t3\n")
    return folder


def test_predators_lines_and_relatives_are_told(tmp_path: Path, taxonomy: Taxonomy) -> None:
    first, second, third = read_corpus(pan12(tmp_path), taxonomy)
    assert [c.id for c in (first, second, third)] == [FIRST, SECOND, THIRD]
    assert first.groomers == second.groomers == {PREDATOR}
    assert third.groomers == frozenset()
    assert [c.is_grooming for c in (first, second, third)] == [True, True, False]
    assert first.flagged == {0, 2}
    assert second.flagged == frozenset()
    assert first.group == second.group != third.group
    assert [m.text for m in first.messages] == ["hi & hello", "hey <3", 'our "secret"']


def test_stages_are_missing_and_not_absent(tmp_path: Path, taxonomy: Taxonomy) -> None:
    for conversation_ in read_corpus(pan12(tmp_path), taxonomy):
        assert conversation_.tells == frozenset()
        assert {conversation_.label(0, stage) for stage in taxonomy.keys} == {None}
        assert conversation_.level == "message"


def test_without_the_lines_it_is_labelled_by_speaker(tmp_path: Path, taxonomy: Taxonomy) -> None:
    first, *_ = read_corpus(pan12(tmp_path, lines=False), taxonomy)
    assert first.flagged is None
    assert first.level == "speaker"


def test_a_list_of_ids_chooses_conversations(tmp_path: Path, taxonomy: Taxonomy) -> None:
    folder = pan12(tmp_path / "corpus")
    vtpan = write(tmp_path / "VTPAN_IDs.txt", f"{THIRD}\n{FIRST}\n")
    panc = write(tmp_path / "panc.csv", f"{SECOND},grooming\n")
    assert [c.id for c in read_corpus(folder, taxonomy, only=vtpan)] == [FIRST, THIRD]
    assert [c.id for c in read_corpus(folder, taxonomy, only=panc)] == [SECOND]


def test_an_id_that_is_not_in_the_corpus_is_an_error(tmp_path: Path, taxonomy: Taxonomy) -> None:
    wanted = write(tmp_path / "ids.csv", f"{'9' * 32}\n{FIRST}\n")
    with pytest.raises(CorpusError, match="1 of 2 conversation ids are not in the corpus"):
        list(read_corpus(pan12(tmp_path / "corpus"), taxonomy, only=wanted))


def test_ground_truth_of_another_corpus_is_an_error(tmp_path: Path) -> None:
    folder = pan12(tmp_path)
    truth = folder / "pan12-sexual-predator-identification-groundtruth-problem1.txt"
    truth.write_text(truth.read_text() + "e" * 32 + "\n")
    with pytest.raises(CorpusError, match="1 predator id"):
        list(read_pan12(folder))


def test_a_corpus_without_its_list_of_predators_is_an_error(tmp_path: Path) -> None:
    folder = pan12(tmp_path)
    (folder / "pan12-sexual-predator-identification-groundtruth-problem1.txt").unlink()
    with pytest.raises(CorpusError, match="no list of predator ids"):
        list(read_pan12(folder))


def test_two_lists_of_predators_are_an_error(tmp_path: Path) -> None:
    folder = pan12(tmp_path)
    write(folder / "more-predators.txt", f"{PREDATOR}\n")
    with pytest.raises(CorpusError, match="several lists of predator ids"):
        list(read_pan12(folder))
