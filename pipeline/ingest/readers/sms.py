"""Text messages as SMS Backup & Restore writes them: XML with an element a message, in no order of conversations.

::

    <smses count="2"><sms address="+447700900123" date="1707858311000" type="1" body="…" contact_name="Robin" … />
      <mms address="+447700900123~+447700900124" date="…" msg_box="1" …>
        <parts><part ct="text/plain" text="…" /><part ct="image/jpeg" cl="a.jpg" data="…" /></parts>
        <addrs><addr address="+447700900123" type="137" /></addrs></mms></smses>

Threads are told by the address: a number in its national and its international form is one. What the phone's owner sent is from
``Me``. A subject stands before the words. The app writes all SMS before all MMS: a conversation is put in the order of time. Media
are never decoded. An emoji is written as two references, which is no XML; see `pipeline.ingest.parsing.xml_repair`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.addresses import OWNER, Addresses
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.shape import shaped
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.parsing.xml_repair import XmlRepair
from pipeline.ingest.parsing.xml_stream import XmlEvent, read_xml
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.times.parse import from_number
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Source

_PROGRAM = "SMS Backup & Restore"
_BOXES = {"1": "received", "2": "sent", "3": "draft", "4": "outbox", "5": "failed", "6": "queued"}
_FROM = "137"
_NO_NAME = frozenset({"", "null", "(Unknown)"})
_READ = frozenset({"address", "date", "type", "body", "contact_name", "subject", "sub", "msg_box", "m_type", "readable_date"})
_ELEMENTS = frozenset({"smses", "sms", "mms", "parts", "part", "addrs", "addr"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield a conversation for each address, or each group of addresses.

    Raises
    ------
    ExportError
        When the file is no such XML, or damaged, with the line.
    """
    file = unit.file
    addresses = Addresses()

    def records(wanted: Wanted) -> Iterator[Record]:
        for index, element in enumerate(_elements(file, log)):
            if wanted(index):
                source = Source(file.name, line=element.line)
                with shaped(source, _PROGRAM):
                    record = element.record(addresses)
                yield index, element.line, record | {"message_id": f"{file.sha256[:12]}:{index + 1}"}

    yield from Table(file, records, Columns.named({}), options, log, platform="sms", by_time=True).conversations()


@dataclass(slots=True)
class _Element:
    """An ``sms``, or an ``mms`` with its parts and addresses."""

    name: str
    line: int
    attributes: dict[str, str]
    parts: list[dict[str, str]] = field(default_factory=list)
    addresses: list[dict[str, str]] = field(default_factory=list)

    def record(self, addresses: Addresses) -> dict[str, Any]:
        """Return the message as a record of a table."""
        attributes = self.attributes
        box = attributes["type"] if self.name == "sms" else attributes["msg_box"]
        thread = addresses.thread(_told(attributes.get("address")))
        meta: dict[str, Any] = {key: value for key, value in attributes.items() if key not in _READ and _told(value)}
        if box != "1":
            meta["owner"] = True
        if box not in ("1", "2"):
            meta["status"] = _BOXES.get(box, box)
        subject = _told(attributes.get("subject" if self.name == "sms" else "sub"))
        if subject:
            meta["subject"] = subject
        text = attributes["body"] if self.name == "sms" else self._text()
        if subject and not subject.startswith("proto:"):
            text = f"{subject}\n{text}" if text else subject
        name = attributes.get("contact_name", "")
        alone = len(thread.members) == 1
        if box == "1" and alone and name not in _NO_NAME:
            meta["speaker_name"] = name
        files = [part for part in self.parts if part.get("ct") not in ("text/plain", "application/smil")]
        if files:
            meta["attachments"] = [_file_name(part) for part in files]
            meta["media_type"] = files[0].get("ct")
        return {
            "conversation_id": thread.id,
            "conversation_title": name if name not in _NO_NAME else None,
            "speaker": self._sender(addresses, thread.members) if box == "1" else OWNER,
            "timestamp": from_number(int(attributes["date"])),
            "text": text,
            "kind": self._kind(text, files),
            "meta": meta,
        }

    def _text(self) -> str:
        words = [part.get("text", "") for part in self.parts if part.get("ct") == "text/plain"]
        return "\n".join(text for text in words if text)

    def _kind(self, text: str, files: list[dict[str, str]]) -> Kind:
        if files:
            return "media"
        if text:
            return "message"
        return "message" if self.name == "sms" else "unsupported"

    def _sender(self, addresses: Addresses, members: tuple[str, ...]) -> str:
        senders = [_told(address.get("address")) for address in self.addresses if address.get("type") == _FROM]
        known = next((address for address in senders if address and address != "insert-address-token"), None)
        return addresses.known(known) if known else members[0]


def _elements(file: ExportFile, log: ReadLog) -> Iterator[_Element]:
    """Yield the messages of the file, and warn of characters that were lost when it was written."""
    repair = XmlRepair()
    element: _Element | None = None
    root = False
    for event in read_xml(file, repair.blocks):
        if event.kind == "start":
            if event.value not in _ELEMENTS or (not root and event.value != "smses"):
                raise _stranger(event, file)
            root = True
            if event.value in ("sms", "mms"):
                element = _Element(event.value, event.line, event.attributes)
            elif element is not None and event.value == "part":
                element.parts.append({key: value for key, value in event.attributes.items() if key != "data"})
            elif element is not None and event.value == "addr":
                element.addresses.append(event.attributes)
        elif event.kind == "end" and element is not None and event.value == element.name:
            yield element
            element = None
    if repair.lost:
        log.warn(file.name, f"{repair.lost} character(s) that no XML can hold were read as U+FFFD")


def _told(value: str | None) -> str:
    """Return a value; the app writes ``null`` where there is none."""
    return "" if value is None or value == "null" else value


def _file_name(part: dict[str, str]) -> str:
    return next((part[key] for key in ("cl", "fn", "name") if _told(part.get(key))), part.get("ct", "file"))


def _stranger(event: XmlEvent, file: ExportFile) -> ExportError:
    return ExportError(
        f"an element `{event.value[:40]}` stands here, which {_PROGRAM} does not write for messages",
        where=f"{file.name}:{event.line}",
        do="Give the file sms-….xml as the app wrote it",
    )
