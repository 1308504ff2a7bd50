"""Whole conversations as an Arrow table: a row a conversation, its messages in a list, so that nothing can part them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.results import TextPolicy
from pipeline.schema import Conversation, Message

MESSAGE = pa.struct(
    [
        ("message_id", pa.string()),
        ("speaker", pa.string()),
        ("kind", pa.string()),
        ("timestamp", pa.string()),
        ("text", pa.string()),
        ("source_file", pa.string()),
        ("source_line", pa.int64()),
        ("source_row", pa.int64()),
        ("meta", pa.string()),
    ]
)
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


def chat_table(conversations: Sequence[Conversation], *, text: TextPolicy = "include") -> pa.Table:
    """Return conversations as a table of `CHATS`; what the results will not keep of ``meta`` is left out at once."""
    held = [(conversation, tuple(conversation.messages)) for conversation in conversations]
    rows = list(chain.from_iterable(messages for _, messages in held))
    with_meta = text == "include"
    columns: list[list[Any]] = [
        [message.message_id for message in rows],
        [message.speaker for message in rows],
        [message.kind for message in rows],
        [message.timestamp.isoformat() if message.timestamp else None for message in rows],
        [message.text for message in rows],
        [message.source.file for message in rows],
        [message.source.line for message in rows],
        [message.source.row for message in rows],
        [_json(message) if with_meta and message.meta else None for message in rows],
    ]
    arrays = [_array(column, field.type) for column, field in zip(columns, MESSAGE, strict=True)]
    offsets = np.cumsum([0, *(len(messages) for _, messages in held)])
    messages = pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.StructArray.from_arrays(arrays, fields=list(MESSAGE)), type=CHATS.field("messages").type
    )
    return pa.Table.from_arrays(
        [
            _array([conversation.conversation_id for conversation, _ in held], pa.string()),
            _array([conversation.platform for conversation, _ in held], pa.string()),
            _array([conversation.title for conversation, _ in held], pa.string()),
            messages,
        ],
        schema=CHATS,
    )


def _json(message: Message) -> str:
    return json.dumps(message.meta, ensure_ascii=False, default=str)


def _array(values: list[Any], type_: pa.DataType) -> pa.Array:
    """Return a column; half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes U+FFFD."""
    try:
        return pa.array(values, type_)
    except UnicodeEncodeError:
        return pa.array([value if value is None else well_formed(value) for value in values], type_)


def well_formed(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
