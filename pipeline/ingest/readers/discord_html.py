"""DiscordChatExporter's HTML, a channel a file; its ``MessageGroupTemplate.cshtml`` says how.

::

    <div class="chatlog__message-group">
      <div class="chatlog__message-container" data-message-id="…">
        <span class="chatlog__author" data-user-id="…">Kim</span> <span class="chatlog__timestamp" title="…">…</span>
        <div class="chatlog__content">…</div>

A group is of one person, whose name stands in its first message only. Times are local, as the exporting computer writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import DateOrder, ReadLog, ReadOptions
from pipeline.ingest.parsing.html_stream import Element, read_elements
from pipeline.ingest.parsing.shape import shaped
from pipeline.ingest.readers.discord_csv import channel_of, written_time
from pipeline.ingest.times.written import date_orders, order_of
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_ROW = "chatlog__message-container"
_OLD_ROW = "chatlog__message"
_ID = re.compile(r"(?:chatlog__)?message(?:-container)?-(\d+)")
_TIMES = ("chatlog__timestamp", "chatlog__short-timestamp", "chatlog__system-notification-timestamp")
_REPLY = re.compile(r"'(\d+)'")
_MEDIA = frozenset({"img", "video", "audio", "source", "a"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the channel of a file.

    Raises
    ------
    ExportError
        When the page is damaged, or a message is not of the form that DiscordChatExporter writes, with the line.
    """
    file = unit.file
    evidence = date_orders()
    for element in read_elements(file, _is_row):
        if (written := written_time(_time(element))) is not None and written.offset is None:
            evidence.add(written.header, element.line)
    order = order_of(evidence, options.date_order, file.name)
    id_, title = channel_of(file)
    entries = _preamble(file)
    yield Conversation(
        conversation_id=id_,
        platform="discord",
        title=entries[1] if len(entries) > 1 else title,
        meta={"guild": entries[0]} if entries else {},
        messages=_messages(file, order, options),
    )


def _preamble(file: ExportFile) -> list[str]:
    lines: list[str] = []
    for element in read_elements(file, lambda element: "preamble__entry" in element.classes or _is_row(element)):
        if _is_row(element):
            break
        lines.append(" ".join(element.words().split()))
    return lines


def _is_row(element: Element) -> bool:
    return _ROW in element.classes or (_OLD_ROW in element.classes and "data-message-id" in element.attributes)


def _time(element: Element) -> str:
    """Return the time as written: in full in a title, or as the words of newer versions."""
    time_element = next(iter(element.find_all(*_TIMES)), None)
    if time_element is None:
        return ""
    shown = " ".join(time_element.words().split())
    title = time_element.attributes.get("title", "").strip()
    return title if "chatlog__short-timestamp" in time_element.classes or written_time(shown) is None else shown


def _messages(file: ExportFile, order: DateOrder, options: ReadOptions) -> Iterator[Message]:
    author: Element | None = None
    for element in read_elements(file, _is_row):
        source = Source(file.name, line=element.line, row=element.number)
        author = next(
            iter(element.find_all("chatlog__author", "chatlog__author-name", "chatlog__system-notification-author")), author
        )
        written = written_time(_time(element))
        moment = written.moment(order, options.timezone) if written is not None else None
        if moment is None:
            raise ExportError("a time that cannot be read", where=str(source), do="Export the channel again, as JSON")
        with shaped(source, "DiscordChatExporter"):
            meta: dict[str, Any] = {}
            speaker = _speaker(author, meta)
            notice = element.find("chatlog__system-notification-content")
            if notice is not None:
                text, kind = " ".join(notice.words().split()), "system"
                meta |= {"actor_id": speaker} if speaker else {}
            else:
                text = _content(element, meta)
                kind = _kind(text, meta)
            yield Message(
                message_id=_message_id(element),
                speaker=None if kind == "system" else speaker,
                timestamp=moment,
                text=text,
                kind=kind,
                source=source,
                meta=meta,
            )


def _message_id(element: Element) -> str:
    number = element.attributes.get("data-message-id")
    if number is None:
        match = _ID.fullmatch(element.attributes["id"])
        number = match[1] if match is not None else ""
    int(number)
    return number


def _speaker(author: Element | None, meta: dict[str, Any]) -> str | None:
    if author is None:
        return None
    name = " ".join(author.words().split())
    meta |= {"speaker_name": name} if name else {}
    return author.attributes.get("data-user-id") or author.attributes.get("title") or name or None


def _kind(text: str, meta: dict[str, Any]) -> Kind:
    if "attachments" in meta or "stickers" in meta or ("embeds" in meta and not text):
        return "media"
    return "message" if text else "unsupported"


def _content(element: Element, meta: dict[str, Any]) -> str:
    """Return the words of a message, its own or forwarded ones; the rest goes to ``meta``."""
    apart = {"chatlog__forwarded", "chatlog__reply", "chatlog__reference", "chatlog__embed"}
    parts = [part for part in element.walk(into=lambda part: apart.isdisjoint(part.classes)) if apart.isdisjoint(part.classes)]
    quoted = [part for part in element.walk() if {"chatlog__reply", "chatlog__reference"} & set(part.classes)]
    forwards = element.find_all("chatlog__forwarded")
    text = _words(parts)
    if forwards:
        meta["forwarded_from"] = (
            " ".join(part.words().strip() for part in forwards[0].find_all("chatlog__forwarded-timestamp")) or None
        )
        text = text or _words(list(forwards[0].walk()))
    if quoted:
        link = next((names[1] for part in quoted[0].walk() if (names := _REPLY.search(part.attributes.get("onclick", "")))), None)
        meta["reply_to"] = link or " ".join(quoted[0].words().split())
    edited = next((part for part in parts if "chatlog__edited-timestamp" in part.classes), None)
    if edited is not None:
        meta["edited"] = edited.attributes.get("title") or True
    if f"{_ROW}--pinned" in element.classes:
        meta["pinned"] = True
    for key, class_ in (("attachments", "chatlog__attachment"), ("stickers", "chatlog__sticker")):
        names = [name for part in element.find_all(class_) for name in _links(part)]
        if names:
            meta[key] = names
    if embeds := [
        shown for part in element.find_all("chatlog__embed") if (shown := " ".join(part.words().split()) or _links(part))
    ]:
        meta["embeds"] = embeds
    if listed := element.find_all("chatlog__reaction"):
        meta["reactions"] = [_reaction(part) for part in listed]
    if tags := element.find_all("chatlog__author-tag", "chatlog__bot-tag"):
        meta["tag"] = " ".join(tags[0].words().split())
    return text


def _words(parts: list[Element]) -> str:
    """Return the words of the first content; custom emoji are pictures whose names stand in ``alt``."""
    content = next((part for part in parts if "chatlog__markdown-preserve" in part.classes), None)
    content = content or next((part for part in parts if "chatlog__content" in part.classes), None)
    if content is None:
        return ""
    _show_emoji(content)
    return content.words(without=lambda part: "chatlog__edited-timestamp" in part.classes).strip("\n")


def _show_emoji(content: Element) -> None:
    for part in content.walk():
        if part.tag == "img" and part.attributes.get("alt"):
            part.content = [part.attributes["alt"]]


def _links(part: Element) -> list[str]:
    links = [part.attributes.get("data-source")] + [
        inner.attributes.get("href") or inner.attributes.get("src") or inner.attributes.get("data-source")
        for inner in part.walk()
        if inner.tag in _MEDIA or "data-source" in inner.attributes
    ]
    return list(dict.fromkeys(link for link in links if link))


def _reaction(part: Element) -> dict[str, Any]:
    picture = next((inner for inner in part.walk() if inner.tag == "img" and inner.attributes.get("alt")), None)
    count = part.find("chatlog__reaction-count")
    number = "".join(count.words().split()) if count is not None else ""
    shown = part.attributes.get("title") or (picture.attributes["alt"] if picture is not None else " ".join(part.words().split()))
    return {"emoji": shown, "speaker": None, "count": int(number) if number.isdecimal() else 1}
