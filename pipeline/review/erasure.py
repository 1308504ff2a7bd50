"""What is deleted from a run's own files: whole conversations, or what one person said. Each file is replaced in one rename."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.errors import ResultsError
from pipeline.link.strongest import strongest_patterns
from pipeline.output import new_file
from pipeline.report.build import write_report
from pipeline.results import CONVERSATIONS, REPORT, SCORES, Run, stage_column
from pipeline.review.index import speaker_digest

_ROWS = 8192
_FORGOTTEN = ("speaker", "timestamp", "text", "speaker_risk", "words", "cues", "meta", "facts")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a conversation's summary is made of, of one row."""

    position: int
    speaker_slot: str | None
    risk: float
    stages: list[float] | None


def drop_conversations(run: Run, conversations: Collection[str]) -> None:
    """Take conversations out of the scores, the summaries and the report. Doing it again changes nothing."""
    if not conversations:
        return
    gone = sorted(conversations)
    for name in (SCORES, CONVERSATIONS):
        _rewrite(run.path / name, lambda batch: batch.filter(~ds.field("conversation_id").isin(gone)))
    write_report(run, run.path / REPORT, patterns=strongest_patterns(run))
    run.note_deletion()


def forget_speaker(run: Run, digest: str, name: str | None, conversations: Collection[str]) -> None:
    """Take what one person said out of conversations, and leave what others said.

    The person's rows stay as deleted ones, so that positions hold; words, name, time, scores and notes of them are gone, and the
    running risk is that of the others. A title is dropped, as is a note of somebody else's message that holds the name.
    """
    if not conversations:
        return
    keys = run.taxonomy.keys
    risks: dict[str, dict[str, Any]] = {}

    def forget(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for conversation, group in groupby(rows, key=lambda row: row["conversation_id"]):
            if conversation in conversations:
                _forget_rows(list(group), digest, name, keys, risks.setdefault(conversation, {}))
        return rows

    _rewrite_rows(run.path / SCORES, forget)
    summaries = {conversation: _summary(speaker_risks, keys) for conversation, speaker_risks in risks.items()}

    def summarised(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for row in rows:
            if row["conversation_id"] in summaries:
                row.update(summaries[row["conversation_id"]], title=None)
                row.update(dict.fromkeys(("severity", "summary", "summary_facts")))
        return rows

    _rewrite_rows(run.path / CONVERSATIONS, summarised)
    write_report(run, run.path / REPORT, patterns=strongest_patterns(run))
    run.note_deletion()


def _forget_rows(
    rows: Sequence[dict[str, Any]], digest: str, name: str | None, stages: Sequence[str], state: dict[str, Any]
) -> None:
    """Forget in the rows of one conversation; ``state`` carries on where a conversation lies in two batches."""
    risks: dict[str, float] = state.setdefault("risks", {})
    kept: list[_Kept] = state.setdefault("rows", [])
    for row in rows:
        speaker = row["speaker"]
        if speaker is not None and digest in (speaker, speaker_digest(speaker)):
            row.update(
                dict.fromkeys(("speaker", "timestamp", "text", "speaker_risk", "words", "cues", "meta", "facts")), kind="deleted"
            )
            row.update({stage_column(stage): None for stage in stages})
        elif name and row["meta"] and name in row["meta"]:
            row["meta"] = None
        if row["speaker_risk"] is not None:
            risks[row["speaker_slot"]] = row["speaker_risk"]
        row["why"] = None  # it names messages of others
        row["risk"] = max(risks.values(), default=0.0)
        probabilities = [row[stage_column(stage)] for stage in stages]
        kept.append(_Kept(row["position"], row["speaker_slot"], row["risk"], None if None in probabilities else probabilities))
        if row["timestamp"]:
            state.setdefault("first", row["timestamp"])
            state["last"] = row["timestamp"]


def _summary(state: Mapping[str, Any], stages: Sequence[str]) -> dict[str, Any]:
    rows: list[_Kept] = state["rows"]
    peak = max(rows, key=lambda row: (row.risk, -row.position))
    return {
        "first_timestamp": state.get("first"),
        "last_timestamp": state.get("last"),
        "risk": peak.risk,
        "risk_position": peak.position if peak.risk > 0 else None,
        "risk_slot": peak.speaker_slot if peak.risk > 0 else None,
        **{
            stage_column(stage): max((row.stages[column] for row in rows if row.stages is not None), default=0.0)
            for column, stage in enumerate(stages)
        },
    }


def holds_name(run: Run, name: str) -> Iterator[str]:
    """Yield the conversations whose own id, or the name of whose file, holds a person's name: those cannot be kept without it."""
    for batch in pq.ParquetFile(run.path / CONVERSATIONS).iter_batches(columns=["conversation_id", "source_file"]):
        for row in batch.to_pylist():
            if name in row["conversation_id"] or name in (row["source_file"] or ""):
                yield row["conversation_id"]


def _rewrite_rows(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    schema = pq.read_schema(path)
    _rewrite(path, lambda batch: pa.RecordBatch.from_pylist(change(batch.to_pylist()), schema=schema))


def _rewrite(path: Path, change: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
    file = pq.ParquetFile(path)
    try:
        with new_file(path, overwrite=True) as beside, pq.ParquetWriter(beside, file.schema_arrow, compression="zstd") as writer:
            for batch in file.iter_batches(batch_size=_ROWS):
                kept = change(batch)
                if kept.num_rows:
                    writer.write_batch(kept)
    except pa.ArrowException as error:
        raise ResultsError("the results cannot be rewritten", where=str(path), do="Score the exports again") from error
    finally:
        file.close()
