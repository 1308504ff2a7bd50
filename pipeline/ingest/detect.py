"""Tell a format from what a file holds, not from its name."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.ingest.files import GZIP_MAGIC, ExportFile
from pipeline.ingest.whatsapp_header import parse_header

SLACK_LISTS = frozenset({"users.json", "channels.json", "groups.json", "dms.json", "mpims.json"})
SLACK_COMPANIONS = frozenset({"integration_logs.json", "canvases.json", "lists.json", "org_users.json"})
CONVOKIT_COMPANIONS = frozenset({"speakers.json", "users.json", "conversations.json", "corpus.json", "index.json"})


def by_file(file: ExportFile) -> PurePosixPath:
    """Each file on its own."""
    return file.location


def by_folder(file: ExportFile) -> PurePosixPath:
    """The files of one folder together."""
    return file.location.parent


def by_export(file: ExportFile) -> PurePosixPath:
    """The lists of an export and the folders beside them together."""
    return file.location.parent if file.location.name in SLACK_LISTS else file.location.parent.parent


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its title for people, the module that reads it, which files belong together, and which files lie beside them."""

    title: str
    module: str
    group: Callable[[ExportFile], PurePosixPath] = by_file
    companions: frozenset[str] = frozenset()


FORMATS: dict[str, Format] = {
    "whatsapp": Format("WhatsApp text", "pipeline.ingest.whatsapp"),
    "telegram": Format("Telegram Desktop JSON", "pipeline.ingest.telegram"),
    "meta": Format("Instagram or Messenger (Meta) JSON", "pipeline.ingest.meta", by_folder),
    "discord": Format("Discord (DiscordChatExporter JSON)", "pipeline.ingest.discord"),
    "snapchat": Format("Snapchat chat_history.json", "pipeline.ingest.snapchat"),
    "slack": Format("Slack export", "pipeline.ingest.slack", by_export, SLACK_COMPANIONS),
    "signal": Format("Signal (signal-export)", "pipeline.ingest.signal", by_folder, frozenset({"index.html"})),
    "imessage": Format("iMessage (iMazing CSV)", "pipeline.ingest.imessage"),
    "pan12": Format("PAN 2012 XML", "pipeline.ingest.pan12"),
    "convokit": Format("ConvoKit corpus", "pipeline.ingest.convokit", by_folder, CONVOKIT_COMPANIONS),
    "jsonl": Format("JSON Lines", "pipeline.ingest.tables"),
    "json": Format("JSON list of records", "pipeline.ingest.tables"),
    "csv": Format("CSV", "pipeline.ingest.tables"),
    "parquet": Format("Parquet", "pipeline.ingest.tables"),
}


_HEAD = 1 << 16


def detect(file: ExportFile) -> str | None:
    """Return the key of the file's format, or ``None`` when it is none of ours. Reads the first 64 KiB."""
    head = file.head(_HEAD)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(GZIP_MAGIC):
        return "jsonl" if _text_format(_unpacked(head)) == "jsonl" else None
    return _text_format(head)


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error:
        return b""


def _text_format(head: bytes) -> str | None:
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    start = text.lstrip()
    if start.startswith(("{", "[{", "[\n", "[\r", "[]", "[ ")):
        return _json(start)
    if start.startswith("<"):
        return "pan12" if re.search(r"<conversations?\b", start) else None
    return _lines(text)


def _json(text: str) -> str | None:
    keys = set(_KEY.findall(text))
    for format_, needed in _JSON_KEYS:
        if needed <= keys:
            return format_
    first, newline, _ = text.partition("\n")
    if text.startswith("{") and (newline or len(text) < _HEAD // 2) and _is_object(first):
        return "jsonl" if _named(keys) else None
    return "json" if text.startswith("[") and _named(keys) else None


def _named(keys: set[str]) -> bool:
    """Whether keys are those of messages: none of ours is guessed, but a file of something else is not taken for a chat."""
    return len(_COLUMN_WORDS.intersection(key.casefold().replace(" ", "_") for key in keys)) >= 2


_KEY = re.compile(r'"((?:[^"\\\n]|\\.){1,60})"\s*:')

# The first row whose keys all stand in the head decides, so that the more telling ones come first.
_JSON_KEYS: tuple[tuple[str, set[str]], ...] = (
    ("discord", {"guild", "channel"}),
    ("snapchat", {"Media Type", "From"}),
    ("meta", {"participants", "messages", "sender_name"}),
    ("meta", {"participants", "messages", "timestamp_ms"}),
    ("meta", {"threadName", "messages"}),
    ("telegram", {"chats", "list"}),
    ("telegram", {"left_chats", "list"}),
    ("telegram", {"messages", "type", "from_id"}),
    ("telegram", {"messages", "type", "date_unixtime"}),
    ("telegram", {"messages", "type", "from", "date"}),
    ("telegram", {"messages", "type", "actor"}),
    ("convokit", {"speaker", "text", "reply-to"}),
    ("convokit", {"user", "text", "root", "reply_to"}),
    ("signal", {"sender", "body", "reactions", "attachments", "quote"}),
    ("slack", {"type", "ts", "text"}),
    ("slack", {"type", "ts", "user"}),
    ("slack", {"team_id", "profile"}),
    ("slack", {"creator", "members", "is_archived"}),
)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except json.JSONDecodeError:
        return False


_SIGNAL = re.compile(r"^\[\d{4}-\d{2}-\d{2},? \d{2}:\d{2}(?::\d{2})?\] [^\n:]+:")

# Column names that a table of messages has, whatever made it; two of them in the first line make it one.
_COLUMN_WORDS = {
    *(
        "conversation_id",
        "conversation",
        "channel",
        "chat",
        "thread",
        "speaker",
        "sender",
        "author",
        "from",
        "user",
        "user_id",
        "name",
    ),
    *("timestamp", "time", "date", "datetime", "sent", "text", "message", "body", "content", "message_id", "id", "kind", "type"),
}


def _lines(text: str) -> str | None:
    lines = text.splitlines()
    if any(_SIGNAL.match(line) for line in lines[:200]):
        return "signal"
    if any(parse_header(line) for line in lines[:200]):
        return "whatsapp"
    if not lines or "\0" in text:
        return None
    for delimiter in ",;\t":
        if {"Chat Session", "Message Date", "Text"} <= {column.strip('"') for column in lines[0].split(delimiter)}:
            return "imessage"
        columns = [column.strip().strip('"').casefold().replace(" ", "_") for column in lines[0].split(delimiter)]
        if len(columns) >= 2 and len(_COLUMN_WORDS.intersection(columns)) >= 2:
            return "csv"
    return None
