"""What a page of the queue says of a conversation besides the store: its title, how urgent it is, and the sentence.

Columns of `conversations.parquet` are held in memory, so that a page needs no other part of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.results import CONVERSATIONS, Run
from pipeline.review.queue import QueueRow
from pipeline.summaries.sentence import level_name, sentence
from pipeline.summaries.summary import read_summary


@dataclass(frozen=True, slots=True)
class Headline:
    """How urgent a flagged conversation is, as a key and as a word, and what its signs say in a sentence."""

    level: str
    name: str
    text: str


def headline_of(run: Run, row: QueueRow, language: str) -> Headline | None:
    """Return the headline of a flagged conversation; nothing where the run has none.

    A stage that is not found with the thresholds of now is not named, whatever the thresholds of the run were.
    """
    kept = column_value(run, row.summary_row, "summary_facts") if row.flagged else None
    if kept is None:
        return None
    summary = read_summary(kept)
    summary = replace(summary, clauses=tuple(clause for clause in summary.clauses if clause.stage in row.stages))
    names = {stage.key: stage.name for stage in run.taxonomy.stages}
    return Headline(summary.level, level_name(summary.level, language=language), sentence(summary, names, language=language))


def title_of(run: Run, row: int) -> str | None:
    """Return the title of the conversation in a row of `conversations.parquet`; nothing where the run did not keep titles."""
    return column_value(run, row, "title") if run.record["settings"]["text"] == "include" else None


def column_value(run: Run, row: int, column: str) -> str | None:
    """Return a text of the conversation in a row of `conversations.parquet`; nothing where the run has no such column or row."""
    path = run.path / CONVERSATIONS
    held = _column(path, column, path.stat().st_mtime_ns)
    return held[row].as_py() if held is not None and row < len(held) else None


@lru_cache(maxsize=32)
def _column(path: Path, column: str, changed: int) -> pa.ChunkedArray | None:
    """Return a column; ``changed`` is when the file was written, since `safelight purge` writes it anew."""
    del changed
    return pq.read_table(path, columns=[column])[column] if column in pq.read_schema(path).names else None
