"""Snapchat's download as HTML: a page a chat since 2023, and before that one page with a table for each direction.

::

    html/chat_history/subpage_robin_b.html
      <div class="rightpanel"><h1>robin_b</h1>
        <div style="background: #f2f2f2; …"><span>Saved</span><h4>robin_b</h4><span>TEXT</span><p>bread?</p>
          <h6>2024-02-13 21:05:11 UTC</h6></div>

    html/chat_history.html
      <table><tr><th>From</th><th>Media Type</th><th>Created</th></tr>
        <tr><td>robin_b</td><td>TEXT</td><td>2021-02-13 21:05:11 UTC</td></tr>  <tr><td>bread?</td></tr> …

Times are in UTC, the newest row stands first. The tables are those of the older JSON: see `pipeline.ingest.readers.snapchat_lists`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.ingest.detection.html_evidence import is_snapchat_box
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.html_stream import Element, read_elements
from pipeline.ingest.parsing.shape import shaped
from pipeline.ingest.readers.snapchat_lists import read_lists
from pipeline.ingest.readers.snapchat_rows import kind_of
from pipeline.ingest.times.order import in_time_order
from pipeline.ingest.times.parse import from_iso
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

_EXPORTER = "Snapchat"
_UTC = ZoneInfo("UTC")
_TIME = re.compile(r"(?:\w+: *)?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: UTC)?")
_TYPE = re.compile(r"TEXT|MEDIA|NOTE|IMAGE|VIDEO|AUDIO|GIF|LOCATION|(?:STICKER|SHARE|STATUS|SNAP)[A-Z_]*")
_MEDIA = frozenset({"img", "video", "audio", "a"})
_PAGE = "subpage_"
_SENT = "To"


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chats of a page, each in the order of time; one is held at a time.

    Raises
    ------
    ExportError
        When the page is damaged, or a message is not of the form that Snapchat writes, with the line.
    """
    file = unit.file
    first = next(read_elements(file, lambda element: is_snapchat_box(element) or element.tag == "tr"), None)
    if first is not None and first.tag == "tr":
        yield from read_lists(file, lambda: _rows(file), options, log, has_lines=True)
        return
    name = PurePosixPath(file.location.name).stem
    id_ = name.removeprefix(_PAGE) if name.startswith(_PAGE) else file.sha256[:12]
    title = _title(file)
    digest = file.sha256[:12]
    yield Conversation(
        conversation_id=id_,
        platform="snapchat",
        title=title if title != id_ else None,
        messages=in_time_order(
            _message(card, Source(file.name, line=card.line, row=card.number), digest)
            for card in read_elements(file, is_snapchat_box)
        ),
    )


def _title(file: ExportFile) -> str | None:
    heading = next(read_elements(file, lambda element: element.tag == "h1" or is_snapchat_box(element)), None)
    return (heading.words().strip() or None) if heading is not None and heading.tag == "h1" else None


def _message(card: Element, source: Source, digest: str) -> Message:
    with shaped(source, _EXPORTER):
        parts = list(card.walk(into=lambda part: part.tag not in ("h4", "p")))
        sender = next((part for part in parts if part.tag == "h4"), None)
        bodies = [part for part in parts if part.tag == "p"]
        time, media_type, meta = "", "", dict[str, Any]()
        others: list[str] = []
        for words in _pieces(card):
            if match := _TIME.fullmatch(words):
                time = match[1]
            elif not media_type and _TYPE.fullmatch(words):
                media_type = words
            elif words == "Saved":
                meta["IsSaved"] = True
            else:
                others.append(words)
        text = "\n".join(part.words() for part in bodies) if bodies else "\n".join(others)
        if bodies and others:
            meta["others"] = others
        files = [
            link for part in parts if part.tag in _MEDIA and (link := part.attributes.get("src") or part.attributes.get("href"))
        ]
        if files:
            meta["attachments"] = files
        if media_type not in ("", "TEXT"):
            meta["media_type"] = media_type
        kind = "media" if files and not text and not media_type else kind_of(media_type, text)
        speaker = sender.words().strip() or None if sender is not None else None
        if sender is None and kind != "system":
            raise ValueError("nobody")
        if kind == "system":
            meta["actor_id"] = speaker
        return Message(
            message_id=f"{digest}:{source.row}",
            speaker=None if kind == "system" else speaker,
            timestamp=from_iso(time, _UTC),
            text=text,
            kind=kind,
            source=source,
            meta=meta,
        )


def _pieces(card: Element) -> Iterator[str]:
    """Yield the words that stand in a box beside the sender's name and the message."""
    waiting: list[Element | str] = card.content[::-1]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if words := part.strip():
                yield words
        elif part.tag not in ("h4", "p"):
            waiting += part.content[::-1]


def _rows(file: ExportFile) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Yield the rows of the tables, each with its direction and its line; the words of a row stand in the row below it."""
    sent = False
    row: dict[str, Any] = {}
    line = 0
    for element in read_elements(file, lambda element: element.tag == "tr"):
        heads = {part.words().strip() for part in element.children if part.tag == "th"}
        cells = [part.words() for part in element.children if part.tag == "td"]
        if len(cells) == 1 and row:
            row["Text"] = "\n".join(filter(None, (row.get("Text"), cells[0])))
        elif heads or cells:
            if row:
                yield ("Sent" if sent else "Received"), row, line
            row, line = {}, element.line
            if heads:
                sent = _SENT in heads
                continue
            with shaped(Source(file.name, line=line), _EXPORTER):
                name, media_type, created = (cell.strip() for cell in cells)
                row = {_SENT if sent else "From": name, "Media Type": media_type, "Created": created}
    if row:
        yield ("Sent" if sent else "Received"), row, line
