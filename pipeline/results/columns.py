"""The columns of the results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa

from pipeline.digests import sha256_of_text

TextPolicy = Literal["include", "hash", "omit"]

_WORD = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("weight", pa.float32())])


def stage_column(stage: str) -> str:
    """Return the name of a stage's column."""
    return f"stage_{stage}"


def scores_schema(stages: Sequence[str]) -> pa.Schema:
    """Return the columns of ``scores.parquet``, sorted by conversation as read and by position.

    ``position`` counts rows from 1. ``timestamp`` is ISO 8601 text, because exports mix aware and naive times.
    ``speaker_slot`` is the anonymous letter of a speaker in the conversation; ``speaker`` and ``text`` are verbatim, a
    SHA-256, or null, as ``--text`` says. ``words`` are the stretches of the text that carried the strongest signs of a flagged
    conversation, in characters, with their shares; ``cues`` the indicators' phrases in them. ``meta`` is JSON, with ``include``
    alone. ``facts`` are what a message of a flagged conversation names out of closed lists, such as ``day:friday``
    (`pipeline.summaries.facts`), and ``why`` is JSON on the rows where its risk jumped (`pipeline.model.risk_jumps`); both are kept
    whatever ``--text`` says, since they hold no words. Probabilities are null on rows without words, and where ``skipped``: there
    the prefilter of a cascade alone read the conversation, and the risks are its own running estimates, too low for the network to
    read on.
    """
    return pa.schema(
        [
            ("conversation_id", pa.string()),
            ("message_id", pa.string()),
            ("position", pa.int32()),
            ("speaker_slot", pa.string()),
            ("speaker", pa.string()),
            ("kind", pa.string()),
            ("timestamp", pa.string()),
            ("text", pa.string()),
            *((stage_column(stage), pa.float32()) for stage in stages),
            ("risk", pa.float32()),
            ("speaker_risk", pa.float32()),
            ("words", pa.list_(_WORD)),
            ("cues", pa.list_(pa.string())),
            ("skipped", pa.bool_()),
            ("source_file", pa.string()),
            ("source_line", pa.int64()),
            ("source_row", pa.int64()),
            ("meta", pa.string()),
            ("facts", pa.list_(pa.string())),
            ("why", pa.string()),
        ]
    )


def conversations_schema(stages: Sequence[str]) -> pa.Schema:
    """Return the columns of ``conversations.parquet``: a pure summary of the scores, in the order read.

    ``risk`` is the highest running risk, first reached at ``risk_position`` by ``risk_slot``; a stage column is the highest
    probability of any message, null where ``skipped``. ``fingerprint`` is a hash of what the model read, so that a later run knows
    what has changed. Of a flagged conversation ``severity`` is how urgent it is, ``summary`` a sentence in English composed by
    rule from its rows, and ``summary_facts`` what the sentence names, as JSON; they are as of the thresholds of the run.
    """
    return pa.schema(
        [
            ("conversation_id", pa.string()),
            ("platform", pa.string()),
            ("title", pa.string()),
            ("source_file", pa.string()),
            ("messages", pa.int32()),
            ("speakers", pa.int32()),
            ("first_timestamp", pa.string()),
            ("last_timestamp", pa.string()),
            ("risk", pa.float32()),
            ("risk_position", pa.int32()),
            ("risk_slot", pa.string()),
            *((stage_column(stage), pa.float32()) for stage in stages),
            ("skipped", pa.bool_()),
            ("fingerprint", pa.string()),
            ("severity", pa.string()),
            ("summary", pa.string()),
            ("summary_facts", pa.string()),
        ]
    )


def kept(value: str | None, policy: TextPolicy) -> str | None:
    """Return what the policy keeps of a text or a name."""
    if value is None or policy == "omit":
        return None
    return value if policy == "include" else sha256_of_text(value)
