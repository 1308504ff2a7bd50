"""Back to training: what decisions and corrections become, how far readers agree, and what to label next."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.decided import AT, correction, decision

from evaluation.agreement import krippendorff_alpha
from pipeline.config import Taxonomy
from pipeline.corpora.build import write_labelled
from pipeline.corpora.open import read_corpora
from pipeline.errors import ReviewError
from pipeline.results import Run
from pipeline.review.active import propose, uncertainty
from pipeline.review.labels import labels_from_review
from pipeline.review.records import ConversationKey
from pipeline.score import score


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports") / "night.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for name in ("c1", "c2", "c3", "c4", "c5", "c6"):
            for number, text in enumerate(
                ["good game", "how old are you anyway", "old enough", "this stays our secret ok"][: 2 + int(name[1]) % 3]
            ):
                row = {
                    "conversation_id": name,
                    "message_id": f"m{number}",
                    "speaker": f"{name}-{number % 2}",
                    "timestamp": 1707858300 + number,
                    "text": f"{text} {name}",
                }
                file.write(json.dumps(row) + "\n")
    return path


@pytest.fixture(scope="module", params=["include", "omit"])
def run(request: pytest.FixtureRequest, export: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return score([export], model=tiny_model, out=tmp_path_factory.mktemp("runs") / "out", text=request.param)


def test_decisions_become_labels_that_training_reads(run: Run, tmp_path: Path) -> None:
    keys = {name: ConversationKey(run.id, name) for name in ("c1", "c2", "c3", "c4", "c5")}
    corpus = labels_from_review(
        [run],
        decisions=[
            decision(keys["c1"], "refer", number=1),
            decision(keys["c2"], "dismiss", number=2),
            decision(keys["c3"], "watch", number=3),
            decision(keys["c4"], "escalate", number=4, second_reader=None, second_at=None),
            decision(keys["c5"], "dismiss", number=5, undone=AT),
        ],
        corrections=[
            correction(keys["c1"], 2, ("access",), message_id="m1"),
            correction(keys["c3"], 1, (), message_id="m0"),
        ],
    )
    file = tmp_path / "reviewed.jsonl"
    write_labelled(corpus.conversations, file)
    read = {c.id: c for c in read_corpora([file], run.taxonomy)}
    assert {name: c.is_grooming for name, c in read.items()} == {"c1": True, "c2": False, "c3": None}
    assert read["c1"].groomers is None
    assert read["c1"].stages == (None, frozenset({"access"}), None)
    assert read["c1"].tells == frozenset(run.taxonomy.keys)
    assert read["c3"].stages[0] == frozenset()
    assert read["c1"].messages[1].text == "how old are you anyway c1"
    assert read["c2"].attributes["decided_by"] == "one reader"
    assert read["c1"].attributes["decided_by"] == "2 readers"
    assert {m.speaker for m in read["c1"].messages} == {"speaker-1", "speaker-2"}
    assert (corpus.one_reader, corpus.undecided) == (2, 2)


def test_readers_who_differ_make_a_stage_unsure_and_lower_the_agreement(run: Run) -> None:
    keys = [ConversationKey(run.id, f"c{number}") for number in (1, 2, 3)]
    corpus = labels_from_review(
        [run],
        decisions=[
            decision(keys[0], "dismiss", reader="ana", number=1, replaced_by=2),
            decision(keys[0], "escalate", reader="cy", number=2),
            decision(keys[1], "dismiss", reader="ana", number=3, replaced_by=4),
            decision(keys[1], "dismiss", reader="cy", number=4),
            decision(keys[2], "refer", reader="ana", number=5),
        ],
        corrections=[
            correction(keys[0], 1, ("access", "secrecy"), reader="ana", message_id="m0"),
            correction(keys[0], 1, ("access",), reader="cy", message_id="m0"),
        ],
    )
    first = next(c for c in corpus.conversations if c.id == "c1")
    assert first.stages[0] == frozenset({"access"})
    assert first.unsure == {0: frozenset({"secrecy"})}
    assert first.is_grooming is True
    assert (corpus.decisions.units, corpus.decisions.same) == (2, 1)
    assert corpus.decisions.alpha == pytest.approx(0.0)
    assert (corpus.stages.units, corpus.stages.same) == (2, 1)


def test_a_second_reader_who_saw_the_first_is_no_judgement_of_their_own(run: Run) -> None:
    corpus = labels_from_review([run], decisions=[decision(ConversationKey(run.id, "c1"), "refer")], corrections=[])
    assert corpus.decisions.units == 0
    assert corpus.one_reader == 0


def test_conversations_of_one_speaker_are_relatives(run: Run) -> None:
    keys = [ConversationKey(run.id, name) for name in ("c1", "c2")]
    corpus = labels_from_review(
        [run], decisions=[decision(key, "dismiss", number=n) for n, key in enumerate(keys, 1)], corrections=[]
    )
    assert all(len(c.parents) == 2 and all(p.startswith("speaker-") for p in c.parents) for c in corpus.conversations)


def test_decisions_on_a_run_that_was_not_given_are_not_lost_in_silence(run: Run) -> None:
    with pytest.raises(ReviewError, match="not given"):
        labels_from_review([run], decisions=[decision(ConversationKey("f" * 16, "c1"), "dismiss")], corrections=[])
    with pytest.raises(ReviewError, match=r"no conversation|not in the exports"):
        labels_from_review([run], decisions=[decision(ConversationKey(run.id, "c99"), "dismiss")], corrections=[])
    with pytest.raises(ReviewError, match="does not fit"):
        labels_from_review([run], decisions=[], corrections=[correction(ConversationKey(run.id, "c1"), 1, (), message_id="x")])


def test_alpha_is_the_one_of_the_published_example() -> None:
    # Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C: four observers, twelve units; nominal 0.743.
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    units = [[value for value in unit if value is not None] for unit in zip(*observers, strict=True)]
    found = krippendorff_alpha(units)
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert found.units == 11


def test_agreement_is_unknown_where_nothing_is_compared_or_nothing_varies() -> None:
    assert krippendorff_alpha([[1], [], [2]]).alpha is None
    assert krippendorff_alpha([[1, 1], [1, 1]]).alpha is None
    assert krippendorff_alpha([[1, 1], [0, 0]]).alpha == 1
    assert krippendorff_alpha([[1, 0], [0, 1]]).alpha < 0  # pyright: ignore[reportOptionalOperand]


def test_what_is_proposed_is_unlabelled_each_once_and_explained(run: Run, taxonomy: Taxonomy) -> None:
    proposals = propose([run], labelled={"c1"}, count=50)
    assert sorted(p.conversation_id for p in proposals) == ["c2", "c3", "c4", "c5", "c6"]
    assert all("risk" in p.reason and "strongest" in p.reason for p in proposals)
    assert propose([run], labelled={"c1"}, count=2) == proposals[:2]
    assert propose([run], labelled={f"c{n}" for n in range(1, 7)}) == []


def test_the_most_unsure_comes_first_and_its_copies_wait(run: Run) -> None:
    proposals = propose([run], count=6)
    doubts = {p.conversation_id: p.uncertainty for p in proposals}
    assert proposals[0].uncertainty == max(doubts.values())
    assert proposals[0].distance == 1.0
    gains = [p.uncertainty * p.distance for p in proposals]
    assert gains == sorted(gains, reverse=True) or all(a >= b - 1e-3 for a, b in pairwise(gains))


def test_uncertainty_is_highest_at_even_odds_and_at_the_threshold() -> None:
    assert uncertainty(0.5, 0.5) == pytest.approx(1.0)
    assert uncertainty(0.9, 0.9) > uncertainty(0.99, 0.9) > uncertainty(0.9999, 0.9)
    assert uncertainty(0.5, 0.9) > uncertainty(0.1, 0.9)
    assert 0 < uncertainty(0.0, 1.0) < 0.1
