"""The risk head: signs only add up, nobody is a risk by what others do, and nothing later is read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.model.risk_head import STRONGEST, RiskHead, read_risk_head, riskiest, running_ages

STAGES = 3
SHARE = st.floats(0, 1, width=32)
WEIGHT = st.floats(0, 4)
TALK = st.lists(st.tuples(st.sampled_from("ABCD"), st.tuples(SHARE, SHARE, SHARE), SHARE), min_size=1, max_size=30)
HEADS = st.builds(
    lambda weights, floors, numbers, offset: RiskHead(np.asarray(weights), np.asarray(floors), *numbers, offset=offset),
    st.lists(WEIGHT, min_size=STAGES, max_size=STAGES),
    st.lists(st.floats(0, 1), min_size=STAGES, max_size=STAGES),
    st.tuples(WEIGHT, WEIGHT, WEIGHT, WEIGHT),
    st.floats(-6, 6),
)
HEAD = RiskHead(np.asarray([1.0, 0.5, 2.0]), np.asarray([0.1, 0.1, 0.2]), 0.3, 1.5, 0.5, 0.5, -1.0)
CLOSE = 1e-6

Talk = list[tuple[str, tuple[float, ...], float]]


def risks(head: RiskHead, talk: Talk) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    speakers, stages, child = zip(*talk, strict=True) if talk else ((), (), ())
    return head.risks(np.asarray(stages, np.float64).reshape(-1, STAGES), np.asarray(child, np.float64), speakers)


def rows(talk: Talk, speaker: str) -> list[int]:
    return [row for row, one in enumerate(talk) if one[0] == speaker]


@given(HEADS, TALK)
def test_a_risk_never_falls(head: RiskHead, talk: Talk) -> None:
    own, whole = risks(head, talk)
    for speaker in "ABCD":
        assert (np.diff(own[rows(talk, speaker)]) >= -CLOSE).all()
    assert (np.diff(whole) >= -CLOSE).all()
    assert ((own > 0) & (own < 1)).all()


def test_no_risk_is_certain() -> None:
    surest = RiskHead(np.full(STAGES, 4.0), np.zeros(STAGES), 4.0, 4.0, 4.0, 4.0, 6.0)
    own, _ = risks(surest, [("A", (1.0, 1.0, 1.0), 0.0), ("B", (1.0, 1.0, 1.0), 1.0)] * 9)
    never, _ = risks(replace(surest, offset=-90.0), [("A", (0.0, 0.0, 0.0), 0.5)])
    assert never[0] > 0
    assert own[-1] < 1


@given(HEADS, TALK, st.data())
def test_more_evidence_never_lowers_a_risk(head: RiskHead, talk: Talk, data: Any) -> None:
    row = data.draw(st.integers(0, len(talk) - 1))
    speaker, stages, child = talk[row]
    more = tuple(data.draw(st.floats(value, 1)) for value in stages)
    own, whole = risks(head, talk)
    raised, all_raised = risks(head, [*talk[:row], (speaker, more, child), *talk[row + 1 :]])
    assert (raised >= own - CLOSE).all()
    assert (all_raised >= whole - CLOSE).all()


@given(HEADS, TALK, st.tuples(st.tuples(SHARE, SHARE, SHARE), SHARE))
def test_nothing_that_somebody_says_in_between_lowers_a_risk(head: RiskHead, talk: Talk, line: Any) -> None:
    own, _ = risks(head, talk)
    for speaker in ("A", "new"):
        more, _ = risks(head, [(speaker, *line), *talk])
        assert (more[1:] >= own - CLOSE).all()


@given(HEADS, TALK, st.data())
def test_nobody_is_a_risk_by_the_signs_of_others(head: RiskHead, talk: Talk, data: Any) -> None:
    alone = replace(head, young=0.0)
    changed: Talk = [
        (speaker, stages, child) if speaker == "A" else (speaker, data.draw(st.tuples(SHARE, SHARE, SHARE)), data.draw(SHARE))
        for speaker, stages, child in talk
    ]
    own = rows(talk, "A")
    assert np.array_equal(risks(alone, talk)[0][own], risks(alone, changed)[0][own])
    assert np.array_equal(risks(alone, talk)[0][own], risks(alone, [talk[row] for row in own])[0])


@given(HEADS, TALK, st.data())
def test_the_stages_of_others_count_nothing_whatever_their_age(head: RiskHead, talk: Talk, data: Any) -> None:
    changed: Talk = [
        (speaker, stages if speaker == "A" else data.draw(st.tuples(SHARE, SHARE, SHARE)), child) for speaker, stages, child in talk
    ]
    own = rows(talk, "A")
    assert np.array_equal(risks(head, talk)[0][own], risks(head, changed)[0][own])


@given(HEADS, TALK, st.integers(0, 30))
def test_nothing_looks_ahead(head: RiskHead, talk: Talk, cut: int) -> None:
    own, whole = risks(head, talk)
    early, early_whole = risks(head, talk[:cut])
    assert np.array_equal(own[:cut], early)
    assert np.array_equal(whole[:cut], early_whole)


@given(HEADS, TALK, st.integers(0, 30), st.lists(st.tuples(st.sampled_from("ABCD"), SHARE), max_size=20))
def test_ordinary_messages_neither_hide_nor_bank_anything(
    head: RiskHead, talk: Talk, place: int, chat: list[tuple[str, float]]
) -> None:
    """Without ages, what is below the floors and below what was said before changes nothing, and above the floors only `gather`."""
    ageless = replace(head, grown=0.0, young=0.0)
    place = min(place, len(talk))
    loudest = {name: np.max([talk[row][1] for row in rows(talk[:place], name)], axis=0, initial=0.0) for name in "ABCD"}
    quiet: Talk = [(name, tuple(np.minimum(1.0 - np.exp(-share * head.floors), loudest[name])), 0.0) for name, share in chat]
    own, _ = risks(ageless, talk)
    with_chat, _ = risks(ageless, [*talk[:place], *quiet, *talk[place:]])
    kept = [*range(place), *range(place + len(quiet), len(talk) + len(quiet))]
    assert np.abs(with_chat[kept] - own).max(initial=0.0) <= CLOSE


@given(HEADS, TALK, st.lists(st.tuples(st.sampled_from("ABCD"), st.tuples(SHARE, SHARE, SHARE)), max_size=20))
def test_what_was_said_before_counts_for_its_own_stage_and_speaker(
    head: RiskHead, talk: Talk, before: list[tuple[str, tuple[float, ...]]]
) -> None:
    """Ordinary messages before a conversation change it by no more than `gather` where they are quieter than what follows."""
    bare = replace(head, gather=0.0, grown=0.0, young=0.0)
    first = {name: next((stages for speaker, stages, _ in talk if speaker == name), (0.0,) * STAGES) for name in "ABCD"}
    quiet: Talk = [(name, tuple(np.minimum(stages, first[name])), 0.5) for name, stages in before]
    own, _ = risks(bare, talk)
    assert np.abs(risks(bare, [*quiet, *talk])[0][len(quiet) :] - own).max() <= CLOSE


@given(HEADS, TALK, st.integers(1, 20))
def test_what_was_said_before_counts_again_only_as_gathered(head: RiskHead, talk: Talk, times: int) -> None:
    again = [*talk, *[talk[0]] * times]
    ageless = replace(head, grown=0.0, young=0.0)
    last = rows(talk, talk[0][0])[-1]
    own, _ = risks(replace(ageless, gather=0.0), talk)
    assert abs(risks(replace(ageless, gather=0.0), again)[0][-1] - own[last]) <= CLOSE
    assert risks(ageless, again)[0][-1] >= risks(ageless, talk)[0][last] - CLOSE


def test_without_gathering_and_ages_it_is_noisy_or_of_the_highest() -> None:
    head = RiskHead(np.ones(STAGES), np.zeros(STAGES), 0.0, 1.0, 0.0, 0.0, 0.0)
    talk: Talk = [("A", (0.5, 0.1, 0.0), 0.5), ("A", (0.2, 0.4, 0.0), 0.5), ("B", (0.3, 0.0, 0.0), 0.5)]
    own, whole = risks(head, talk)
    signs = -np.log(np.asarray([0.5 * 0.9, 0.5 * 0.6, 0.7])) + 0.01
    assert own == pytest.approx(signs / (1 + signs), rel=1e-5)
    assert whole.tolist() == [own[0], own[1], own[1]]


def test_a_certain_sign_is_finite() -> None:
    own, _ = risks(HEAD, [("A", (1.0, 1.0, 1.0), 1.0)] * 3)
    assert np.isfinite(own).all()


def test_a_conversation_of_no_messages_has_no_risk() -> None:
    own, whole = risks(HEAD, [])
    assert own.shape == whole.shape == (0,)


@given(st.lists(st.tuples(st.sampled_from(["A", "B", "C", ""]), SHARE), max_size=40))
def test_running_ages_are_the_means_of_the_strongest(talk: list[tuple[str, float]]) -> None:
    speakers, child = [speaker for speaker, _ in talk], np.asarray([value for _, value in talk], np.float64)
    grown, young = running_ages(child, speakers)

    def mean(values: list[float]) -> float:
        return sum(sorted(values)[-STRONGEST:]) / STRONGEST

    for row, speaker in enumerate(speakers):
        said = {name: [child[i] for i in range(row + 1) if speakers[i] == name] for name in speakers[: row + 1]}
        assert grown[row] == pytest.approx(mean([1 - value for value in said[speaker]]))
        assert young[row] == pytest.approx(max((mean(values) for name, values in said.items() if name != speaker), default=0.0))


@given(st.lists(st.tuples(st.sampled_from("ABC"), SHARE), max_size=40))
def test_the_risk_of_a_conversation_is_that_of_its_riskiest_speaker(talk: list[tuple[str, float]]) -> None:
    speakers, own = [speaker for speaker, _ in talk], np.asarray([value for _, value in talk], np.float32)
    whole = riskiest(own, speakers)
    for row in range(len(talk)):
        latest = {speakers[i]: own[i] for i in range(row + 1)}
        assert whole[row] == max(latest.values())


@given(HEADS)
def test_it_is_read_as_it_was_written(head: RiskHead) -> None:
    read = read_risk_head(json.loads(json.dumps(head.as_json())))
    for name, value in vars(head).items():
        assert np.asarray(getattr(read, name)) == pytest.approx(np.asarray(value), abs=1e-6)
    assert read.as_json() == head.as_json()


@pytest.mark.parametrize("name", ["weights", "floors", "gather", "slope", "grown", "young"])
def test_a_negative_weight_is_refused(name: str) -> None:
    content = HEAD.as_json()
    content[name] = [0.5, -0.1, 0.5] if name in {"weights", "floors"} else -0.1
    with pytest.raises(ValueError, match="negative"):
        read_risk_head(content)


@pytest.mark.parametrize("name", ["weights", "young", "offset"])
def test_a_missing_weight_is_refused(name: str) -> None:
    content = HEAD.as_json()
    del content[name]
    with pytest.raises(KeyError, match=name):
        read_risk_head(content)
