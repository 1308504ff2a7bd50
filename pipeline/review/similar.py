"""Conversations with a like profile of stages, and those in which the same script was found."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from pipeline.review.case_schema import case_patterns, case_runs
from pipeline.review.cases.cases import is_open
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


_SCRIPT = "same_script"


def same_script(
    connection: Connection, row: QueueRow, runs: Sequence[str], *, reader: str, since: datetime
) -> dict[str, list[int]]:
    """Return by case the other conversations in which `safelight link` found the same script as in this one.

    Only of cases for which the reader said a purpose since then: what a case links is told to nobody else.
    """
    query = (
        select(case_patterns.c.case_name, case_patterns.c.content)
        .join(case_runs, case_runs.c.case_name == case_patterns.c.case_name)
        .where(case_patterns.c.kind == _SCRIPT, case_runs.c.run_id == row.key.run_id)
        .order_by(case_patterns.c.case_name)
    )
    numbers: dict[str, set[int]] = {}
    for name, content in connection.execute(query):
        of_pattern: list[int] = json.loads(content)["conversations"]
        if row.number in of_pattern and is_open(connection, name, actor=reader, since=since):
            numbers.setdefault(name, set()).update(of_pattern)
    wanted = sorted(set().union(*numbers.values()) - {row.number})
    there = select(conversations.c.number).where(conversations.c.number.in_(wanted), conversations.c.run_id.in_(runs))
    known = set(connection.execute(there).scalars())
    return {name: sorted(mine & known) for name, mine in numbers.items() if mine & known}
