"""What an encoder model is worth: thresholds from its validation part, figures on its test part, and the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from evaluation.calibration import calibration_error
from evaluation.metrics import (
    Judged,
    attribution,
    bootstrap,
    conversation_labels,
    f_score,
    macro,
    messages_to_alert,
    precision_recall,
    recall_at,
    roc_auc,
    stage_columns,
    stage_figures,
)
from pipeline import __version__
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
) -> Measured:
    """Compute the figures of the test part, with bootstrapped intervals, and write the card."""
    metrics = {
        "safelight": __version__,
        "trained": datetime.now(UTC).date().isoformat(),
        "how": "on the test part, whose situations are not in the training part; intervals of 95 % by conversation",
        "corpus": _counts(dealt),
        **figures(judged, taxonomy.keys, thresholds),
        "explanations": dict(reasons),
    }
    template = Environment(
        loader=PackageLoader("pipeline.model"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures
    ).get_template("encoder_card.md")
    return Measured(metrics, template.render(metrics=metrics, recipe=recipe, taxonomy=taxonomy, thresholds=thresholds))


def figures(judged: Sequence[Judged], keys: Sequence[str], thresholds: Thresholds) -> dict[str, Any]:
    """Return the figures of judged conversations, by stage and by conversation."""
    written = [one for one in judged if one.attributes.get("situation") != "ordinary-chat"]
    cut = thresholds.risk
    stages = stage_figures(judged, keys, thresholds.stages)

    def stage_macro(name: str, chosen: Sequence[Judged]) -> float:
        return macro(stage_figures(chosen, keys, thresholds.stages), name)

    def known(value: float, chosen: Sequence[Judged], figure: Any, rounds: int = 200) -> dict[str, Any]:
        low, high = bootstrap(chosen, figure, rounds=rounds)
        return {"value": _plain(value), "interval": [_plain(low), _plain(high)]}

    def over(figure: Any) -> Any:
        return lambda chosen: figure(*conversation_labels(chosen))

    labels, peaks = conversation_labels(judged)
    groomings = [one for one in judged if one.grooming]
    found = [one for one in groomings if one.peak >= cut]

    def part(chosen: Sequence[Judged]) -> dict[str, int]:
        return {"conversations": len(chosen), "flagged": sum(one.peak >= cut for one in chosen)}

    ordinary = [one for one in judged if one.grooming is False]
    even = np.where(labels == 1, 0.5 / max(labels.sum(), 1), 0.5 / max((labels == 0).sum(), 1))
    return {
        "stages": stages,
        "macro_f1": stage_macro("f1", judged),
        "macro_average_precision": stage_macro("average_precision", judged),
        "table": {
            "stage macro-F1": known(stage_macro("f1", judged), judged, lambda c: stage_macro("f1", c), 50),
            "stage macro average precision": known(
                stage_macro("average_precision", judged), judged, lambda c: stage_macro("average_precision", c), 50
            ),
            "conversation AUC, all": known(roc_auc(labels, peaks), judged, over(roc_auc)),
            "conversation AUC, written only": known(roc_auc(*conversation_labels(written)), written, over(roc_auc)),
            "recall at 1 % false positives": known(
                recall_at(labels, peaks, false_positive_rate=0.01),
                judged,
                over(lambda a, b: recall_at(a, b, false_positive_rate=0.01)),
            ),
            "recall at 0.1 % false positives": known(
                recall_at(labels, peaks, false_positive_rate=0.001),
                judged,
                over(lambda a, b: recall_at(a, b, false_positive_rate=0.001)),
            ),
            "right speaker, of flagged groomings": known(attribution(judged, cut), judged, lambda c: attribution(c, cut)),
            "median messages to the alert": known(messages_to_alert(judged, cut), judged, lambda c: messages_to_alert(c, cut)),
            "calibration error of the risk, at even odds": {
                "value": _plain(calibration_error(labels, peaks, weights=even)),
                "interval": [None, None],
            },
        },
        "conversations": {
            "threshold": cut,
            "roc_auc": _plain(roc_auc(labels, peaks)),
            "roc_auc_written_only": _plain(roc_auc(*conversation_labels(written))),
            "grooming": part(groomings),
            "right_speaker": sum(one.peak_speaker in (one.groomers or ()) for one in found),
            "median_messages_to_alert": _plain(messages_to_alert(judged, cut)),
            "median_messages_of_those": float(np.median([len(one.risk) for one in found])) if found else None,
            "ordinary": {
                "written_hard": part([o for o in ordinary if o in written and o.attributes.get("hard") == "true"]),
                "written_plain": part([o for o in ordinary if o in written and o.attributes.get("hard") != "true"]),
                "ordinary_chat": part([o for o in ordinary if o not in written]),
            },
        },
        "stage_calibration_error": {
            key: _plain(calibration_error(*stage_columns(judged, column))) for column, key in enumerate(keys)
        },
    }


def _plain(value: float) -> float | None:
    """Return a figure as JSON can hold it: what is not known is null."""
    return None if np.isnan(value) else round(float(value), 6)


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
