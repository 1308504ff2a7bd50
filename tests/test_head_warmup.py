"""The context head learns alone and anew, and what a network learns from its teachers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.labelled import grooming

pytest.importorskip("torch", reason="training needs the train extra")
import torch
from helpers.stretches import NAN, example
from safetensors.torch import save_file

from pipeline.config import load_settings
from pipeline.errors import ConfigError
from pipeline.recipes import EncoderRecipe, TeacherSettings
from pipeline.training.examples import make_examples
from pipeline.training.head_warmup import embed, fit_head, refit_head
from pipeline.training.loss import TrainingModule
from pipeline.training.open_encoder import open_encoder
from pipeline.training.teacher import with_teacher
from pipeline.training.trainer import _average, macro_average_precision, new_training_module


def heads_only(module: TrainingModule, before: dict[str, torch.Tensor]) -> None:
    moved = {name for name, weight in module.state_dict().items() if not torch.equal(weight, before[name])}
    assert moved
    assert all(name.startswith("head.") for name in moved)


def test_the_context_head_learns_alone_first(tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    opened = open_encoder(recipe, path=tiny_encoder)
    module = new_training_module(opened, recipe, positive=[1.0, 1.0])
    batch = [example(opened, [[1.0, 0.0], [0.0, 0.0]], groomers=frozenset({"A"})) for _ in range(4)]
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    loss = float(module.eval()(batch)["loss"].detach())
    fit_head(module, batch, embed(module, batch), epochs=10, batch=2, seed=1)
    assert float(module.eval()(batch)["loss"].detach()) < loss
    heads_only(module, before)


def test_the_context_head_learns_anew_and_the_same_whatever_it_was(tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    opened = open_encoder(recipe, path=tiny_encoder)
    batch = [example(opened, [[1.0, 0.0], [0.0, 0.0]], groomers=frozenset({"A"})) for _ in range(4)]
    heads = []
    for spoiled in (0.0, 3.0):
        module = new_training_module(opened, recipe, positive=[1.0, 1.0])
        before = {name: weight.clone() for name, weight in module.state_dict().items()}
        module.head.outer.weight.data += spoiled
        refit_head(module, batch, epochs=2, batch=2, seed=1)
        heads_only(module, before)
        assert not module.training
        heads.append(module.head.as_numpy())
    for name, values in vars(heads[0]).items():
        assert np.array_equal(values, getattr(heads[1], name))


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
    module: Any = torch.nn.Linear(1, 1, bias=False)
    told = iter([{"eval_loss": 1.0, "eval_average_precision": 0.4}, {"eval_loss": loss, "eval_average_precision": precision}])
    trainer: Any = SimpleNamespace(
        state=SimpleNamespace(best_model_checkpoint=str(tmp_path / "checkpoint-1")), evaluate=lambda: next(told)
    )
    module.weight.data.fill_(1.0)
    said: list[str] = []
    _average(trainer, module, tmp_path, said.append)
    assert module.weight.item() == taken
    assert len(said) == 1


def test_the_network_learns_what_its_teachers_say(tmp_path: Path, tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    teacher = TeacherSettings(members=2, layers=2, epochs=1, weight=1.0)
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe).model_copy(update={"teacher": teacher, "layers": 1})
    opened = open_encoder(recipe, path=tiny_encoder)
    examples = list(make_examples([grooming(number) for number in range(4)], opened.tokenizer, stages=("trust", "secrecy")))
    said: list[str] = []
    settings = {"encoder": tiny_encoder, "checkpoints": tmp_path, "say": said.append}
    taught = with_teacher(examples, examples, recipe, **settings)  # type: ignore[arg-type]
    assert [one.teacher.shape for one in taught if one.teacher is not None] == [(len(one.speakers), 3) for one in examples]
    assert [line for line in said if line.startswith("training teacher")] == ["training teacher 1 of 2", "training teacher 2 of 2"]

    module = new_training_module(opened, recipe, positive=[1.0, 1.0]).train()
    far = [replace(one, teacher=np.full((len(one.speakers), 3), 4.0, np.float32)) for one in examples]
    module(far)["loss"].backward()
    assert module.head.linear.bias.grad is not None
    assert (module.head.linear.bias.grad < 0).all(), "pulled up, whatever the labels say"

    again = with_teacher(examples, examples, recipe, resume=True, **settings)  # type: ignore[arg-type]
    assert len([line for line in said if line.startswith("training teacher")]) == 2, "kept, not trained again"
    for first, second in zip(taught, again, strict=True):
        assert first.teacher is not None
        assert second.teacher is not None
        assert np.array_equal(first.teacher, second.teacher)
    with pytest.raises(ConfigError, match="another training part"):
        with_teacher(examples[:2], examples, recipe, resume=True, **settings)  # type: ignore[arg-type]
