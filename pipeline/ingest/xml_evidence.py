"""Which XML format a file is in, from its first element."""

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


def xml_format(start: str) -> str | None:
    """Return the format that the first element of a text names, or ``None``."""
    prolog = _PROLOG.match(start)
    root = start[prolog.end() :] if prolog else start
    return next((format_ for pattern, format_ in _ROOTS if pattern.match(root)), None)
