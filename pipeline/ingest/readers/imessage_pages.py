"""The pages that imessage-exporter writes with ``-f html``: a page a chat, read as a stream.

::

    <div class="message"><div class="received"><p><span class="timestamp">Feb 13, 2024  9:05:11 PM</span>
      <span class="sender">+447700900123</span></p><hr><div class="message_part"><span class="bubble">words</span></div>
      <div class="tapbacks">…<span><b>Loved</b> by Me</span>…</div><div class="replies">…<div class="message">…</div></div></div>
    <div class="announcement"><p><span class="timestamp">…</span> Kim named the conversation <b>Bakers</b></p></div>
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - it has no types

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadOptions
from pipeline.ingest.parsing.page_stream import PageStream
from pipeline.ingest.times.written import read_written
from pipeline.schema import Kind, Message, Source

_TIME = re.compile(r"\s*(?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} {1,2}\d{1,2}:\d{2}:\d{2} [AP]M)\s*(?:\((?P<read>[^()]{1,120})\))?")
_OWN = frozenset({"message", "announcement"})


def page_messages(file: ExportFile, options: ReadOptions) -> Iterator[Message]:
    """Yield the rows of a page; the answers below a message stand in ``meta["replies"]``.

    Raises
    ------
    ExportError
        When the page is cut off within a message, or holds none.
    """
    count = depth = 0
    with file.open() as stream:
        page = PageStream(stream)
        events = etree.iterparse(
            page, events=("start", "end"), tag="div", html=True, encoding="utf-8", no_network=True, remove_comments=True
        )
        try:
            for event, element in events:
                if not _OWN & _classes(element):
                    continue
                depth += 1 if event == "start" else -1
                if event == "end" and depth == 0:
                    count += 1
                    yield _message(element, file, count, options)
                    _forget(element)
        except etree.XMLSyntaxError:
            raise _unreadable("the page holds nothing that can be read", file, count) from None
    if not page.ended:
        raise _unreadable("the page is cut off: it does not end with </html>", file, count)
    if not count:
        raise _unreadable("the page holds no message of imessage-exporter", file, count)


def _unreadable(what: str, file: ExportFile, count: int) -> ExportError:
    return ExportError(what, where=f"{file.name}: record {count + 1}", do="Export again with imessage-exporter -f html")


def _forget(element: Any) -> None:
    """Free what was read: the element's own content, and what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _message(element: Any, file: ExportFile, number: int, options: ReadOptions) -> Message:
    details = _told(element)
    written = read_written(details["time"]) if details["time"] else None
    speaker = details["speaker"] or None
    meta: dict[str, object] = {
        name: details[name]
        for name in ("read", "reactions", "effect", "attachments", "replies", "reply", "edited")
        if details[name]
    }
    return Message(
        message_id=f"{file.sha256[:12]}:{number}",
        speaker=None if details["kind"] == "system" else speaker,
        timestamp=written.moment("mdy", options.timezone) if written else None,
        text=details["text"],
        kind=details["kind"],
        source=Source(file.name, row=number),
        meta=meta,
    )


def _told(element: Any) -> Mapping[str, Any]:
    """Return what a message's element says."""
    time = _TIME.match(_words(_named(element, "timestamp")))
    sender = _words(_named(element, "sender")).strip()
    notice = "announcement" in _classes(element)
    text = _notice(element) if notice else _own_words(element)
    files = [name for part in _own(element, "message_part") for name in _files(part)]
    unsent = [_words(child).strip() for child in _own(element, "unsent")]
    kind: Kind = "message" if text.strip() else "unsupported"
    if notice:
        kind = "system"
    elif unsent and not text:
        kind, text = "deleted", "\n".join(unsent)
    elif files:
        kind = "media"
    return {
        "time": time["time"] if time else "",
        "read": time["read"] if time else "",
        "speaker": sender,
        "text": text,
        "kind": kind,
        "attachments": files,
        "reactions": [
            _reaction(child) for name in ("reaction", "tapback") for child in _own(element, name, inside=True) if _words(child)
        ],
        "effect": "\n".join(_words(child).removeprefix("Sent with ") for child in _own(element, "expressive")),
        "edited": bool(_own(element, "edited")),
        "reply": bool(_own(element, "reply_context")),
        "replies": [
            {"time": child["time"], "speaker": child["speaker"], "text": child["text"]}
            for child in map(_told, _own(element, "message"))
        ],
    }


def _own_words(element: Any) -> str:
    """Return a message's words: the subject and the bubbles, else all versions of an edited one, else what an app shows."""
    for names in (("subject", "bubble"), ("edited",), ("message_part",)):
        words = [_words(part) for name in names for part in _own(element, name)]
        if any(part.strip() for part in words):
            return "\n".join(part for part in words if part.strip())
    return ""


def _own(element: Any, name: str, *, inside: bool = False) -> list[Any]:
    """Return the elements of a class that are a message's own, and none of the answers below it.

    ``inside`` takes the innermost of elements of the class that stand within each other.
    """
    nodes: list[Any] = []
    stack = list(reversed(element))
    while stack:
        child = stack.pop()
        if not isinstance(child.tag, str):
            continue
        classes = _classes(child)
        if name in classes and not (inside and any(name in _classes(below) for below in child.iterdescendants("*"))):
            nodes.append(child)
        elif "message" not in classes:
            stack += reversed(child)
    return nodes


def _named(element: Any, name: str) -> Any:
    return next(iter(_own(element, name)), None)


def _notice(element: Any) -> str:
    time = _named(element, "timestamp")
    return " ".join(_words(element).split()).removeprefix(" ".join(_words(time).split())).strip()


def _reaction(element: Any) -> dict[str, str]:
    kind, _, who = " ".join(_words(element).split()).rpartition(" by ")
    return {"emoji": kind or "sticker", "speaker": who.removeprefix("from ")}


def _files(part: Any) -> list[str]:
    named = (media.get("src") or media.get("href") or "" for media in part.iter("img", "video", "audio", "source", "a"))
    return [name for name in dict.fromkeys(named) if name and "://" not in name and not name.startswith(("#", "sms:"))]


def _classes(element: Any) -> frozenset[str]:
    return frozenset((element.get("class") or "").split())


def _words(element: Any) -> str:
    """Return the words of an element, with a line break for each ``br``."""
    if element is None:
        return ""
    parts = [element.text or ""]
    for child in element.iterdescendants():
        if isinstance(child.tag, str):
            parts += ["\n" if child.tag == "br" else "", child.text or ""]
        parts.append(child.tail or "")
    return "".join(parts)
