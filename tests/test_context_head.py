"""The context head: a message is read with the few before it, in numpy as in torch, and never with what comes after."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.model.encoder.context_head import CONTEXT, NEAR, PARTS, ContextHead, in_context, neighbours

WIDTH, OUTPUTS, HIDDEN = 6, 3, 5
SPEAKERS = st.lists(st.sampled_from(["A", "B", "C", "D"]), max_size=40)


def vectors_of(count: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 1, (count, WIDTH)).astype(np.float32)


def head_of(seed: int = 2) -> ContextHead:
    rng = np.random.default_rng(seed)
    shapes = [(OUTPUTS, PARTS * WIDTH), OUTPUTS, (HIDDEN, PARTS * WIDTH), HIDDEN, (OUTPUTS, HIDDEN), OUTPUTS]
    return ContextHead(*(rng.normal(0, 1, shape).astype(np.float32) for shape in shapes))


@given(SPEAKERS)
def test_neighbours_are_the_latest_of_the_speaker_and_of_others(speakers: list[str]) -> None:
    found = neighbours(speakers)
    assert found.shape == (len(speakers), 2 * NEAR)
    for row, speaker in enumerate(speakers):
        before = [place for place in reversed(range(row)) if row - place <= CONTEXT]
        own = [place for place in before if speakers[place] == speaker][:NEAR]
        others = [place for place in before if speakers[place] != speaker][:NEAR]
        assert found[row].tolist() == [*own, *[-1] * (NEAR - len(own)), *others, *[-1] * (NEAR - len(others))]


@given(SPEAKERS)
def test_a_message_is_seen_as_itself_the_means_and_the_last_of_others(speakers: list[str]) -> None:
    vectors = vectors_of(len(speakers))
    seen = in_context(vectors, speakers).reshape(-1, PARTS, WIDTH)
    nothing = np.zeros(WIDTH)
    for row, near in enumerate(neighbours(speakers)):
        own, others = ([place for place in part if place >= 0] for part in (near[:NEAR], near[NEAR:]))
        assert np.array_equal(seen[row, 0], vectors[row])
        assert seen[row, 1] == pytest.approx(vectors[own].mean(axis=0) if own else nothing, abs=1e-6)
        assert seen[row, 2] == pytest.approx(vectors[others].mean(axis=0) if others else nothing, abs=1e-6)
        assert np.array_equal(seen[row, 3], vectors[others[0]] if others else nothing)


@given(SPEAKERS, st.integers(0, 40))
def test_nothing_looks_ahead(speakers: list[str], cut: int) -> None:
    vectors, head = vectors_of(len(speakers)), head_of()
    whole, part = head.logits(vectors, speakers), head.logits(vectors[:cut], speakers[:cut])
    assert np.abs(whole[:cut] - part).max(initial=0.0) <= 1e-5


@given(st.lists(st.sampled_from("AB"), min_size=CONTEXT + 1, max_size=40))
def test_only_so_many_messages_before_matter(speakers: list[str]) -> None:
    vectors, head = vectors_of(len(speakers)), head_of()
    changed, renamed = vectors.copy(), list(speakers)
    far = len(speakers) - 1 - CONTEXT
    changed[:far] = 100.0
    renamed[:far] = ["elsewhere"] * far
    assert np.array_equal(head.logits(vectors, speakers)[-1], head.logits(changed, renamed)[-1])


def test_the_farthest_of_them_does_matter() -> None:
    speakers = ["A", *["B"] * CONTEXT]
    speakers[-1] = "A"
    vectors, head = vectors_of(len(speakers)), head_of()
    changed = vectors.copy()
    changed[0] += 1.0
    assert np.abs(head.logits(vectors, speakers)[-1] - head.logits(changed, speakers)[-1]).max() > 0.01


@given(SPEAKERS)
def test_names_are_nothing_but_who_is_who(speakers: list[str]) -> None:
    vectors, head = vectors_of(len(speakers)), head_of()
    renamed = [{"A": "[SEP]", "B": "A", "C": "", "D": "x"}[speaker] for speaker in speakers]
    assert np.array_equal(head.logits(vectors, speakers), head.logits(vectors, renamed))


def test_a_conversation_of_no_messages_has_no_logits() -> None:
    assert neighbours([]).shape == (0, 2 * NEAR)
    assert in_context(vectors_of(0), []).shape == (0, PARTS * WIDTH)
    assert head_of().logits(vectors_of(0), []).shape == (0, OUTPUTS)


@given(SPEAKERS, st.integers(0, 5), st.sampled_from([0.1, 1.0, 30.0]))
def test_it_says_in_numpy_what_it_says_in_torch(speakers: list[str], seed: int, scale: float) -> None:
    torch = pytest.importorskip("torch", reason="training needs the train extra")
    from pipeline.model.encoder import network as in_torch

    torch.manual_seed(seed)
    learned = in_torch.ContextNetwork(width=WIDTH, outputs=OUTPUTS, hidden=HIDDEN, dropout=0.5).eval()
    torch.nn.init.normal_(learned.outer.weight)
    torch.nn.init.normal_(learned.outer.bias)
    vectors = vectors_of(len(speakers), seed) * np.float32(scale)
    with torch.inference_mode():
        seen = in_torch.in_context(torch.from_numpy(vectors), torch.from_numpy(neighbours(speakers)))
        told = learned(seen).numpy()
    assert seen.numpy() == pytest.approx(in_context(vectors, speakers), abs=1e-5 * scale)
    assert learned.as_numpy().logits(vectors, speakers) == pytest.approx(told, abs=1e-5 * max(scale, 1.0))


def test_it_begins_with_outputs_as_rare_as_they_are() -> None:
    torch = pytest.importorskip("torch", reason="training needs the train extra")
    from pipeline.model.encoder.network import ContextNetwork

    head = ContextNetwork(width=WIDTH, outputs=OUTPUTS, hidden=HIDDEN, dropout=0.0)
    head.expect([0.01, 0.2, 0.0])
    with torch.inference_mode():
        assert torch.sigmoid(head(torch.zeros(1, PARTS * WIDTH)))[0].tolist() == pytest.approx([0.01, 0.2, 1e-4], rel=1e-3)
