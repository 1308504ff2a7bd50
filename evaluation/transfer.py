"""Figures of transfer: what a model does on writing and on ordinary chat that it never learned from. Pure functions of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.calibration import calibration_error
from evaluation.early import erde, f_latency, threshold_at
from evaluation.intervals import wilson
from evaluation.metrics import Judged, attribution, average_precision, or_null, recall_at, roc_auc, stage_columns, with_interval

RATES = (0.01, 0.001)
HARD_RATE = 0.1
"""Share of the written ordinary conversations that may be flagged where recall is measured against them."""

SOURCE_RATE = 0.001
"""Share of the other sources' conversations that may be flagged where a threshold is chosen on them."""


@dataclass(frozen=True)
class TransferScores:
    """What a model said of each part of the benchmark.

    ``written`` is the written set, ``sources`` ordinary chat by source, ``joined`` the same chats joined to so many messages each,
    ``after`` the written grooming conversations after so many ordinary messages, ``segments`` windows cut anywhere with speakers
    unknown, ``one_side`` conversations of which one speaker's messages are left.
    """

    written: Sequence[Judged]
    sources: Mapping[str, Sequence[Judged]]
    joined: Mapping[int, Sequence[Judged]]
    after: Mapping[int, Sequence[Judged]]
    segments: Sequence[Judged]
    one_side: Sequence[Judged]


def transfer_figures(scores: TransferScores, threshold: float, keys: Sequence[str]) -> dict[str, Any]:
    """Return every figure as JSON can hold it; intervals are of 95 %, by conversation."""
    grooming = [conversation for conversation in scores.written if conversation.grooming]
    ordinary = [conversation for conversation in scores.written if conversation.grooming is False]
    every_source = [conversation for members in scores.sources.values() for conversation in members]
    return {
        "threshold": threshold,
        "written": {
            **_ranking(grooming, ordinary, rates=(HARD_RATE,)),
            "stage_average_precision": or_null(_macro_precision(scores.written, len(keys))),
            "found": _share(grooming, threshold),
            "ordinary_flagged": _share(ordinary, threshold),
            "right_speaker": or_null(attribution(grooming, 0.0)),
            "right_speaker_of_flagged": or_null(attribution(grooming, threshold)),
            "messages_after_first_sign": or_null(_after_first_sign(grooming, threshold)),
            "f_latency": or_null(f_latency(scores.written, threshold).f_latency),
            "erde_5": or_null(erde(scores.written, threshold, o=5)),
            "erde_50": or_null(erde(scores.written, threshold, o=50)),
            "calibration_error": or_null(_even_error(grooming, ordinary)),
            "languages": {
                language: {"grooming": _share(members, threshold), "ordinary": _share(others, threshold)}
                for language, members, others in _by_language(grooming, ordinary)
            },
        },
        "against_all_sources": _ranking(grooming, every_source, rates=RATES),
        "sources": {
            name: {
                **_ranking(grooming, members, rates=RATES),
                "flagged": _share(members, threshold),
                "per_10000_messages": _per_messages(members, threshold),
                "threshold_of_others": _left_out(grooming, scores.sources, name),
            }
            for name, members in scores.sources.items()
        },
        "long_ordinary": {
            str(length): {"flagged": _share(members, threshold), "per_10000_messages": _per_messages(members, threshold)}
            for length, members in scores.joined.items()
        },
        "after_ordinary": {str(before): _found_after(members, before, threshold) for before, members in scores.after.items()},
        "segments": _ranking(*_classes(scores.segments), rates=RATES),
        "one_side": _ranking(*_classes(scores.one_side), rates=RATES),
    }


def _classes(judged: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    return [conversation for conversation in judged if conversation.grooming], [
        conversation for conversation in judged if conversation.grooming is False
    ]


def _ranking(positive: Sequence[Judged], negative: Sequence[Judged], *, rates: Sequence[float]) -> dict[str, Any]:
    """Return AUC and recall at the rates, each with its interval."""
    joined = [*positive, *negative]

    def pair(chosen: Sequence[Judged]) -> tuple[Any, Any]:
        return np.asarray([float(bool(conversation.grooming)) for conversation in chosen]), np.asarray(
            [conversation.peak for conversation in chosen]
        )

    examples = min(len(positive), len(negative))
    figures: dict[str, Any] = {
        "positive": len(positive),
        "negative": len(negative),
        "auc": with_interval(joined, lambda chosen: roc_auc(*pair(chosen)), examples),
    }
    for rate in rates:
        figures[f"recall_at_{rate:g}"] = with_interval(
            joined, lambda chosen, rate=rate: recall_at(*pair(chosen), false_positive_rate=rate), examples
        )
    return figures


def _share(judged: Sequence[Judged], threshold: float) -> dict[str, Any]:
    flagged = sum(conversation.peak >= threshold for conversation in judged)
    return {
        "flagged": flagged,
        "of": len(judged),
        "interval": [round(end, 5) for end in wilson(flagged, len(judged))] if judged else None,
    }


def _per_messages(judged: Sequence[Judged], threshold: float) -> float | None:
    messages = sum(len(conversation.risk) for conversation in judged)
    return round(1e4 * sum(conversation.peak >= threshold for conversation in judged) / messages, 3) if messages else None


def _left_out(grooming: Sequence[Judged], sources: Mapping[str, Sequence[Judged]], name: str) -> dict[str, Any] | None:
    """Return what a threshold chosen on the other sources does on this one."""
    others = [conversation for other, members in sources.items() if other != name for conversation in members]
    if not others:
        return None
    threshold = threshold_at(others, false_positive_rate=SOURCE_RATE)
    return {"flagged": _share(sources[name], threshold), "found": _share(grooming, threshold)}


def _macro_precision(judged: Sequence[Judged], stages: int) -> float:
    areas = [average_precision(*stage_columns(judged, column)) for column in range(stages)]
    return float(np.nanmean(areas)) if not np.isnan(areas).all() else float("nan")


def first_sign(conversation: Judged) -> int | None:
    """Return the position from 0 of the first message that carries a stage; ``None`` where none does."""
    rows = np.flatnonzero(np.nan_to_num(conversation.labels).max(axis=1) > 0) if len(conversation.labels) else []
    return int(rows[0]) if len(rows) else None


def _after_first_sign(grooming: Sequence[Judged], threshold: float) -> float:
    """Return the median number of messages from the first labelled sign to the alert, over the conversations that are found."""
    delays = [
        alert - 1 - begin
        for conversation in grooming
        if (alert := conversation.alert(threshold)) is not None and (begin := first_sign(conversation)) is not None
    ]
    return float(np.median(delays)) if delays else float("nan")


def _found_after(judged: Sequence[Judged], before: int, threshold: float) -> dict[str, Any]:
    alerts = [conversation.alert(threshold) for conversation in judged]
    early = sum(alert is not None and alert <= before for alert in alerts)
    recalled = sum(alert is not None and alert > before for alert in alerts)
    return {"found": recalled, "flagged_before_it_began": early, "of": len(judged)}


def _even_error(grooming: Sequence[Judged], ordinary: Sequence[Judged]) -> float:
    if not grooming or not ordinary:
        return float("nan")
    labels = np.asarray([1.0] * len(grooming) + [0.0] * len(ordinary))
    peaks = np.asarray([conversation.peak for conversation in (*grooming, *ordinary)])
    weights = np.where(labels == 1, 0.5 / len(grooming), 0.5 / len(ordinary))
    return calibration_error(labels, peaks, weights=weights)


def _by_language(grooming: Sequence[Judged], ordinary: Sequence[Judged]) -> list[tuple[str, list[Judged], list[Judged]]]:
    names = sorted({conversation.attributes.get("language", "") for conversation in (*grooming, *ordinary)} - {""})

    def of(part: Sequence[Judged], name: str) -> list[Judged]:
        return [conversation for conversation in part if conversation.attributes.get("language") == name]

    return [(name, of(grooming, name), of(ordinary, name)) for name in names]
