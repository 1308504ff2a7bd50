"""One spelling of a message for the model; the message itself stays verbatim."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
# Bounded repetitions: a message of a million characters must not cost more than its length.
_LINK = re.compile(r"\b(?:https?://|www\.)\S+")
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
_HANDLE = re.compile(r"(?<!\w)@\w+")
_LONG_NUMBER = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){4,}")
_DIGIT = re.compile(r"\d")
_REPEATED = re.compile(r"(\w)\1{2,}")
_THRICE = re.compile(r"(.)\1\1")


def normalise(text: str) -> str:
    """Return the text as the model reads it.

    NFKC, invisible characters removed, case folded; links, e-mail addresses, handles and numbers of five digits or more become
    the marks ``<link>``, ``<email>``, ``<handle>``, ``<number>``, so that no model learns whose they are; a letter three times
    or more becomes two; runs of white space become one space.
    """
    # Most messages hold nothing to be changed, and a sign that they might is found several times faster than the thing itself.
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = text.casefold()
    if "://" in text or "www." in text:
        text = _LINK.sub(" <link> ", text)
    if "@" in text:
        text = _HANDLE.sub(" <handle> ", _EMAIL.sub(" <email> ", text))
    if _DIGIT.search(text):
        text = _LONG_NUMBER.sub(" <number> ", text)
    if _THRICE.search(text):
        text = _REPEATED.sub(r"\1\1", text)
    return " ".join(text.split())
