"""Messages as columns: what a reader gives where an export is regular, so that no object is made of each message.

Scoring takes the columns as they are; whoever asks for the messages gets them one by one all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.schema import Conversation, Kind, Message, Source

COLUMNS = pa.schema(
    [
        ("message_id", pa.string()),
        ("speaker", pa.string()),
        ("kind", pa.string()),
        ("timestamp", pa.string()),
        ("text", pa.string()),
        ("source_file", pa.string()),
        ("source_line", pa.int64()),
        ("source_row", pa.int64()),
    ]
)
"""A message but for its ``meta``, verbatim; ``timestamp`` is ISO 8601 text as `datetime.isoformat` writes it."""

Meta = Mapping[str, object]
_NO_META: Meta = {}


@dataclass(frozen=True, slots=True)
class SharedMeta(Sequence[Meta]):
    """What else is known of messages, where many have the same: of each the index into ``values``."""

    values: Sequence[Meta]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Meta: ...
    @overload
    def __getitem__(self, index: slice) -> SharedMeta: ...
    def __getitem__(self, index: int | slice) -> Meta | SharedMeta:
        if isinstance(index, slice):
            return SharedMeta(self.values, self.places[index])
        return self.values[int(self.places[index])]

    def __iter__(self) -> Iterator[Meta]:
        return map(self.values.__getitem__, self.places.tolist())

    def joined(self, others: Sequence[Meta]) -> SharedMeta:
        """Return this with others behind."""
        places = np.arange(len(self.values), len(self.values) + len(others))
        return SharedMeta([*self.values, *others], np.concatenate([self.places, places]))

    def taken(self, order: NDArray[np.int64]) -> SharedMeta:
        """Return this with its rows in another order."""
        return SharedMeta(self.values, self.places[order])


@dataclass(frozen=True, slots=True)
class MessageColumns:
    """Messages that follow each other in one conversation: the rows ``start`` to ``stop`` of a batch of `COLUMNS`.

    ``meta`` has an entry for each of these rows, or is ``None`` where none of them has any. ``spoken`` says of the whole batch that
    each row is somebody's message.
    """

    batch: pa.RecordBatch
    start: int
    stop: int
    meta: Sequence[Meta] | None = None
    spoken: bool = False

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[Message]:
        columns = [self.column(name).to_pylist() for name in COLUMNS.names]
        meta = self.meta or (_NO_META,) * len(self)
        for id_, speaker, kind, time, text, file, line, row, about in zip(*columns, meta, strict=True):
            yield Message(
                message_id=id_,
                speaker=speaker,
                text=text,
                source=Source(file, line, row),
                kind=kind,
                timestamp=datetime.fromisoformat(time) if time is not None else None,
                meta=about,
            )

    def column(self, name: str) -> pa.Array:
        """Return one column of these rows."""
        return self.batch.column(name).slice(self.start, len(self))

    def kinds(self) -> Counter[str]:
        """Return how many rows there are of each kind."""
        return Counter(message=len(self)) if self.spoken else Counter(cast("list[Kind]", self.column("kind").to_pylist()))

    def has_speaker(self) -> bool:
        """Whether somebody is named in any of the rows."""
        return self.spoken or self.column("speaker").null_count < len(self)


Piece = MessageColumns | Message


@dataclass(frozen=True, slots=True)
class MessagePieces:
    """The messages of a conversation in pieces: columns where the export is regular, else one by one. Iterates over messages.

    As any reader's messages they are to be used once, unless ``pieces`` are held.
    """

    pieces: Iterable[Piece]

    def __iter__(self) -> Iterator[Message]:
        for piece in self.pieces:
            if isinstance(piece, Message):
                yield piece
            else:
                yield from piece


def pieces_of(messages: Iterable[Message]) -> Iterable[Piece]:
    """Return the pieces that messages come in."""
    return messages.pieces if isinstance(messages, MessagePieces) else messages


def message_columns(messages: Sequence[Message]) -> MessageColumns:
    """Return messages as columns; half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes U+FFFD."""
    values: list[list[Any]] = [
        [message.message_id for message in messages],
        [message.speaker for message in messages],
        [message.kind for message in messages],
        [message.timestamp.isoformat() if message.timestamp else None for message in messages],
        [message.text for message in messages],
        [message.source.file for message in messages],
        [message.source.line for message in messages],
        [message.source.row for message in messages],
    ]
    batch = pa.record_batch([array_of(column, field.type) for column, field in zip(values, COLUMNS, strict=True)], schema=COLUMNS)
    return MessageColumns(batch, 0, len(messages), [message.meta for message in messages])


def array_of(values: list[Any], type_: pa.DataType) -> pa.Array:
    """Return a column; half a surrogate pair becomes U+FFFD."""
    try:
        return pa.array(values, type_)
    except UnicodeEncodeError:
        return pa.array([value if value is None else well_formed(value) for value in values], type_)


def well_formed(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def hold(conversation: Conversation) -> tuple[list[MessageColumns], int]:
    """Return all messages of a conversation as columns, and how many they are."""
    chunks: list[MessageColumns] = []
    single: list[Message] = []
    for piece in pieces_of(conversation.messages):
        if isinstance(piece, Message):
            single.append(piece)
            continue
        if single:
            chunks.append(message_columns(single))
            single = []
        chunks.append(piece)
    if single:
        chunks.append(message_columns(single))
    return chunks, sum(map(len, chunks))
