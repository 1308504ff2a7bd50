"""Figures over speakers: who grooms, by the highest risk that each reached.

Where a corpus names its speakers across conversations (PAN 2012, ChatCoder2), a speaker is one person in all of them; elsewhere
"A" of one conversation is nobody in the next, and a speaker is one in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.metrics import (
    Floats,
    Judged,
    average_precision,
    f_score,
    or_null,
    precision_at,
    precision_recall,
    recall_at,
    roc_auc,
    with_interval,
)

NAMED_CORPORA = frozenset({"pan12", "chatcoder2"})
"""Corpora in which a speaker's name is the same person everywhere."""

_RATES = (0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True)
class SpeakerScore:
    """A speaker: in which conversation (none where the corpus names its speakers), whether they groom, their highest risk."""

    conversation: str | None
    name: str
    grooms: bool
    risk: float


def speaker_scores(judged: Sequence[Judged]) -> list[SpeakerScore]:
    """Return the speakers of the conversations whose groomers are known."""
    best: dict[tuple[str | None, str], tuple[bool, float]] = {}
    for conversation in judged:
        if conversation.groomers is None:
            continue
        home = None if conversation.attributes.get("corpus") in NAMED_CORPORA else conversation.id
        for name, risk in zip(conversation.speakers, conversation.speaker_risk.tolist(), strict=True):
            grooms, highest = best.get((home, name), (False, 0.0))
            best[home, name] = grooms or name in conversation.groomers, max(highest, risk)
    return [SpeakerScore(home, name, grooms, risk) for (home, name), (grooms, risk) in best.items()]


def columns(speakers: Sequence[SpeakerScore]) -> tuple[Floats, Floats]:
    """Return labels and risks."""
    return np.asarray([float(speaker.grooms) for speaker in speakers]), np.asarray([speaker.risk for speaker in speakers])


def speaker_figures(judged: Sequence[Judged], threshold: float, *, rounds: int = 200) -> dict[str, Any]:
    """Return figures over speakers with 95 % intervals; empty where no speaker's role is known.

    Resampled are the speakers that a corpus names, with all that they wrote, and elsewhere whole conversations: the speakers of one
    conversation are not independent.
    """
    speakers = speaker_scores(judged)
    units: dict[tuple[str | None, str], list[SpeakerScore]] = {}
    for speaker in speakers:
        units.setdefault((speaker.conversation, speaker.name if speaker.conversation is None else ""), []).append(speaker)
    labels, risks = columns(speakers)
    if len(np.unique(labels)) < 2:
        return {}
    precision, recall = precision_recall(labels, risks >= threshold)
    clusters = list(units.values())

    def ranked(rate: float | None) -> dict[str, Any]:
        def figure(chosen: Sequence[list[SpeakerScore]]) -> float:
            pair = columns([speaker for unit in chosen for speaker in unit])
            return roc_auc(*pair) if rate is None else recall_at(*pair, false_positive_rate=rate)

        return with_interval(clusters, figure, int(min(labels.sum(), (labels == 0).sum())), rounds=rounds)

    return {
        "speakers": len(speakers),
        "groomers": int(labels.sum()),
        "resampled": "speakers" if all(speaker.conversation is None for speaker in speakers) else "conversations",
        "roc_auc": ranked(None),
        "average_precision": or_null(average_precision(labels, risks)),
        "recall_at": {f"{rate:g}": ranked(rate) for rate in _RATES},
        "precision_at": {str(k): or_null(precision_at(labels, risks, k=k)) for k in (10, 50, 100)},
        "at_threshold": {
            "flagged": int((risks >= threshold).sum()),
            "found": int(labels[risks >= threshold].sum()),
            "precision": or_null(precision),
            "recall": or_null(recall),
            "f1": or_null(f_score(precision, recall)),
            "f0.5": or_null(f_score(precision, recall, beta=0.5)),
        },
    }
