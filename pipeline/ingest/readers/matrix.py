"""A Matrix room, as Element exports it to JSON.

::

    {"room_name": "Bakers", "room_creator": "@kim:example.org", "topic": "", "export_date": …, "exported_by": …, "messages": [
        {"type": "m.room.message", "sender": "@robin:example.org", "content": {"msgtype": "m.text", "body": …},
         "origin_server_ts": 1707858311000, "event_id": "$…", "room_id": "!…:example.org"}, …]}

What a message repeats of the one that it answers is told from its own words. An edit is a row of its own with the new words; a
message that was redacted is ``deleted``; what could not be decrypted is ``unsupported``; all other events are ``system``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_items
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.table_fields import plain
from pipeline.ingest.times.parse import from_number, whole
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_WORDS = frozenset({"m.text", "m.notice", "m.emote"})
_MESSAGES = frozenset({"m.room.message", "m.room.encrypted", "m.sticker"})
_POLL = ("m.poll.start", "org.matrix.msc3381.poll.start")
_QUOTED = re.compile(r"((?:> [^\n]*\n)+)\n")
_READ = frozenset({"type", "sender", "content", "origin_server_ts", "event_id", "room_id", "unsigned", "age", "user_id"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the room of a file.

    Raises
    ------
    ExportError
        When the file is no such export, or cannot be read whole.
    """
    file = unit.file
    first = next(read_items(file, "messages.item", log), None)
    room = first.get("room_id") if isinstance(first, dict) else None
    title = next(read_items(file, "room_name", log), None)
    if first is None and title is None:
        raise ExportError("there are no `messages` of a room", where=file.name, do="Export the room from Element as JSON")
    yield Conversation(
        conversation_id=room if isinstance(room, str) and room else file.sha256[:12],
        platform="matrix",
        title=title if isinstance(title, str) and title else None,
        messages=(
            _message(row, Source(file.name, row=number), file.sha256[:12])
            for number, row in enumerate(read_items(file, "messages.item", log), 1)
        ),
    )


def _message(row: Row, source: Source, digest: str) -> Message:
    with shaped(source, "Element"):
        sort, content = string(row.get("type")), row.get("content") or {}
        relates = content.get("m.relates_to") or {}
        edit = relates.get("rel_type") == "m.replace"
        shown = (content.get("m.new_content") or content) if edit else content
        text, quoted = _words(sort, shown, answers="m.in_reply_to" in relates)
        kind = _kind(row, sort, shown, text)
        sender = name_of(row.get("sender")) or name_of(row.get("user_id"))
        meta: dict[str, Any] = rest(row, _READ)
        if sort != "m.room.message":
            meta["type"] = sort
        if kind != "message" and content:
            meta["content"] = content
        if quoted:
            meta["quoted"] = quoted
        if string(shown.get("msgtype")) not in (*_WORDS, "") or sort == "m.sticker":
            meta["media_type"] = string(shown.get("msgtype")) or sort
            meta["attachments"] = [string(shown.get("filename")) or string(shown.get("body"))]
        if edit:
            meta["edits"] = relates.get("event_id")
        elif relates.get("rel_type"):
            meta["relates_to"] = relates
        if "m.in_reply_to" in relates:
            meta["reply_to"] = relates["m.in_reply_to"].get("event_id")
        if kind == "system":
            meta["actor_id"] = sender
        return Message(
            message_id=string(row.get("event_id")) or f"{digest}:{source.row}",
            speaker=None if kind == "system" else sender,
            timestamp=from_number(whole(row["origin_server_ts"])) if row.get("origin_server_ts") is not None else None,
            text=text,
            kind=kind,
            source=source,
            meta=plain(meta),
        )


def _words(sort: str, content: Row, *, answers: bool) -> tuple[str, str]:
    """Return the words of an event, and what it repeats of the message that it answers."""
    if sort in _POLL:
        poll = content.get("m.poll") or content.get("org.matrix.msc3381.poll.start") or {}
        return "\n".join(_poll_text(entry) for entry in [poll.get("question") or {}, *(poll.get("answers") or ())]), ""
    if sort != "m.room.message":
        return "", ""
    if content.get("msgtype") not in _WORDS:
        # The body of a file is its name, but for a caption beside a `filename`.
        caption = string(content.get("body"))
        return (caption, "") if content.get("filename") not in (None, caption) else ("", "")
    body = string(content.get("body"))
    repeated = _QUOTED.match(body) if answers else None
    if repeated is None:
        return body, ""
    return body[repeated.end() :], "\n".join(line[2:] for line in repeated[1].splitlines())


def _poll_text(entry: Row) -> str:
    for key in ("m.text", "org.matrix.msc1767.text", "body"):
        if isinstance(entry.get(key), str):
            return entry[key]
        if isinstance(entry.get(key), list) and entry[key]:
            return string(entry[key][0].get("body"))
    return ""


def _kind(row: Row, sort: str, content: Row, text: str) -> Kind:
    if (row.get("unsigned") or {}).get("redacted_because") or (sort == "m.room.message" and not content):
        return "deleted"
    if sort in _POLL and text:
        return "message"
    if sort not in _MESSAGES:
        return "system"
    if sort == "m.room.encrypted" or content.get("msgtype") == "m.bad.encrypted":
        return "unsupported"
    if sort == "m.sticker" or string(content.get("msgtype")) not in _WORDS:
        return "media"
    return "message" if text else "unsupported"
