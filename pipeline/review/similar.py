"""Conversations with a like profile of stages, and how long the open ones have waited."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from pipeline.review.queue import QueueRow, queue_row
from pipeline.review.schema import conversation_stages, conversations

_NEAR = 200
_LEAST = 0.8


def similar(connection: Connection, row: QueueRow, runs: Sequence[str], *, limit: int = 5) -> list[QueueRow]:
    """Return the conversations whose stages are most like those of one, by the cosine of their probabilities.

    Compared are the ones nearest by the strongest stage of this one, on both sides: a part of a large queue, by an index.
    """
    if not row.stages:
        return []
    stage, probability = max(row.stages.items(), key=lambda candidates: candidates[1])
    columns, joined = conversations.c, conversation_stages.join(conversations)
    query = select(columns.number, columns.stages).select_from(joined)
    query = query.where(conversation_stages.c.stage == stage, columns.run_id.in_(runs), columns.number != row.number)
    value = conversation_stages.c.probability
    under = query.where(value <= probability).order_by(value.desc(), conversation_stages.c.conversation.desc()).limit(_NEAR)
    over = query.where(value > probability).order_by(value.asc(), conversation_stages.c.conversation.asc()).limit(_NEAR)
    candidates = [*connection.execute(under), *connection.execute(over)]
    near = sorted(((_cosine(row.stages, json.loads(other.stages)), other.number) for other in candidates), reverse=True)
    rows = [queue_row(connection, number) for likeness, number in near[:limit] if likeness >= _LEAST]
    return [other[0] for other in rows if other is not None]


def _cosine(mine: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    dot = sum(value * theirs.get(stage, 0.0) for stage, value in mine.items())
    size = math.sqrt(sum(value**2 for value in mine.values()) * sum(value**2 for value in theirs.values()))
    return dot / size if size else 0.0


def oldest_waiting(connection: Connection, runs: Sequence[str]) -> datetime | None:
    """Return since when the flagged conversation that waits longest has been open."""
    columns = conversations.c
    query = select(columns.changed).where(columns.run_id.in_(runs), columns.state == "open", columns.flagged)
    return connection.execute(query.order_by(columns.changed, columns.number).limit(1)).scalar_one_or_none()
