"""Knowledge distillation: larger networks learn first, and the network learns their probabilities beside the labels.

An ensemble of deeper networks generalises better than one small one, and a small one that is shown what they make of each message
learns most of it (Hinton, Vinyals and Dean 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from pipeline.recipes import EncoderRecipe, TeacherSettings
from pipeline.training.examples import Example
from pipeline.training.loss import TrainingModule
from pipeline.training.open_encoder import open_encoder
from pipeline.training.precision import in_bf16
from pipeline.training.trainer import fit_encoder

SAVED = "teacher.npy"
"""What the teachers say of every message of the training part, in the order of the examples: of shape (messages, stages + 1)."""

_AT_ONCE = 64


def with_teacher(
    examples: Sequence[Example],
    validation: Sequence[Example],
    recipe: EncoderRecipe,
    *,
    encoder: Path | None,
    checkpoints: Path,
    resume: bool = False,
    say: Callable[[str], None],
) -> list[Example]:
    """Return the examples with what the teachers of the recipe say of their messages: the mean of their log-odds.

    It is kept in ``checkpoints``, and with ``resume`` taken from there.

    Raises
    ------
    ConfigError
        When the encoder cannot be had, or what was kept is of other examples.
    """
    if not recipe.teacher.members:
        return list(examples)
    saved = checkpoints / SAVED
    if resume and saved.is_file():
        return _attach(examples, np.load(saved, allow_pickle=False), where=saved)
    logits = []
    for member in range(1, recipe.teacher.members + 1):
        say(f"training teacher {member} of {recipe.teacher.members}")
        member_recipe = _recipe_of(recipe, recipe.teacher, member)
        place = checkpoints / f"teacher-{member}"
        module = fit_encoder(
            open_encoder(member_recipe, path=encoder),
            member_recipe,
            examples,
            validation,
            checkpoints=place,
            resume=resume,
            say=say,
        )
        logits.append(_predict(module, examples))
    mean = np.mean(logits, axis=0).astype(np.float16)
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        np.save(saved, mean, allow_pickle=False)
    return _attach(examples, mean, where=saved)


def _recipe_of(recipe: EncoderRecipe, teacher: TeacherSettings, member: int) -> EncoderRecipe:
    """Return the recipe of a teacher: that of the network, but for what the settings name, and the seed."""
    training = recipe.training.model_copy(
        update={"epochs": teacher.epochs, "frozen_layers": teacher.frozen_layers, "learning_rate": teacher.learning_rate}
    )
    heads = recipe.heads.model_copy(update={"encoder_dropout": teacher.encoder_dropout})
    return recipe.model_copy(update={"seed": recipe.seed + member, "layers": teacher.layers, "training": training, "heads": heads})


@torch.no_grad()
def _predict(module: TrainingModule, examples: Sequence[Example]) -> NDArray[np.float32]:
    module.eval()
    parts = []
    for start in range(0, len(examples), _AT_ONCE):
        with in_bf16(module.positive.device):
            parts += [logits.float().cpu().numpy() for logits in module.predict_logits(examples[start : start + _AT_ONCE])]
    return np.concatenate(parts)


def _attach(examples: Sequence[Example], logits: NDArray[np.floating], *, where: Path) -> list[Example]:
    sizes = [len(example.speakers) for example in examples]
    if logits.shape != (sum(sizes), examples[0].stages.shape[1] + 1):
        raise ConfigError("what the teachers said is of another training part", where=str(where), do="Train without --resume")
    parts = np.split(logits.astype(np.float32), np.cumsum(sizes)[:-1])
    return [replace(example, teacher=part) for example, part in zip(examples, parts, strict=True)]
