"""Train a model: corpus and recipe in, model folder out.

::

    safelight train --config configs/baseline.toml --corpus data/synthetic --ordinary chats.jsonl.gz --out models/baseline
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import tomli_w

from pipeline.config import BaselineRecipe, Taxonomy, load_settings
from pipeline.corpora.training import read_training_corpus
from pipeline.errors import ConfigError, SafelightError
from pipeline.model.baseline import KIND
from pipeline.model.folder import ModelFolder, open_model_folder, seal_model_folder
from pipeline.output import new_folder, write_json

logger = logging.getLogger(__name__)


def load_recipe(config: Path, *, overrides: Iterable[str] = ()) -> tuple[BaselineRecipe, Taxonomy]:
    """Read a recipe and the taxonomy that it names, relative to itself."""
    recipe = load_settings(config, BaselineRecipe, overrides=overrides)
    return recipe, load_settings(config.parent / recipe.taxonomy, Taxonomy)


def train(
    config: Path,
    *,
    corpus: Sequence[Path],
    ordinary: Sequence[Path] = (),
    out: Path,
    overrides: Iterable[str] = (),
    overwrite: bool = False,
    say: Callable[[str], None] = logger.info,
) -> ModelFolder:
    """Train the recipe in ``config`` on the corpora and write the model folder ``out`` in one rename.

    Raises
    ------
    SafelightError
        When a file is not valid, the corpus is too small, or the training extra is not installed.
    """
    try:
        from pipeline.model.fit_baseline import fit_baseline
        from pipeline.model.measure_baseline import measure
    except ModuleNotFoundError as error:
        raise SafelightError(f"training needs {error.name}", do="Install it with: pip install 'safelight[train]'") from error
    recipe, taxonomy = load_recipe(config, overrides=overrides)
    read = read_training_corpus(corpus, ordinary, taxonomy=taxonomy, seed=recipe.seed, max_ordinary=recipe.max_ordinary)
    if not read.labelled:
        raise ConfigError("no labelled conversation was given", do="Give at least one --corpus")
    say(f"{len(read.labelled)} labelled conversations, {len(read.ordinary)} of ordinary chat")
    fitted = fit_baseline(read.all, recipe, taxonomy)
    measured = measure(fitted, read, recipe, taxonomy)
    with new_folder(out, overwrite=overwrite, marker="manifest.json") as folder:
        fitted.model.save(folder)
        (folder / "config.toml").write_text(tomli_w.dumps(recipe.model_dump(mode="json")), "utf-8")
        write_json(folder / "thresholds.json", measured.thresholds.model_dump(mode="json"))
        write_json(folder / "metrics.json", measured.metrics)
        (folder / "MODEL_CARD.md").write_text(measured.card, "utf-8")
        seal_model_folder(folder, kind=KIND, name=recipe.name)
    return open_model_folder(out)
