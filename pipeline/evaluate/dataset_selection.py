"""Select the conversations that a model is evaluated on, and check whether it was trained on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.config import Taxonomy, read_toml
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.split import Splits, load_splits, short_hash
from pipeline.corpora.training import read_training_corpus
from pipeline.errors import ConfigError, CorpusError
from pipeline.model.folder import ModelFolder
from pipeline.model.leakage import SPLITS, Leakage, find_leakage

ALL = "all"
"""The split that is every conversation of the corpora, for a corpus that the model has nothing of."""

_DEFAULT_ORDINARY = 2600


@dataclass(frozen=True)
class DatasetSelection:
    """Which conversations a model is evaluated on.

    ``max_ordinary`` and ``seed`` fix the sample of ordinary chat; ``None`` takes those of the model's own recipe, so that the
    sample is the same. ``leakage`` is ``refuse``, ``leave out`` or ``allow``: what to do with conversations that the model was
    trained on. ``columns`` maps our fields to the columns of the labelled tables.
    """

    corpus: Sequence[Path]
    ordinary: Sequence[Path] = ()
    splits: Path | None = None
    split: str = "test"
    max_ordinary: int | None = None
    seed: int | None = None
    leakage: str = "refuse"
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SelectedDataset:
    """The conversations of the split, those of them the model was trained on, and all that was read."""

    tested: tuple[LabelledConversation, ...]
    leakage: Leakage
    read: tuple[LabelledConversation, ...]
    splits: Splits | None

    def part(self, name: str) -> list[LabelledConversation]:
        """Return the conversations of another part of the splits."""
        return (
            []
            if self.splits is None
            else [conversation for conversation in self.read if self.splits.conversations.get(conversation.id) == name]
        )


def select_dataset(selection: DatasetSelection, folder: ModelFolder, taxonomy: Taxonomy) -> SelectedDataset:
    """Read the corpora and return the conversations of the split.

    Raises
    ------
    CorpusError
        When the split is empty, a conversation has changed since the split, or the model has met some of them in training and
        nothing else was said of that.
    ConfigError
        When there are no splits.
    """
    splits = None if selection.split == ALL else _splits(selection, folder)
    recipe = read_toml(folder.path / "config.toml")
    read = read_training_corpus(
        selection.corpus,
        selection.ordinary,
        taxonomy=taxonomy,
        seed=int(recipe.get("seed", 0)) if selection.seed is None else selection.seed,
        max_ordinary=int(recipe.get("max_ordinary", _DEFAULT_ORDINARY))
        if selection.max_ordinary is None
        else selection.max_ordinary,
        columns=selection.columns,
    ).all
    tested = _tested(read, splits, selection.split)
    leakage = find_leakage(folder, tested)
    if leakage.ids and selection.leakage == "refuse":
        raise CorpusError(
            f"the model has met {len(leakage.ids)} of these {len(tested)} conversations in training ({leakage}), "
            f"such as {leakage.ids[0]}",
            do="Give other ones, leave those out with --leave-out-leaked, or say --allow-leakage, and the report says so",
        )
    if selection.leakage == "leave out":
        tested = [conversation for conversation in tested if conversation.id not in set(leakage.ids)]
        if not tested:
            raise CorpusError("the model has met every one of these conversations in training", do="Give other ones")
    return SelectedDataset(tuple(tested), leakage, read, splits)


def with_splits_of(selection: DatasetSelection, model: Path) -> DatasetSelection:
    """Return the same choice with the splits and the sample of a model, where none are given."""
    if selection.splits is not None or selection.split == ALL:
        return selection
    recipe = read_toml(model / "config.toml") if (model / "config.toml").is_file() else {}
    return replace(
        selection,
        splits=model / SPLITS,
        max_ordinary=recipe.get("max_ordinary") if selection.max_ordinary is None else selection.max_ordinary,
        seed=recipe.get("seed") if selection.seed is None else selection.seed,
    )


def _tested(read: Sequence[LabelledConversation], splits: Splits | None, name: str) -> list[LabelledConversation]:
    tested = [conversation for conversation in read if splits is None or splits.conversations.get(conversation.id) == name]
    if not tested:
        raise CorpusError(f"no conversation of the corpora is in the split {name}", do="Check --split and --splits")
    changed = (
        []
        if splits is None
        else [conversation.id for conversation in tested if splits.hashes.get(conversation.id) != short_hash(conversation)]
    )
    if changed:
        raise CorpusError(
            f"{len(changed)} conversation(s) have changed since they were split, such as {changed[0]}", do="Split again"
        )
    return tested


def _splits(selection: DatasetSelection, folder: ModelFolder) -> Splits:
    path = selection.splits or folder.path / SPLITS
    if not path.is_file():
        raise ConfigError(
            "the model says nothing of splits",
            where=str(path),
            do="Give those that it was trained with (--splits), or --split all for a corpus that it has nothing of",
        )
    return load_splits(path)
