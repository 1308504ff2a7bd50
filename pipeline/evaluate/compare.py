"""Two models side by side on the same conversations."""

from __future__ import annotations

from pathlib import Path

from evaluation.metrics import Judged
from evaluation.saved import is_saved
from evaluation.summary import Difference, compare
from pipeline.errors import ConfigError
from pipeline.evaluate.dataset_selection import DatasetSelection, select_dataset, with_splits_of
from pipeline.evaluate.unchanged import read_unchanged
from pipeline.model.load import load_model
from pipeline.model.predict import predict_labelled
from pipeline.results import THRESHOLDS
from pipeline.thresholds import Thresholds, read_thresholds


def compare_models(first: Path, second: Path, selection: DatasetSelection) -> list[Difference]:
    """Evaluate two models on a split and return their figures side by side; the default splits are those of the second model.

    Raises
    ------
    SafelightError
        As `evaluate`.
    """
    selection = with_splits_of(selection, second)
    return _compare(*_judged(first, selection), *_judged(second, selection))


def compare_saved(first: Path, second: Path) -> list[Difference]:
    """Put two saved evaluations side by side, on the conversations that both hold.

    Raises
    ------
    SafelightError
        When one cannot be read, only one is an evaluation, or they have no conversation in common.
    """
    for path in (first, second):
        if not is_saved(path):
            raise ConfigError(
                "this is no saved evaluation", where=str(path), do="Give two of them, or two model folders with --corpus"
            )
    before, after = read_unchanged(first), read_unchanged(second)
    return _compare(list(before.judged), before.thresholds, list(after.judged), after.thresholds)


def _compare(
    first: list[Judged], first_thresholds: Thresholds, second: list[Judged], second_thresholds: Thresholds
) -> list[Difference]:
    if not {conversation.id for conversation in first} & {conversation.id for conversation in second}:
        raise ConfigError(
            "the two have no conversation in common", do="Give both one --splits FILE, such as splits.json of one of the models"
        )
    return compare(first, first_thresholds, second, second_thresholds)


def _judged(model: Path, selection: DatasetSelection) -> tuple[list[Judged], Thresholds]:
    folder, loaded = load_model(model)
    limits = read_thresholds(folder.path / THRESHOLDS)
    dataset = select_dataset(selection, folder, loaded.taxonomy)
    return predict_labelled(dataset.tested, loaded), limits.for_stages(loaded.taxonomy.keys)
