"""Which rows a model reads, and what of them: a person's own words, without those that an app put in their place or beside them.

``<Media omitted>`` and "This message was deleted" stand in a person's name and are nobody's words. Training, the prefilter,
scoring, evaluation and the drift profile all ask here: no row is learned from and not scored, or scored and not learned from.
An app's phrase is the *whole* text, or the whole first or last line: a phrase inside somebody's message is theirs. What could be
either, such as ``<any other words>``, counts as a person's: nobody is to hide words by dressing them up.
"""

from __future__ import annotations

import mimetypes
import re
import unicodedata

from pipeline.ingest.readers.kakaotalk_grammar import DELETED as KAKAOTALK_DELETED
from pipeline.ingest.readers.kakaotalk_grammar import THING as KAKAOTALK_THING
from pipeline.ingest.readers.line_grammar import BRACKETED_THING
from pipeline.ingest.readers.meta_notices import ACTION, is_notice
from pipeline.ingest.readers.viber_grammar import DELETED as VIBER_DELETED
from pipeline.ingest.readers.viber_grammar import THINGS as VIBER_THINGS
from pipeline.ingest.readers.whatsapp_phrases import (
    ATTACHED,
    CALLS,
    DELETED,
    EDITED,
    LEFT_OUT,
    OMITTED,
    OMITTED_THING,
    VIEW_ONCE,
    WAITING,
)
from pipeline.ingest.readers.whatsapp_rows import MARK, bare
from pipeline.schema import Message

_LONGEST = 300
_LONGEST_MARKED = 60
_FEW_WORDS = 6
_BRACKETS = re.compile(r"[<\[(](?P<words>[^<>\[\]()\n]{3,78})[>\])]")
_EDIT = re.compile(r"edit|bearbeitet|modifi|bewerkt|redig|muokat|upraven|düzenlen|измен|edyt|szerkeszt|editat", re.IGNORECASE)
_SPOKEN = frozenset({"voice call", "video call", "no answer"})
"""What people write too, of the notices of calls."""

_SOMEBODY = r"(?:[^.!?,:;\n]{1,50} )?"
_SENT = re.compile(rf"{_SOMEBODY}{ACTION.pattern}", re.IGNORECASE)
_WITHDRAWN = re.compile(
    rf"{_SOMEBODY}unsent (?:this|a) message\.?|[(<\[]?(?:(?:this|original) message (?:was|has been) )?(?:deleted|removed)\.?[)>\]]"
    r"|(?:original )?message (?:was |has been )?(?:deleted|removed)\.?",
    re.IGNORECASE,
)


def own_words(kind: str, text: str) -> str:
    """Return what its sender wrote in a row: empty where all of it is the app's.

    What is cut out at the beginning is replaced by as many blanks, so that places in what is returned are places in the text.
    """
    if kind not in ("message", "media"):
        return ""
    words = text
    if text.endswith(">") and (edited := EDITED.search(text)) and _EDIT.search(edited[0]):
        words = text[: edited.start()]
    first, newline, caption = words.partition("\n")
    if len(first) <= _LONGEST and _is_of_the_app(kind, first, alone=not caption.strip()):
        words = " " * len(first) + newline + caption
    return words if _visible(words) else ""


def is_scorable(speaker: str | None, kind: str, text: str | None) -> bool:
    """Return whether a row has a speaker and words of theirs, from its columns: only such rows are learned from and scored."""
    return speaker is not None and text is not None and bool(own_words(kind, text))


def has_words(message: Message) -> bool:
    """Return the same as `is_scorable`, from a message."""
    return is_scorable(message.speaker, message.kind, message.text)


def _visible(text: str) -> bool:
    """Whether there is a character that can be seen; marks of writing direction and joiners cannot."""
    return any(not sign.isspace() and unicodedata.category(sign) not in ("Cf", "Cc", "Mn") for sign in text)


def _is_of_the_app(kind: str, line: str, *, alone: bool) -> bool:
    """Whether the first line of a row, ``alone`` or with a caption below, stands for a file, a withdrawn message or a call."""
    plain = line.strip() if line.isascii() else bare(line)
    folded = plain.casefold()
    if attached := ATTACHED.match(plain):
        name = attached["ios"] or attached["android"]
        return mimetypes.guess_type(name)[0] is not None or not re.search(r"\s", name)
    if folded in OMITTED or OMITTED_THING.match(plain) or _is_left_out(plain) or BRACKETED_THING.fullmatch(plain):
        return True
    if kind == "media" and _is_media(plain, folded, marked=line.startswith(MARK)):
        return True
    return alone and _is_notice(plain, folded)


def _is_left_out(plain: str) -> bool:
    """Whether a text in brackets says, in few words, that something was left out."""
    match = _BRACKETS.fullmatch(plain)
    return match is not None and len(match["words"].split()) <= _FEW_WORDS and bool(LEFT_OUT.search(match["words"]))


def _is_media(plain: str, folded: str, *, marked: bool) -> bool:
    """Whether the line of a row that its reader took for a file is the app's; ``marked`` as iOS marks its own words."""
    if KAKAOTALK_THING.fullmatch(plain) or folded in VIBER_THINGS:
        return True
    few = len(plain) <= _LONGEST_MARKED and len(plain.split()) <= _FEW_WORDS
    return marked and "://" not in plain and (few or VIEW_ONCE.search(plain) is not None)


def _is_notice(plain: str, folded: str) -> bool:
    end = folded.rstrip(".。")
    if end in DELETED or end in VIBER_DELETED or end.startswith("this message was deleted by admin"):
        return True
    if any(phrase.fullmatch(plain) for phrase in (KAKAOTALK_DELETED, _WITHDRAWN, _SENT)) or is_notice(plain, None):
        return True
    return bool(WAITING.match(plain) or (CALLS.match(plain) and end not in _SPOKEN))
