"""Tell a format from what a file holds: from the whole of its head, never from one line, a key somewhere, or its name alone."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import ModuleType

from pipeline.errors import ExportError
from pipeline.ingest.detection.html_evidence import html_format
from pipeline.ingest.detection.json_evidence import first_record, is_lines, json_format
from pipeline.ingest.detection.log_evidence import begins_with_row, csv_format, has_rows, marked_format, unmarked_format
from pipeline.ingest.detection.table_evidence import (
    header_columns,
    holds_messages,
    is_complete,
    is_snapchat_return,
    typed_columns,
    without_separator_line,
)
from pipeline.ingest.detection.text_evidence import TIKTOK_BANNER, has_headers, is_discord_text, text_format
from pipeline.ingest.detection.xml_evidence import xml_format
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.grids import Grid, is_workbook, workbook_grids
from pipeline.ingest.parsing.table_records import parquet_columns
from pipeline.ingest.readers.forensic_columns import forensic_format, report_format
from pipeline.ingest.readers.roblox_grammar import has_chat, is_roblox

SLACK_LISTS = frozenset({"users.json", "channels.json", "groups.json", "dms.json", "mpims.json"})
SLACK_COMPANIONS = frozenset({"integration_logs.json", "canvases.json", "lists.json", "org_users.json"})
GOOGLE_CHAT_COMPANIONS = frozenset({"group_info.json", "user_info.json"})
CONVOKIT_COMPANIONS = frozenset({"speakers.json", "users.json", "conversations.json", "corpus.json", "index.json"})


def by_file(file: ExportFile) -> PurePosixPath:
    """Each file on its own."""
    return file.location


def by_folder(file: ExportFile) -> PurePosixPath:
    """Group the files of one folder."""
    return file.location.parent


def by_export(file: ExportFile) -> PurePosixPath:
    """Group the lists of an export and the folders beside them."""
    return file.location.parent if file.location.name in SLACK_LISTS else file.location.parent.parent


_OBJECT_OR_LIST = re.compile(r"\s*[\[{]")
_OBJECT_OR_BANNER = re.compile(r"\s*(?:\{|>>> )")
_JSON = re.compile(r"\{|\[(?:[{\]\r\n]| (?! *\d))")
_EMPTY_LIST = re.compile(r"\[\s*\]\s*")
_ELEMENT = re.compile(r"\s*<")
_WORKBOOK = re.compile("PK")
MAILBOX = re.compile(r"From \S[^\r\n]*\r?\n(?:>?From [^\r\n]*\r?\n)?[!-9;-~]{1,60}:[ \t\r\n]")
_PAGE_OR_WORDS = re.compile(r"\s*<|[^\0]*\Z")
_REPORT = re.compile(r"PK|\s*<|[^\0]*\Z")
_WORDS = re.compile(r"(?!\s*(?:[{<]|\[\s*[{\]]))[^\0]*\Z")


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its title for people, the module of ``readers`` for it, which files belong together, and which lie beside them.

    ``begins`` is what a file of the format begins with, for one that is not told and that the user says to be of it.
    """

    title: str
    module: str
    group: Callable[[ExportFile], PurePosixPath] = by_file
    companions: frozenset[str] = frozenset()
    begins: re.Pattern[str] = _OBJECT_OR_LIST

    def load(self) -> ModuleType:
        """Import the module that reads the format; no reader is imported before it is needed."""
        return importlib.import_module(f"pipeline.ingest.readers.{self.module}")


FORMATS: dict[str, Format] = {
    "whatsapp": Format("WhatsApp text", "whatsapp", begins=_WORDS),
    "whatsapp_exporter": Format("WhatsApp (WhatsApp-Chat-Exporter JSON)", "whatsapp_exporter"),
    "telegram": Format("Telegram Desktop JSON", "telegram"),
    "telegram_html": Format("Telegram Desktop HTML", "telegram_html", by_folder, begins=_ELEMENT),
    "meta": Format("Instagram or Messenger (Meta) JSON", "meta", by_folder),
    "meta_html": Format("Instagram or Messenger (Meta) HTML", "meta_html", by_folder, begins=_ELEMENT),
    "discord": Format("Discord (DiscordChatExporter JSON)", "discord"),
    "discord_csv": Format("Discord (DiscordChatExporter CSV)", "discord_csv", begins=_WORDS),
    "discord_text": Format("Discord (DiscordChatExporter text)", "discord_text", begins=_WORDS),
    "discord_html": Format("Discord (DiscordChatExporter HTML)", "discord_html", begins=_ELEMENT),
    "discord_api": Format("Discord's API (messages as JSON)", "discord_api"),
    "discord_package": Format(
        "Discord's own data package (one side only)",
        "discord_package",
        companions=frozenset({"channel.json", "index.json"}),
        begins=re.compile(r"\s*\[|\s*\"?ID\b"),
    ),
    "snapchat": Format("Snapchat download (chat_history.json, snap_history.json)", "snapchat"),
    "snapchat_html": Format("Snapchat download as HTML", "snapchat_html", begins=_ELEMENT),
    "snapchat_return": Format("Snapchat's return to law enforcement (CSV)", "snapchat_return", begins=_WORDS),
    "tiktok": Format("TikTok download (JSON or text)", "tiktok", begins=_OBJECT_OR_BANNER),
    "slack": Format("Slack export", "slack", by_export, SLACK_COMPANIONS),
    "signal": Format("Signal (signal-export)", "signal", by_folder, frozenset({"index.html"}), _WORDS),
    "signal_backup": Format("Signal's own export (main.jsonl)", "signal_backup"),
    "signal_desktop": Format("Signal Desktop's messages (sigtop JSON)", "signal_desktop"),
    "skype": Format("Skype or Teams for private use (messages.json)", "skype"),
    "teams": Format("Microsoft Teams (Graph JSON)", "teams"),
    "matrix": Format("Matrix (Element JSON)", "matrix"),
    "imessage": Format("iMessage (iMazing CSV)", "imessage", begins=_WORDS),
    "imessage_exporter": Format("iMessage (imessage-exporter text, HTML)", "imessage_exporter", begins=_PAGE_OR_WORDS),
    "sms": Format("SMS Backup & Restore XML", "sms", begins=_ELEMENT),
    "line": Format("LINE text", "line", begins=_WORDS),
    "kakaotalk": Format("KakaoTalk text or CSV", "kakaotalk", begins=_WORDS),
    "viber": Format("Viber CSV or text", "viber", begins=_WORDS),
    "cellebrite": Format("Cellebrite report (CSV, XLSX, XML, ufdr)", "forensic", begins=_REPORT),
    "axiom": Format("Magnet AXIOM report (CSV, XLSX, XML)", "forensic", begins=_REPORT),
    "irc": Format("IRC log", "logs", begins=_WORDS),
    "minecraft": Format("Minecraft log", "logs", begins=_WORDS),
    "roblox": Format("Roblox client's log", "logs", begins=_WORDS),
    "twitch": Format("Twitch chat as text", "logs", begins=_WORDS),
    "mbox": Format("Mailbox (mbox)", "mbox", begins=MAILBOX),
    "google_chat": Format("Google Chat (Takeout)", "google_chat", companions=GOOGLE_CHAT_COMPANIONS),
    "hangouts": Format("Google Hangouts (Takeout)", "hangouts"),
    "google_voice": Format("Google Voice (Takeout)", "google_voice", by_folder, begins=_ELEMENT),
    "pan12": Format("PAN 2012 XML", "pan12", begins=_ELEMENT),
    "convokit": Format("ConvoKit corpus", "convokit", by_folder, CONVOKIT_COMPANIONS),
    "jsonl": Format("JSON Lines", "tables"),
    "json": Format("JSON list of records", "tables"),
    "csv": Format("CSV", "tables", begins=_WORDS),
    "xlsx": Format("Excel workbook", "spreadsheet", begins=_WORKBOOK),
    "parquet": Format("Parquet", "tables", begins=re.compile("PAR1")),
}


TABLES = frozenset({"jsonl", "json", "csv", "xlsx", "parquet"})

_MEDIA = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"%PDF", b"OggS", b"\0\0\0")
_HEAD = 1 << 16
_LONG_HEAD = 1 << 23
_DISCORD = frozenset({"AuthorID", "Author", "Date", "Content"})
_DISCORD_PACKAGE = frozenset({"ID", "Timestamp", "Contents", "Attachments"})
_IMESSAGE = frozenset({"Chat Session", "Message Date", "Text"})
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """What a file was found to be. ``complete`` is whether a table has every column that is needed."""

    format: str
    complete: bool = True


def detect(file: ExportFile, columns: Mapping[str, str] = _NOTHING) -> str | None:
    """Return the key of the file's format, or ``None`` when it is none of ours; see `examine`."""
    evidence = examine(file, columns)
    return evidence.format if evidence is not None else None


def examine(file: ExportFile, columns: Mapping[str, str] = _NOTHING, head: bytes | None = None) -> Found | None:
    """Return what the file is, or ``None`` when it is none of ours. Reads the first 64 KiB, or more where a record is longer.

    ``columns`` is the user's word on which column of a table holds which field; ``head`` is the first 64 KiB, where known.
    """
    head = file.head(_HEAD) if head is None else head
    if head.startswith(b"PAR1"):
        return _parquet(file, columns)
    if is_workbook(file, head):
        return _workbook(file, columns)
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    start = text.lstrip()
    if _EMPTY_LIST.fullmatch(start) and file.location.name == "messages.json" and file.sibling("channel.json") is not None:
        return Found("discord_package")
    if _JSON.match(start):
        return _json(head if len(head) < _HEAD or b"\n" in head.lstrip() else file.head(_LONG_HEAD), columns)
    if MAILBOX.match(text):
        return Found("mbox")
    if start.startswith("<"):
        format_ = xml_format(start) or html_format(head, file)
        return Found(format_) if format_ is not None else None
    return _lines(text, file, columns)


def could_be(file: ExportFile, format_: str) -> bool:
    """Whether a file may be of the format that the user named, among others: it begins as such a file does."""
    head = file.head(_HEAD)
    if head.startswith(_MEDIA):
        return False
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    if FORMATS[format_].begins.match(text) is None or (b"\0" in head and not head.startswith((b"PAR1", b"PK"))):
        return False
    return has_rows(text, format_) if format_ not in ("whatsapp", "signal") else has_headers(text)


def _workbook(file: ExportFile, columns: Mapping[str, str]) -> Found | None:
    """Return what the first sheet with messages in it is; a workbook that cannot be opened is one for its reader to refuse."""
    try:
        grids = workbook_grids(file)
        evidence = [evidence for grid in grids if (evidence := _grid(grid, columns)) is not None]
    except ExportError:
        return Found("xlsx", complete=False)
    return max(evidence, key=lambda candidate: candidate.complete, default=None)


def _grid(grid: Grid, asked: Mapping[str, str]) -> Found | None:
    header = grid.header(
        lambda names: (
            is_complete(names, typed_columns(names, asked)) or forensic_format(names) is not None or holds_messages(names, asked)
        )
    )
    if header is None:
        return None
    names = header[1]
    columns = typed_columns(names, asked)
    program = None if is_complete(names, columns) or asked else forensic_format(names)
    return Found(program) if program is not None else Found("xlsx", is_complete(names, columns))


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


def _lines(text: str, file: ExportFile, asked: Mapping[str, str]) -> Found | None:
    if is_snapchat_return(text):
        return Found("snapchat_return")
    if TIKTOK_BANNER.match(text.lstrip()):
        return Found("tiktok")
    if is_roblox(text):
        return Found("roblox") if has_chat(text) or has_chat(file.head(_LONG_HEAD).decode("utf-8", "replace")) else None
    if (known_format := marked_format(text)) is not None:
        return Found(known_format)
    first = without_separator_line(text.lstrip()).partition("\n")[0].rstrip("\r")
    names = [] if begins_with_row(text) else header_columns(first)
    columns = typed_columns(names, asked)
    if is_discord_text(text):
        return Found("discord_text")
    if set(names) >= _DISCORD:
        return Found("discord_csv")
    if set(names) >= _DISCORD_PACKAGE:
        return Found("discord_package")
    if set(names) >= _IMESSAGE:
        return Found("imessage")
    if len(names) > 1 and (known_format := csv_format(text.lstrip())) is not None:
        return Found(known_format)
    if not is_complete(names, columns) and not asked and (report := report_format(text)) is not None:
        return Found(report)
    if len(names) > 1 and "\0" not in text and holds_messages(names, columns):
        return Found("csv", is_complete(names, columns))
    format_ = text_format(text, file) or unmarked_format(text)
    return Found(format_) if format_ is not None else None
