"""Signal, as the signal-export tool writes it: a folder a chat, with ``chat.md`` and ``data.json``; its ``models.py`` says how.

::

    [2024-02-13, 21:05] Kim: words                  chat.md; newer versions write [2024-02-13 21:05:11]
    {"date": "2024-02-13T21:05:11", "sender": "Kim", "body": "words  ", "quote": "", "reactions": [["Sam", "…"]], …}

Both hold the same chat: ``data.json``, a line a message, is read where it is there. Times are the exporting computer's own. The
tool adds two blanks to each body and takes backquotes out; the blanks are taken off again. As in every text format, a participant
can write a line in ``chat.md`` that looks like another's message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.table_records import jsonl_records
from pipeline.ingest.parsing.text_ends import BOM, CUT_OFF, JOINED, begins_alike
from pipeline.ingest.parsing.text_lines import decoded_lines
from pipeline.ingest.readers.whatsapp_names import ColonNames
from pipeline.ingest.times.parse import from_iso
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_HEADER = re.compile(r"\ufeff?\[(\d{4}-\d{2}-\d{2}),? (\d{2}:\d{2}(?::\d{2})?)\] (.*?): ?", re.DOTALL)
_DELETED = "(This message was deleted)"
_NOBODY = "No-Sender"
_READ = frozenset({"date", "sender", "body", "quote", "sticker", "reactions", "attachments", "deleted", "call", "missed"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chat of a folder.

    Raises
    ------
    ExportError
        When a file cannot be read whole.
    """
    objects = [file for file in unit.files if file.head(1) == b"{"]
    chosen = objects or list(unit.files)
    for file in unit.files:
        if file not in chosen:
            log.warn(file.name, f"holds the same chat as {chosen[0].location.name}, which was read instead")
    for file in chosen:
        reader = _from_json if objects else _from_markdown
        yield Conversation(
            conversation_id=file.location.parent.name or file.sha256[:12], platform="signal", messages=reader(file, options, log)
        )


def _from_json(file: ExportFile, options: ReadOptions, log: ReadLog) -> Iterator[Message]:
    for _, line, row in jsonl_records(file, log):
        source = Source(file.name, line=line)
        with shaped(source, "signal-export"):
            yield _message(row, source, file, options)


def _message(row: Row, source: Source, file: ExportFile, options: ReadOptions) -> Message:
    sender = name_of(row.get("sender"))
    text = string(row.get("body")).removesuffix("  ")
    files = [string(entry.get("name")) for entry in row.get("attachments") or ()]
    if row.get("deleted"):
        kind: Kind = "deleted"
    elif sender in (None, _NOBODY) or row.get("call"):
        kind = "system"
    else:
        kind = "media" if files or row.get("sticker") else "message" if text else "unsupported"
    meta: dict[str, Any] = rest(row, _READ)
    if quote := string(row.get("quote")).strip("\n").removeprefix("> "):
        meta["reply_to"] = quote.replace("\n> ", "\n")
    if row.get("sticker"):
        meta["media_type"] = "sticker"
    if files:
        meta["attachments"] = files
    if row.get("reactions"):
        meta["reactions"] = [_reaction(entry) for entry in row["reactions"]]
    if kind == "system" and sender != _NOBODY:
        meta["actor_id"] = sender
    return Message(
        message_id=f"{file.sha256[:12]}:{source.line}",
        speaker=None if kind == "system" else sender,
        timestamp=from_iso(row["date"], options.timezone),
        text=text,
        kind=kind,
        source=source,
        meta=meta,
    )


def _reaction(entry: Any) -> dict[str, Any]:
    """Return a reaction, which versions write as a pair and as an object."""
    name, emoji = (entry["name"], entry["emoji"]) if isinstance(entry, dict) else entry
    return {"emoji": emoji, "speaker": name}


def _from_markdown(file: ExportFile, options: ReadOptions, log: ReadLog) -> Iterator[Message]:
    header: re.Match[str] | None = None
    words: list[str] = []
    start = 1
    blank, latest = True, ""
    spaced = _survey_markdown(file, log)
    for number, line in decoded_lines(file):
        match = _HEADER.match(line)
        if match and spaced and not blank:
            log.warn(f"{file.name}:{number}", "a line looks like a header and stands within a message: it is its text")
            match = None
        blank = not line.strip()
        if match:
            if f"{match[1]} {match[2]}"[: len(latest)] < latest:
                log.warn(f"{file.name}:{number}", "time runs backwards here: a late delivery, or a forged or quoted line")
            latest = max(latest, f"{match[1]} {match[2]}")
            if header or any(words):
                yield _told(header, words, Source(file.name, line=start), file, options)
            header, words, start = match, [line[match.end() :]], number
        else:
            words.append(line)
    if header or any(words):
        yield _told(header, words, Source(file.name, line=start), file, options)


def _survey_markdown(file: ExportFile, log: ReadLog) -> bool:
    """Return whether a blank line stands before most headers; say where another export was joined, or that the file is cut off."""
    headers = spaced = number = 0
    blank, row, line = True, "", ""
    names = ColonNames()
    for number, line in decoded_lines(file):
        if match := _HEADER.match(line):
            if names.left:
                names.add(f"{match[3]}: {line[match.end() :]}")
            headers, spaced, row = headers + 1, spaced + blank, line
            if number > 1 and line.startswith(BOM):
                log.warn(f"{file.name}:{number}", JOINED)
        blank = not line.strip()
    if (note := names.note()) is not None:
        log.warn(file.name, note)
    if not _HEADER.match(line) and begins_alike(line, row):
        log.warn(f"{file.name}:{number}", CUT_OFF)
    return spaced * 2 > headers


def _told(header: re.Match[str] | None, words: list[str], source: Source, file: ExportFile, options: ReadOptions) -> Message:
    """Return a message from its lines; each message ends with a blank line of the tool's. Lines before the first are nobody's."""
    text = "\n".join(words).removesuffix("\n").removesuffix("\n").removesuffix("  ")
    sender = header[3] if header else _NOBODY
    return Message(
        message_id=f"{file.sha256[:12]}:{source.line}",
        speaker=None if sender == _NOBODY else sender,
        timestamp=_header_time(header, source, options) if header else None,
        text="" if text == _DELETED else text,
        kind="system" if sender == _NOBODY else "deleted" if text == _DELETED else "message",
        source=source,
    )


def _header_time(header: re.Match[str], source: Source, options: ReadOptions) -> datetime:
    with shaped(source, "signal-export"):
        return from_iso(f"{header[1]} {header[2]}", options.timezone)
