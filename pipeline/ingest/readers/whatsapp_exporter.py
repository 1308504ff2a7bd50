"""WhatsApp-Chat-Exporter's JSON: the chats of a phone's database or backup, each under its address with WhatsApp.

::

    {"447700900123@s.whatsapp.net": {"name": "Robin", "type": "android", …, "messages": {
        "18455": {"from_me": true, "timestamp": 1707858311.0, "media": false, "key_id": "A", "meta": false, "data": "bread?",
                  "sender": null, "reply": null, "quoted_data": null, "caption": null, "mime": null, "sticker": false}, …}}, …}

What the phone's owner sent has no name: the speaker is ``Me``. In a chat of two the other has the chat's name. A line break is
written as `` <br>``. A chat is held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.addresses import OWNER
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_members
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.times.order import in_time_order
from pipeline.ingest.times.parse import from_number
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_EXPORTER = "WhatsApp-Chat-Exporter"
_BREAK = " <br>"
_DELETED = ("Message deleted", "Message was deleted", "(Message deleted")
_READ = frozenset(
    {"from_me", "timestamp", "time", "media", "key_id", "meta", "data", "sender", "reply", "quoted_data", "caption", "mime"}
    | {"sticker", "safe", "thumb", "received_timestamp", "read_timestamp", "message_type"}
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chats of a file, each in the order of time.

    Raises
    ------
    ExportError
        When a message is not of the form that WhatsApp-Chat-Exporter writes, or the file cannot be read whole.
    """
    file = unit.file
    before = 0
    for address, chat in read_members(file, log):
        rows = chat.get("messages") if isinstance(chat, Mapping) else None
        if not isinstance(chat, Mapping) or not isinstance(rows, Mapping):
            raise ExportError("a chat has no `messages`", where=file.name, do=f"Give the JSON of {_EXPORTER} as it is")
        title = chat.get("name") if isinstance(chat.get("name"), str) else None
        other = title or address.partition("@")[0]
        numbered = enumerate(rows.items(), before + 1)
        before += len(rows)
        yield Conversation(
            conversation_id=address,
            platform="whatsapp",
            title=title,
            messages=in_time_order(_message(id_, row, other, Source(file.name, row=number)) for number, (id_, row) in numbered),
        )


def _message(id_: str, row: Row, other: str, source: Source) -> Message:
    with shaped(source, _EXPORTER):
        raw = string(row.get("data"))
        is_media = bool(row.get("media") or row.get("sticker"))
        words = string(row.get("caption")) if is_media else raw
        text = words.replace(_BREAK, "\n")
        kind = _kind(row, text, is_media=is_media)
        speaker = OWNER if row["from_me"] else name_of(row.get("sender")) or other
        meta: dict[str, Any] = rest(row, _READ)
        meta |= {"raw_text": words} if words != text else {}
        meta |= {"owner": True} if row["from_me"] else {}
        meta |= {"actor_id": speaker} if kind == "system" else {}
        meta |= {"attachments": [raw]} if is_media and raw else {}
        meta |= {"media_type": row["mime"]} if row.get("mime") else {}
        meta |= {"reply_to": name_of(row["reply"])} if row.get("reply") else {}
        meta |= {"quoted": [{"text": string(row["quoted_data"]).replace(_BREAK, "\n")}]} if row.get("quoted_data") else {}
        return Message(
            message_id=name_of(row.get("key_id")) or id_,
            speaker=None if kind == "system" else speaker,
            timestamp=from_number(float(row["timestamp"])),
            text=text,
            kind=kind,
            source=source,
            meta=meta,
        )


def _kind(row: Row, text: str, *, is_media: bool) -> Kind:
    if row.get("meta") and not is_media:
        return "deleted" if text.startswith(_DELETED) else "system"
    return "media" if is_media else "message" if text else "unsupported"
