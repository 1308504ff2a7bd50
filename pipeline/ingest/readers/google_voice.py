"""Google Voice, as Takeout gives it: a folder of small pages, one for each stretch of a talk by text, each call and each voicemail.

::

    Calls/Robin - Text - 2024-02-13T21_05_11Z.html
      <div class="message"><abbr class="dt" title="2024-02-13T21:05:11.123+00:00">…</abbr>:
        <cite class="sender vcard"><a class="tel" href="tel:+447700900123"><span class="fn">Robin</span></a></cite>: <q>words</q>…
    Calls/Robin - Missed - 2024-02-13T22_00_00Z.html
      <div class="haudio">Missed call from <a class="tel" href="tel:…">…</a> <abbr class="published" title="…">…</abbr>

A conversation is all pages of one number, or of one group of numbers, in the order of time. What the owner sent is from ``Me``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - it has no types

from pipeline.errors import ExportError
from pipeline.ingest.addresses import OWNER, UNKNOWN, Addresses
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.page_stream import PageStream
from pipeline.ingest.parsing.shape import shaped
from pipeline.ingest.times.parse import from_iso
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_STEM = re.compile(
    r"(?P<who>.*?)(?:\s-\s|\s?-)(?P<sort>[A-Z][A-Za-z]+)(?:\s-\s|\s?-)(?P<time>\d{4}-\d{2}-\d{2}T\d{2}_\d{2}_\d{2}Z).*"
)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page: whose talk it is of, when it begins, and its file."""

    thread: str
    begins: str
    file: ExportFile
    title: str | None


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield a conversation for each number or group of numbers. A page is held at a time; they are small.

    Raises
    ------
    ExportError
        When a page is cut off, or is not of the form that Takeout writes, with its line.
    """
    pages = _pages(unit)
    threads: dict[str, list[_Page]] = {}
    for page in pages:
        threads.setdefault(page.thread, []).append(page)
    for thread, files in threads.items():
        files.sort(key=lambda page: page.begins)
        title = next((page.title for page in files if page.title), None)
        yield Conversation(conversation_id=thread, platform="google_voice", title=title, messages=_messages(files))


def _pages(unit: Unit) -> list[_Page]:
    """Return the pages with their threads; one that names no number has that of another page of the same name."""
    addresses = Addresses()
    pages: list[tuple[ExportFile, str, str, str]] = []
    numbers: dict[str, str] = {}
    for file in unit.files:
        stem = _STEM.fullmatch(PurePosixPath(file.location.name).stem)
        name = stem["who"].strip() if stem else ""
        tree = _tree(file)
        others = [row.number for row in _rows(tree, file) if row.number and not row.owner]
        group = _participants(tree)
        thread = addresses.thread("~".join(sorted(set(group or others[:1])))).id if group or others else ""
        if thread and name and not group:
            numbers.setdefault(name, thread)
        pages.append((file, thread, name, stem["time"] if stem else ""))
    return [
        _Page(thread or numbers.get(name) or name or UNKNOWN, begins, file, name or None) for file, thread, name, begins in pages
    ]


@dataclass(frozen=True, slots=True)
class _Row:
    """A message or a call, as the page says it."""

    number: str
    name: str
    time: str
    text: str
    line: int
    owner: bool
    kind: Kind
    files: tuple[str, ...] = ()
    sort: str = ""


def _messages(pages: list[_Page]) -> Iterator[Message]:
    seen: dict[str, str] = {}
    for page in pages:
        digest = page.file.sha256[:12]
        for number, row in enumerate(_rows(_tree(page.file), page.file), 1):
            source = Source(page.file.name, line=row.line)
            with shaped(source, "Google Voice"):
                moment = from_iso(row.time).astimezone(UTC) if row.time else None
            yield _message(row, moment, source, f"{digest}:{number}", seen)


def _message(row: _Row, moment: datetime | None, source: Source, identity: str, seen: dict[str, str]) -> Message:
    speaker = OWNER if row.owner else seen.setdefault(row.number, row.number) or row.name or None
    meta: dict[str, object] = {}
    if row.name and not row.owner and row.name != row.number:
        meta["speaker_name"] = row.name
    if row.owner:
        meta["owner"] = True
    if row.files:
        meta["attachments"] = list(row.files)
    if row.sort:
        meta["media_type"] = row.sort
    if row.kind == "system" and speaker:
        meta["actor_id"] = speaker
    return Message(
        message_id=identity,
        speaker=None if row.kind == "system" else speaker,
        timestamp=moment,
        text=row.text,
        kind=row.kind,
        source=source,
        meta=meta,
    )


def _tree(file: ExportFile) -> etree._Element:
    """Return a page as a tree.

    Raises
    ------
    ExportError
        When it is cut off, or no page.
    """
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    with file.open() as stream:
        page = PageStream(stream)
        try:
            tree = etree.parse(page, parser).getroot()
        except etree.XMLSyntaxError:
            tree = None
    if not page.ended:
        raise ExportError("the page is cut off: it does not end with </html>", where=file.name, do="Unpack the download again")
    if tree is None:
        raise ExportError("the page holds nothing that can be read", where=file.name, do="Unpack the download again")
    return tree


def _rows(tree: etree._Element, file: ExportFile) -> Iterator[_Row]:
    any_row = False
    for element in tree.iter("div"):
        classes = (element.get("class") or "").split()
        if "message" in classes:
            any_row = True
            yield _text_row(element)
        elif "haudio" in classes:
            any_row = True
            yield _call_row(element)
    if not any_row:
        raise ExportError(
            "the page holds no message and no call of Google Voice", where=file.name, do="Give the folder Voice/Calls"
        )


def _text_row(element: etree._Element) -> _Row:
    words = element.find(".//q")
    text = "" if words is None else _text(words)
    files = _files(element)
    number, name, owner = _person(element.find(".//cite"))
    kind: Kind = "media" if files else "message" if text else "unsupported"
    return _Row(number, name, _time(element, "dt"), text, element.sourceline or 1, owner, kind, files)


def _call_row(element: etree._Element) -> _Row:
    number, name, _ = _person(_classed(element, "contributor"))
    spoken = _classed(element, "full-text")
    text = "" if spoken is None else _text(spoken)
    files = _files(element)
    if spoken is not None or files:
        return _Row(number, name, _time(element, "published"), text, element.sourceline or 1, False, "media", files, "voicemail")
    title = element.find("./span")
    words = " ".join(("" if title is None else _text(title)).split())
    return _Row(number, name, _time(element, "published"), words, element.sourceline or 1, words.startswith("Placed"), "system")


def _person(element: etree._Element | None) -> tuple[str, str, bool]:
    """Return a person's number, name, and whether it is the owner, whose name stands in an ``abbr``."""
    if element is None:
        return "", "", False
    link = element.find(".//a")
    number = ((link.get("href") if link is not None else None) or "").removeprefix("tel:").strip()
    name = _classed(element, "fn")
    owner = name is not None and name.tag == "abbr"
    return number, "" if name is None else _text(name).strip(), owner


def _participants(tree: etree._Element) -> list[str]:
    """Return the numbers of a group; none where the page is of one number."""
    group = _classed(tree, "participants")
    return [] if group is None else [number for cite in group.iter("cite") if (number := _person(cite)[0])]


def _time(element: etree._Element, name: str) -> str:
    element_of_time = _classed(element, name)
    return "" if element_of_time is None else element_of_time.get("title") or ""


def _files(element: etree._Element) -> tuple[str, ...]:
    named = ((media.get("src") or media.get("href") or "") for media in element.iter("img", "audio", "video", "a"))
    return tuple(name for name in named if name and not name.startswith(("tel:", "http:", "https:", "#")))


def _classed(element: etree._Element, name: str) -> etree._Element | None:
    return next((candidate for candidate in element.iter(etree.Element) if name in (candidate.get("class") or "").split()), None)


def _text(element: etree._Element) -> str:
    """Return the words of an element, with a line break for each ``br``."""
    parts = [element.text or ""]
    for child in element.iterdescendants():
        parts += ["\n" if child.tag == "br" else "", (child.text or "") if isinstance(child.tag, str) else "", child.tail or ""]
    return "".join(parts)
