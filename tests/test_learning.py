"""Losses take what each corpus says and no more; a batch is read the same whatever its order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the train extra")

import torch
from safetensors.torch import save_file

from pipeline.config import EncoderRecipe, load_settings
from pipeline.model.training.examples import Example
from pipeline.model.training.fit_encoder import Start, _average, macro_average_precision, new_learner, open_encoder
from pipeline.model.training.learning import Learner, Masking, positive_weights, stage_shares
from pipeline.model.training.network import message_vectors
from pipeline.model.training.probe import fit_heads

NAN = float("nan")


@pytest.fixture(scope="module")
def start(tiny_encoder: Path, tiny_encoder_recipe: Path) -> tuple[Start, Learner]:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    opened = open_encoder(recipe, path=tiny_encoder)
    return opened, new_learner(opened, recipe, positive=[1.0, 1.0]).eval()


def example(start: Start, stages: list[list[float]], *, groomers: frozenset[str] | None, **fields: object) -> Example:
    lines = [("A" if position % 2 == 0 else "B", f"good game {position}") for position in range(len(stages))]
    base = Example(
        id="e",
        windows=tuple(start.encoding.windows([lines])[0]),
        speakers=tuple(speaker for speaker, _ in lines),
        stages=np.asarray(stages, np.float32),
        flagged=np.full(len(stages), NAN, np.float32),
        groomers=groomers,
        grooming=None if groomers is None else bool(groomers),
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def gradient(learner: Learner, one: Example, row: int | None = None) -> torch.Tensor:
    """Return the gradient of the loss at the stage heads: a row a stage."""
    learner.zero_grad()
    learner([one])["loss"].backward()
    found = learner.network.stages.weight.grad
    assert found is not None
    return found if row is None else found[row]


def test_a_stage_that_is_missing_costs_nothing(start: tuple[Start, Learner]) -> None:
    opened, learner = start
    told = example(opened, [[1.0, NAN], [0.0, NAN], [0.0, NAN]], groomers=frozenset({"A"}))
    assert gradient(learner, told, 0).abs().sum() > 0
    assert gradient(learner, told, 1).abs().sum() == 0


def test_nothing_is_learned_where_nothing_is_said(start: tuple[Start, Learner]) -> None:
    opened, learner = start
    silent = example(opened, [[NAN, NAN]] * 4, groomers=None)
    loss = learner([silent])["loss"]
    assert loss.item() == 0.0
    assert gradient(learner, silent).abs().sum() == 0


def test_a_flagged_line_asks_for_some_stage_and_any_other_for_none(start: tuple[Start, Learner]) -> None:
    opened, learner = start
    flags = np.asarray([1.0, 0.0, 0.0], np.float32)
    lines = example(opened, [[NAN, NAN]] * 3, groomers=frozenset({"A"}), flagged=flags)
    assert gradient(learner, lines).abs().sum() > 0
    assert lines.signals is not None
    assert lines.signals.tolist() == [True, False, False]


@pytest.mark.parametrize("grooming", [True, False])
def test_a_conversation_label_moves_the_riskiest_speaker(start: tuple[Start, Learner], grooming: bool) -> None:
    opened, learner = start
    whole = example(opened, [[NAN, NAN]] * 4, groomers=None, grooming=grooming)
    learner.zero_grad()
    learner([whole])["loss"].backward()
    bias = learner.risk.second.bias.grad
    assert bias is not None
    assert (float(bias) < 0) == grooming, "the risk is pulled up where somebody grooms, and down where nobody does"


def test_a_groomer_is_no_risk_before_the_first_signal(start: tuple[Start, Learner]) -> None:
    opened, learner = start
    quiet = example(opened, [[0.0, 0.0]] * 4, groomers=frozenset({"A", "B"}))
    assert float(learner([quiet])["risk"]) == 0.0
    told = example(opened, [[1.0, 0.0], *[[0.0, 0.0]] * 3], groomers=frozenset({"A", "B"}))
    assert float(learner([told])["risk"]) > 0.0


def test_the_order_and_the_neighbours_of_a_batch_change_no_reading(start: tuple[Start, Learner]) -> None:
    opened, learner = start
    batch = [example(opened, [[0.0, 0.0]] * size, groomers=frozenset()) for size in (3, 17, 1, 30)]
    with torch.inference_mode():
        forward, backward = learner.read(batch), learner.read(batch[::-1])[::-1]
        alone = [learner.read([one])[0] for one in batch]
    for first, second, third in zip(forward, backward, alone, strict=True):
        for one, two, three in zip(first, second, third, strict=True):
            assert torch.allclose(one, two, atol=1e-5)
            assert torch.allclose(one, three, atol=1e-5)


def test_rare_stages_weigh_more_up_to_a_cap(start: tuple[Start, Learner]) -> None:
    opened, _ = start
    rows = [[1.0, 1.0], *[[0.0, 1.0]] * 4, *[[0.0, 0.0]] * 5]
    shares = stage_shares([example(opened, rows, groomers=frozenset())])
    assert positive_weights(shares, cap=6.0) == pytest.approx([3.0, 1.0])
    assert positive_weights(shares, cap=2.0) == pytest.approx([2.0, 1.0])


def test_masking_hides_words_and_never_who_speaks(start: tuple[Start, Learner]) -> None:
    opened, _ = start
    first = opened.tokenizer.token_to_id("[A]") or 0
    ids = torch.tensor([[first, 5, 6, 7] * 200])
    hidden = Masking(share=0.5, mask_id=4, first_mark=first).hide(ids)
    assert (hidden[ids == first] == first).all()
    assert 0.4 < (hidden[ids != first] == 4).float().mean() < 0.6
    assert ((hidden == ids) | (hidden == 4)).all()


def test_a_message_is_the_mean_of_its_own_tokens() -> None:
    hidden = torch.tensor([[[1.0], [3.0], [10.0], [20.0], [60.0], [99.0]]])
    blocks = torch.tensor([[1, 1, 2, 2, 2, 0]])
    assert message_vectors(hidden, blocks, torch.tensor([[0, 2]])).flatten().tolist() == pytest.approx([2.0, 30.0])


def test_the_heads_learn_alone_first(tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    opened = open_encoder(recipe, path=tiny_encoder)
    learner = new_learner(opened, recipe, positive=[1.0, 1.0])
    batch = [example(opened, [[1.0, 0.0], [0.0, 0.0]], groomers=frozenset({"A"})) for _ in range(4)]
    before = {name: weight.clone() for name, weight in learner.state_dict().items()}
    loss = float(learner.eval()(batch)["loss"].detach())
    fit_heads(learner, batch, epochs=10, seed=1)
    assert float(learner.eval()(batch)["loss"].detach()) < loss
    moved = {name for name, weight in learner.state_dict().items() if not torch.equal(weight, before[name])}
    assert moved
    assert not any(".encoder." in name for name in moved)


def test_the_precision_that_chooses_an_epoch_leaves_out_what_is_not_known() -> None:
    labels = np.asarray([[1.0, NAN, 0.0], [0.0, NAN, 0.0], [NAN, 1.0, 0.0]], np.float32)
    scores = np.asarray([[0.2, 0.9, 0.1], [0.8, 0.9, 0.1], [0.9, 0.1, 0.1]], np.float32)
    assert macro_average_precision(labels, scores) == pytest.approx(0.75), "a half and one; nothing carries the third stage"
    assert macro_average_precision(labels[:, 2:], scores[:, 2:]) == 0.0


@pytest.mark.parametrize(("loss", "precision", "taken"), [(0.9, 0.4, 2.0), (0.9, 0.397, 2.0), (0.9, 0.3, 1.0), (1.1, 0.5, 1.0)])
def test_the_mean_of_the_kept_epochs_is_taken_where_validation_says_so(
    loss: float, precision: float, taken: float, tmp_path: Path
) -> None:
    for number, value in ((1, 1.0), (2, 3.0)):
        (tmp_path / f"checkpoint-{number}").mkdir()
        save_file({"weight": torch.full((1, 1), value)}, tmp_path / f"checkpoint-{number}" / "model.safetensors")
    learner: Any = torch.nn.Linear(1, 1, bias=False)
    told = iter([{"eval_loss": 1.0, "eval_average_precision": 0.4}, {"eval_loss": loss, "eval_average_precision": precision}])
    trainer: Any = SimpleNamespace(
        state=SimpleNamespace(best_model_checkpoint=str(tmp_path / "checkpoint-1")), evaluate=lambda: next(told)
    )
    learner.weight.data.fill_(1.0)
    said: list[str] = []
    _average(trainer, learner, tmp_path, said.append)
    assert learner.weight.item() == taken
    assert len(said) == 1
