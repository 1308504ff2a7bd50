"""Which format a page of HTML is in: the elements of its head, never a word in somebody's text."""

from __future__ import annotations

import re

from pipeline.ingest.html_stream import HtmlEvent, head_events

_TELEGRAM_ID = re.compile(r"message-?\d+")


def html_format(head: bytes) -> str | None:
    """Return the format whose elements stand in the head of a page, ``None`` where none do."""
    events = head_events(head)
    return next((format_ for event in events if event.kind == "start" and (format_ := _format_of(event))), None)


def _format_of(event: HtmlEvent) -> str | None:
    classes = set(event.attributes.get("class", "").split())
    if {"message"} < classes & {"message", "default", "service"} and _TELEGRAM_ID.fullmatch(event.attributes.get("id", "")):
        return "telegram_html"
    return None
