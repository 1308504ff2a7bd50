"""What an encoder model is worth: thresholds from its validation part, figures on its test part, and the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from evaluation.metrics import Judged, f_score, precision_recall, stage_columns
from evaluation.summary import Cuts, summarise
from pipeline import __version__
from pipeline.cards import render_card
from pipeline.config import EncoderRecipe, Taxonomy
from pipeline.model.thresholds import Thresholds
from pipeline.model.training.dealt import Dealt

_GRID = np.unique(np.concatenate([np.linspace(0.02, 0.98, 49), np.asarray([0.005, 0.01, 0.99, 0.995])]))


@dataclass(frozen=True)
class Measured:
    """What goes into the model folder beside the weights."""

    metrics: dict[str, Any]
    card: str


def choose_thresholds(judged: Sequence[Judged], keys: Sequence[str], *, rate: float) -> Thresholds:
    """Choose the lowest risk that flags at most ``rate`` of the ordinary conversations, and for each stage the highest F1."""
    ordinary = sorted((one.peak for one in judged if one.grooming is False), reverse=True)
    allowed = int(np.floor(rate * len(ordinary)))
    risk = float(np.ceil(np.nextafter(ordinary[allowed], 1.0) * 1e4) / 1e4) if allowed < len(ordinary) else 0.5
    stages = {}
    for column, key in enumerate(keys):
        labels, scores = stage_columns(judged, column)
        f1 = [f_score(*precision_recall(labels, scores >= cut)) for cut in _GRID]
        stages[key] = round(float(_GRID[int(np.argmax(f1))]), 4)
    return Thresholds(
        risk=min(max(risk, 0.0001), 0.9999),
        stages=stages,
        chosen=(
            f"risk: the lowest value at which at most {rate:.1%} of the {len(ordinary)} ordinary conversations of the validation "
            "part are flagged; stages: the value with the highest F1 there"
        ),
    )


def measure(
    judged: Sequence[Judged],
    dealt: Dealt,
    recipe: EncoderRecipe,
    taxonomy: Taxonomy,
    thresholds: Thresholds,
    reasons: Mapping[str, Any],
    cascade: Mapping[str, Any],
) -> Measured:
    """Compute the figures of the test part, with bootstrapped intervals, and write the card."""
    metrics = {
        "safelight": __version__,
        "trained": datetime.now(UTC).date().isoformat(),
        "how": "on the test part, whose situations are not in the training part; intervals of 95 % by conversation",
        "corpus": _counts(dealt),
        **summarise(judged, Cuts(thresholds.risk, thresholds.stages)),
        "explanations": dict(reasons),
        "cascade": dict(cascade),
    }
    card = render_card(
        "pipeline.model", "encoder_card.md", metrics=metrics, recipe=recipe, taxonomy=taxonomy, thresholds=thresholds
    )
    return Measured(metrics, card)


def _counts(dealt: Dealt) -> dict[str, int]:
    ordinary = [one for one in dealt.train if one.attributes.get("situation") == "ordinary-chat"]
    labelled = [one for one in dealt.train if one.attributes.get("situation") != "ordinary-chat"]
    return {
        "labelled_conversations": len(labelled),
        "grooming_conversations": sum(bool(one.is_grooming) for one in labelled),
        "composed_conversations": len(dealt.composed),
        "ordinary_chat_conversations": len(ordinary),
        "messages": sum(len(one.messages) for one in (*dealt.train, *dealt.composed)),
        "validation_conversations": len(dealt.validation),
        "test_conversations": len(dealt.test),
    }
