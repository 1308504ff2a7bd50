"""Google Chat, as Takeout gives it: a folder a chat, with its messages and who is in it.

::

    Google Chat/Groups/DM AAAA/group_info.json   {"name": …, "members": [{"name": …, "email": …}]}
    Google Chat/Groups/DM AAAA/messages.json     {"messages": [{"creator": {"name", "email", "user_type"}, "text": …,
        "message_id": …, "topic_id": …, "created_date": "Tuesday, February 13, 2024 at 9:05:11 PM UTC"}]}

Dates are in words, in the language of the account. A deleted message keeps its place and no creator. The speaker is the creator's
address, for names change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_items
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.table_fields import plain
from pipeline.ingest.times.long_dates import from_long_date
from pipeline.ingest.times.parse import from_iso
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_FOLDERS = ("DM ", "Space ", "Group Chat ", "Room ")
_READ = frozenset(
    {"creator", "created_date", "updated_date", "deleted_date", "text", "message_id", "attached_files", "quoted_message_metadata"}
    | {"reactions", "message_state"}
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chat of each file.

    Raises
    ------
    ExportError
        When a file cannot be read whole, or a message is not of the form that Takeout writes.
    """
    for file in unit.files:
        info = _info(file, log)
        folder = file.location.parent.name
        yield Conversation(
            conversation_id=folder if folder.startswith(_FOLDERS) else _thread(file, log) or folder or file.sha256[:12],
            platform="google_chat",
            title=info.get("name") if isinstance(info.get("name"), str) else None,
            meta=_members(info),
            messages=(
                _message(row, Source(file.name, row=number), file)
                for number, row in enumerate(read_items(file, "messages.item", log), 1)
            ),
        )


def _info(file: ExportFile, log: ReadLog) -> dict[str, Any]:
    beside = file.sibling("group_info.json")
    info = next(read_items(beside, "", log), None) if beside is not None else None
    return info if isinstance(info, dict) else {}


def _members(info: Row) -> dict[str, Any]:
    members = info.get("members")
    names = [entry.get("email") or entry.get("name") for entry in members if isinstance(entry, dict)] if members else []
    return {"participants": [name for name in names if isinstance(name, str)]} if names else {}


def _thread(file: ExportFile, log: ReadLog) -> str | None:
    """Return the chat that the id of its first message names: ids are ``chat/topic/message``."""
    first = next(read_items(file, "messages.item", log), None)
    identity = first.get("message_id") if isinstance(first, dict) else None
    return identity.partition("/")[0] if isinstance(identity, str) and "/" in identity else None


def _message(row: Row, source: Source, file: ExportFile) -> Message:
    with shaped(source, "Google Takeout"):
        creator = row.get("creator") or {}
        text = string(row.get("text"))
        files = [string(entry.get("original_name") or entry.get("export_name")) for entry in row.get("attached_files") or ()]
        speaker = name_of(creator.get("email")) or name_of(creator.get("name"))
        return Message(
            message_id=string(row.get("message_id")) or f"{file.sha256[:12]}:{source.row}",
            speaker=speaker,
            timestamp=_moment(row.get("created_date") or row.get("deleted_date")),
            text=text,
            kind=_kind(row, text, media=bool(files)),
            source=source,
            meta=plain(_meta(row, creator, speaker, files)),
        )


def _kind(row: Row, text: str, *, media: bool) -> Kind:
    if row.get("message_state") == "DELETED" or (row.get("deleted_date") and not text):
        return "deleted"
    if media:
        return "media"
    return "message" if text else "unsupported"


def _moment(value: object) -> datetime | None:
    text = string(value)
    if not text:
        return None
    return from_iso(text) if text[4:5] == "-" else from_long_date(text)


def _meta(row: Row, creator: Row, speaker: str | None, files: list[str]) -> dict[str, Any]:
    meta: dict[str, Any] = rest(row, _READ)
    name = creator.get("name")
    meta |= {"speaker_name": name} if name and name != speaker else {}
    meta |= {"bot": True} if creator.get("user_type") == "Bot" else {}
    for key, member in (("edited", "updated_date"), ("deleted", "deleted_date")):
        if (moment := _moment(row.get(member))) is not None:
            meta[key] = moment.isoformat()
    if files:
        meta["attachments"] = files
    quoted = row.get("quoted_message_metadata")
    if quoted:
        meta["reply_to"] = name_of(quoted.get("message_id"))
        meta["quoted"] = {"speaker": (quoted.get("creator") or {}).get("email"), "text": string(quoted.get("text"))}
    if row.get("reactions"):
        meta["reactions"] = [reaction for entry in row["reactions"] for reaction in _reactions(entry)]
    return meta


def _reactions(entry: Row) -> Iterator[dict[str, Any]]:
    emoji = entry.get("emoji") or {}
    shown = emoji.get("unicode") or (emoji.get("custom_emoji") or {}).get("shortcode")
    for reactor in entry.get("reactor_emails") or [None]:
        yield {"emoji": shown, "speaker": reactor}
