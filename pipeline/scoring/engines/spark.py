"""The scoring core for Spark: ``mapInArrow`` over messages that are sorted by conversation, in a job that its users write.

::

    from pipeline.scoring.engines.spark import score_partition, spark_schema

    chats = spark.read.parquet("night/").repartition("conversation_id").sortWithinPartitions("conversation_id", "timestamp")
    chats.mapInArrow(score_partition("models/default"), spark_schema("models/default")).write.parquet("scores/")

A chat that stands in several exports is not merged here: `safelight convert` does that, before, and writes the table.

Spark hands a partition on in batches that end anywhere; here they are put together into whole conversations again. Its workers run
the Python that ``PYSPARK_PYTHON`` names: without it the first ``python3`` of the path, which does not have Safelight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.model.base import Model
from pipeline.model.load import load_model
from pipeline.results import scores_schema
from pipeline.schema import Conversation, Message, Source
from pipeline.scoring.batches import BATCH_MESSAGES
from pipeline.scoring.chats import chat_table
from pipeline.scoring.core import Scorer, score_table

_LEFT_OUT = ("words", "cues", "facts", "why")


def spark_schema(model: str) -> str:
    """Return the columns of the scores as Spark writes a schema."""
    names = {pa.string(): "string", pa.int32(): "int", pa.int64(): "bigint", pa.float32(): "float", pa.bool_(): "boolean"}
    return ", ".join(f"{field.name} {names[field.type]}" for field in _columns(_model(model)))


def score_partition(model: str, *, cascade: bool = False) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function for ``mapInArrow``: messages (``conversation_id, message_id, speaker, text``) in, scores out.

    The rows of a conversation stand together, in their order. ``model`` is a folder that every executor sees.
    """

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        loaded = _model(model)
        scorer = Scorer(loaded, cascade=cascade)
        for chats in _chats(row for batch in batches for row in batch.to_pylist()):
            yield from score_table(chat_table(chats, text="omit"), scorer).scores.select(_columns(loaded).names).to_batches()

    return score


@lru_cache(maxsize=1)
def _model(path: str) -> Model:
    return load_model(Path(path))[1]


def _columns(model: Model) -> pa.Schema:
    return pa.schema([field for field in scores_schema(model.taxonomy.keys) if field.name not in _LEFT_OUT])


def _chats(rows: Iterable[dict[str, Any]]) -> Iterator[list[Conversation]]:
    held: list[Conversation] = []
    size = 0
    for name, members in groupby(rows, lambda row: str(row["conversation_id"])):
        messages = tuple(_message(row, number) for number, row in enumerate(members, 1))
        held.append(Conversation(conversation_id=name, platform="spark", messages=messages))
        size += len(messages)
        if size >= BATCH_MESSAGES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _message(row: dict[str, Any], number: int) -> Message:
    speaker, identity = row.get("speaker"), row.get("message_id")
    return Message(
        message_id=str(number) if identity is None else str(identity),
        speaker=None if speaker is None else str(speaker),
        text=row.get("text") or "",
        source=Source("spark", row=number),
    )
