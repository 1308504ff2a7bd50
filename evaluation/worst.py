"""The worst errors, by conversation id: what somebody should read to know where a model fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evaluation.metrics import Judged

LISTED = 15


def worst_errors(judged: Sequence[Judged], threshold: float, *, listed: int = LISTED) -> dict[str, Any]:
    """Return missed grooming conversations (lowest risk first), false alarms (highest first), and alerts on the wrong speaker."""
    missed = [conversation for conversation in judged if conversation.grooming and conversation.peak < threshold]
    alarms = [conversation for conversation in judged if conversation.grooming is False and conversation.peak >= threshold]
    wrong = [
        conversation
        for conversation in judged
        if conversation.groomers and conversation.peak >= threshold and conversation.peak_speaker not in conversation.groomers
    ]

    def rows(errors: Sequence[Judged], key: Callable[[Judged], float]) -> list[dict[str, Any]]:
        return [
            _row(conversation)
            for conversation in sorted(errors, key=lambda conversation: (key(conversation), conversation.id))[:listed]
        ]

    return {
        "missed": {"conversations": len(missed), "worst": rows(missed, lambda conversation: conversation.peak)},
        "false_alarms": {"conversations": len(alarms), "worst": rows(alarms, lambda conversation: -conversation.peak)},
        "wrong_speaker": {"conversations": len(wrong), "worst": rows(wrong, lambda conversation: -conversation.peak)},
    }


def _row(conversation: Judged) -> dict[str, Any]:
    peak = int(np.argmax(conversation.risk)) if len(conversation.risk) else None
    return {
        "id": conversation.id,
        "peak": round(conversation.peak, 6),
        "peak_message": None if peak is None else peak + 1,
        "messages": len(conversation.risk),
        "situation": conversation.attributes.get("situation"),
        "language": conversation.attributes.get("language"),
        "platform": conversation.attributes.get("platform"),
    }
