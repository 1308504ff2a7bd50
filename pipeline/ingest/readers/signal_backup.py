"""Signal's own export in plain text: ``main.jsonl``, the frames of a backup as JSON, one a line.

::

    {"version": "1", "backupTimeMs": "1707858400000"}
    {"recipient": {"id": "2", "contact": {"aci": …, "e164": "447700900123", "profileGivenName": "Robin"}}}
    {"chat": {"id": "1", "recipientId": "2"}}
    {"chatItem": {"chatId": "1", "authorId": "2", "dateSent": "1707858311000", "incoming": {…},
                  "standardMessage": {"text": {"body": …}, "quote": {…}, "attachments": […], "reactions": […]}}}

Signal's ``Backup.proto`` says what there is. Items of all chats stand mixed, each chat's in order; a recipient and a chat stand
before what names them. Numbers of recipients and chats are the backup's own: a person is named by the account's id or telephone
number, a group by a hash of its key, which itself is a secret and is not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.addresses import OWNER
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.shape import Row, name_of, shaped, string
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted, jsonl_records
from pipeline.ingest.readers.signal_items import item_of
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.times.parse import from_number, whole
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Source


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chats of an export.

    Raises
    ------
    ExportError
        When a line is not of the form that Signal writes.
    """
    file = unit.file

    def records(wanted: Wanted) -> Iterator[Record]:
        book, index = _Book(), -1
        for _, line, frame in jsonl_records(file, log):
            with shaped(Source(file.name, line=line), "Signal"):
                book.note(frame)
                item = frame.get("chatItem")
                index += item is not None
                if item is not None and wanted(index):
                    yield index, line, _record(item, book, file, line)

    yield from Table(file, records, Columns.named({}), options, log, platform="signal", mixed=True).conversations()


@dataclass(slots=True)
class _Book:
    """Who the recipients are, by the backup's own numbers, and whose each chat is."""

    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    chats: dict[str, str] = field(default_factory=dict)
    owner_name: str = ""

    def note(self, frame: Row) -> None:
        """Take in a frame of the account, a recipient or a chat."""
        if (account := frame.get("account")) is not None:
            self.owner_name = _joined(account.get("givenName"), account.get("familyName"))
        elif (chat := frame.get("chat")) is not None:
            self.chats[str(chat["id"])] = str(chat["recipientId"])
        elif (recipient := frame.get("recipient")) is not None:
            number = str(recipient["id"])
            self.ids[number], self.names[number] = self._recipient(recipient, number)

    def _recipient(self, recipient: Row, number: str) -> tuple[str, str]:
        """Return what names a recipient, and what people call them."""
        if (contact := recipient.get("contact")) is not None:
            name = _name(contact)
            phone = name_of(contact.get("e164"))
            known = string(contact.get("aci")) or (f"+{phone}" if phone else "") or string(contact.get("pni"))
            return known or name or f"recipient {number}", name
        if (group := recipient.get("group")) is not None:
            title = ((group.get("snapshot") or {}).get("title") or {}).get("title")
            key = string(group.get("masterKey"))
            return f"group {hashlib.sha256(key.encode()).hexdigest()[:16]}" if key else f"group {number}", string(title)
        if "self" in recipient:
            return OWNER, self.owner_name
        if (distribution := recipient.get("distributionList")) is not None:
            return f"list {number}", string((distribution.get("distributionList") or {}).get("name"))
        return ("Signal", "Signal") if "releaseNotes" in recipient else (f"recipient {number}", "")

    def person(self, number: object) -> str | None:
        """Return what names a recipient; the number where the backup does not say."""
        text = name_of(number)
        return None if text is None else self.ids.get(text, f"recipient {text}")


def _joined(*names: object) -> str:
    return " ".join(string(name) for name in names if name)


def _name(contact: Row) -> str:
    nickname = contact.get("nickname") or {}
    return (
        _joined(nickname.get("given"), nickname.get("family"))
        or string(contact.get("systemNickname"))
        or _joined(contact.get("systemGivenName"), contact.get("systemFamilyName"))
        or _joined(contact.get("profileGivenName"), contact.get("profileFamilyName"))
        or string(contact.get("username"))
    )


def _record(frame: Row, book: _Book, file: ExportFile, line: int) -> dict[str, Any]:
    chat = str(frame["chatId"])
    recipient = book.chats.get(chat)
    item = item_of(frame, book.person)
    author = name_of(frame.get("authorId"))
    speaker = book.person(author)
    meta = item.meta
    name = book.names.get(author or "")
    if name and name != speaker:
        meta["speaker_name"] = name
    if item.kind == "system":
        meta["actor_id"] = speaker
    return {
        "conversation_id": book.person(recipient) if recipient else f"chat {chat}",
        "conversation_title": book.names.get(recipient or "") or None,
        "message_id": f"{file.sha256[:12]}:{line}",
        "speaker": None if item.kind == "system" else speaker,
        "timestamp": from_number(whole(frame["dateSent"])) if frame.get("dateSent") else None,
        "text": item.text,
        "kind": item.kind,
        "meta": meta,
    }
