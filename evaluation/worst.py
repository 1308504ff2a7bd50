"""The worst errors, by conversation id: what somebody should read to know where a model fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evaluation.metrics import Judged

LISTED = 15


def worst_errors(judged: Sequence[Judged], threshold: float, *, listed: int = LISTED) -> dict[str, Any]:
    """Return missed groomings, the quietest first, false alarms, the loudest first, and alerts on the wrong speaker."""
    missed = [one for one in judged if one.grooming and one.peak < threshold]
    alarms = [one for one in judged if one.grooming is False and one.peak >= threshold]
    wrong = [one for one in judged if one.groomers and one.peak >= threshold and one.peak_speaker not in one.groomers]

    def rows(found: Sequence[Judged], key: Callable[[Judged], float]) -> list[dict[str, Any]]:
        return [_row(one) for one in sorted(found, key=lambda one: (key(one), one.id))[:listed]]

    return {
        "missed": {"conversations": len(missed), "worst": rows(missed, lambda one: one.peak)},
        "false_alarms": {"conversations": len(alarms), "worst": rows(alarms, lambda one: -one.peak)},
        "wrong_speaker": {"conversations": len(wrong), "worst": rows(wrong, lambda one: -one.peak)},
    }


def _row(one: Judged) -> dict[str, Any]:
    peak = int(np.argmax(one.risk)) if len(one.risk) else None
    return {
        "id": one.id,
        "peak": round(one.peak, 6),
        "peak_message": None if peak is None else peak + 1,
        "messages": len(one.risk),
        "situation": one.attributes.get("situation"),
        "language": one.attributes.get("language"),
        "platform": one.attributes.get("platform"),
    }
