"""What a model is worth: thresholds from its validation part, figures on its test part, and the card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaluation.metrics import Judged
from evaluation.slices import slices
from evaluation.summary import ORDINARY_CHAT, summarise
from pipeline import __version__
from pipeline.config import Taxonomy
from pipeline.corpora.augment.synthetic_chats import synthetic_chats
from pipeline.model.base import Model
from pipeline.model.card import write_card
from pipeline.model.drift_profile import save_drift_profile
from pipeline.model.predict import predict_labelled
from pipeline.output import write_json
from pipeline.recipes import Recipe
from pipeline.suite import Suite
from pipeline.thresholds import Thresholds
from pipeline.training.choose_thresholds import choose_thresholds
from pipeline.training.comparison import by_phrasing, suite_figures
from pipeline.training.context_dilution import measure_context_dilution
from pipeline.training.dataset import DatasetSplits
from pipeline.training.faithfulness import faithfulness

_SYNTHETIC_SIZES = (60, 300)
"""Messages of the synthetic ordinary chats on which the threshold must keep the false-positive rate too."""


@dataclass(frozen=True)
class Predicted:
    """What the model says of the validation and the test part, and the thresholds that the validation part gives."""

    thresholds: Thresholds
    validation: Sequence[Judged]
    test: Sequence[Judged]


def predict_parts(model: Model, recipe: Recipe, dataset: DatasetSplits, folder: Path, *, say: Callable[[str], None]) -> Predicted:
    """Choose thresholds on the validation part, and predict the test part; the folder gets the model's drift profile."""
    say("choosing thresholds on the validation part")
    validation = predict_labelled(dataset.validation, model)
    chats = [chat for chat in dataset.validation if chat.attributes.get("situation") == ORDINARY_CHAT]
    synthetic = [
        chat for size in _SYNTHETIC_SIZES for chat in synthetic_chats(chats, seed=recipe.seed, most=len(chats), messages=size)
    ]
    thresholds = choose_thresholds([*validation, *predict_labelled(synthetic, model)], model.taxonomy.keys, **recipe.rates)
    flagged = sum(conversation.peak >= thresholds.risk for conversation in validation)
    say(f"an alert begins at risk {thresholds.risk:.4g}: {flagged:,} of {len(validation):,} conversations of the validation part")
    save_drift_profile(folder, dataset.validation, [conversation.peak for conversation in validation], threshold=thresholds.risk)
    say("measuring on the test part")
    return Predicted(thresholds, validation, predict_labelled(dataset.test, model))


def measure(
    folder: Path,
    model: Model,
    predicted: Predicted,
    dataset: DatasetSplits,
    *,
    seed: int,
    suite: Suite | None,
    more: Mapping[str, Any],
) -> None:
    """Write the thresholds, the figures of the test part with bootstrapped intervals, and the card; ``more`` stands beside them."""
    thresholds = predicted.thresholds
    figures = {
        "explanations": faithfulness(dataset.test, model, thresholds, seed=seed),
        "after_chat": measure_context_dilution(dataset.test, model, thresholds.risk, seed=seed),
        "phrasing": by_phrasing(predicted.test, dataset.test, dataset.train, thresholds),
        "suite": suite_figures(suite(model, thresholds)) if suite is not None else None,
        **more,
    }
    write_json(folder / "thresholds.json", thresholds.model_dump(mode="json"))
    write_json(folder / "metrics.json", _metrics(predicted.test, dataset, model.taxonomy, thresholds, more=figures))
    write_card(folder)


def _metrics(
    judged: Sequence[Judged],
    dataset: DatasetSplits,
    taxonomy: Taxonomy,
    thresholds: Thresholds,
    *,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "safelight": __version__,
        "trained": datetime.now(UTC).date().isoformat(),
        "how": "on the test part, no conversation of which has a relative in the training part; intervals of 95 % by conversation",
        "corpus": _counts(dataset),
        **summarise(judged, thresholds),
        "slices": slices(judged, thresholds.risk, taxonomy.keys),
        **more,
    }


def _counts(dataset: DatasetSplits) -> dict[str, Any]:
    ordinary = [conversation for conversation in dataset.train if conversation.attributes.get("situation") == ORDINARY_CHAT]
    labelled = [conversation for conversation in dataset.train if conversation.attributes.get("situation") != ORDINARY_CHAT]
    return {
        "sources": [asdict(source) for source in dataset.sources],
        "labelled_conversations": len(labelled),
        "grooming_conversations": sum(bool(conversation.is_grooming) for conversation in labelled),
        "hard_conversations": sum(conversation.attributes.get("hard") == "true" for conversation in labelled),
        "composed_conversations": len(dataset.composed),
        "ordinary_chat_conversations": len(ordinary),
        "messages": sum(len(conversation.messages) for conversation in (*dataset.train, *dataset.composed)),
        "validation_conversations": len(dataset.validation),
        "test_conversations": len(dataset.test),
    }
