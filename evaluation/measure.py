"""Every figure of an evaluation, as JSON can hold it: a pure function of saved scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.calibration import brier, calibration_error, diagram
from evaluation.confusion import stage_confusion
from evaluation.curves import precision_recall_curve, roc, thinned
from evaluation.early import early_warning
from evaluation.metrics import (
    Floats,
    Judged,
    average_precision,
    conversation_labels,
    micro,
    or_null,
    precision_at,
    recall_at,
    stage_columns,
    with_interval,
)
from evaluation.pan12 import Official, official
from evaluation.saved import Saved
from evaluation.slices import slices
from evaluation.speakers import speaker_figures
from evaluation.summary import at_even_odds, summarise
from evaluation.threshold_search import alerts_in_words, choice_of
from evaluation.worst import worst_errors
from pipeline.thresholds import Thresholds

PREVALENCES = (0.01, 0.001, 0.0001)
"""Shares of grooming among real conversations for which alerts are told, beside the user's own."""

RATES = (0.01, 0.001, 0.0001)
AFTER = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)


def measure(saved: Saved, *, prevalence: float = 0.001, rounds: int = 200) -> dict[str, Any]:
    """Return all figures, with 95 % intervals resampled by conversation or speaker."""
    judged, thresholds = saved.judged, saved.thresholds
    figures = {
        "counts": _counts(judged, thresholds),
        **summarise(judged, thresholds, rounds=rounds),
        "micro": micro(judged, thresholds.keys, thresholds.stages),
        "confusion": stage_confusion(judged, thresholds.keys, thresholds.stages),
        "speakers": speaker_figures(judged, thresholds.risk, rounds=rounds),
        "calibration": _calibration(judged, thresholds),
        "slices": slices(judged, thresholds.risk, thresholds.keys),
        "worst": worst_errors(judged, thresholds.risk),
    }
    labels, peaks = conversation_labels(judged)
    if len(np.unique(labels)) == 2:
        figures["ranking"] = _ranking(judged, labels, peaks, rounds)
        figures["curves"] = _curves(judged, labels, peaks)
        shares = sorted({prevalence, *PREVALENCES}, reverse=True)
        figures["alerts"] = [_alerts(labels, peaks, thresholds.risk, share, chosen=share == prevalence) for share in shares]
    if pan12 := _pan12(judged, thresholds):
        figures["pan12"] = pan12
    return figures


def _counts(judged: Sequence[Judged], thresholds: Thresholds) -> dict[str, Any]:
    return {
        "conversations": len(judged),
        "messages": sum(len(conversation.risk) for conversation in judged),
        "grooming": sum(bool(conversation.grooming) for conversation in judged),
        "ordinary": sum(conversation.grooming is False for conversation in judged),
        "unlabelled": sum(conversation.grooming is None for conversation in judged),
        "stages": {key: int((stage_columns(judged, column)[0] == 1).sum()) for column, key in enumerate(thresholds.keys)},
        "messages_labelled": {key: len(stage_columns(judged, column)[0]) for column, key in enumerate(thresholds.keys)},
    }


def _ranking(judged: Sequence[Judged], labels: Floats, peaks: Floats, rounds: int) -> dict[str, Any]:
    examples = int(min((labels == 1).sum(), (labels == 0).sum()))

    def at(rate: float) -> dict[str, Any]:
        return with_interval(
            judged, lambda chosen: recall_at(*conversation_labels(chosen), false_positive_rate=rate), examples, rounds=rounds
        )

    return {
        "average_precision": with_interval(
            judged, lambda chosen: average_precision(*conversation_labels(chosen)), examples, rounds=rounds
        ),
        "recall_at": {f"{rate:g}": at(rate) for rate in RATES},
        "precision_at": {str(k): or_null(precision_at(labels, peaks, k=k)) for k in (10, 50, 100)},
    }


def _curves(judged: Sequence[Judged], labels: Floats, peaks: Floats) -> dict[str, Any]:
    warned = {rate: early_warning(judged, false_positive_rate=rate, after=AFTER) for rate in (0.01, 0.001)}
    enough = {rate: points for rate, points in warned.items() if (labels == 0).sum() * rate >= 1}
    return {
        "roc": thinned(roc(labels, peaks)).points(),
        "precision_recall": thinned(precision_recall_curve(labels, peaks)).points(),
        "early_warning": {
            f"{rate:g}": [[count, or_null(value)] for count, value in points.items()] for rate, points in enough.items()
        },
    }


def _alerts(labels: Floats, peaks: Floats, threshold: float, prevalence: float, *, chosen: bool) -> dict[str, Any]:
    choice = choice_of(labels, peaks >= threshold, threshold=threshold, prevalence=prevalence)
    alerts = choice.alerts_per_thousand
    return {
        "prevalence": prevalence,
        "chosen": chosen,
        "alerts_per_thousand": or_null(alerts),
        "alerts_interval": [*map(or_null, choice.alerts_interval)],
        "of_them_true": or_null(1000 * prevalence * choice.recall),
        "precision": or_null(choice.precision) if alerts else None,
        "precision_interval": [*map(or_null, choice.precision_interval)],
        "in_words": alerts_in_words(choice),
    }


def _calibration(judged: Sequence[Judged], thresholds: Thresholds) -> dict[str, Any]:
    stages = {key: _diagram(*stage_columns(judged, column)) for column, key in enumerate(thresholds.keys)}
    labels, peaks, weights = at_even_odds(judged)
    return {"stages": stages, "risk_at_even_odds": _diagram(labels, peaks, weights=weights)}


def _diagram(labels: Floats, scores: Floats, *, weights: Floats | None = None) -> dict[str, Any]:
    if not len(labels):
        return {}
    parts = brier(labels, scores)
    return {
        "error": or_null(calibration_error(labels, scores, weights=weights)),
        "examples": len(labels),
        "positives": int((labels == 1).sum()),
        "brier": {name: or_null(getattr(parts, name)) for name in ("score", "reliability", "resolution", "uncertainty")},
        "bins": [
            [round(point.probability, 6), round(point.share, 6), round(point.mass, 6), point.examples]
            for point in diagram(labels, scores, weights=weights)
        ],
    }


def _pan12(judged: Sequence[Judged], thresholds: Thresholds) -> dict[str, Any]:
    """Return the official figures where conversations are of PAN 2012.

    Problem 1 retrieves the speakers whose own risk reached the threshold. Problem 2 retrieves, of those speakers, the messages on
    which a stage is found, and where none is in a conversation, those after which the speaker's risk stands at the threshold.
    """
    conversations = [conversation for conversation in judged if conversation.attributes.get("corpus") == "pan12"]
    if not conversations:
        return {}
    relevant = {name for conversation in conversations for name in conversation.groomers or ()}
    retrieved = {
        name
        for conversation in conversations
        for name, risk in zip(conversation.speakers, conversation.speaker_risk.tolist(), strict=True)
        if risk >= thresholds.risk
    }
    who = official(retrieved, relevant)
    figures: dict[str, Any] = {"who": _official(who, 0.5)}
    flagged = {(conversation.id, message) for conversation in conversations for message in conversation.flagged or ()}
    if flagged and all(conversation.messages for conversation in conversations if len(conversation.risk)):
        limits = np.asarray([thresholds.stages[key] for key in thresholds.keys])
        lines = set()
        for conversation in conversations:
            signs = np.any(conversation.stages >= limits, axis=1)
            for row, (name, message) in enumerate(zip(conversation.speakers, conversation.messages, strict=True)):
                if name in retrieved and (signs[row] or (not signs.any() and conversation.speaker_risk[row] >= thresholds.risk)):
                    lines.add((conversation.id, message))
        figures["which_lines"] = _official(official(lines, flagged), 3)
    return figures


def _official(run: Official, beta: float) -> dict[str, Any]:
    return {
        "retrieved": run.retrieved,
        "relevant_retrieved": run.relevant_retrieved,
        "relevant": run.relevant,
        "precision": or_null(run.precision),
        "recall": or_null(run.recall),
        "f1": or_null(run.f(1)),
        f"f{beta:g}": or_null(run.f(beta)),
    }
