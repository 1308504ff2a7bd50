"""Which XML format a file is in, from its first element, or which pages a program wrote, from their classes."""

from __future__ import annotations

import re

_PROLOG = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>)*", re.DOTALL)
_ROOTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<conversations?\b"), "pan12"),
    (re.compile(r"<smses\b"), "sms"),
    (re.compile(r"<project\b[^>]*(?:cellebrite|extractionType|reportVersion)", re.IGNORECASE), "cellebrite"),
    (
        re.compile(
            r"<(?:\w+:)?(?:Artifacts?|IEF\w*|Axiom\w*|MagnetAxiom\w*|Report|Case)\b(?=.*<Hit\b)(?=.*<Fragment\b)", re.DOTALL
        ),
        "axiom",
    ),
)
# A page of a format has one of these elements, which nobody's words can hold: a page's text has no elements.
_PAGES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<div class=\"(?:hChatLog\b[^\"]*|haudio)\""), "google_voice"),
    (re.compile(r"<div class=\"message\"[^>]*>\s*<div class=\"(?:received|sent [A-Za-z]+)\""), "imessage_exporter"),
)


def xml_format(start: str) -> str | None:
    """Return the format that the first element of a text names, or that a page's elements do; ``None`` where none does."""
    prolog = _PROLOG.match(start)
    root = start[prolog.end() :] if prolog else start
    if root[:5].casefold() == "<html":
        return next((format_ for pattern, format_ in _PAGES if pattern.search(root)), None)
    return next((format_ for pattern, format_ in _ROOTS if pattern.match(root)), None)
