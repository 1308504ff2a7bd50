"""Which format a page of HTML is in: the elements of its head, never a word in somebody's text."""

from __future__ import annotations

import re

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.html_stream import Element, head_elements, head_events

# The boxes of Meta's pages: of a row, of who, what and when in it; the second names are those of before 2020.
META_ROW = frozenset({"_a6-g", "_2lej"})
META_NAME = ("_a6-h", "_2lel")
META_CONTENT = ("_a6-p", "_2let")
META_TIME = ("_a6-o", "_2lem")

_TELEGRAM_ID = re.compile(r"message-?\d+")
_DISCORD = frozenset({"chatlog__message-group", "chatlog__message-container", "preamble__entries-container"})
_SNAPCHAT_BOX = re.compile(r"background:\s*#f2f2f2", re.IGNORECASE)
_SNAPCHAT_HEADS = re.compile(r"(?:From|To) ?Media Type ?Created")
_SNAPCHAT_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\s*\Z")
_META_PAGE = re.compile(r"message_\d+\.html", re.IGNORECASE)
_ROWS = 20


def html_format(head: bytes, file: ExportFile) -> str | None:
    """Return the format whose elements stand in the head of a page, ``None`` where none do."""
    for event in head_events(head):
        if event.kind == "start":
            classes = set(event.attributes.get("class", "").split())
            if "message" in classes and classes & {"default", "service"} and _TELEGRAM_ID.fullmatch(event.attributes.get("id", "")):
                return "telegram_html"
            if classes & _DISCORD:
                return "discord_html"
    if _is_snapchat(head):
        return "snapchat_html"
    return "meta_html" if _is_meta(head, file) else None


def _is_snapchat(head: bytes) -> bool:
    """Whether a page holds boxes of messages with a sender and a time, or the tables of before 2023."""
    boxes = [box for box, _ in zip(head_elements(head, is_snapchat_box), range(_ROWS), strict=False)]
    if any(any(part.tag == "h4" for part in box.walk()) and _SNAPCHAT_TIME.search(box.words()) for box in boxes):
        return True
    rows = (" ".join(row.words().split()) for row in head_elements(head, lambda element: element.tag == "tr"))
    return any(_SNAPCHAT_HEADS.fullmatch(row) for row in rows)


def is_snapchat_box(element: Element) -> bool:
    """Whether an element is the box of one message on a page of Snapchat's."""
    return element.tag == "div" and _SNAPCHAT_BOX.search(element.attributes.get("style", "")) is not None


def _is_meta(head: bytes, file: ExportFile) -> bool:
    """Whether a page of Meta's holds messages: posts and comments stand in the same boxes, but not in such a file, or so deep."""
    rows = [row for row, _ in zip(head_elements(head, is_meta_row), range(_ROWS), strict=False)]
    whole = [row for row in rows if all(row.find_all(*classes) for classes in (META_NAME, META_CONTENT, META_TIME))]
    named = _META_PAGE.fullmatch(file.location.name) is not None
    return bool(whole) and (named or sum(map(_holds_blocks, whole)) * 2 > len(rows))


def _holds_blocks(row: Element) -> bool:
    """Whether the content of a row is the blocks of a message, of which the first is empty."""
    inner = row.find_all(*META_CONTENT)[0].children
    blocks = inner[0].children if len(inner) == 1 else []
    return len(blocks) > 1 and blocks[0].tag == blocks[1].tag == "div" and not blocks[0].content


def is_meta_row(element: Element) -> bool:
    """Whether an element is one of the boxes that messages stand in."""
    return element.tag in ("div", "section") and not META_ROW.isdisjoint(element.classes)
