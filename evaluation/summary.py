"""The figures of a model on labelled conversations, with intervals, and two models side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.calibration import Floats, calibration_error
from evaluation.early import early_warning, erde, f_latency
from evaluation.metrics import (
    Judged,
    attribution,
    conversation_labels,
    macro,
    messages_to_alert,
    or_null,
    recall_at,
    roc_auc,
    stage_columns,
    stage_figures,
    with_interval,
)
from pipeline.thresholds import Thresholds

ORDINARY_CHAT = "ordinary-chat"
"""The situation of chat that nobody labelled."""

RIGHT_SPEAKER = "right speaker, of flagged groomings"
"""The figure of attribution, as ``metrics.json`` names it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two models on the same conversations; ``interval`` is of the difference, by paired bootstrap."""

    name: str
    first: float
    second: float
    interval: tuple[float, float]


Figure = Callable[[Sequence[Judged], Thresholds], float]


def _recall(rate: float) -> Figure:
    return lambda judged, _: recall_at(*conversation_labels(judged), false_positive_rate=rate)


def _macro(name: str) -> Figure:
    return lambda judged, thresholds: macro(stage_figures(judged, thresholds.keys, thresholds.stages), name)


def labelled(judged: Sequence[Judged]) -> list[Judged]:
    """Return the conversations that are not taken from ordinary chat."""
    return [conversation for conversation in judged if conversation.attributes.get("situation") != ORDINARY_CHAT]


_MEDIAN = "median messages to the alert"

FIGURES: Mapping[str, Figure] = {
    "stage macro-F1": _macro("f1"),
    "stage macro average precision": _macro("average_precision"),
    "conversation AUC, all": lambda judged, _: roc_auc(*conversation_labels(judged)),
    "conversation AUC, labelled only": lambda judged, _: roc_auc(*conversation_labels(labelled(judged))),
    "recall at 1 % false positives": _recall(0.01),
    "recall at 0.1 % false positives": _recall(0.001),
    RIGHT_SPEAKER: lambda judged, thresholds: attribution(judged, thresholds.risk),
    _MEDIAN: lambda judged, thresholds: messages_to_alert(judged, thresholds.risk),
    "calibration error of the risk, at even odds": lambda judged, _: _even_error(judged),
}
"""What a table of figures holds, in its order."""

_OF_FLAGGED = frozenset({RIGHT_SPEAKER, _MEDIAN})
_OF_LABELLED = frozenset({"conversation AUC, labelled only", "calibration error of the risk, at even odds"})
_SLOW = frozenset({"stage macro-F1", "stage macro average precision"})


def at_even_odds(judged: Sequence[Judged]) -> tuple[Floats, Floats, Floats]:
    """Return labels, highest risks and weights, each of shape (conversations,).

    With the weights a risk of 0.5 means even odds against ordinary conversations that could be taken for grooming.
    """
    labels, peaks = conversation_labels(labelled(judged))
    return labels, peaks, np.where(labels == 1, 0.5 / max(labels.sum(), 1), 0.5 / max((labels == 0).sum(), 1))


def _even_error(judged: Sequence[Judged]) -> float:
    labels, peaks, weights = at_even_odds(judged)
    return calibration_error(labels, peaks, weights=weights)


def summarise(judged: Sequence[Judged], thresholds: Thresholds, *, rounds: int = 200) -> dict[str, Any]:
    """Return every figure as JSON can hold it: the table with 95 % intervals by conversation, stages, alerts, early warning."""
    grooming = [conversation for conversation in judged if conversation.grooming]
    ordinary = [conversation for conversation in judged if conversation.grooming is False]
    flagged = [conversation for conversation in grooming if conversation.peak >= thresholds.risk]
    stages = stage_figures(judged, thresholds.keys, thresholds.stages)
    chat = [conversation for conversation in ordinary if conversation.attributes.get("situation") == ORDINARY_CHAT]
    hard = [conversation for conversation in labelled(ordinary) if conversation.attributes.get("hard") == "true"]
    plain = [conversation for conversation in labelled(ordinary) if conversation.attributes.get("hard") != "true"]

    def part(chosen: Sequence[Judged]) -> dict[str, int]:
        return {"conversations": len(chosen), "flagged": sum(conversation.peak >= thresholds.risk for conversation in chosen)}

    return {
        "stages": {
            key: {name: value if isinstance(value, int) else or_null(value) for name, value in values.items()}
            for key, values in stages.items()
        },
        "macro_f1": or_null(macro(stages, "f1")),
        "macro_average_precision": or_null(macro(stages, "average_precision")),
        "stage_calibration_error": {
            key: or_null(calibration_error(*stage_columns(judged, column))) for column, key in enumerate(thresholds.keys)
        },
        "table": {
            name: with_interval(
                judged,
                lambda chosen, figure=figure: figure(chosen, thresholds),
                _examples(name, judged, thresholds),
                rounds=rounds // 4 if name in _SLOW else rounds,
                share=name != _MEDIAN,
            )
            for name, figure in FIGURES.items()
        },
        "early": _early(judged, thresholds) if grooming and ordinary and _long_enough(judged) else {},
        "conversations": {
            "threshold": thresholds.risk,
            "roc_auc": or_null(FIGURES["conversation AUC, all"](judged, thresholds)),
            "roc_auc_labelled_only": or_null(FIGURES["conversation AUC, labelled only"](judged, thresholds)),
            "grooming": part(grooming),
            "right_speaker": sum(conversation.peak_speaker in (conversation.groomers or ()) for conversation in flagged),
            "median_messages_to_alert": or_null(messages_to_alert(judged, thresholds.risk)),
            "median_messages_of_those": float(np.median([len(conversation.risk) for conversation in flagged])) if flagged else None,
            "ordinary": {"labelled_hard": part(hard), "labelled_plain": part(plain), "ordinary_chat": part(chat)},
        },
    }


def _examples(name: str, judged: Sequence[Judged], thresholds: Thresholds) -> int:
    """Return of how many conversations a figure is: of those with a stage, of those flagged, else of the smaller class."""
    if name in _SLOW:
        return sum(bool((conversation.labels == 1).any()) for conversation in judged)
    if name in _OF_FLAGGED:
        return sum(bool(conversation.grooming) and conversation.peak >= thresholds.risk for conversation in judged)
    labels, _ = conversation_labels(labelled(judged) if name in _OF_LABELLED else judged)
    return int(min((labels == 1).sum(), (labels == 0).sum()))


def _long_enough(judged: Sequence[Judged]) -> bool:
    """Tell whether there is anything to be early in: where conversations are one message, the penalty has no rate."""
    return float(np.median([len(conversation.risk) for conversation in judged if conversation.grooming is not None])) > 1


def _early(judged: Sequence[Judged], thresholds: Thresholds) -> dict[str, Any]:
    latency = f_latency(judged, thresholds.risk)
    return {
        "f_latency": or_null(latency.f_latency),
        "speed": or_null(latency.speed),
        "f1": or_null(latency.f1),
        "p": or_null(latency.p),
        "erde_5": or_null(erde(judged, thresholds.risk, o=5)),
        "erde_50": or_null(erde(judged, thresholds.risk, o=50)),
        "recall_after_messages_at_1_percent": {
            str(count): or_null(recall) for count, recall in early_warning(judged, false_positive_rate=0.01).items()
        },
    }


def compare(
    first: Sequence[Judged],
    first_thresholds: Thresholds,
    second: Sequence[Judged],
    second_thresholds: Thresholds,
    *,
    rounds: int = 200,
    seed: int = 0,
) -> list[Difference]:
    """Return each figure of two models on the conversations that both scored, with the interval of second minus first."""
    others = {conversation.id: conversation for conversation in second}
    pairs = [(conversation, others[conversation.id]) for conversation in first if conversation.id in others]
    chance = np.random.default_rng(seed)
    differences = []
    for name, figure in FIGURES.items():

        def both(chosen: Sequence[tuple[Judged, Judged]], figure: Figure = figure) -> tuple[float, float]:
            return figure([pair[0] for pair in chosen], first_thresholds), figure([pair[1] for pair in chosen], second_thresholds)

        gaps = []
        for _ in range(rounds // 4 if name in _SLOW else rounds):
            value, other = both([pairs[row] for row in chance.integers(0, len(pairs), len(pairs))])
            if not (np.isnan(value) or np.isnan(other)):
                gaps.append(other - value)
        interval = (float(np.percentile(gaps, 2.5)), float(np.percentile(gaps, 97.5))) if gaps else (float("nan"), float("nan"))
        differences.append(Difference(name, *both(pairs), interval))
    return differences
