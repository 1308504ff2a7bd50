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
    told = _told(element)
    written = read_written(told["time"]) if told["time"] else None
    speaker = told["speaker"] or None
    meta: dict[str, object] = {
        name: told[name] for name in ("read", "reactions", "effect", "attachments", "replies", "reply", "edited") if told[name]
    }
    return Message(
        message_id=f"{file.sha256[:12]}:{number}",
        speaker=None if told["kind"] == "system" else speaker,
        timestamp=written.moment("mdy", options.timezone) if written else None,
        text=told["text"],
        kind=told["kind"],
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
    unsent = [_words(one).strip() for one in _own(element, "unsent")]
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
            _reaction(one) for name in ("reaction", "tapback") for one in _own(element, name, inside=True) if _words(one)
        ],
        "effect": "\n".join(_words(one).removeprefix("Sent with ") for one in _own(element, "expressive")),
        "edited": bool(_own(element, "edited")),
        "reply": bool(_own(element, "reply_context")),
        "replies": [
            {"time": one["time"], "speaker": one["speaker"], "text": one["text"]} for one in map(_told, _own(element, "message"))
        ],
    }


def _own_words(element: Any) -> str:
    """Return a message's words: the subject and the bubbles, else all versions of an edited one, else what an app shows."""
    for names in (("subject", "bubble"), ("edited",), ("message_part",)):
        words = [_words(one) for name in names for one in _own(element, name)]
        if any(one.strip() for one in words):
            return "\n".join(one for one in words if one.strip())
    return ""


def _own(element: Any, name: str, *, inside: bool = False) -> list[Any]:
    """Return the elements of a class that are a message's own, and none of the answers below it.

    ``inside`` takes the innermost of elements of the class that stand within each other.
    """
    found: list[Any] = []
    stack = list(reversed(element))
    while stack:
        one = stack.pop()
        if not isinstance(one.tag, str):
            continue
        classes = _classes(one)
        if name in classes and not (inside and any(name in _classes(below) for below in one.iterdescendants("*"))):
            found.append(one)
        elif "message" not in classes:
            stack += reversed(one)
    return found


def _named(element: Any, name: str) -> Any:
    return next(iter(_own(element, name)), None)


def _notice(element: Any) -> str:
    time = _named(element, "timestamp")
    return " ".join(_words(element).split()).removeprefix(" ".join(_words(time).split())).strip()


def _reaction(element: Any) -> dict[str, str]:
    kind, _, who = " ".join(_words(element).split()).rpartition(" by ")
    return {"emoji": kind or "sticker", "speaker": who.removeprefix("from ")}


def _files(part: Any) -> list[str]:
    named = (one.get("src") or one.get("href") or "" for one in part.iter("img", "video", "audio", "source", "a"))
    return [name for name in dict.fromkeys(named) if name and "://" not in name and not name.startswith(("#", "sms:"))]


def _classes(element: Any) -> frozenset[str]:
    return frozenset((element.get("class") or "").split())


def _words(element: Any) -> str:
    """Return the words of an element, with a line break for each ``br``."""
    if element is None:
        return ""
    parts = [element.text or ""]
    for one in element.iterdescendants():
        if isinstance(one.tag, str):
            parts += ["\n" if one.tag == "br" else "", one.text or ""]
        parts.append(one.tail or "")
    return "".join(parts)
