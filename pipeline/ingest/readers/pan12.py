"""PAN 2012's XML of conversations.

::

    <conversations><conversation id="…"><message line="1"><author>…</author><time>03:20</time><text>…</text></message>…

A message's id is its ``line``, by which the ground truth names it; times are hours and minutes without a day, kept in
``meta["time"]``. The text was escaped twice: the entities that are left after the XML's own are resolved.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.xml_stream import XmlEvent, read_xml
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

_FIELDS = frozenset({"author", "time", "text"})
_DO = "Give the corpus file of PAN 2012"


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a file, one held at a time.

    Raises
    ------
    ExportError
        When the file is no such XML, or damaged.
    ArchiveRefused
        When it declares a document type.
    """
    file = unit.file
    events = read_xml(file)
    for event in events:
        if event.kind == "start" and event.value == "conversation":
            identity = event.attributes.get("id")
            if not identity:
                raise ExportError("a conversation has no id", where=f"{file.name}:{event.line}", do=_DO)
            yield Conversation(conversation_id=identity, platform="pan12", messages=tuple(_messages(events, file)))
        elif event.kind == "start" and event.value != "conversations":
            raise _stranger(event, file)


@dataclass(slots=True)
class _Row:
    """A message that is being read."""

    id: str
    line: int
    fields: dict[str, str] = field(default_factory=dict)


def _messages(events: Iterator[XmlEvent], file: ExportFile) -> Iterator[Message]:
    """Yield the messages up to the end of their conversation."""
    row: _Row | None = None
    name: str | None = None
    count = 0
    for event in events:
        if event.kind == "text":
            if row is not None and name is not None:
                row.fields[name] = row.fields.get(name, "") + event.value
        elif event.kind == "end":
            if event.value == "conversation":
                return
            name = None
            if event.value == "message" and row is not None:
                yield _message(row, file)
                row = None
        elif event.value == "message" and row is None:
            count += 1
            row = _Row(event.attributes.get("line") or str(count), event.line)
        elif event.value in _FIELDS and row is not None:
            name = event.value
        else:
            raise _stranger(event, file)


def _message(row: _Row, file: ExportFile) -> Message:
    written = row.fields.get("text", "")
    text = html.unescape(written)
    author = row.fields.get("author", "").strip()
    meta: dict[str, object] = {}
    if time := row.fields.get("time", "").strip():
        meta["time"] = time
    if text != written:
        meta["raw_text"] = written
    return Message(
        message_id=row.id,
        speaker=author or None,
        text=text,
        kind="message" if author else "system",
        source=Source(file.name, line=row.line),
        meta=meta,
    )


def _stranger(event: XmlEvent, file: ExportFile) -> ExportError:
    return ExportError(f"an element `{event.value[:40]}` stands here", where=f"{file.name}:{event.line}", do=_DO)
