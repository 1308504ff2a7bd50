"""Fold the everyday ways in which words come out odd: look-alike letters, digits for letters, letters apart, hidden marks.

Only the model reads what is folded; the message itself stays verbatim. Text in another alphabet stays as it is: a letter that
looks like a Latin one is folded only inside a word that has Latin letters too.
"""

from __future__ import annotations

import re

from pipeline.text.normalise import normalise

# Cyrillic and Greek letters that look like Latin ones (a part of Unicode's confusables.txt, UTS #39).
_LOOK_ALIKE = str.maketrans(
    "авсԁеһіјкӏмпорѕтԝхуαεικνορτυχ",
    "abcdehijklmnopstwxyaeikvoptux",
)
_UNWRITTEN = "[sexual]"
"""The written corpus's mark for what is not written; no export has it, so no model may read it."""

_DIGITS = str.maketrans("0134578$@", "oieastbsa")
_WORD = re.compile(r"[^\W_]+")
_LATIN = re.compile("[a-z]")
_FOREIGN = re.compile("[\u0370-\u052f]")
_MIXED = re.compile(r"(?<![\w@$])(?=[\w@$]*[a-z])(?=[\w@$]*[0134578@$])[a-z0-9@$]{3,}(?![\w@$])")
_ODD = re.compile("[0134578@$]")
_COUNT = re.compile(r"\d+(?:st|nd|rd|th|pm|am|yo|yrs?|m|f|h|k|x|min|mins|s|cm|kg|gb|mb|v\d)?|[a-z]{1,2}\d+|\d+[a-z]{1,2}")
_APART = re.compile(r"(?<!\w)(?:\w ){3,}\w(?!\w)")
_SINGLE = re.compile(r" \w \w ")
_DOTTED = re.compile(r"(?<!\w)(?:[a-z][.\-_*]){3,}[a-z](?!\w)")


def fold(text: str) -> str:
    """Return the text as the network reads it: `normalise`, and words put together again."""
    text = normalise(text)
    if _UNWRITTEN in text:
        text = " ".join(text.replace(_UNWRITTEN, " ").split())
    if _FOREIGN.search(text):
        text = _WORD.sub(lambda word: word[0].translate(_LOOK_ALIKE) if _LATIN.search(word[0]) else word[0], text)
    # As in `normalise`, a sign first: single letters, marks between letters, digits.
    if _SINGLE.search(text):
        text = _APART.sub(lambda letters: letters[0].replace(" ", ""), text)
    if any(mark in text for mark in ".-_*"):
        text = _DOTTED.sub(lambda letters: re.sub(r"[.\-_*]", "", letters[0]), text)
    return _MIXED.sub(_letters, text) if _ODD.search(text) else text


def _letters(word: re.Match[str]) -> str:
    """Read digits in a word as the letters that they look like; ages, times and counts stay numbers."""
    return word[0] if _COUNT.fullmatch(word[0]) else word[0].translate(_DIGITS)
