"""Cellebrite's ``report.xml`` (alone, or in a ``.ufdr``, which is a zip): chats, instant messages and SMS as records.

::

    <project …><decodedData><modelType type="Chat"><model type="Chat" id="c1">
      <field name="Source"><value>WhatsApp</value></field>
      <multiModelField name="Messages"><model type="InstantMessage" id="m1" deleted_state="Intact">
        <modelField name="From"><model type="Party"><field name="Identifier"><value>…</value></field>…</model></modelField>
        <field name="Body"><value>…</value></field><field name="TimeStamp"><value>2024-02-13T21:05:11.000+00:00</value></field>…
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.addresses import OWNER, UNKNOWN
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.parsing.xml_stream import XmlEvent, read_xml
from pipeline.ingest.readers.forensic_columns import SYSTEM
from pipeline.schema import Kind

_MESSAGES = frozenset({"InstantMessage", "SMS", "MMS", "Email"})
_FIELDS = frozenset({"field", "modelField", "multiModelField", "multiField"})
_TEXTS = ("Body", "Content", "Text")
_TIMES = ("TimeStamp", "Timestamp", "DateTime")
_OUT = frozenset({"sent", "outbox", "drafts", "outgoing"})
_READ = frozenset({*_TEXTS, *_TIMES, "Id", "Identifier", "Subject"})


@dataclass(slots=True)
class _Model:
    """A thing of the report: its own fields, and the models in it by the name of the field that holds them."""

    type: str
    id: str
    line: int
    deleted: str
    fields: dict[str, str] = field(default_factory=dict)
    models: dict[str, list[_Model]] = field(default_factory=dict)

    def first(self, *names: str) -> str:
        """Return the first of some fields that holds something."""
        return next((self.fields[name] for name in names if self.fields.get(name)), "")


def ufed_records(file: ExportFile, wanted: Wanted) -> Iterator[Record]:
    """Yield the messages of a report, one held at a time.

    Raises
    ------
    ExportError
        When the file is not valid XML.
    ArchiveRefused
        When it declares a document type.
    """
    index = -1
    digest = file.sha256[:12]
    for chat, message in _messages(file):
        index += 1
        if wanted(index):
            record = _record(chat, message)
            record["conversation_id"] = f"{digest}/{record['conversation_id']}"
            record["message_id"] = message.id or f"{digest}:{index + 1}"
            yield index, message.line, record


def _messages(file: ExportFile) -> Iterator[tuple[_Model | None, _Model]]:
    """Yield each message with its chat, whose own fields stand before its messages; other models are passed over."""
    stack = _Stack()
    for event in read_xml(file):
        if event.kind == "text":
            stack.add_text(event.value)
        elif event.kind == "start":
            stack.start(event)
        elif (ended := stack.end(event.value)) is not None:
            yield ended


class _Stack:
    """The models and fields that are open where the file is read."""

    def __init__(self) -> None:
        self._models: list[_Model] = []
        self._names: list[str] = []
        self._text: list[str] | None = None

    def add_text(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def start(self, event: XmlEvent) -> None:
        if event.value == "model":
            attributes = event.attributes
            model = _Model(attributes.get("type", ""), attributes.get("id", ""), event.line, attributes.get("deleted_state", ""))
            self._models.append(model)
            self._names.append("")
        elif event.value in _FIELDS:
            self._names.append(event.attributes.get("name", ""))
        elif event.value in ("value", "empty"):
            self._text = []

    def end(self, element: str) -> tuple[_Model | None, _Model] | None:
        """Close an element; return a message that ends with it, with its chat."""
        if element == "value" and self._text is not None:
            self._end_value("".join(self._text))
        elif element in _FIELDS and self._names:
            self._names.pop()
        elif element == "model" and self._models:
            return self._end_model()
        return None

    def _end_value(self, value: str) -> None:
        self._text = None
        if self._models and self._names and self._names[-1]:
            fields, name = self._models[-1].fields, self._names[-1]
            fields[name] = f"{fields[name]}, {value}" if name in fields else value

    def _end_model(self) -> tuple[_Model | None, _Model] | None:
        model = self._models.pop()
        if self._names:
            self._names.pop()
        parent = self._models[-1] if self._models else None
        if model.type in _MESSAGES and (parent is None or parent.type == "Chat"):
            return parent, model
        if parent is not None and self._names:
            parent.models.setdefault(self._names[-1], []).append(model)
        return None


def _record(chat: _Model | None, message: _Model) -> dict[str, Any]:
    people = [*message.models.get("Parties", []), *(chat.models.get("Participants", []) if chat else [])]
    senders = message.models.get("From", []) or [model for model in people if model.first("Role").casefold() == "from"]
    receivers = message.models.get("To", []) or [model for model in people if model.first("Role").casefold() == "to"]
    sender = _person(senders[0]) if senders else ""
    outgoing = (bool(senders) and _is_owner(senders[0], people)) or (
        not senders and message.first("Folder", "Direction").casefold() in _OUT
    )
    others = [_person(model) for model in receivers]
    text = message.first(*_TEXTS)
    files = [
        model.first("Filename", "Title", "URL") or "file"
        for name in ("Attachments", "Attachment")
        for model in message.models.get(name, [])
    ]
    meta: dict[str, Any] = {name: value for name, value in message.fields.items() if name not in _READ and value}
    if message.fields.get("Subject"):
        meta["subject"] = message.fields["Subject"]
    for name, value in (("receivers", others), ("attachments", files)):
        if value:
            meta[name] = value
    if senders and senders[0].first("Name"):
        meta["speaker_name"] = senders[0].first("Name")
    if message.deleted and message.deleted != "Intact":
        meta["deleted"] = message.deleted
    if outgoing:
        meta["owner"] = True
    system = sender.casefold() in SYSTEM
    return {
        "conversation_id": _conversation(chat, sender, others, outgoing=outgoing),
        "conversation_title": chat.first("Name", "ChatName") if chat else None,
        "platform": ((chat.first("Source") if chat else "") or message.first("Source")).casefold() or None,
        "speaker": None if system else sender or (OWNER if outgoing else UNKNOWN),
        "timestamp": message.first(*_TIMES) or None,
        "text": text,
        "kind": _kind(text, files, system=system),
        "meta": meta,
    }


def _kind(text: str, files: list[str], *, system: bool) -> Kind:
    if system:
        return "system"
    return "media" if files else "message" if text else "unsupported"


def _person(party: _Model) -> str:
    return party.first("Identifier", "Name")


def _is_owner(sender: _Model, people: list[_Model]) -> bool:
    known = [sender, *(person for person in people if _person(person) == _person(sender))]
    return any(person.first("IsPhoneOwner").casefold() == "true" for person in known)


def _conversation(chat: _Model | None, sender: str, others: list[str], *, outgoing: bool) -> str:
    if chat is not None:
        return chat.first("Id", "Identifier") or chat.id or f"line {chat.line}"
    people = others if outgoing else [sender, *others[1:]]
    return " ~ ".join(sorted({name for name in people if name})) or "unknown"
