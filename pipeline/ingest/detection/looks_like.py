"""What a file that no reader takes looks like, so that an error says what to do: it is only asked for such files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pipeline.ingest.detection.json_evidence import first_record, key_chains
from pipeline.ingest.detection.table_evidence import header_columns, holds_messages
from pipeline.ingest.files.archives import archive_kind
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.readers.whatsapp_header import is_like_header, parse_header

_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looks like, and what its owner can do."""

    what: str
    do: str
    chat: bool = True


ARCHIVE = Look("an archive in an archive", "Unpack the outer ones")
_NO_MESSAGES = Look("a part of an Instagram download that holds no chats", "Give the folder `messages`", chat=False)
_TELEGRAM_PAGE = Look("a page of Telegram's HTML that holds no chat", "Give the folder of the chat's messages.html", chat=False)
_META_PAGE = Look("a page of an Instagram or Facebook download that holds no chat", "Give the folder `messages`", chat=False)
_SNAPCHAT_LIST = Look(
    "the list of chats of a Snapchat download", "Give the whole folder: the chats are pages of their own", chat=False
)
_SNAPCHAT_PAGE = Look("a page of a Snapchat download that holds no chat", "Give the whole folder", chat=False)
_EMPTY = Look("an export without messages", "If there should be some, export it again", chat=False)
_ROBLOX = Look("a Roblox log in which nobody chats", "Give the logs of the days with the chats", chat=False)
_CALLS = Look("a list of calls", "Give the app's messages (sms-….xml)", chat=False)
_AS_TABLE = "Write a row a message, with the columns conversation_id, speaker, timestamp and text"
NO_CHATS = (_NO_MESSAGES, _TELEGRAM_PAGE, _META_PAGE, _SNAPCHAT_LIST, _SNAPCHAT_PAGE, _ROBLOX, _CALLS, _EMPTY)
"""What is known to hold no chats."""

_MAGIC: tuple[tuple[bytes, Look], ...] = (
    (b"%PDF", Look("a PDF", "Export the chat as text or JSON from the app itself", chat=False)),
    (b"SQLite format 3\0", Look("an app's database", "Export the chat from the app, as text or JSON")),
    (b"\xd0\xcf\x11\xe0", Look("an old Office document or spreadsheet", "Save the table as CSV in UTF-8")),
    (b"Rar!", Look("a RAR archive", "Unpack it and give the folder")),
    (b"BZh", Look("a bzip2 archive", "Unpack it and give the file")),
    (b"\xfd7zXZ", Look("an xz archive", "Unpack it and give the file")),
    (b"\xff\xd8\xff", Look("a picture", "Give the chat's text", chat=False)),
    (b"{\\rtf", Look("a text with formatting (RTF)", "Save it as plain text in UTF-8, or give the app's own export")),
    (b"\x89PNG", Look("a picture", "Give the chat's text", chat=False)),
)
_BACKUP = re.compile(r"\.crypt\d{1,2}\Z", re.IGNORECASE)
_WHATSAPP_BACKUP = Look("WhatsApp's encrypted backup", "In the chat: More, Export chat; without media is enough")
_HTML: tuple[tuple[str, Look], ...] = (
    (r"\bclass=\"page_wrap", _TELEGRAM_PAGE),
    (r"chatlog__|DiscordChatExporter", Look("Discord as DiscordChatExporter's HTML", "Export the channel again, as JSON")),
    (r"\b_a6-|\buiBoxWhite", _META_PAGE),
    (r"chat_history/subpage_", _SNAPCHAT_LIST),
    (r"snapchat", _SNAPCHAT_PAGE),
)
_XML: tuple[tuple[str, Look], ...] = ((r"<calls\b", _CALLS),)
_KEYS: tuple[tuple[frozenset[str], Look], ...] = (
    (frozenset({"string_map_data"}), _NO_MESSAGES),
    (
        frozenset({"annotations", "data", "result"}),
        Look("Label Studio's JSON", "`safelight corpus check` and `train` read it as labels; to score give the chats"),
    ),
    (
        frozenset({"messages", "role", "content"}),
        Look("a chat of a language model's, with `role` and `content`", f"It does not say who or when. {_AS_TABLE}"),
    ),
    (frozenset({"requestedAttributes", "comment"}), Look("a request to Perspective", _AS_TABLE, chat=False)),
    (frozenset({"event_id", "room_id"}), Look("events of Matrix", "Export the room from Element, as JSON")),
)
_TEXT: tuple[tuple[str, Look], ...] = (
    (r"\d{4}-\d{2}-\d{2}T[\d:.]+Z,[\d.]+,[0-9a-f]+,\d+(?:,\w+)? \[D?FLog::", _ROBLOX),
    (
        r"(?:[!-9;-~]{1,60}:.*\r?\n(?:[ \t].*\r?\n)*){2,}\r?\n",
        Look("a single mail", "Put the mails of the thread in a mailbox (mbox), as Thunderbird and Apple Mail export it"),
    ),
    (
        r".{1,80}, \[\d{1,2}[./ ]\S{1,9}[./ ]\d{2,4},?(?: at)? \d{1,2}:\d{2}",
        Look("messages copied out of Telegram", "Export the chat from Telegram Desktop, as JSON"),
    ),
    (
        r".{1,60} — \S{6,12},? \d{1,2}:\d{2}",
        Look("messages copied out of Discord", "Export the channel with DiscordChatExporter, as JSON"),
    ),
    (
        r"Conversation: .*\n\s*From: .*\nType: ",
        Look(
            "Signal's messages as sigtop's text",
            "Run sigtop again with -f json, or export from Signal Desktop itself",
        ),
    ),
    (
        r"\w{3}, \w{3} \d{1,2}, \d{4}, \d{1,2}:\d{2}:\d{2}(?: [AP]M)? - ",
        Look("Element's text of a Matrix room", "Export the room again from Element, as JSON"),
    ),
    (r"(?m)^\[\d{2}:\d{2}(?::\d{2})?\] (?:<[^>\n]+>|\[[^\]\n]+\])", Look("a log of IRC or of a game", "Convert it to CSV")),
    (r"(?m)^\[?\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}|^\[\d{1,2}\w{3}\d{4} \d{2}:\d{2}", Look("a program's log", "Convert it to CSV")),
)

_BEFORE = re.compile(r"^(?:[\s>|*•·\"'“„«]|&gt;|[-–] |\d{1,6}[.:)] ?)+")
_QUOTED = Look(
    "a chat with something else before its lines, such as quote marks or numbers",
    "Export the chat again, or keep only its own lines and take the marks before them away",
)
_SHEET = Look(
    "a spreadsheet without a table of messages that we know",
    "Say which columns hold what, with --format xlsx and --column text=…",
    chat=False,
)
_TABLE = Look("a table of messages that lacks columns we need", "Give it alone and name them, such as --column conversation_id=…")


def looks_like(file: ExportFile, head: bytes | None = None) -> Look | None:
    """Return what a file looks like that is no export we read; ``None`` where nothing tells. ``head`` is its begin, where known."""
    head = file.head(_HEAD) if head is None else head
    if _BACKUP.search(file.location.name) is not None:
        return _WHATSAPP_BACKUP
    if archive_kind(head) is not None:
        return _archive(file)
    for magic, look in _MAGIC:
        if head.startswith(magic):
            return look
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    start = text.lstrip()
    if start.startswith("<"):
        return _marked_up(start)
    if start.startswith(("{", "[{", "[]", "[\n", "[ ", "[\r")):
        return _json(head)
    return _text(text)


def _archive(file: ExportFile) -> Look:
    names = [member.name for member in file.as_archive().members]
    if any(name.startswith("xl/") for name in names):
        return _SHEET
    if any(name.startswith("word/") for name in names):
        return Look("a Word document", "Give the chat's own export", chat=False)
    return ARCHIVE


def _marked_up(start: str) -> Look:
    lowered = start[:200].casefold()
    known = _HTML if "<html" in lowered or "<!doctype html" in lowered else _XML
    for pattern, look in known:
        if re.search(pattern, start, re.IGNORECASE):
            return look
    what = "a page in HTML" if known is _HTML else "XML of another program"
    return Look(what, "Export the chat again, as JSON or text", chat=known is _HTML)


def _json(head: bytes) -> Look | None:
    if len(head) < _HEAD and _is_empty(head):
        return _EMPTY
    chains = set(key_chains(head))
    for needed, look in _KEYS:
        if any(needed <= chain for chain in chains):
            return look
    if holds_messages(first_record(head), {}):
        return _TABLE
    return Look(
        "JSON without messages that we know", "If it holds messages, say which fields do, with --format and --column", chat=False
    )


def _is_empty(content: bytes) -> bool:
    """Whether a whole file is an object or a list with nothing in it, or an object in which no list holds anything."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, dict) or not value:
        return value in ({}, [])
    held = [child for child in value.values() if isinstance(child, list | dict)]
    return bool(held) and not any(held)


def _text(text: str) -> Look | None:
    if "\0" in text:
        return None
    first = text.lstrip().partition("\n")[0]
    lines = [line for line in text.split("\n") if line.strip()][:50]
    like = sum(is_like_header(line) or parse_header(line + " ") is not None for line in lines)
    unmarked = [bare for line in lines if (bare := _BEFORE.sub("", line)) != line]
    if lines and sum(parse_header(line + " ") is not None for line in unmarked) > max(like, 0.1 * len(lines)):
        return _QUOTED
    if lines and like > 0.2 * len(lines):
        return Look("a chat with headers that cannot be read", "Send us two lines of it, with the words changed")
    for pattern, look in _TEXT:
        if re.match(pattern, text):
            return look
    if holds_messages(header_columns(first), {}):
        return _TABLE
    if len(header_columns(first)) > 2:
        return Look("a table", "If it holds messages, say which columns do: --format csv --column text=…", chat=False)
    return None
