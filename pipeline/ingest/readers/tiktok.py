"""TikTok's download of one's own data: ``user_data_tiktok.json`` (before: ``user_data.json``), or ``Direct Messages.txt``.

::

    {…, "Direct Message": {"Direct Messages": {"ChatHistory": {"Chat History with robin_b:": [
          {"Date": "2024-02-13 21:05:11", "From": "robin_b", "Content": …}, …], …}}, "Group Chat": {"GroupChat": {…}}}, …}

    >>> Chat History with robin_b::
    2024-02-13 21:05:11 UTC robin_b: words

Older files say ``"Direct Messages": {"Chat History": {"ChatHistory": …}}``. Times are UTC; rows have no ids and stand the newest
first. One chat is held at a time. The rest of the download (videos, searches, comments, talk with shops) is passed over. The text
marks no ends of messages: as in every text export, a participant can write a line that looks like another's message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import ExportError
from pipeline.ingest.detection.text_evidence import TIKTOK_BANNER
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import Event, build, keys, read_events
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.text_lines import decoded_lines
from pipeline.ingest.times.order import in_time_order
from pipeline.ingest.times.parse import from_iso
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

_UTC = ZoneInfo("UTC")
_SECTIONS = frozenset({"ChatHistory", "GroupChat"})
_WITH = re.compile(r"(?:Chat History with|Group Chat(?: History)?(?: with)?:?)\s+(?P<name>.*?):*", re.DOTALL)
_LINE = re.compile(r"(?P<time>\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?: UTC)?:? (?P<from>[^:]{1,80}): ?(?P<text>.*)", re.DOTALL)
_READ = frozenset({"Date", "From", "Content"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chats of a download, each in the order of time.

    Raises
    ------
    ExportError
        When the file is no such download, or cannot be read whole.
    """
    file = unit.file
    some = False
    chats = _json_chats(file, log) if file.head(64).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else _text_chats(file)
    for title, messages in chats:
        some = True
        name = _name(title)
        yield Conversation(conversation_id=name, platform="tiktok", title=name, messages=messages)
    if not some:
        log.warn(file.name, "there are no direct messages in this TikTok download: they are a part of it that can be left out")


def _name(title: str) -> str:
    match = _WITH.fullmatch(title)
    return (match["name"] if match else title).strip() or title


def _json_chats(file: ExportFile, log: ReadLog) -> Iterator[tuple[str, tuple[Message, ...]]]:
    row = 0
    for title, rows in _histories(read_events(file, log), file.name):
        if not isinstance(rows, list):
            raise ExportError(
                "a chat is not a list of messages", where=file.name, do="Give user_data_tiktok.json as TikTok wrote it"
            )
        yield (
            title,
            in_time_order(_message(entry, Source(file.name, row=number), file) for number, entry in enumerate(rows, row + 1)),
        )
        row += len(rows)


def _histories(events: Iterator[Event], where: str) -> Iterator[tuple[str, Any]]:
    """Yield each chat's key and its rows, wherever its section stands in the file."""
    for event, value in events:
        if event != "map_key" or value not in _SECTIONS:
            continue
        event, _ = next(events)
        if event == "start_map":
            for title in keys(events):
                event, value = next(events)
                yield title, build(events, event, value, where)
        elif event != "null":
            raise ExportError("the chats are not an object", where=where, do="Give user_data_tiktok.json as TikTok wrote it")


def _message(row: Row, source: Source, file: ExportFile) -> Message:
    with shaped(source, "TikTok"):
        text = string(row.get("Content"))
        return Message(
            message_id=f"{file.sha256[:12]}:{source.row}",
            speaker=name_of(row.get("From")),
            timestamp=from_iso(string(row["Date"]).removesuffix(" UTC"), _UTC) if row.get("Date") else None,
            text=text,
            kind="message" if text else "unsupported",
            source=source,
            meta=rest(row, _READ),
        )


def _text_chats(file: ExportFile) -> Iterator[tuple[str, tuple[Message, ...]]]:
    title: str | None = None
    rows: list[tuple[int, re.Match[str], list[str]]] = []
    blank = True
    for number, line in decoded_lines(file):
        banner = TIKTOK_BANNER.fullmatch(line) if blank else None
        match = None if banner else _LINE.fullmatch(line)
        blank = not line.strip()
        if banner is not None:
            if title is not None:
                yield title, _text_messages(rows, file)
            title, rows = banner["title"], []
        elif title is None:
            if not blank:
                raise ExportError(
                    "the file does not begin with a chat's line",
                    where=f"{file.name}:{number}",
                    do="Give TikTok's Direct Messages.txt",
                )
        elif match is not None:
            rows.append((number, match, []))
        elif rows:
            rows[-1][2].append(line)
        elif not blank:
            raise ExportError(
                "a chat does not begin with a message",
                where=f"{file.name}:{number}",
                do="Give TikTok's Direct Messages.txt as it is",
            )
    if title is not None:
        yield title, _text_messages(rows, file)


def _text_messages(rows: list[tuple[int, re.Match[str], list[str]]], file: ExportFile) -> tuple[Message, ...]:
    return in_time_order(_text_message(line, match, more, file) for line, match, more in rows)


def _text_message(line: int, match: re.Match[str], more: list[str], file: ExportFile) -> Message:
    source = Source(file.name, line=line)
    while more and not more[-1].strip():
        more.pop()
    text = "\n".join([match["text"], *more])
    with shaped(source, "TikTok"):
        return Message(
            message_id=f"{file.sha256[:12]}:{line}",
            speaker=match["from"],
            timestamp=from_iso(match["time"], _UTC),
            text=text,
            kind="message" if text else "unsupported",
            source=source,
        )
