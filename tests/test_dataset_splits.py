"""What is chosen when a model is made: where alerts begin, and which chats stand in which part."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.judged import judged
from helpers.labelled import grooming, labelled, ordinary

pytest.importorskip("sklearn", reason="training needs the train extra")

from evaluation.metrics import Judged
from evaluation.threshold_search import lowest_risk
from pipeline.corpora.training import TrainingCorpus
from pipeline.recipes import SplitSettings
from pipeline.training.choose_thresholds import choose_thresholds
from pipeline.training.dataset import assign_splits, make_splits


def rows(peaks: list[float], **attributes: str) -> list[Judged]:
    return [replace(judged(f"o{n}", [peak], grooming=False), attributes=attributes) for n, peak in enumerate(peaks)]


def test_the_lowest_risk_flags_no_more_than_its_share() -> None:
    peaks = [0.9, 0.8, 0.8, 0.1]
    assert lowest_risk(peaks, 0.25) == pytest.approx(0.80001)
    assert lowest_risk(peaks, 0.2) == pytest.approx(0.90001)
    assert lowest_risk([], 0.1) == pytest.approx(1e-5)


def test_a_threshold_is_never_rounded_up_to_where_nothing_is_flagged() -> None:
    assert lowest_risk([0.999999, 1.0], 0.0) < 1.0


CHAT = [0.3] * 98 + [0.5, 0.7]
HARD = [0.2] * 8 + [0.6, 0.95]


def test_a_threshold_keeps_to_both_rates() -> None:
    both = rows(CHAT, situation="ordinary-chat") + rows(HARD, situation="teasing")
    assert choose_thresholds(both, ["access"], rate=0.01, hard_rate=0.1).risk == pytest.approx(0.60001)
    assert choose_thresholds(both, ["access"], rate=0.01, hard_rate=0.5).risk == pytest.approx(0.50001)


def test_without_ordinary_chat_the_stricter_rate_holds_for_the_corpus() -> None:
    assert choose_thresholds(rows(HARD), ["access"], rate=0.01, hard_rate=0.5).risk == pytest.approx(0.95001)


def test_where_no_conversation_is_ordinary_an_alert_begins_at_even_odds() -> None:
    chosen = choose_thresholds([judged("g", [0.4], grooming=True)], ["access"], rate=0.01, hard_rate=0.1)
    assert chosen.risk == 0.5
    assert "no conversation of the validation part is labelled as ordinary" in chosen.chosen


def test_near_duplicates_of_ordinary_chat_stand_on_one_side() -> None:
    chats = [ordinary(number) for number in range(20)]
    again = [
        labelled(f"again-{number}", [(one.speaker or "", one.text) for one in ordinary(number).messages]) for number in range(20)
    ]
    short = [labelled(f"short-{number}", [("P", "hello")]) for number in range(6)]
    corpus = TrainingCorpus(tuple(grooming(number) for number in range(8)), (*chats, *again, *short))
    settings = SplitSettings(train=0.5, validation=0.25, test=0.25, ordinary_validation=10, ordinary_test=10)
    where = make_splits(corpus, settings, seed=1).conversations
    assert len({where[one.id] for one in short if one.id in where}) == 1, "too short to be like another, and the same"
    pairs = [(where.get(f"plain-{number}"), where.get(f"again-{number}")) for number in range(20)]
    assert all(first == second or None in (first, second) for first, second in pairs)
    assert any(None in pair for pair in pairs)
    assert all(set(pair) != {None} for pair in pairs), "one of them stays"
    assert sum(pair == ("train", "train") for pair in pairs) > 1, "within a part nothing is left out"


def test_chat_that_the_prefilter_learns_from_is_like_none_that_is_held_out() -> None:
    chats = [ordinary(number) for number in range(20)]
    again = [labelled(f"more-{number}", [(one.speaker or "", one.text) for one in chats[number].messages]) for number in range(20)]
    corpus = TrainingCorpus(tuple(grooming(number) for number in range(8)), tuple(chats), tuple(again))
    settings = SplitSettings(train=0.5, validation=0.25, test=0.25, ordinary_validation=5, ordinary_test=5)
    dataset = assign_splits(corpus, make_splits(corpus, settings, seed=1))
    held_out = {one.id for one in (*dataset.validation, *dataset.test)}
    kept = {one.id for one in dataset.more}
    assert kept
    assert kept == {f"more-{number}" for number in range(20) if f"plain-{number}" not in held_out}


def test_little_ordinary_chat_does_not_all_go_to_the_validation_part() -> None:
    corpus = TrainingCorpus(tuple(grooming(number) for number in range(8)), tuple(ordinary(number) for number in range(40)))
    settings = SplitSettings(train=0.5, validation=0.25, test=0.25, ordinary_validation=400, ordinary_test=1000)
    dataset = assign_splits(corpus, make_splits(corpus, settings, seed=1))
    counts = [sum(one.id.startswith("plain") for one in part) for part in (dataset.train, dataset.validation, dataset.test)]
    assert counts == [20, 10, 10]
