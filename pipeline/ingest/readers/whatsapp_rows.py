"""What a WhatsApp row is, told from its structure: somebody's words, a file, a withdrawn message, or a line of WhatsApp's own.

A row without a speaker is WhatsApp's. On iOS a text of WhatsApp's begins with U+200E, in every language, and the line of a file
or a withdrawn message begins so too. Any other row is judged by its *whole* text: a word in somebody's message never makes it a
system row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pipeline.ingest.readers.whatsapp_phrases import (
    ATTACHED,
    BRACKETED,
    CALLS,
    COMMUNITY,
    DELETED,
    EDITED,
    GONE,
    KNOWN,
    LEFT_OUT,
    OMITTED,
    OMITTED_THING,
    PLACE,
    QUOTING,
    VIEW_ONCE,
    WAITING,
)
from pipeline.schema import Kind

MARKS_STRIPPED = tuple(map(ord, "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
"""Marks of writing direction."""

_STRIP = dict.fromkeys(MARKS_STRIPPED)

MARK = "\u200e"
"""What iOS writes before its own words."""

_LONGEST_NOTICE = 500
_LONGEST_CALL = 80
LONG_NAME = 7
"""Words of a name that may be a sentence."""

Doubt = str
"""Why a row may not be what it is taken for, as a warning says it of several rows."""

UNKNOWN_NOTICE: Doubt = (
    "begin with U+200E, with which WhatsApp on iOS begins its own notices, and are no notice that we know: they are taken for one, "
    "and not scored; a person who typed that mark would be passed over"
)
SENTENCE_FOR_NAME: Doubt = "have a sentence where a name should be: each may be a notice of WhatsApp's, and is kept as a message"


@dataclass(frozen=True, slots=True)
class Row:
    """A header line's rest, taken apart: who, the text of the first line, and whether it could be seen only once."""

    speaker: str | None
    text: str
    view_once: bool = False


@lru_cache(maxsize=1024)
def bare(text: str) -> str:
    """Return the text without marks of writing direction and outer white space."""
    return text.translate(_STRIP).strip()


def split_row(rest: str) -> Row:
    """Split what follows a header into speaker and text; a row without a speaker is WhatsApp's own.

    ``Name:`` or ``Name:.`` with nothing behind it is a message that could be seen once: its content is not in the export.
    """
    name, colon, text = rest.partition(": ")
    if _is_notice(bare(name if colon else rest)):
        return Row(None, rest)
    once = not text and rest.rstrip().endswith((":", ":."))
    if once and not colon:
        name, colon, text = rest.rpartition(":")
    speaker = bare(name)
    return Row(speaker, text, once) if colon and speaker else Row(None, rest)


def _is_notice(words: str) -> bool:
    """Whether what stands before a colon is the beginning of a notice that quotes something, and no name."""
    return bool(QUOTING.search(words) or COMMUNITY.match(words))


@dataclass(frozen=True, slots=True)
class Judged:
    """The kind of a row, what goes into its ``meta``, and why it may be another, if it may."""

    kind: Kind
    meta: Mapping[str, object] = field(default_factory=dict)
    doubt: Doubt | None = None


_MESSAGE = Judged("message")


def judge(row: Row, text: str, *, ios: bool = False, marked: bool = False) -> Judged:
    """Return what a row is, from its whole text of all lines.

    ``ios`` says that the file is an iPhone's, and ``marked`` that the row's line begins with U+200E.
    """
    if row.speaker is None:
        return Judged("system")
    if row.view_once and "\n" not in text:
        return Judged("media", {"view_once": True})
    first, _, caption = text.partition("\n")
    plain = bare(first)
    if not caption and _is_deleted(plain):
        return Judged("deleted")
    edited: dict[str, object] = {"edited": True} if text.endswith(">") and EDITED.search(text) else {}
    if attached := ATTACHED.match(plain):
        return Judged("media", edited | {"attachments": [attached["ios"] or attached["android"]]})
    if plain.casefold() in OMITTED or OMITTED_THING.match(plain) or (not ios and not caption and BRACKETED.match(plain)):
        return Judged("media", edited | ({"view_once": True} if VIEW_ONCE.search(plain) else {}))
    if not caption and "https://" in plain and PLACE.match(plain):
        return Judged("media", edited | {"media_type": "location"})
    if not caption and len(plain) < _LONGEST_CALL and (CALLS.match(plain) or WAITING.match(plain)):
        return Judged("system", {"actor_id": row.speaker})
    if ios and text.startswith(MARK) and not EDITED.fullmatch(text):
        return _own_words(row, text, plain, edited, marked=marked)
    sentence = not ios and len(row.speaker.split()) >= LONG_NAME
    return Judged("message", edited, SENTENCE_FOR_NAME) if sentence else Judged("message", edited) if edited else _MESSAGE


def _is_deleted(plain: str) -> bool:
    folded = plain.casefold().rstrip(".。")
    return folded in DELETED or folded.startswith("this message was deleted by admin")


def _own_words(row: Row, text: str, plain: str, edited: Mapping[str, object], *, marked: bool) -> Judged:
    """Judge what iOS wrote in a person's name: a poll has that person's words, and nothing else has."""
    if f"\n{MARK}" in text:
        return Judged("message", {**edited, "media_type": "poll"})
    if "\n" in text or len(text) > _LONGEST_NOTICE:
        return Judged("media" if marked else "message", edited)
    if VIEW_ONCE.search(plain):
        return Judged("media", {**edited, "view_once": True})
    if LEFT_OUT.search(plain):
        return Judged("media", edited)
    if marked:
        return Judged("deleted" if GONE.search(plain) else "media", edited)
    known = KNOWN.match(plain) or _is_notice(plain)
    return Judged("system", {"actor_id": row.speaker}, None if known else UNKNOWN_NOTICE)
