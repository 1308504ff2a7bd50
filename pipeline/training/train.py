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

from pipeline.config import BaselineRecipe, EncoderRecipe, Taxonomy, load_settings, read_toml
from pipeline.corpora.augment.compose import Composition
from pipeline.corpora.split import Splits, load_splits
from pipeline.corpora.training import TrainingCorpus, read_training_corpus
from pipeline.errors import ConfigError, SafelightError
from pipeline.ingest.options import NO_COLUMNS
from pipeline.model.drift_profile import save_drift_profile
from pipeline.model.encoder import encoder
from pipeline.model.folder import MANIFEST, ModelFolder, open_model_folder, seal_model_folder
from pipeline.model.leakage import save_training_hashes
from pipeline.model.ngram import baseline
from pipeline.output import check_place, new_folder, write_json
from pipeline.suite import stages_unknown_to, suite_outcomes
from pipeline.training.dataset import assign_splits, make_splits

logger = logging.getLogger(__name__)


Recipe = BaselineRecipe | EncoderRecipe


def load_recipe(config: Path, *, overrides: Iterable[str] = ()) -> tuple[Recipe, Taxonomy]:
    """Read a recipe and the taxonomy that it names, relative to itself; ``kind`` says what sort it is, the baseline without one."""
    wanted = EncoderRecipe if read_toml(config).get("kind") == encoder.KIND else BaselineRecipe
    recipe = load_settings(config, wanted, overrides=overrides)
    return recipe, load_settings(config.parent / recipe.taxonomy, Taxonomy)


def train(
    config: Path,
    *,
    corpus: Sequence[Path],
    ordinary: Sequence[Path] = (),
    out: Path,
    splits: Path | None = None,
    encoder_path: Path | None = None,
    resume: bool = False,
    overrides: Iterable[str] = (),
    overwrite: bool = False,
    track: bool = True,
    tracking: str | None = None,
    columns: Mapping[str, str] = NO_COLUMNS,
    say: Callable[[str], None] = logger.info,
) -> ModelFolder:
    """Train the recipe in ``config`` on the corpora and write the model folder ``out`` in one rename.

    With ``splits`` only the training and validation parts are learned from. An encoder keeps its checkpoints beside the model
    folder, in ``<out>.training``, and with ``resume`` goes on from there. With ``track`` MLflow keeps the run, in the store at
    ``tracking`` or else in ``MLFLOW_TRACKING_URI`` or ``mlflow.db``. Under ``torchrun`` each process learns from its part of every
    batch; the first one writes, and the others wait for it. ``columns`` maps our fields to the columns of the labelled tables.

    Raises
    ------
    SafelightError
        When a file is not valid, the corpus is too small, or the training extra is not installed.
    """
    recipe, taxonomy = load_recipe(config, overrides=overrides)
    check_place(out, overwrite=overwrite, marker=MANIFEST)
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
    given = load_splits(splits) if splits is not None else None
    try:
        with _tracked(recipe, read, out, tracking) if track and _first_process() else nullcontext():
            if isinstance(recipe, BaselineRecipe):
                _train_baseline(recipe, taxonomy, read, given, out, overwrite)
            else:
                _train_encoder(config, recipe, taxonomy, read, given, out, overwrite, encoder_path, resume, say)
    except ModuleNotFoundError as error:
        raise SafelightError(f"training needs {error.name}", do="Install it with: pip install 'safelight[train]'") from error
    return open_model_folder(out)


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


def _train_baseline(
    recipe: BaselineRecipe, taxonomy: Taxonomy, read: TrainingCorpus, splits: Splits | None, out: Path, overwrite: bool
) -> None:
    from pipeline.training.fit_baseline import fit_baseline
    from pipeline.training.measure_baseline import measure

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("the baseline trains in one process", do="Start it without torchrun")
    if splits is not None:
        dataset = assign_splits(read, splits)
        learned = {conversation.id for conversation in (*dataset.train, *dataset.validation)}
        read = TrainingCorpus(
            tuple(one for one in read.labelled if one.id in learned),
            tuple(one for one in read.ordinary if one.id in learned),
            sources=read.sources,
        )
    fitted = fit_baseline(read.all, recipe, taxonomy)
    measured = measure(fitted, read, recipe, taxonomy)
    with new_folder(out, overwrite=overwrite, marker=MANIFEST, private=False) as folder:
        fitted.model.save(folder)
        (folder / "config.toml").write_text(tomli_w.dumps(recipe.model_dump(mode="json")), "utf-8")
        write_json(folder / "thresholds.json", measured.thresholds.model_dump(mode="json"))
        write_json(folder / "metrics.json", measured.metrics)
        (folder / "MODEL_CARD.md").write_text(measured.card, "utf-8")
        save_training_hashes(folder, read.all)
        save_drift_profile(folder, read.all, measured.peaks, threshold=measured.thresholds.risk)
        if splits is not None:
            write_json(folder / "splits.json", splits.model_dump(mode="json"))
        seal_model_folder(folder, kind=baseline.KIND, name=recipe.name)


def _train_encoder(
    config: Path,
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    read: TrainingCorpus,
    splits: Splits | None,
    out: Path,
    overwrite: bool,
    encoder_path: Path | None,
    resume: bool,
    say: Callable[[str], None],
) -> None:
    from pipeline.training.train_encoder import train_encoder, wait_for_the_others

    composition = load_settings(config.parent / recipe.composition, Composition) if recipe.composition else None
    rival = load_settings(config.parent / recipe.baseline, BaselineRecipe) if recipe.baseline else None
    splits = splits or make_splits(read, recipe.splits, seed=recipe.seed)
    dataset = assign_splits(read, splits, composition=composition)
    checkpoints = _checkpoints(out)
    checkpoints.mkdir(parents=True, exist_ok=True)
    if not resume and _first_process():
        for old in checkpoints.glob("checkpoint-*"):  # of another run: neither gone on from nor averaged with
            shutil.rmtree(old)
    with (
        new_folder(out, overwrite=overwrite, marker=MANIFEST, private=False) if _first_process() else TemporaryDirectory() as place
    ):
        folder = Path(place)
        train_encoder(
            recipe,
            taxonomy,
            dataset,
            splits,
            folder,
            checkpoints=checkpoints,
            encoder=encoder_path,
            resume=resume,
            rival=rival,
            suite=None if stages_unknown_to(taxonomy) else suite_outcomes,
            writes=_first_process(),
            say=say,
        )
        if _first_process():
            save_training_hashes(folder, (*dataset.train, *dataset.validation, *dataset.more))
            seal_model_folder(folder, kind=encoder.KIND, name=recipe.name)
    wait_for_the_others()
