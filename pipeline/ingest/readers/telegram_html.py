"""Telegram Desktop's HTML, which it writes unless JSON is chosen: ``messages.html``, ``messages2.html``, … in a chat's folder.

::

    <div class="message default clearfix" id="message12">
     <div class="body">
      <div class="pull_right date details" title="13.02.2024 21:05:11 UTC+01:00">21:05</div>
      <div class="from_name">Kim</div>  <div class="reply_to details">…</div>  <div class="text">bread?</div>

A row with the class ``joined`` has no name: it is of the person above. There are no ids of people, so that two people with one name
are one speaker. Service rows have no time. What tdesktop writes is in its ``export_output_html.cpp``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.html_stream import Element, read_elements
from pipeline.ingest.parsing.shape import shaped
from pipeline.ingest.times.parse import from_iso
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_EXPORTER = "Telegram Desktop"
_PAGE = re.compile(r"messages(\d*)\.html", re.IGNORECASE)
_DAY = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}")
_TIME = re.compile(r"(\d\d)\.(\d\d)\.(\d{4}) (\d\d:\d\d:\d\d)(?: UTC([+-]\d\d:?\d\d))?")
_REPLY = re.compile(r"#go_to_message(-?\d+)")
_VIA = re.compile(r"(.*) via @(\w+)", re.DOTALL)
_LAYOUT_END = re.compile(r"\n *\Z")
_UNSUPPORTED = "This message is not supported by this version of Telegram Desktop"
_DELETED = "Deleted Account"
_LAYOUT = frozenset({"clearfix", "pull_left", "pull_right", "block_link", "success", "media"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chat of a folder.

    Raises
    ------
    ExportError
        When a page is damaged, or a message is not of the form that Telegram Desktop writes, with the line.
    """
    pages = sorted(unit.files, key=_page_number)
    yield Conversation(
        conversation_id=unit.sha256[:12], platform="telegram", title=_title(pages[0]), messages=_Pages(options, log).read(pages)
    )


def _page_number(file: ExportFile) -> tuple[int, str]:
    match = _PAGE.fullmatch(file.location.name)
    return (int(match[1] or 1) if match is not None else 0, file.location.name)


def _is_row(element: Element) -> bool:
    return "message" in element.classes and element.tag == "div"


def _title(file: ExportFile) -> str | None:
    """Return what stands above the messages."""
    header = next(read_elements(file, lambda element: "page_header" in element.classes or _is_row(element)), None)
    words = header.find("bold") if header is not None and not _is_row(header) else None
    return (_words(words).strip() or None) if words is not None else None


class _Pages:
    """Reads the pages of one chat; knows whose the row above was, and from whom it was forwarded."""

    def __init__(self, options: ReadOptions, log: ReadLog) -> None:
        self._zone = options.timezone
        self._log = log
        self._name: str | None = None
        self._forwarded: dict[str, Any] = {}

    def read(self, pages: list[ExportFile]) -> Iterator[Message]:
        names = {page.location.name for page in pages}
        for page in pages:
            for element in read_elements(page, lambda element: _is_row(element) or "pagination" in element.classes):
                if not _is_row(element):
                    other = element.attributes.get("href", "")
                    if _PAGE.fullmatch(other) and other not in names:
                        self._log.warn(
                            page.name, f"the next or previous page of the chat, {other}, is missing: give the whole folder"
                        )
                    continue
                source = Source(page.name, line=element.line)
                with shaped(source, _EXPORTER):
                    message = self._service(element, source) if "service" in element.classes else self._spoken(element, source)
                if message is not None:
                    yield message

    def _service(self, element: Element, source: Source) -> Message | None:
        """Return a row of Telegram's own; the lines that only name a day are no rows."""
        body = _child(element, "body")
        if body is None:
            raise ValueError("no body")
        text = _words(body).strip()
        number = _number(element)
        self._name = None
        if number.startswith("-") and _DAY.fullmatch(text):
            return None
        meta: dict[str, Any] = {"attachments": links} if (links := _links(element, "userpic_link")) else {}
        kind: Kind = "unsupported" if text.startswith(_UNSUPPORTED) else "system"
        return Message(message_id=number, speaker=None, text=text, source=source, kind=kind, meta=meta)

    def _spoken(self, element: Element, source: Source) -> Message:
        body = _child(element, "body")
        date = _child(body, "date") if body is not None else None
        if body is None or date is None:
            raise ValueError("no body, or no time")
        meta: dict[str, Any] = {}
        self._read_name(element, body, source, meta)
        content = self._forward(body, meta)
        text = ""
        kind: Kind | None = None
        for part in content.children:
            classes = part.classes
            if "text" in classes:
                text += _words(part)
                if addresses := [link for link in _hrefs(part) if link not in text]:
                    meta["links"] = addresses
            elif "media_wrap" in classes:
                kind, words = _media(part, meta)
                text += words
            elif "reply_to" in classes:
                replies = [match[1] for link in _hrefs(part) if (match := _REPLY.search(link))]
                meta["reply_to"] = replies[0] if replies else _words(part).strip()
            elif "signature" in classes:
                meta["signature"] = _words(part).strip()
            elif "reactions" in classes:
                meta["reactions"] = [reaction for each in part.find_all("reaction") for reaction in _reactions(each)]
            elif not {"date", "from_name", "userpic_wrap"} & set(classes) and (words := " ".join(part.words().split())):
                meta.setdefault("others", []).append(words)
        system = kind == "system"
        if system and self._name is not None:
            meta["actor_id"] = self._name
        return Message(
            message_id=_number(element),
            speaker=None if system else self._name,
            timestamp=self._moment(date),
            text=text,
            kind=kind or ("message" if text else "unsupported"),
            source=source,
            meta=meta,
        )

    def _read_name(self, element: Element, body: Element, source: Source, meta: dict[str, Any]) -> None:
        """Note who speaks: the name of the row, or for a joined row that of the one above."""
        name = _child(body, "from_name")
        if name is not None:
            self._name = _name(name, meta)
            self._forwarded = {}
            if self._name == _DELETED:
                self._log.warn(source.file, f"accounts that were deleted have one name, {_DELETED}: they are read as one speaker")
        elif "joined" not in element.classes:
            raise ValueError("no name")
        elif self._name is None:
            self._log.warn(str(source), "a row that goes on with the one above has none above it: its speaker is not known")

    def _forward(self, body: Element, meta: dict[str, Any]) -> Element:
        """Return what holds the words; of a forwarded message, note from whom and when."""
        content = next((part for part in body.children if {"forwarded", "body"} <= set(part.classes)), None)
        if content is None:
            return body
        origin = _child(content, "from_name")
        if origin is not None:
            date = _child(origin, "date")
            moment = self._moment(date) if date is not None and "title" in date.attributes else None
            details: dict[str, Any] = {}
            self._forwarded = {"forwarded_from": _name(origin, details)} | details
            self._forwarded |= {"forwarded_at": moment.isoformat()} if moment is not None else {}
        meta.update(self._forwarded or {"forwarded_from": None})
        return content

    def _moment(self, date: Element) -> datetime:
        match = _TIME.fullmatch(date.attributes["title"].strip())
        if match is None:
            raise ValueError("no time")
        day, month, year, clock, offset = match.groups()
        return from_iso(f"{year}-{month}-{day}T{clock}{offset or ''}", self._zone)


def _child(element: Element, class_: str) -> Element | None:
    return next((part for part in element.children if class_ in part.classes), None)


def _words(element: Element) -> str:
    """Return the words of a block, without the line breaks and the spaces that tdesktop writes around them."""
    return _LAYOUT_END.sub("", element.words().removeprefix("\n"))


def _number(element: Element) -> str:
    number = element.attributes["id"].removeprefix("message")
    int(number)
    return number


def _name(element: Element, meta: dict[str, Any]) -> str | None:
    """Return a name, without the bot through which a message was sent and without the date of a forwarded one."""
    name = " ".join(element.words(without=lambda part: "date" in part.classes).split())
    if via := _VIA.fullmatch(name):
        name, meta["via_bot"] = via.groups()
    return name or None


def _hrefs(element: Element) -> list[str]:
    return [href for part in element.walk() if part.tag == "a" and (href := part.attributes.get("href"))]


def _links(element: Element, class_: str) -> list[str]:
    return [href for part in element.find_all(class_) if (href := part.attributes.get("href"))]


def _media(wrap: Element, meta: dict[str, Any]) -> tuple[Kind | None, str]:
    """Note a file, a place, a contact, a call; return the kind of the row, and the words of a poll."""
    poll = wrap.find("media_poll")
    if poll is not None:
        lines = [_words(part) for part in poll.find_all("question")]
        lines += [_answer(part) for part in poll.find_all("answer")]
        meta["poll"] = [" ".join(part.words().split()) for part in poll.find_all("details")]
        return "message", "\n".join(lines)
    types = [name for part in wrap.children for name in part.classes if name not in _LAYOUT]
    meta["media_type"] = types[0].removeprefix("media_").removesuffix("_wrap") if types else "file"
    for name in ("title", "description", "status"):
        element = wrap.find(name)
        if element is not None and (words := _words(element).strip()):
            meta[f"media_{name}"] = words
    hrefs = _hrefs(wrap)
    for key, chosen in (
        ("attachments", [link for link in hrefs if "://" not in link]),
        ("links", [link for link in hrefs if "://" in link]),
    ):
        if chosen:
            meta[key] = chosen
    return "system" if "media_call" in types else "media", ""


def _answer(element: Element) -> str:
    return (
        _words(element).removeprefix("- ")
        if not element.children
        else element.words(without=lambda part: "details" in part.classes).strip().removeprefix("- ")
    )


def _reactions(element: Element) -> Iterator[dict[str, Any]]:
    """Yield who reacted with an emoji, and how many others."""
    emoji = element.find("emoji")
    shown = "".join(emoji.words().split()) if emoji is not None else None
    names = [name for part in element.walk() if (name := part.attributes.get("title"))]
    for name in names:
        yield {"emoji": shown, "speaker": name}
    count = element.find("count")
    number = "".join(count.words().split()) if count is not None else ""
    if number or not names:
        yield {"emoji": shown, "speaker": None, "count": int(number) if number.isdecimal() else number or 1}
