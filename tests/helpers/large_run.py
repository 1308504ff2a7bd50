"""A run of many short conversations, for tests of what is large."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from helpers.reviewed import PLAIN, TURNED, make_run
from pipeline.config import Taxonomy
from pipeline.output import hashes_of, write_json
from pipeline.results import CONVERSATIONS, RUN, SCORES, conversations_schema, scores_schema, stage_column

COUNT = 100_000
EACH = 4


def large_run(path: Path, taxonomy: Taxonomy) -> Path:
    """Write a run of many short conversations, column by column."""
    make_run(path, taxonomy, {"c": TURNED, "d": PLAIN})
    chance = np.random.default_rng(7)
    stages = {stage_column(key): chance.random(COUNT).astype(np.float32) ** 4 for key in taxonomy.keys}
    risk = np.round(chance.random(COUNT), 3).astype(np.float32)
    ids = [f"conversation-{number:06}" for number in range(COUNT)]
    days = [f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00+00:00" for number in range(COUNT)]
    rows = COUNT * EACH
    speakers = [f"speaker-{chance.integers(0, 60_000)}" for _ in range(rows)]

    def table(schema: pa.Schema, length: int, known: dict[str, object]) -> pa.Table:
        columns = [
            pa.array(known[field.name], field.type) if field.name in known else pa.nulls(length, field.type) for field in schema
        ]
        return pa.Table.from_arrays(columns, schema=schema)

    scores = {
        "conversation_id": np.repeat(ids, EACH),
        "message_id": [f"m{number}" for number in range(rows)],
        "position": np.tile(np.arange(1, EACH + 1, dtype=np.int32), COUNT),
        "speaker_slot": np.tile(["A", "B"], rows // 2),
        "speaker": np.repeat(speakers[: rows // EACH * 2], 1).tolist() * 2,
        "kind": ["message"] * rows,
        "text": ["ordinary words of a chat"] * rows,
        **{name: np.repeat(values, EACH) for name, values in stages.items()},
        "risk": np.repeat(risk, EACH),
        "speaker_risk": np.repeat(risk, EACH),
        "source_file": ["night.jsonl"] * rows,
    }
    summaries = {
        "conversation_id": ids,
        "platform": ["game-chat", "photo-app"] * (COUNT // 2),
        "source_file": ["night.jsonl"] * COUNT,
        "messages": np.full(COUNT, EACH, np.int32),
        "speakers": np.full(COUNT, 2, np.int32),
        "last_timestamp": days,
        "risk": risk,
        **stages,
    }
    pq.write_table(table(scores_schema(taxonomy.keys), rows, scores), path / SCORES, row_group_size=4096)
    pq.write_table(table(conversations_schema(taxonomy.keys), COUNT, summaries), path / CONVERSATIONS, row_group_size=1024)
    record = json.loads((path / RUN).read_text("utf-8"))
    write_json(path / RUN, {**record, "files": hashes_of(path, record["files"])})
    return path
