"""What passes between the rooms: messages, conversations, and what was found in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

Kind = Literal["message", "system", "media", "deleted", "unsupported"]
"""What a row of an export is.

``message``: somebody's words. ``media``: a file, with or without a caption. ``deleted``: withdrawn by its sender.
``system``: written by the platform. ``unsupported``: a row the exporter could not render.
"""

KINDS: tuple[Kind, ...] = ("message", "system", "media", "deleted", "unsupported")


@dataclass(frozen=True, slots=True, init=False)
class Source:
    """Where a row stands in the export, so that each flag can be traced back.

    ``file`` is the path as given, with ``archive.zip!/member`` for a member of an archive; ``line`` counts from 1;
    ``row`` counts the records of a table or a JSON list from 1. A reader gives the line where the format has lines.
    """

    file: str
    line: int | None = None
    row: int | None = None

    def __init__(self, file: str, line: int | None = None, row: int | None = None) -> None:
        _SET_FILE(self, file)
        _SET_LINE(self, line)
        _SET_ROW(self, row)

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.file}:{self.line}"
        return self.file if self.row is None else f"{self.file}: record {self.row}"


# What `dataclass` writes for a frozen class looks each field up by its name, and takes twice as long: readers make millions.
_SET_FILE, _SET_LINE, _SET_ROW = (getattr(Source, name).__set__ for name in ("file", "line", "row"))


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Message:
    """One row of an export, verbatim.

    ``speaker`` is the export's own stable id or name and ``None`` where there is none (system rows, deleted accounts).
    ``timestamp`` is naive where the export has no zone and none was given, else aware and in UTC. ``meta`` keeps what the
    format knows besides: ``reply_to``, ``edited``, ``forwarded_from``, ``reactions``, ``attachments``, ``speaker_name``.
    """

    message_id: str
    speaker: str | None
    text: str
    source: Source
    kind: Kind = "message"
    timestamp: datetime | None = None
    meta: Mapping[str, object] = field(default_factory=dict)

    def __init__(
        self,
        *,
        message_id: str,
        speaker: str | None,
        text: str,
        source: Source,
        kind: Kind = "message",
        timestamp: datetime | None = None,
        meta: Mapping[str, object] | None = None,
    ) -> None:
        _SET_ID(self, message_id)
        _SET_SPEAKER(self, speaker)
        _SET_TEXT(self, text)
        _SET_SOURCE(self, source)
        _SET_KIND(self, kind)
        _SET_TIMESTAMP(self, timestamp)
        _SET_META(self, {} if meta is None else meta)


_SET_ID, _SET_SPEAKER, _SET_TEXT, _SET_SOURCE, _SET_KIND, _SET_TIMESTAMP, _SET_META = (
    getattr(Message, name).__set__ for name in ("message_id", "speaker", "text", "source", "kind", "timestamp", "meta")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation: what is known of it, and its messages in order.

    A reader hands out ``messages`` as an iterator over the export, to be used once and before the next conversation is
    asked for (as the groups of ``itertools.groupby``), so that a file of any size is read in constant memory.
    ``load`` keeps them.
    """

    conversation_id: str
    platform: str
    messages: Iterable[Message]
    title: str | None = None
    meta: Mapping[str, object] = field(default_factory=dict)

    def load(self) -> Conversation:
        """Return the same conversation with its messages held in a tuple."""
        return self if isinstance(self.messages, tuple) else replace(self, messages=tuple(self.messages))


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageScore:
    """What the model says of one message, given the messages up to it and none after it.

    ``position`` counts the rows of the conversation from 1. ``stages`` maps stage to calibrated probability, and is ``None``
    for a row without words (system, deleted, a file without a caption). ``risk`` is the conversation's running risk after this row
    and ``speaker_risk`` that of the row's speaker; both are probabilities in [0, 1].
    """

    conversation_id: str
    message_id: str
    position: int
    speaker_slot: str | None
    kind: Kind
    stages: Mapping[str, float] | None
    risk: float
    speaker_risk: float | None
