"""Instagram and Messenger as HTML, which Meta's downloads are unless JSON is chosen: ``message_1.html`` … in a thread's folder.

::

    <div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder">          (Messenger: section; before 2020: _2lej)
      <h2 class="_3-95 _2pim _a6-h _a6-i">Robin</h2>                 (who; before 2020: _2lel)
      <div class="_3-95 _a6-p"><div><div></div><div>bread?</div>…    (what; before 2020: _2let)
      <div class="_3-94 _a6-o">Feb 13, 2024 9:05 pm</div>            (when; before 2020: _2lem)

Rows have no ids. Times are local, in the words of the account's language, mostly without seconds. Messages stand newest first; a
page of ten thousand is held at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.detection.html_evidence import META_CONTENT, META_NAME, META_TIME, is_meta_row
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import DateOrder, ReadLog, ReadOptions
from pipeline.ingest.parsing.html_stream import Element, read_elements
from pipeline.ingest.readers.meta import mended, platform_of
from pipeline.ingest.readers.meta_notices import is_notice
from pipeline.ingest.times.named_months import MonthNames
from pipeline.ingest.times.parse import in_utc
from pipeline.ingest.times.written import date_orders, order_of, read_written
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_TITLE = "_a70e"
_PAGE = re.compile(r"message_(\d+)\.html", re.IGNORECASE)
_FILES = frozenset({"img", "video", "audio", "source"})
_REACTION = re.compile(r"(\W+)(.*?)(?: \(([^()]*)\))?", re.DOTALL)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the thread of a folder.

    Raises
    ------
    ExportError
        When a page is damaged, or a time cannot be read, with the line.
    """
    pages = sorted(unit.files, key=_page_number, reverse=True)
    folder = pages[0].location.parent
    thread = f"{folder.parent.name}/{folder.name}" if folder.parent.name else folder.name
    yield Conversation(
        conversation_id=thread if re.search(r"_\d+\Z", folder.name) else f"{folder.name or 'chat'}:{unit.sha256[:12]}",
        platform=platform_of(pages[0]),
        title=_title(pages[-1]),
        messages=_Times(unit, pages, options, log).messages(pages),
    )


def _page_number(file: ExportFile) -> tuple[int, str]:
    match = _PAGE.fullmatch(file.location.name)
    return (int(match[1]) if match is not None else 0, file.location.name)


def _title(file: ExportFile) -> str | None:
    """Return what stands above the messages, else the name of the page."""
    titles: dict[str, str] = {}
    for element in read_elements(
        file, lambda element: element.tag in ("title", "h1") or _TITLE in element.classes or is_meta_row(element)
    ):
        if is_meta_row(element):
            break
        titles.setdefault(element.tag if element.tag in ("title", "h1") else _TITLE, " ".join(element.words().split()))
    return next((mended(titles[key], mojibake=True) for key in (_TITLE, "h1", "title") if titles.get(key)), None)


class _Times:
    """Reads the times of a thread in the language and in the order that all of them tell."""

    def __init__(self, unit: Unit, pages: list[ExportFile], options: ReadOptions, log: ReadLog) -> None:
        self._names = MonthNames()
        self._options = options
        self._log = log
        self._order: DateOrder = "dmy"
        evidence = date_orders()
        numbers = False
        for page in pages:
            for element in read_elements(page, is_meta_row):
                time = _first(element, META_TIME)
                words = _written(time) if time is not None else ""
                self._names.add(words)
                if self._names.read(words) is None and (written := read_written(words)) is not None:
                    evidence.add(written.header, element.line)
                    numbers = True
        if numbers:
            self._order = order_of(evidence, options.date_order, unit.name)

    def messages(self, pages: list[ExportFile]) -> Iterator[Message]:
        for page in pages:
            rows = [self._message(element, page) for element in read_elements(page, is_meta_row)]
            times = [row.timestamp for row in rows if row.timestamp is not None]
            yield from reversed(rows) if not times or times[0] >= times[-1] else rows

    def _moment(self, text: str, source: Source) -> datetime:
        moment = self._names.read(text)
        if moment is not None:
            if not self._names.is_sure(text):
                self._log.warn(str(source), f"the month's name has two meanings: it was read as month {moment.month}")
            return in_utc(moment, self._options.timezone)
        written = read_written(text)
        moment = written.moment(self._order, self._options.timezone) if written is not None else None
        if moment is None:
            raise ExportError("a time that cannot be read", where=str(source), do="Ask for the download as JSON")
        return moment

    def _message(self, element: Element, page: ExportFile) -> Message:
        source = Source(page.name, line=element.line, row=element.number)
        name, content, time = (_first(element, classes) for classes in (META_NAME, META_CONTENT, META_TIME))
        speaker = mended(" ".join(name.words().split()), mojibake=True) if name is not None else ""
        id_ = f"{page.sha256[:12]}:{element.number}"
        if time is None:
            words = [speaker, *(" ".join(part.words().split()) for part in (content,) if part is not None)]
            return Message(message_id=id_, speaker=None, text="\n".join(filter(None, words)), kind="system", source=source)
        meta: dict[str, Any] = {}
        text = _read_content(content, meta) if content is not None else ""
        kind: Kind = "message" if text else "unsupported"
        if "attachments" in meta or (not text and "links" in meta):
            kind = "media"
        elif is_notice(text, speaker):
            kind = "system"
            meta["actor_id"] = speaker or None
        return Message(
            message_id=id_,
            speaker=None if kind == "system" else speaker or None,
            timestamp=self._moment(_written(time), source),
            text=text,
            kind=kind,
            source=source,
            meta=meta,
        )


def _first(element: Element, classes: tuple[str, ...]) -> Element | None:
    return next(iter(element.find_all(*classes)), None)


def _written(time: Element) -> str:
    return " ".join(time.words().split())


def _read_content(content: Element, meta: dict[str, Any]) -> str:
    """Return the words of a message; files, links, reactions and what else stands in it go to ``meta``.

    The blocks of the content are: nothing, the words, what was shared, files, and reactions; some pages hold the words alone.
    """
    blocks = content.children
    while len(blocks) == 1 and blocks[0].tag == "div" and blocks[0].children and not _own_words(blocks[0]):
        blocks = blocks[0].children
    texts: list[str] = []
    others: list[str] = []
    if _own_words(content) or not blocks:
        texts.append(_text(content))
        blocks = [block for block in content.children if block.tag not in ("br", "span")]
    elif all(block.tag != "div" for block in blocks):
        texts.append(_text(content))
    for block in blocks:
        parts = [block, *block.walk()]
        if lists := [part for part in parts if part.tag == "ul"]:
            meta["reactions"] = [_reaction(item) for part in lists for item in part.walk() if item.tag == "li"]
            continue
        files = [link for part in parts if part.tag in _FILES and (link := part.attributes.get("src"))]
        links = [link for part in parts if part.tag == "a" and (link := part.attributes.get("href"))]
        for key, values in (
            ("attachments", [link for link in [*files, *links] if "://" not in link]),
            ("links", [link for link in [*files, *links] if "://" in link]),
        ):
            if values:
                meta[key] = list(dict.fromkeys([*meta.get(key, ()), *values]))
        words = _text(block) if block.tag == "div" else ""
        if words and not (files or links) and not texts:
            texts.append(words)
        elif words and words not in links:
            others.append(words)
    if not texts and others:
        texts.append(others.pop(0))
    if others:
        meta["others"] = others
    return texts[0] if texts else ""


def _own_words(element: Element) -> bool:
    return any(isinstance(part, str) and part.strip() for part in element.content)


def _text(element: Element) -> str:
    return mended(element.words(without=lambda part: part.tag == "ul").strip("\r\n\t "), mojibake=True)


def _reaction(item: Element) -> dict[str, Any]:
    """Return who reacted with what: an emoji stands before the name, and a time may stand behind it."""
    words = mended(" ".join(item.words().split()), mojibake=True)
    match = _REACTION.fullmatch(words)
    if match is None:
        return {"emoji": None, "speaker": words}
    return {"emoji": match[1].strip(), "speaker": match[2] or None} | ({"at": match[3]} if match[3] else {})
