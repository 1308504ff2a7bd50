"""Results on disk: what their columns are, how they are read back, and what a row of them is.

A run is a folder: ``scores.parquet`` (a row a message), ``conversations.parquet`` (a row a conversation), ``thresholds.json``,
``run.json`` and ``report.html``. Scores are raw: no threshold has touched them. ``run.json`` holds the SHA-256 of every other file;
``deleted.json`` those of what was left after `safelight purge` or `forget`.
"""

from pipeline.results.columns import TextPolicy, conversations_schema, kept, scores_schema, stage_column
from pipeline.results.lookup import RowReader
from pipeline.results.rows import ScoredConversation, ScoredMessage, WeightedSpan, scored_conversations, scored_messages
from pipeline.results.run import (
    CONVERSATIONS,
    DELETED,
    REPORT,
    RUN,
    SCORES,
    THRESHOLDS,
    Run,
    open_run,
    open_unchanged,
)

__all__ = [
    "CONVERSATIONS",
    "DELETED",
    "REPORT",
    "RUN",
    "SCORES",
    "THRESHOLDS",
    "RowReader",
    "Run",
    "ScoredConversation",
    "ScoredMessage",
    "TextPolicy",
    "WeightedSpan",
    "conversations_schema",
    "kept",
    "open_run",
    "open_unchanged",
    "scored_conversations",
    "scored_messages",
    "scores_schema",
    "stage_column",
]
