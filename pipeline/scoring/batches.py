"""Exports as batches of whole conversations, cut in the same places whenever they are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

from pipeline.errors import ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.read import read_unit
from pipeline.ingest.units import Unit
from pipeline.results import TextPolicy
from pipeline.schema import Conversation
from pipeline.scoring.chats import HeldChat, chat_table, hold_chat

BATCH_MESSAGES = 8192
"""Messages scored and written together; a longer conversation is a batch of its own."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """Some conversations of a unit: ``unit`` and ``number`` count from 0."""

    unit: int
    number: int
    chats: pa.Table


@dataclass(frozen=True)
class UnitEnd:
    """A unit has been read to its end, or to where it is damaged."""

    unit: int
    batches: int
    log: ReadLog
    error: ExportError | None = None


def unit_batches(
    unit: Unit, number: int, options: ReadOptions, *, text: TextPolicy, done: frozenset[int] = frozenset()
) -> Iterator[Batch | UnitEnd]:
    """Yield the batches of a unit and then its end; those whose numbers are ``done`` are read and not handed out."""
    log = ReadLog()
    count = 0
    try:
        for held in _batches(read_unit(unit, options, log)):
            if count not in done:
                yield Batch(number, count, chat_table(held, text=text))
            count += 1
    except ExportError as error:
        yield UnitEnd(number, count, log, error)
        return
    yield UnitEnd(number, count, log)


def _batches(conversations: Iterator[Conversation]) -> Iterator[Sequence[HeldChat]]:
    batch: list[HeldChat] = []
    size = 0
    for conversation in conversations:
        held = hold_chat(conversation)
        batch.append(held)
        size += held.size or 1
        if size >= BATCH_MESSAGES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def ahead(items: Iterator[Item], *, depth: int) -> Iterator[Item]:
    """Yield the items, of which up to ``depth`` are made ahead in a thread."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, items, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(next, items, end))
            yield item  # type: ignore[misc]
