"""A row of the results, as code outside of scoring sees it: read from Arrow, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.alerts import stages_over
from pipeline.config import Taxonomy
from pipeline.results.columns import stage_column
from pipeline.schema import Kind, Source
from pipeline.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class WeightedSpan:
    """A stretch of a message's text, from ``start`` to ``end`` in characters, and its share of what carried the sign."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredMessage:
    """A row of ``scores.parquet``; see `pipeline.results.columns.scores_schema` for what the text policy leaves of it.

    ``stages`` is the probability of each stage, by key, in the order of the taxonomy; ``None`` for a row without words, and in a
    conversation that only the prefilter read. ``risk`` is the conversation's running risk after this row.
    """

    conversation_id: str
    message_id: str
    position: int
    speaker_slot: str | None
    speaker: str | None
    kind: Kind
    timestamp: str | None
    text: str | None
    stages: Mapping[str, float] | None
    risk: float
    speaker_risk: float | None
    words: tuple[WeightedSpan, ...]
    cues: tuple[str, ...]
    skipped: bool
    source: Source
    meta: Mapping[str, Any]
    facts: tuple[str, ...] = ()
    why: Mapping[str, Any] | None = None

    def stages_over(self, thresholds: Thresholds) -> dict[str, float]:
        """Return the stages that are found in the message, in the order of the taxonomy."""
        return stages_over(self.stages, thresholds.stages)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredConversation:
    """A row of ``conversations.parquet``; see `pipeline.results.columns.conversations_schema`.

    ``stages`` is the highest probability of each stage, by key, in the order of the taxonomy; ``None`` where only the prefilter
    read the conversation. ``messages`` and ``speakers`` are numbers.
    """

    conversation_id: str
    platform: str
    title: str | None
    source_file: str | None
    messages: int
    speakers: int
    first_timestamp: str | None
    last_timestamp: str | None
    risk: float
    risk_position: int | None
    risk_slot: str | None
    stages: Mapping[str, float] | None
    skipped: bool
    severity: str | None = None
    summary: str | None = None
    summary_facts: str | None = None

    def stages_over(self, thresholds: Thresholds) -> dict[str, float]:
        """Return the stages that are found in at least one message, in the order of the taxonomy."""
        return stages_over(self.stages, thresholds.stages)

    def is_alert(self, thresholds: Thresholds) -> bool:
        """Return whether the running risk reaches the threshold anywhere: then `pipeline.alerts.first_alert` says where."""
        return self.risk >= thresholds.risk

    def is_severe(self, thresholds: Thresholds, taxonomy: Taxonomy) -> bool:
        """Return whether it is an alert with a severe stage: see `pipeline.config.Taxonomy.severe`."""
        return self.is_alert(thresholds) and not taxonomy.severe.isdisjoint(self.stages_over(thresholds))


def scored_messages(batch: pa.Table | pa.RecordBatch, stages: Sequence[str]) -> list[ScoredMessage]:
    """Return the rows of a piece of ``scores.parquet``, whose stages have these keys."""
    columns = _columns(batch)
    return [
        ScoredMessage(
            conversation_id=columns["conversation_id"][row],
            message_id=columns["message_id"][row],
            position=columns["position"][row],
            speaker_slot=columns["speaker_slot"][row],
            speaker=columns["speaker"][row],
            kind=columns["kind"][row],
            timestamp=columns["timestamp"][row],
            text=columns["text"][row],
            stages=probabilities,
            risk=columns["risk"][row],
            speaker_risk=columns["speaker_risk"][row],
            words=tuple(WeightedSpan(word["start"], word["end"], word["weight"]) for word in columns["words"][row] or ()),
            cues=tuple(columns["cues"][row] or ()),
            skipped=bool(columns["skipped"][row]),
            source=Source(columns["source_file"][row], line=columns["source_line"][row], row=columns["source_row"][row]),
            meta=json.loads(columns["meta"][row]) if columns["meta"][row] else {},
            facts=tuple(columns["facts"][row] or ()),
            why=json.loads(columns["why"][row]) if columns["why"][row] else None,
        )
        for row, probabilities in enumerate(_stages(columns, stages, batch.num_rows))
    ]


def scored_conversations(batch: pa.Table | pa.RecordBatch, stages: Sequence[str]) -> list[ScoredConversation]:
    """Return the rows of a piece of ``conversations.parquet``, whose stages have these keys."""
    columns = _columns(batch)
    return [
        ScoredConversation(
            conversation_id=columns["conversation_id"][row],
            platform=columns["platform"][row],
            title=columns["title"][row],
            source_file=columns["source_file"][row],
            messages=columns["messages"][row],
            speakers=columns["speakers"][row],
            first_timestamp=columns["first_timestamp"][row],
            last_timestamp=columns["last_timestamp"][row],
            risk=columns["risk"][row],
            risk_position=columns["risk_position"][row],
            risk_slot=columns["risk_slot"][row],
            stages=probabilities,
            skipped=bool(columns["skipped"][row]),
            severity=columns["severity"][row],
            summary=columns["summary"][row],
            summary_facts=columns["summary_facts"][row],
        )
        for row, probabilities in enumerate(_stages(columns, stages, batch.num_rows))
    ]


def _columns(batch: pa.Table | pa.RecordBatch) -> Mapping[str, list[Any]]:
    """Return the columns as lists. Runs of earlier versions lack some: they had no prefilter, and no sentences."""
    later = {name: [None] * batch.num_rows for name in _LATER}
    return {"skipped": [False] * batch.num_rows, **later, **batch.to_pydict()}


_LATER = ("facts", "why", "severity", "summary", "summary_facts")


def _stages(columns: Mapping[str, list[Any]], stages: Sequence[str], count: int) -> Iterator[Mapping[str, float] | None]:
    """Yield each row's probabilities; a row has those of all stages or of none."""
    for row in range(count):
        values = {stage: columns[stage_column(stage)][row] for stage in stages}
        yield None if None in values.values() else values
