"""The benchmark of transfer: what a model does on writing and on ordinary chat that it never learned from.

::

    safelight evaluate transfer --model models/default --written data/transfer --ordinary chats.jsonl.gz --out transfer
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.transfer import TransferScores, transfer_figures
from evaluation.transfer_table import transfer_table
from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.open import read_corpora
from pipeline.errors import ConfigError, SafelightError
from pipeline.evaluate.plain_models import LengthModel
from pipeline.evaluate.transfer_sets import TransferSets, make_transfer_sets
from pipeline.model.base import Predictor
from pipeline.model.card import TRANSFER, write_card
from pipeline.model.folder import ModelFolder, seal_model_folder
from pipeline.model.load import load_model
from pipeline.model.predict import predict_labelled
from pipeline.output import new_folder, write_json
from pipeline.results import THRESHOLDS
from pipeline.thresholds import read_thresholds

NEVER = 2.0
"""A threshold that no risk reaches, for readers that have none: their ranking alone is told."""


def score_transfer(sets: TransferSets, model: Predictor, *, say: Callable[[str], None]) -> TransferScores:
    """Return what a model says of the sets."""

    def scored(name: str, conversations: Sequence[LabelledConversation]) -> Any:
        say(f"{name}: {len(conversations):,} conversations")
        return predict_labelled(conversations, model)

    return TransferScores(
        written=scored("written", sets.written),
        sources={name: scored(name, members) for name, members in sets.sources.items()},
        joined={length: scored(f"joined to {length}", members) for length, members in sets.joined.items()},
        after={before: scored(f"after {before}", members) for before, members in sets.after.items()},
        segments=scored("segments", sets.segments),
        one_side=scored("one side", sets.one_side),
    )


def measure_transfer(sets: TransferSets, model: Predictor, threshold: float, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the figures of a model on the sets, as JSON can hold them."""
    return transfer_figures(score_transfer(sets, model, say=say), threshold, model.taxonomy.keys)


def evaluate_transfer(
    model: Path,
    written: Sequence[Path],
    ordinary: Sequence[Path],
    *,
    thresholds: Path | None = None,
    most: int = 2000,
    seed: int = 0,
    beside: Sequence[Path] = (),
    plain: Sequence[Path] = (),
    out: Path | None = None,
    overwrite: bool = False,
    keep: bool = False,
    say: Callable[[str], None],
) -> str:
    """Return the table of a model on the benchmark, beside what other runs of it saved; with ``out`` keep figures and table.

    With ``keep`` the model's card leads with the table. With ``plain``, corpora to learn from, readers that know no words stand
    beside it: what they reach tells nothing about meaning.

    Raises
    ------
    SafelightError
        When the model, a corpus or a saved figure cannot be read.
    """
    folder, loaded = load_model(model)
    limits = read_thresholds(thresholds or folder.path / THRESHOLDS)
    others = {name: figures for path in beside for name, figures in _saved(path).items()}
    sets = make_transfer_sets(written, ordinary, taxonomy=loaded.taxonomy, most=most, seed=seed, model=folder)
    readers = _plain_predictors(list(read_corpora(plain, loaded.taxonomy)), loaded.taxonomy) if plain else {}
    columns = {
        folder.path.name: measure_transfer(sets, loaded, limits.risk, say=say),
        **others,
        **{name: measure_transfer(sets, reader, NEVER, say=say) for name, reader in readers.items()},
    }
    table = transfer_table(columns)
    if keep:
        keep_transfer(folder, columns)
    if out is not None:
        with new_folder(out, overwrite=overwrite, marker=TRANSFER) as place:
            write_json(place / TRANSFER, columns)
            (place / "transfer.md").write_text(table, "utf-8")
    return table


def _plain_predictors(learned: Sequence[LabelledConversation], taxonomy: Taxonomy) -> dict[str, Predictor]:
    try:
        from pipeline.evaluate.fit_surface import fit_surface
    except ModuleNotFoundError as error:
        raise SafelightError(f"--plain needs {error.name}", do="Install it with: pip install 'safelight[train]'") from error
    return {"surface features": fit_surface(learned, taxonomy), "length alone": LengthModel(taxonomy)}


def keep_transfer(folder: ModelFolder, columns: Mapping[str, Any]) -> None:
    """Write the figures into a model folder, let its card lead with them, and seal it again."""
    write_json(folder.path / TRANSFER, columns)
    write_card(folder.path)
    seal_model_folder(folder.path, kind=folder.kind, name=folder.name)


def _saved(path: Path) -> dict[str, Any]:
    file = path / TRANSFER if path.is_dir() else path
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=str(file), do="Check the path") from error
    except ValueError as error:
        raise ConfigError("not a JSON file", where=str(file), do="Make it with `safelight evaluate transfer --out`") from error
