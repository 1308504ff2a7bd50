"""Tell a format from what a file holds: from the whole of its head, never from one line, a key somewhere, or its name alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.errors import ExportError
from pipeline.ingest.files import ExportFile
from pipeline.ingest.json_evidence import first_record, is_lines, json_format
from pipeline.ingest.table_evidence import header_columns, holds_messages, is_complete
from pipeline.ingest.table_records import parquet_columns
from pipeline.ingest.text_evidence import has_headers, text_format

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


_OBJECT_OR_LIST = re.compile(r"\s*[\[{]")
_WORDS = re.compile(r"(?!\s*(?:[{<]|\[\s*[{\]]))[^\0]*\Z")


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its title for people, the module that reads it, which files belong together, and which files lie beside them.

    ``begins`` is what a file of the format begins with, for one that is not told and that the user says to be of it.
    """

    title: str
    module: str
    group: Callable[[ExportFile], PurePosixPath] = by_file
    companions: frozenset[str] = frozenset()
    begins: re.Pattern[str] = _OBJECT_OR_LIST


FORMATS: dict[str, Format] = {
    "whatsapp": Format("WhatsApp text", "pipeline.ingest.whatsapp", begins=_WORDS),
    "telegram": Format("Telegram Desktop JSON", "pipeline.ingest.telegram"),
    "meta": Format("Instagram or Messenger (Meta) JSON", "pipeline.ingest.meta", by_folder),
    "discord": Format("Discord (DiscordChatExporter JSON)", "pipeline.ingest.discord"),
    "snapchat": Format("Snapchat chat_history.json", "pipeline.ingest.snapchat"),
    "slack": Format("Slack export", "pipeline.ingest.slack", by_export, SLACK_COMPANIONS),
    "signal": Format("Signal (signal-export)", "pipeline.ingest.signal", by_folder, frozenset({"index.html"}), _WORDS),
    "imessage": Format("iMessage (iMazing CSV)", "pipeline.ingest.imessage", begins=_WORDS),
    "pan12": Format("PAN 2012 XML", "pipeline.ingest.pan12", begins=re.compile(r"\s*<")),
    "convokit": Format("ConvoKit corpus", "pipeline.ingest.convokit", by_folder, CONVOKIT_COMPANIONS),
    "jsonl": Format("JSON Lines", "pipeline.ingest.tables"),
    "json": Format("JSON list of records", "pipeline.ingest.tables"),
    "csv": Format("CSV", "pipeline.ingest.tables", begins=_WORDS),
    "parquet": Format("Parquet", "pipeline.ingest.tables", begins=re.compile("PAR1")),
}


TABLES = frozenset({"jsonl", "json", "csv", "parquet"})

_HEAD = 1 << 16
_LONG_HEAD = 1 << 23
_IMESSAGE = frozenset({"Chat Session", "Message Date", "Text"})
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """What a file was found to be. ``complete`` is whether a table has every column that is needed."""

    format: str
    complete: bool = True


def detect(file: ExportFile, columns: Mapping[str, str] = _NOTHING) -> str | None:
    """Return the key of the file's format, or ``None`` when it is none of ours; see `examine`."""
    found = examine(file, columns)
    return found.format if found is not None else None


def examine(file: ExportFile, columns: Mapping[str, str] = _NOTHING, head: bytes | None = None) -> Found | None:
    """Return what the file is, or ``None`` when it is none of ours. Reads the first 64 KiB, or more where a record is longer.

    ``columns`` is the user's word on which column of a table holds which field; ``head`` is the first 64 KiB, where known.
    """
    head = file.head(_HEAD) if head is None else head
    if head.startswith(b"PAR1"):
        return _parquet(file, columns)
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    start = text.lstrip()
    if start.startswith(("{", "[{", "[\n", "[\r", "[]", "[ ")):
        return _json(head if len(head) < _HEAD or b"\n" in head.lstrip() else file.head(_LONG_HEAD), columns)
    if start.startswith("<"):
        return Found("pan12") if re.search(r"<conversations?\b", start) else None
    return _lines(text, file, columns)


def could_be(file: ExportFile, format_: str) -> bool:
    """Whether a file may be of the format that the user named, among others: it begins as such a file does."""
    head = file.head(_HEAD)
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    if FORMATS[format_].begins.match(text) is None or (b"\0" in head and format_ != "parquet"):
        return False
    return format_ not in ("whatsapp", "signal") or has_headers(text)


def _parquet(file: ExportFile, columns: Mapping[str, str]) -> Found:
    try:
        names = parquet_columns(file)
    except ExportError:
        return Found("parquet")
    return Found("parquet", is_complete(names, columns))


def _json(head: bytes, columns: Mapping[str, str]) -> Found | None:
    format_ = json_format(head)
    if format_ is not None:
        return Found(format_)
    keys = first_record(head)
    if not holds_messages(keys, columns):
        return None
    text = head.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if text.startswith("["):
        return Found("json", is_complete(keys, columns))
    return Found("jsonl", is_complete(keys, columns)) if is_lines(text) else None


def _lines(text: str, file: ExportFile, columns: Mapping[str, str]) -> Found | None:
    names = header_columns(text.lstrip().partition("\n")[0].rstrip("\r"))
    if set(names) >= _IMESSAGE:
        return Found("imessage")
    if len(names) > 1 and "\0" not in text and holds_messages(names, columns):
        return Found("csv", is_complete(names, columns))
    format_ = text_format(text, file)
    return Found(format_) if format_ is not None else None
