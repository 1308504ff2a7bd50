"""Train a model: corpus and recipe in, model folder out.

::

    safelight train --config configs/baseline.toml --corpus data/synthetic --ordinary chats.jsonl.gz --out models/baseline
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import tomli_w

from pipeline.config import Taxonomy, load_settings
from pipeline.corpora.augment.compose import Composition
from pipeline.corpora.split import Splits, load_splits
from pipeline.corpora.training import TrainingCorpus, read_training_corpus
from pipeline.errors import ConfigError, SafelightError
from pipeline.ingest.options import NO_COLUMNS
from pipeline.model.card import CARD, CONFIG
from pipeline.model.folder import MANIFEST, ModelFolder, open_model_folder, seal_model_folder
from pipeline.model.leakage import SPLITS, save_training_hashes
from pipeline.output import check_place, new_folder, write_json
from pipeline.recipes import BaselineRecipe, EncoderRecipe, Recipe, read_recipe
from pipeline.suite import Suite, stages_unknown_to, suite_outcomes
from pipeline.training.dataset import DatasetSplits, assign_splits, make_splits
from pipeline.training.encoder_source import require_encoder

logger = logging.getLogger(__name__)


def load_recipe(config: Path, *, overrides: Iterable[str] = ()) -> tuple[BaselineRecipe | EncoderRecipe, Taxonomy]:
    """Read a recipe and the taxonomy that it names, relative to itself; ``kind`` says what sort it is, the baseline without one."""
    recipe = read_recipe(config, overrides=overrides)
    return recipe, load_settings(config.parent / recipe.taxonomy, Taxonomy)


def train(
    config: Path,
    *,
    corpus: Sequence[Path],
    ordinary: Sequence[Path] = (),
    out: Path,
    splits: Path | None = None,
    encoder_path: Path | None = None,
    start: Path | None = None,
    resume: bool = False,
    overrides: Iterable[str] = (),
    overwrite: bool = False,
    track: bool = True,
    tracking: str | None = None,
    columns: Mapping[str, str] = NO_COLUMNS,
    say: Callable[[str], None] = logger.info,
) -> ModelFolder:
    """Train the recipe in ``config`` on the corpora and write the model folder ``out`` in one rename.

    The training part is learned from, the validation part calibrates, the test part measures; ``splits`` says which is which, or
    else the recipe. With ``start``, a model folder, its network stays as it is and only what reads its vectors is trained
    (`pipeline.training.train_heads`); what that model learned from is never measured on.

    An encoder keeps its checkpoints beside the model folder, in ``<out>.training``, and with ``resume`` goes on from there. With
    ``track`` MLflow keeps the run, in the store at ``tracking`` or else in ``MLFLOW_TRACKING_URI`` or ``mlflow.db``. Under
    ``torchrun`` each process learns from its part of every batch; the first one writes, and the others wait for it. ``columns``
    maps our fields to the columns of the labelled tables.

    Raises
    ------
    SafelightError
        When a file is not valid, the corpus is too small, or the training extra is not installed.
    """
    recipe, taxonomy = load_recipe(config, overrides=overrides)
    if start is not None and (encoder_path is not None or not isinstance(recipe, EncoderRecipe)):
        raise ConfigError("--from keeps the network of a model", do="Give the recipe of an encoder, and no --encoder")
    check_place(out, overwrite=overwrite, marker=MANIFEST)
    if isinstance(recipe, EncoderRecipe) and start is None:
        with _extra():
            require_encoder(recipe.encoder, path=encoder_path)
    more = recipe.cascade.ordinary if isinstance(recipe, EncoderRecipe) else 0
    read = read_training_corpus(
        corpus,
        ordinary,
        taxonomy=taxonomy,
        seed=recipe.seed,
        max_ordinary=recipe.max_ordinary,
        more=more,
        columns=columns,
    )
    if not read.labelled:
        raise ConfigError("no labelled conversation was given", do="Give at least one --corpus")
    say(f"{len(read.labelled)} labelled conversations, {len(read.ordinary)} of ordinary chat")
    with _extra():
        import sklearn  # noqa: F401 - before anything else takes time

        given = _splits(splits, start, read, recipe)
        composed = recipe.composition if isinstance(recipe, EncoderRecipe) else None
        composition = load_settings(config.parent / composed, Composition) if composed else None
        dataset = assign_splits(read, given, composition=composition)
        suite = None if stages_unknown_to(taxonomy) else suite_outcomes
        with (
            _tracked(recipe, read, out, tracking) if track and _first_process() else nullcontext(),
            _new_folder(out, overwrite=overwrite) as folder,
        ):
            (folder / CONFIG).write_text(tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True)), "utf-8")
            write_json(folder / SPLITS, given.model_dump(mode="json"), compact=True)
            for name, content in (("thresholds.json", "{}\n"), ("metrics.json", "{}\n"), (CARD, "")):
                (folder / name).write_text(content, "utf-8")
            if isinstance(recipe, BaselineRecipe):
                _train_baseline(recipe, taxonomy, dataset, folder, suite, say)
            elif start is not None:
                _train_heads(start, recipe, taxonomy, dataset, folder, out, suite, say)
            else:
                rival = load_settings(config.parent / recipe.baseline, BaselineRecipe) if recipe.baseline else None
                _train_encoder(recipe, taxonomy, dataset, folder, out, encoder_path, resume, rival, suite, say)
            if _first_process():
                save_training_hashes(folder, (*dataset.train, *dataset.validation, *dataset.more))
                seal_model_folder(folder, kind=recipe.kind, name=recipe.name)
        _wait_for_the_others()
    return open_model_folder(out)


@contextmanager
def _extra() -> Iterator[None]:
    """Name the extra where a library of training is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SafelightError(f"training needs {error.name}", do="Install it with: pip install 'safelight[train]'") from error


def _splits(splits: Path | None, start: Path | None, corpus: TrainingCorpus, recipe: Recipe) -> Splits:
    """Return the splits that are given, or those of the model that is begun from, or new ones."""
    if splits is not None:
        return load_splits(splits)
    if start is not None and (start / SPLITS).is_file():
        from pipeline.training.extend_splits import extend_splits

        return extend_splits(load_splits(start / SPLITS), corpus, recipe.splits, seed=recipe.seed)
    return make_splits(corpus, recipe.splits, seed=recipe.seed)


def _first_process() -> bool:
    """Tell the process that writes, of the many that ``torchrun`` starts."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def _tracked(recipe: Recipe, corpus: TrainingCorpus, out: Path, uri: str | None) -> Iterator[None]:
    """Keep the run in MLflow: settings at its start, curves, figures and the model when it has ended well."""
    from pipeline.tracking.runs import log_history, log_model, tracked

    with tracked(recipe, name=recipe.name, corpus=corpus, uri=uri):
        yield
        history = _checkpoints(out) / "history.json"
        if history.is_file():
            log_history(history)
        log_model(open_model_folder(out))


def _checkpoints(out: Path) -> Path:
    return out.with_name(f"{out.name}.training")


@contextmanager
def _new_folder(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield the model folder to fill; at the end it is put in its place, or thrown away by all processes but the first."""
    if _first_process():
        with new_folder(out, overwrite=overwrite, marker=MANIFEST, private=False) as folder:
            yield folder
    else:
        with TemporaryDirectory() as folder:
            yield Path(folder)


def _train_baseline(
    recipe: BaselineRecipe,
    taxonomy: Taxonomy,
    dataset: DatasetSplits,
    folder: Path,
    suite: Suite | None,
    say: Callable[[str], None],
) -> None:
    from pipeline.training.train_baseline import train_baseline

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("the baseline trains in one process", do="Start it without torchrun")
    train_baseline(recipe, taxonomy, dataset, folder, suite=suite, say=say)


def _train_heads(
    start: Path,
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    dataset: DatasetSplits,
    folder: Path,
    out: Path,
    suite: Suite | None,
    say: Callable[[str], None],
) -> None:
    from pipeline.training.train_heads import open_start, train_heads

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("heads train in one process", do="Start it without torchrun")
    train_heads(open_start(start, recipe), recipe, taxonomy, dataset, folder, kept=_checkpoints(out), suite=suite, say=say)


def _train_encoder(
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    dataset: DatasetSplits,
    folder: Path,
    out: Path,
    encoder_path: Path | None,
    resume: bool,
    rival: BaselineRecipe | None,
    suite: Suite | None,
    say: Callable[[str], None],
) -> None:
    from pipeline.training.train_encoder import train_encoder

    checkpoints = _checkpoints(out)
    checkpoints.mkdir(parents=True, exist_ok=True)
    if not resume and _first_process():
        for old in checkpoints.glob("checkpoint-*"):  # of another run: neither gone on from nor averaged with
            shutil.rmtree(old)
    train_encoder(
        recipe,
        taxonomy,
        dataset,
        folder,
        checkpoints=checkpoints,
        encoder=encoder_path,
        resume=resume,
        rival=rival,
        suite=suite,
        writes=_first_process(),
        say=say,
    )


def _wait_for_the_others() -> None:
    """Wait until every process of a training is here, so that none leaves before the model is written."""
    if "RANK" in os.environ:
        from pipeline.training.train_encoder import wait_for_the_others

        wait_for_the_others()
