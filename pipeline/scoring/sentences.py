"""The facts and the sentence of a conversation while its words are at hand, for the columns of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.alerts import first_alert
from pipeline.config import Taxonomy
from pipeline.model.base import Utterance
from pipeline.summaries.facts import facts_of
from pipeline.summaries.sentence import sentence
from pipeline.summaries.summary import summarise
from pipeline.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class _Row:
    position: int
    speaker_slot: str | None
    stages: dict[str, float] | None
    facts: Sequence[str]
    risk: float
    speaker_risk: float | None


def sentence_of(
    lines: Sequence[Utterance],
    numbers: Sequence[int],
    slots: Sequence[str | None],
    stages: NDArray[np.float32],
    speaker_scores: NDArray[np.float32],
    risk: NDArray[np.float32],
    *,
    taxonomy: Taxonomy,
    thresholds: Thresholds | None,
) -> tuple[list[list[str] | None], dict[str, Any]]:
    """Return the facts of every row, and the columns of the conversation; nothing where it is not flagged.

    ``lines`` are the messages with words and ``numbers`` their rows, from 0. ``stages`` is of shape (rows, stages), ``own`` and
    ``risk`` of (rows,); NaN where there are no words.
    """
    facts: list[list[str] | None] = [None] * len(slots)
    if thresholds is None or first_alert(risk, thresholds.risk) is None:
        return facts, {}
    for number, row_facts in zip(numbers, facts_of(lines), strict=True):
        facts[number] = list(row_facts)
    rows = [
        _Row(
            position=number + 1,
            speaker_slot=slot,
            stages=None if np.isnan(row).any() else dict(zip(taxonomy.keys, row.tolist(), strict=True)),
            facts=facts[number] or (),
            risk=float(risk[number]),
            speaker_risk=None if np.isnan(speaker_scores[number]) else float(speaker_scores[number]),
        )
        for number, (slot, row) in enumerate(zip(slots, stages, strict=True))
    ]
    summary = summarise(rows, taxonomy, thresholds)
    if summary is None:
        return facts, {}
    text = sentence(summary, {stage.key: stage.name for stage in taxonomy.stages})
    return facts, {"severity": summary.level, "summary": text, "summary_facts": summary.as_json()}
