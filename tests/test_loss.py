"""Losses take what each corpus says and no more; a batch is read the same whatever its order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.labelled import labelled

pytest.importorskip("torch", reason="training needs the train extra")

import torch
from helpers.stretches import NAN, example

from pipeline.config import load_settings
from pipeline.model.encoder.context_head import CONTEXT, NEAR
from pipeline.model.encoder.network import SCALE, MessageNetwork
from pipeline.recipes import EncoderRecipe
from pipeline.training.examples import Example, make_examples
from pipeline.training.loss import Masking, TrainingModule, _speaker_losses, positive_weights, stage_shares
from pipeline.training.open_encoder import Start, open_encoder
from pipeline.training.trainer import new_training_module


@pytest.fixture(scope="module")
def start(tiny_encoder: Path, tiny_encoder_recipe: Path) -> tuple[Start, TrainingModule]:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    opened = open_encoder(recipe, path=tiny_encoder)
    return opened, new_training_module(opened, recipe, positive=[1.0, 1.0]).eval()


def gradient(module: TrainingModule, one: Example, row: int | None = None) -> torch.Tensor:
    """Return the gradient of the loss at the outputs of the context head: a row a stage, and the age last."""
    module.zero_grad()
    module([one])["loss"].backward()
    found = module.head.linear.bias.grad
    assert found is not None
    return found if row is None else found[row]


def speaker_gradient(one: Example) -> dict[str, float]:
    """Return how what speakers cost moves the stages of each: below nothing where it pulls them up."""
    logits = torch.tensor([[0.1, 0.0], [0.0, 0.0]] * (len(one.speakers) // 2), requires_grad=True)
    torch.stack(_speaker_losses(one, logits)).mean().backward()
    assert logits.grad is not None
    return {name: float(logits.grad[[row for row, own in enumerate(one.speakers) if own == name]].sum()) for name in one.speakers}


def test_a_stage_that_is_missing_costs_nothing(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    told = example(opened, [[1.0, NAN], [0.0, NAN], [0.0, NAN]], groomers=None)  # what speakers cost is of all stages
    assert gradient(module, told, 0).abs().sum() > 0
    assert gradient(module, told, 1).abs().sum() == 0


def test_nothing_is_learned_where_nothing_is_said(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    silent = example(opened, [[NAN, NAN]] * 4, groomers=None)
    loss = module([silent])["loss"]
    assert loss.item() == 0.0
    assert gradient(module, silent).abs().sum() == 0


def test_a_flagged_line_asks_for_some_stage_and_any_other_for_none(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    flags = np.asarray([1.0, 0.0, 0.0], np.float32)
    lines = example(opened, [[NAN, NAN]] * 3, groomers=frozenset({"A"}), flagged=flags)
    assert gradient(module, lines).abs().sum() > 0
    assert lines.signals is not None
    assert lines.signals.tolist() == [True, False, False]


def test_who_is_young_is_learned_where_it_is_said_and_apart_from_stages(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    ages = np.asarray([1.0, 0.0, NAN, NAN], np.float32)
    told = example(opened, [[NAN, NAN]] * 4, groomers=None, young=ages)
    assert gradient(module, told, 2).abs() > 0
    assert gradient(module, told)[:2].abs().sum() == 0
    unknown = example(opened, [[1.0, 0.0]] * 4, groomers=frozenset({"A"}))
    assert gradient(module, unknown, 2) == 0
    logits = module.predict_logits([told])[0].detach().requires_grad_()
    module.losses([told], [logits])["loss"].backward()
    assert logits.grad is not None
    assert (logits.grad[:, 2] != 0).tolist() == [True, True, False, False]


@pytest.mark.parametrize("grooming", [True, False])
def test_a_conversation_label_moves_the_riskiest_speaker(start: tuple[Start, TrainingModule], grooming: bool) -> None:
    opened, module = start
    whole = example(opened, [[NAN, NAN]] * 4, groomers=None, grooming=grooming)
    logits = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]] * 2, requires_grad=True)
    module.losses([whole], [logits])["loss"].backward()
    assert logits.grad is not None
    assert (float(logits.grad[::2, :2].sum()) < 0) == grooming, (
        "the risk is pulled up where somebody grooms, and down where nobody does"
    )
    assert logits.grad[1::2].abs().sum() == 0, "the other is not the riskiest"


def test_a_groomer_is_pulled_up_with_a_sign_and_down_like_all_others_without(start: tuple[Start, TrainingModule]) -> None:
    opened, _ = start
    told = example(opened, [[NAN, NAN]] * 4, groomers=frozenset({"A"}))
    assert told.signals is None
    assert speaker_gradient(told)["A"] < 0, "where no message is labelled, all the conversation may be the sign"
    assert speaker_gradient(told)["B"] > 0
    flags = np.asarray([1.0, 0.0, 0.0, 0.0], np.float32)
    risk = {
        name: speaker_gradient(example(opened, [[NAN, NAN]] * 4, groomers=frozenset({"A"}), flagged=flagged))
        for name, flagged in (("sign", flags), ("none", flags * 0))
    }
    assert risk["sign"]["A"] < 0
    assert risk["none"]["A"] > 0, "a groomer is no risk before the first signal"
    assert risk["sign"]["B"] > 0
    assert risk["none"]["B"] > 0


def test_a_conversation_that_grooms_asks_nothing_of_a_stretch_without_signs(start: tuple[Start, TrainingModule]) -> None:
    opened, _ = start
    quiet = example(opened, [[0.0, 0.0]] * 4, groomers=None, grooming=True)
    assert speaker_gradient(quiet)["A"] >= 0
    told = example(opened, [[1.0, 0.0], *[[0.0, 0.0]] * 3], groomers=None, grooming=True)
    assert speaker_gradient(told)["A"] < 0


def test_what_nobody_can_tell_asks_nothing_of_speakers(start: tuple[Start, TrainingModule]) -> None:
    opened, _ = start
    assert _speaker_losses(example(opened, [[0.0, 0.0]] * 4, groomers=None), torch.zeros(4, 2)) == []


def test_the_context_of_a_stretch_is_read_and_not_learned_from(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    ages = np.asarray([1.0, 0.0] * 3, np.float32)
    rows = [[1.0, 0.0], *[[0.0, 0.0]] * 5]
    whole = example(opened, rows, groomers=frozenset({"A"}), young=ages)
    late = replace(whole, before=2)
    logits = module.predict_logits([late])[0]
    assert len(logits) == 6
    read = logits.detach().requires_grad_()
    module.losses([late], [read])["loss"].backward()
    assert read.grad is not None
    assert read.grad[:2].abs().sum() == 0
    assert read.grad[2:].abs().sum() > 0
    assert stage_shares([late]) == [0.0, 0.0]
    assert speaker_gradient(late)["A"] > 0, "a sign in the context is none of the stretch"


@pytest.mark.parametrize("count", [1, 5, 19, 20, 27, 28, 29, 31, 100])
def test_stretches_hold_every_message_once_with_the_messages_before_as_context(
    start: tuple[Start, TrainingModule], count: int
) -> None:
    opened, _ = start
    talks = [
        labelled(f"talk-{number}", [(f"s{row % 3}", f"good game {row}", *(["access"] if row == 3 else [])) for row in range(count)])
        for number in range(20)
    ]
    whole = list(make_examples(talks, opened.tokenizer, stages=["access"]))
    assert [len(one.speakers) for one in whole] == [count] * 20
    stretches = list(make_examples(talks, opened.tokenizer, stages=["access"], stretch=20))
    for one in whole:
        own = [stretch for stretch in stretches if stretch.id == one.id]
        assert [message for part in own for message in part.pieces[part.before :]] == list(one.pieces)
        assert np.array_equal(np.concatenate([part.stages[part.before :] for part in own]), one.stages)
        assert np.array_equal(np.concatenate([part.young[part.before :] for part in own]), one.young, equal_nan=True)
        assert [name for part in own for name in part.speakers[part.before :]] == list(one.speakers)
        at = 0
        for part in own:
            assert part.pieces[: part.before] == one.pieces[max(0, at - CONTEXT) : at]
            assert len(part.pieces) - part.before < 20 + 4 or len(own) == 1
            at += len(part.pieces) - part.before
    if count == 100:
        assert len({stretch.before for stretch in stretches}) > 1
        assert len({len(stretch.pieces) for stretch in stretches if not stretch.before}) > 3, "cuts fall anywhere"


def test_a_conversation_of_which_no_message_is_labelled_is_learned_whole(start: tuple[Start, TrainingModule]) -> None:
    opened, _ = start
    talk = labelled("t", [("A", f"good game {row}") for row in range(60)], groomer="A", tells=frozenset())
    (one,) = make_examples([talk], opened.tokenizer, stages=["access"], stretch=20)
    assert len(one.pieces) == 60
    assert one.signals is None
    (short,) = make_examples([talk], opened.tokenizer, stages=["access"], stretch=20, longest=30)
    assert len(short.pieces) == 30


def test_a_message_in_a_stretch_is_read_as_in_the_whole(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    talk = labelled("t", [("AB"[row % 2], f"good game {row}") for row in range(60)])
    (whole,) = make_examples([talk], opened.tokenizer, stages=["access", "secrecy"])
    stretches = list(make_examples([talk], opened.tokenizer, stages=["access", "secrecy"], stretch=20))
    assert len(stretches) > 2
    with torch.inference_mode():
        (told,), parts = module.predict_logits([whole]), module.predict_logits(stretches)
    joined = torch.cat([own[one.before :] for one, own in zip(stretches, parts, strict=True)])
    assert torch.allclose(joined, told, atol=1e-5)


def test_now_and_then_nobody_knows_who_speaks_and_only_in_training(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    one = example(opened, [[0.0, 0.0]] * (2 * NEAR), groomers=frozenset())
    same = replace(one, speakers=("A",) * len(one.speakers))
    vectors = module.vectors([one])[0].detach()
    module.head.eval()
    shares = module.one_speaker
    try:
        module.training, module.one_speaker = True, 1.0
        unknown = module.logits(one, vectors)
        module.training = False
        assert torch.equal(unknown, module.logits(same, vectors))
        assert not torch.equal(unknown, module.logits(one, vectors))
    finally:
        module.one_speaker = shares
        module.eval()


def test_the_order_and_the_neighbours_of_a_batch_change_no_reading(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    batch = [example(opened, [[0.0, 0.0]] * size, groomers=frozenset()) for size in (3, 17, 1, 30)]
    with torch.inference_mode():
        forward, backward = module.predict_logits(batch), module.predict_logits(batch[::-1])[::-1]
        alone = [module.predict_logits([one])[0] for one in batch]
    for first, second, third in zip(forward, backward, alone, strict=True):
        assert torch.allclose(first, second, atol=1e-5)
        assert torch.allclose(first, third, atol=1e-5)


def test_what_is_said_twice_goes_through_the_network_once(start: tuple[Start, TrainingModule]) -> None:
    opened, module = start
    one = example(opened, [[0.0, 0.0]] * 3, groomers=frozenset())
    twice = replace(one, pieces=(one.pieces[0], one.pieces[1], one.pieces[0]))
    seen: list[int] = []
    handle = module.network.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    with torch.inference_mode():
        first, second = module.vectors([twice, one])
    handle.remove()
    assert sum(seen) == 3
    assert torch.equal(first[0], first[2])
    assert torch.equal(first[:2], second[:2])


def test_rare_stages_weigh_more_up_to_a_cap(start: tuple[Start, TrainingModule]) -> None:
    opened, _ = start
    rows = [[1.0, 1.0], *[[0.0, 1.0]] * 4, *[[0.0, 0.0]] * 5]
    shares = stage_shares([example(opened, rows, groomers=frozenset())])
    assert positive_weights(shares, cap=6.0) == pytest.approx([3.0, 1.0])
    assert positive_weights(shares, cap=2.0) == pytest.approx([2.0, 1.0])


def test_masking_hides_words_and_never_what_frames_them(start: tuple[Start, TrainingModule]) -> None:
    opened, _ = start
    ids = torch.tensor([[opened.tokenizer.opening, 5, 6, 7, opened.tokenizer.closing, 0] * 200])
    hidden = Masking(share=0.5, mask_id=4, special=opened.special).hide(ids)
    framed = torch.isin(ids, torch.tensor([opened.tokenizer.opening, opened.tokenizer.closing, 0]))
    assert (hidden[framed] == ids[framed]).all()
    assert 0.4 < (hidden[~framed] == 4).float().mean() < 0.6
    assert ((hidden == ids) | (hidden == 4)).all()


def test_a_message_is_the_mean_of_its_own_tokens() -> None:
    hidden = torch.tensor([[[1.0, 0.0], [3.0, 4.0], [99.0, -7.0]], [[0.0, 2.0], [7.0, 7.0], [7.0, 7.0]]])
    encoder: Any = torch.nn.Module()
    encoder.forward = lambda **_: SimpleNamespace(last_hidden_state=hidden)
    found = MessageNetwork(encoder)(torch.zeros(2, 3), torch.tensor([[1, 1, 0], [1, 0, 0]]))
    assert found.tolist() == [pytest.approx([SCALE / 2**0.5] * 2), pytest.approx([0.0, SCALE])]
