"""Slack's export: a folder a channel, a file a day, and lists of users and channels beside the folders.

::

    users.json  channels.json  groups.json  dms.json  mpims.json
    general/2024-02-13.json    [{"type": "message", "user": "U123", "ts": "1707858311.000200", "text": …}, …]

``ts`` is a message's id and its time, ``thread_ts`` the one it replies to, and a ``subtype`` marks what is no ordinary message.
Slack writes ``&``, ``<`` and ``>`` of a text as entities, and its own marks in ``<…>``: what people saw is ``text``; where marks
were replaced what Slack wrote is ``meta["raw_text"]``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.ingest.detection.detect import SLACK_LISTS
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_items
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.times.parse import from_number
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_SPOKEN = frozenset({None, "bot_message", "me_message", "thread_broadcast", "file_share", "file_comment", "reply_broadcast"})
_READ = frozenset(
    {"type", "subtype", "user", "bot_id", "username", "ts", "thread_ts", "text", "edited", "reactions", "files", "blocks"}
    | {"user_profile", "team", "user_team", "source_team", "client_msg_id", "reply_users", "replies", "upload", "display_as_bot"}
)
_MARK = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the channels of an export, each in the order of time.

    Raises
    ------
    ExportError
        When a file cannot be read whole.
    """
    names, channels = _names(unit, log), _channels(unit, log)
    days: dict[str, list[ExportFile]] = {}
    for file in unit.files:
        if file.location.name not in SLACK_LISTS:
            days.setdefault(file.location.parent.name, []).append(file)
    for folder, files in days.items():
        yield Conversation(
            conversation_id=channels.get(folder, folder),
            platform="slack",
            title=folder,
            messages=_messages(sorted(files, key=lambda file: file.location.name), names, log),
        )


def _lists(unit: Unit, wanted: frozenset[str], log: ReadLog) -> Iterator[Row]:
    for file in unit.files:
        if file.location.name in wanted:
            for entry in read_items(file, "item", log):
                if isinstance(entry, dict):
                    yield entry


def _names(unit: Unit, log: ReadLog) -> dict[str, str]:
    """Return what each user calls themselves."""
    names = {}
    for user in _lists(unit, frozenset({"users.json"}), log):
        profile = user.get("profile")
        profile = profile if isinstance(profile, dict) else {}
        name = profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name")
        if isinstance(name, str) and name:
            names[str(user.get("id"))] = name
    return names


def _channels(unit: Unit, log: ReadLog) -> dict[str, str]:
    """Return the id of each channel by its folder's name; direct messages have their id for a folder."""
    return {
        channel["name"]: channel["id"]
        for channel in _lists(unit, SLACK_LISTS - {"users.json"}, log)
        if isinstance(channel.get("name"), str) and isinstance(channel.get("id"), str)
    }


def _messages(files: list[ExportFile], names: Mapping[str, str], log: ReadLog) -> Iterator[Message]:
    for file in files:
        rows = [
            _message(row, Source(file.name, row=number), names, file) for number, row in enumerate(read_items(file, "item", log), 1)
        ]
        yield from sorted(rows, key=lambda message: message.timestamp.timestamp() if message.timestamp else 0.0)


def _message(row: Row, source: Source, names: Mapping[str, str], file: ExportFile) -> Message:
    with shaped(source, "Slack"):
        raw = string(row.get("text"))
        text = _MARK.sub(lambda mark: _shown(mark, names), raw)
        text = html.unescape(text) if "&" in text else text
        kind = _kind(row, text)
        speaker = name_of(row.get("user")) or name_of(row.get("bot_id")) or name_of(row.get("username"))
        meta = _meta(row, names, speaker)
        if _MARK.search(raw):
            meta["raw_text"] = raw
        if kind == "system" and speaker:
            meta["actor_id"] = speaker
        return Message(
            message_id=str(row["ts"]) if "ts" in row else f"{file.sha256[:12]}:{source.row}",
            speaker=None if kind == "system" else speaker,
            timestamp=from_number(float(row["ts"])) if "ts" in row else None,
            text=text,
            kind=kind,
            source=source,
            meta=meta,
        )


def _shown(mark: re.Match[str], names: Mapping[str, str]) -> str:
    """Return what people see in place of a mark, with ``&``, ``<`` and ``>`` still written as entities."""
    sort, target, label = mark.groups()
    if sort == "@":
        return f"@{html.escape(names[target], quote=False) if target in names else label or target}"
    if sort == "#":
        return f"#{label or target}"
    if sort == "!":
        return label or f"@{target.partition('^')[0]}"
    return label or target.removeprefix("mailto:")


def _kind(row: Row, text: str) -> Kind:
    subtype = row.get("subtype")
    if subtype == "tombstone":
        return "deleted"
    if subtype not in _SPOKEN or row.get("type", "message") != "message":
        return "system"
    if row.get("files"):
        return "media"
    return "message" if text or row.get("blocks") is None else "unsupported"


def _meta(row: Row, names: Mapping[str, str], speaker: str | None) -> dict[str, Any]:
    meta: dict[str, Any] = rest(row, _READ)
    if row.get("subtype"):
        meta["subtype"] = row["subtype"]
    if speaker and (name := names.get(speaker) or row.get("username")):
        meta["speaker_name"] = name
    if row.get("thread_ts") and row["thread_ts"] != row.get("ts"):
        meta["reply_to"] = str(row["thread_ts"])
    if row.get("edited"):
        meta["edited"] = from_number(float(row["edited"]["ts"])).isoformat()
    if row.get("files"):
        meta["attachments"] = [string(entry.get("name") or entry.get("title") or entry.get("id")) for entry in row["files"]]
    if row.get("reactions"):
        meta["reactions"] = [reaction for entry in row["reactions"] for reaction in _reactions(entry)]
    return meta


def _reactions(entry: Row) -> Iterator[dict[str, Any]]:
    users = entry.get("users") or ()
    for user in users:
        yield {"emoji": entry.get("name"), "speaker": user}
    if (others := int(entry.get("count") or 0) - len(users)) > 0:
        yield {"emoji": entry.get("name"), "speaker": None, "count": others}
