"""Whole conversations as an Arrow table: a row a conversation, its messages in a list, so that nothing can part them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pyarrow as pa

from pipeline.ingest.columns import COLUMNS, MessageColumns, SharedMeta, array_of, hold
from pipeline.results import TextPolicy
from pipeline.schema import Conversation

_JSON = json.JSONEncoder(ensure_ascii=False, default=str).encode

MESSAGE = pa.struct([*COLUMNS, pa.field("meta", pa.string())])
"""A message, verbatim; ``timestamp`` is ISO 8601 text, ``meta`` JSON."""

CHATS = pa.schema(
    [
        ("conversation_id", pa.string()),
        ("platform", pa.string()),
        ("title", pa.string()),
        ("messages", pa.list_(MESSAGE)),
    ]
)
"""A table of whole conversations."""


@dataclass(frozen=True, slots=True)
class HeldChat:
    """A conversation with its messages held as columns; ``size`` is how many they are."""

    conversation: Conversation
    messages: Sequence[MessageColumns]
    size: int


def hold_chat(conversation: Conversation) -> HeldChat:
    """Read the messages of a conversation and hold them."""
    return HeldChat(conversation, *hold(conversation))


def chat_table(conversations: Iterable[Conversation | HeldChat], *, text: TextPolicy = "include") -> pa.Table:
    """Return conversations as a table of `CHATS`; what the results will not keep of ``meta`` is left out at once."""
    held = [conversation if isinstance(conversation, HeldChat) else hold_chat(conversation) for conversation in conversations]
    pieces = list(_joined(chain.from_iterable(chat.messages for chat in held)))
    arrays = [_column(pieces, field) for field in COLUMNS]
    arrays.append(_meta(pieces) if text == "include" else pa.nulls(sum(map(len, pieces)), pa.string()))
    offsets = np.cumsum([0, *(chat.size for chat in held)])
    messages = pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.StructArray.from_arrays(arrays, fields=list(MESSAGE)), type=CHATS.field("messages").type
    )
    return pa.Table.from_arrays(
        [
            array_of([chat.conversation.conversation_id for chat in held], pa.string()),
            array_of([chat.conversation.platform for chat in held], pa.string()),
            array_of([chat.conversation.title for chat in held], pa.string()),
            messages,
        ],
        schema=CHATS,
    )


def _joined(pieces: Iterable[MessageColumns]) -> Iterator[MessageColumns]:
    """Yield the pieces, those that follow each other in one batch as one."""
    current: MessageColumns | None = None
    for piece in pieces:
        if current is None:
            current = piece
        elif piece.batch is current.batch and piece.start == current.stop and piece.meta is current.meta is None:
            current = replace(current, stop=piece.stop)
        else:
            yield current
            current = piece
    if current is not None:
        yield current


def _column(pieces: Sequence[MessageColumns], field: pa.Field) -> pa.Array:
    columns = [piece.column(field.name) for piece in pieces]
    return columns[0] if len(columns) == 1 else pa.concat_arrays(columns) if columns else pa.nulls(0, field.type)


def _meta(pieces: Sequence[MessageColumns]) -> pa.Array:
    if all(piece.meta is None for piece in pieces):
        return pa.nulls(sum(map(len, pieces)), pa.string())
    written: dict[int, str] = {}  # readers share one object among messages that have the same

    def texts(meta: Iterable[Mapping[str, object]]) -> pa.Array:
        values: list[str | None] = []
        for about in meta:
            text = written.get(id(about)) if about else None
            if about and text is None:
                text = written[id(about)] = _JSON(about)
            values.append(text)
        return array_of(values, pa.string())

    arrays: list[pa.Array] = []
    for piece in pieces:
        if piece.meta is None:
            arrays.append(pa.nulls(len(piece), pa.string()))
        elif isinstance(piece.meta, SharedMeta):
            arrays.append(texts(piece.meta.values).take(pa.array(piece.meta.places)))
        else:
            arrays.append(texts(piece.meta))
    return pa.concat_arrays(arrays)
