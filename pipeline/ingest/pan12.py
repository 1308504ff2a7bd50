"""PAN 2012's XML of conversations.

::

    <conversations><conversation id="…"><message line="1"><author>…</author><time>03:20</time><text>…</text></message>…

A message's id is its ``line``, by which the ground truth names it; times are hours and minutes without a day, kept in
``meta["time"]``. The text was escaped twice: the entities that are left after the XML's own are resolved. A document type is
refused, for a chat needs none and an attack does.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat  # nosec: entities and document types are refused

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.files import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

_BLOCK = 1 << 16
_FIELDS = frozenset({"author", "time", "text"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a file, one held at a time.

    Raises
    ------
    ExportError
        When the file is no such XML, or damaged.
    ArchiveRefused
        When it declares a document type.
    """
    reader = _Reader(unit.file)
    with unit.file.open() as stream:
        while block := stream.read(_BLOCK):
            reader.feed(block, last=False)
            yield from reader.take()
    reader.feed(b"", last=True)
    yield from reader.take()


@dataclass(slots=True)
class _Row:
    """A message that is being read."""

    id: str
    line: int
    fields: dict[str, str] = field(default_factory=dict)


class _Reader:
    """Builds conversations from the parser's events."""

    def __init__(self, file: ExportFile) -> None:
        self._file = file
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._done: list[Conversation] = []
        self._id: str | None = None
        self._messages: list[Message] = []
        self._row: _Row | None = None
        self._field: str | None = None

    def feed(self, block: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(block, last)
        except expat.ExpatError as error:
            raise ExportError(
                f"not valid XML at character {error.offset + 1} of the line",
                where=f"{self._file.name}:{error.lineno}",
                do="Copy the file again, whole",
            ) from None

    def take(self) -> list[Conversation]:
        """Return the conversations that are complete, once."""
        done, self._done = self._done, []
        return done

    def _doctype(self, *_: object) -> None:
        raise ArchiveRefused("the XML declares a document type", where=self._where, do="Do not trust this file")

    @property
    def _where(self) -> str:
        return f"{self._file.name}:{self._parser.CurrentLineNumber}"

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "conversation":
            if not attributes.get("id"):
                raise ExportError("a conversation has no id", where=self._where, do="Give the corpus file of PAN 2012")
            self._id, self._messages = attributes["id"], []
        elif name == "message" and self._id is not None:
            line = attributes.get("line") or str(len(self._messages) + 1)
            self._row = _Row(line, self._parser.CurrentLineNumber)
        elif name in _FIELDS and self._row is not None:
            self._field = name
            self._row.fields.setdefault(name, "")
        elif name != "conversations":
            raise ExportError(f"an element `{name[:40]}` stands here", where=self._where, do="Give the corpus file of PAN 2012")

    def _characters(self, text: str) -> None:
        if self._row is not None and self._field is not None:
            self._row.fields[self._field] += text

    def _end(self, name: str) -> None:
        if name in _FIELDS:
            self._field = None
        elif name == "message" and self._row is not None:
            self._messages.append(self._message(self._row))
            self._row = None
        elif name == "conversation" and self._id is not None:
            self._done.append(Conversation(conversation_id=self._id, platform="pan12", messages=tuple(self._messages)))
            self._id = None

    def _message(self, row: _Row) -> Message:
        written = row.fields.get("text", "")
        text = html.unescape(written)
        meta: dict[str, object] = {}
        if time := row.fields.get("time", "").strip():
            meta["time"] = time
        if text != written:
            meta["raw_text"] = written
        return Message(
            message_id=row.id,
            speaker=row.fields.get("author", "").strip() or None,
            text=text,
            kind="message" if row.fields.get("author", "").strip() else "system",
            source=Source(self._file.name, line=row.line),
            meta=meta,
        )
