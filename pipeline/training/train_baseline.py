"""Train the baseline into a model folder: fitted, calibrated on the validation part, measured on the test part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.recipes import BaselineRecipe
from pipeline.suite import Suite
from pipeline.training.dataset import DatasetSplits
from pipeline.training.fit_baseline import fit_baseline
from pipeline.training.measure import measure, predict_parts


def train_baseline(
    recipe: BaselineRecipe,
    taxonomy: Taxonomy,
    dataset: DatasetSplits,
    folder: Path,
    *,
    suite: Suite | None = None,
    say: Callable[[str], None],
) -> None:
    """Train, and fill the model folder ``folder``.

    Raises
    ------
    CorpusError
        When the training part lacks messages with or without a stage.
    """
    say("training the n-gram model")
    model = fit_baseline(dataset, recipe, taxonomy)
    model.save(folder)
    predicted = predict_parts(model, recipe, dataset, folder, say=say)
    measure(folder, model, predicted, dataset, seed=recipe.seed, suite=suite, more={})
