"""Microsoft Teams, as its Graph gives it: a list of messages, or an answer with the list in ``value``.

::

    [{"id": "1707858311000", "messageType": "message", "createdDateTime": "2024-02-13T21:05:11Z", "chatId": "19:…",
      "from": {"user": {"id": …, "displayName": "Robin"}}, "replyToId": null,
      "body": {"contentType": "html", "content": "<p>bread?</p>"}, …}, …]

The messages of all chats and channels may stand mixed and newest first. ``text`` is what people saw; the HTML is kept in
``meta["raw_text"]``. The export of Teams for private use is that of Skype: see `pipeline.ingest.readers.skype`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_items
from pipeline.ingest.parsing.markup import Words, words_of
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.table_fields import Columns, plain
from pipeline.ingest.parsing.table_records import Record, Wanted, is_json_list
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Source

_READ = frozenset(
    {"id", "messageType", "createdDateTime", "from", "body", "chatId", "replyToId", "lastEditedDateTime", "deletedDateTime"}
    | {"attachments", "reactions", "channelIdentity", "etag", "lastModifiedDateTime"}
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chats of a file, each in the order of time.

    Raises
    ------
    ExportError
        When a message is not of the form that Teams writes, or the file cannot be read whole.
    """
    file = unit.file
    prefix = "item" if is_json_list(file) else "value.item"

    def records(wanted: Wanted) -> Iterator[Record]:
        for index, row in enumerate(read_items(file, prefix, log)):
            if wanted(index):
                with shaped(Source(file.name, row=index + 1), "Teams"):
                    yield index, index + 1, _record(row, file)

    table = Table(file, records, Columns.named({}), options, log, has_lines=False, platform="teams", by_time=True, mixed=True)
    yield from table.conversations()


def _record(row: Row, file: ExportFile) -> dict[str, Any]:
    body = row.get("body") or {}
    raw = string(body.get("content"))
    words = words_of(raw) if string(body.get("contentType")).casefold() == "html" else Words(raw)
    attachments = row.get("attachments") or []
    files = words.files + [name for entry in attachments if (name := string(entry.get("name")) or string(entry.get("contentUrl")))]
    kind = _kind(row, words.text, media=bool(files))
    sender = row.get("from") or {}
    person = sender.get("user") or sender.get("application") or sender.get("device") or {}
    speaker = name_of(person.get("id")) or name_of(person.get("displayName"))
    meta = rest(row, _READ)
    name = person.get("displayName")
    meta |= {"speaker_name": name} if name and name != speaker else {}
    meta |= {"bot": True} if sender.get("application") else {}
    for key, member in (("edited", "lastEditedDateTime"), ("deleted", "deletedDateTime"), ("reply_to", "replyToId")):
        if row.get(member):
            meta[key] = row[member]
    meta |= {"raw_text": raw} if raw != words.text else {}
    meta |= {"quoted": words.quoted} if words.quoted else {}
    meta |= {"attachments": files} if files else {}
    if row.get("reactions"):
        meta["reactions"] = [_reaction(entry) for entry in row["reactions"]]
    if kind == "system":
        meta["type"] = row.get("messageType")
        meta["actor_id"] = speaker
    channel = row.get("channelIdentity") or {}
    return {
        "conversation_id": name_of(row.get("chatId")) or name_of(channel.get("channelId")) or file.sha256[:12],
        "message_id": name_of(row.get("id")),
        "speaker": None if kind == "system" else speaker,
        "timestamp": row.get("createdDateTime"),
        "text": words.text,
        "kind": kind,
        "meta": plain(meta),
    }


def _kind(row: Row, text: str, *, media: bool) -> Kind:
    if row.get("messageType") not in (None, "message"):
        return "system"
    if row.get("deletedDateTime"):
        return "deleted"
    return "media" if media else "message" if text else "unsupported"


def _reaction(entry: Row) -> dict[str, Any]:
    user = (entry.get("user") or {}).get("user") or {}
    return {"emoji": entry.get("reactionType"), "speaker": user.get("id") or user.get("displayName")}
