"""Fitting the risk head: no weight is negative, and what each corpus tells is enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("scipy", reason="training needs the train extra")

from scipy.optimize import check_grad

from pipeline.model.risk_head import RiskHead, read_risk_head
from pipeline.training import fit_risk as room
from pipeline.training.fit_risk import Scored, against_look_alikes, fit_risk

STAGES = 2
SHARE = st.floats(0, 1)
LINES = st.lists(st.tuples(st.sampled_from("AB"), st.tuples(SHARE, SHARE), SHARE), min_size=1, max_size=8)


def scored(lines: list[Any], *, groomers: frozenset[str] | None, grooming: bool | None) -> Scored:
    speakers, stages, child = zip(*lines, strict=True)
    return Scored(np.asarray(stages, np.float64), np.asarray(child, np.float64), speakers, groomers, grooming)


def toy(seed: int = 1, count: int = 30) -> list[Scored]:
    """Return conversations in which A gives two signs to a child where it grooms, and everybody is quiet elsewhere."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        grooms = number % 2 == 0
        stages = rng.uniform(0.0, 0.05, (8, STAGES))
        if grooms:
            stages[[2, 4], [0, 1]] = rng.uniform(0.7, 0.95, 2)
        child = np.asarray([0.1, 0.8] * 4)
        found.append(Scored(stages, child, ("A", "B") * 4, frozenset("A" if grooms else ""), grooms))
    return found


def highest(head: RiskHead, one: Scored) -> dict[str, float]:
    own, _ = head.risks(one.stages, one.child, one.speakers)
    return dict(zip(one.speakers, own.tolist(), strict=True))


LABELS = st.sampled_from([(frozenset("A"), True), (frozenset(), False), (None, True), (None, False), (None, None)])


@settings(max_examples=25)
@given(st.lists(st.tuples(LINES, LABELS), min_size=1, max_size=8))
def test_weights_are_never_negative(corpus: list[Any]) -> None:
    head = fit_risk([scored(lines, groomers=groomers, grooming=grooming) for lines, (groomers, grooming) in corpus])
    assert read_risk_head(head.as_json()), "a negative weight is refused on reading"
    assert all(np.isfinite(value).all() for value in vars(head).values())


def test_signs_that_come_from_the_harmless_get_no_negative_weight() -> None:
    turned = [replace(one, groomers=frozenset("B"), grooming=True) if one.grooming else one for one in toy()]
    head = fit_risk(turned)
    assert (head.weights >= 0).all()
    assert min(head.gather, head.slope, head.grown, head.young) >= 0


def test_what_can_be_told_apart_is() -> None:
    head = fit_risk(toy())
    for one in toy(seed=2):
        told = highest(head, one)
        assert (told["A"] > 0.5) == one.grooming
        assert told["B"] < 0.5


def test_a_corpus_that_labels_only_conversations_is_enough() -> None:
    head = fit_risk([replace(one, groomers=None) for one in toy()])
    for one in toy(seed=2):
        told = highest(head, one)
        assert (max(told.values()) > 0.5) == one.grooming
        assert not one.grooming or told["A"] > told["B"]


def test_what_is_not_known_teaches_nothing() -> None:
    known = toy()
    unknown = [replace(one, groomers=None, grooming=None) for one in known]  # of the same floors
    head, more = fit_risk(known), fit_risk([*known, *unknown])
    assert more.weights == pytest.approx(head.weights, abs=1e-3)
    assert more.offset == pytest.approx(head.offset, abs=1e-3)


def test_a_conversation_of_no_messages_is_no_hindrance() -> None:
    none = Scored(np.zeros((0, STAGES)), np.zeros(0), (), frozenset(), False)
    assert fit_risk([*toy(), none]).as_json() == fit_risk(toy()).as_json()


@pytest.mark.parametrize("grooming", [True, False, None])
def test_where_all_are_alike_the_weights_stay_where_they_begin(grooming: bool | None) -> None:
    head = fit_risk([replace(one, groomers=None, grooming=grooming) for one in toy()])
    assert head.weights.tolist() == [1.0] * STAGES
    assert (head.gather, head.slope, head.offset) == (0.1, 1.5, 0.0)


def test_the_gradient_is_that_of_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[tuple[Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]], NDArray[np.float64]]] = []
    whole = room.minimize

    def keep(loss: Any, begin: NDArray[np.float64], **settings: Any) -> Any:
        held.append((loss, begin))
        return whole(loss, begin, **settings)

    monkeypatch.setattr(room, "minimize", keep)
    half = [replace(one, groomers=None) if number % 3 == 0 else one for number, one in enumerate(toy())]
    fit_risk(half)
    ((loss, begin),) = held
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = begin * rng.uniform(0.2, 2.0, len(begin)) + rng.normal(0, 0.01, len(begin)) ** 2
        values[-1] = rng.normal(0, 2)
        assert check_grad(lambda at: loss(at)[0], lambda at: loss(at)[1], values) < 1e-5


def test_even_odds_are_against_what_could_be_taken_for_grooming() -> None:
    grooming = [one for one in toy(count=120) if one.grooming]
    rng = np.random.default_rng(3)
    alike = [
        replace(one, stages=one.stages * rng.uniform(0.2, 1.0), groomers=frozenset(), grooming=False)
        for one in toy(seed=2, count=120)
    ]
    chat = [replace(one, stages=one.stages * 0.01, groomers=frozenset(), grooming=False) for one in toy(seed=4, count=400)]
    scored_ = [*grooming, *alike, *chat]
    before = fit_risk(scored_)
    after = against_look_alikes(before, scored_, [False] * len(grooming) + [True] * len(alike) + [False] * len(chat))

    def peaks(head: RiskHead, conversations: list[Scored]) -> NDArray[np.float64]:
        return np.asarray([max(highest(head, one).values()) for one in conversations])

    def balance(head: RiskHead) -> float:
        return float((peaks(head, grooming).mean() + peaks(head, alike).mean()) / 2)

    assert balance(after) == pytest.approx(0.5, abs=0.02), "as much risk as there is grooming"
    assert abs(balance(before) - 0.5) > abs(balance(after) - 0.5)
    order = np.argsort(peaks(before, scored_), kind="stable")
    assert (np.diff(peaks(after, scored_)[order]) >= -1e-6).all(), "the order stays"


def test_a_few_look_alikes_change_nothing() -> None:
    conversations = toy()
    head = fit_risk(conversations)
    assert against_look_alikes(head, conversations, [number < 9 for number in range(len(conversations))]) == head
