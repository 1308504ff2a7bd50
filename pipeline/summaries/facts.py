"""What a message names that tells what is asked and how urgent it is: an age, a day, a place, whom to hide it from, a threat.

Found by rule, from closed lists in seven languages. A fact is a kind and a value out of those lists, such as ``day:friday`` or
``age:12``: never words of the chat. A fact alone is no sign. It counts only on a message that carries a stage that it belongs to.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

ROOT = "pipeline.summaries"

YOUNGEST, OLDEST = 6, 17
"""Ages that make somebody a child; others are no fact."""

_HOUR = re.compile(
    r"(?<![\d:.,])([01]?\d|2[0-3])[:h]([0-5]\d)(?![\d:])"
    r"|(?<![\d:.,])(1[0-2]|[1-9])(?: ?([p])\.?m\b|([a])\.?m\b| ([a])\.?m(?=\W*$|[.,;!?]))"  # German has "um 6 am Abend"
)
_MARK = re.compile(r"\[[^\]]*\]|<[^>]*>")
"""What stands in an export where a picture was, or what the platform says in place of words."""


def facts_of(texts: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return the facts of each message of a conversation, in order; ``texts`` are (speaker, text), and nothing looks ahead."""
    facts: list[tuple[str, ...]] = []
    asked: dict[str, int] = {}  # who asked for an age, and at which message
    for number, (speaker, text) in enumerate(texts):
        folded = plain(_MARK.sub(" ", text))
        line_facts = list(_listed(folded))
        age = _age(folded)
        if age is None and any(number - at <= _ANSWERED_WITHIN for other, at in asked.items() if other != speaker):
            age = _bare_age(folded)
        if age is not None:
            line_facts.append(f"age:{age}")
        line_facts += _hours(folded)
        if _rules().asks_age.search(folded) and not _rules().others.search(folded):
            asked[speaker] = number
        facts.append(tuple(dict.fromkeys(line_facts)))
    return facts


_ANSWERED_WITHIN = 4
_SHORT = 6
_BEGINS = (
    "im|i'm|i am|just|only|like|tengo|yo|ich|ich bin|bin|j'ai|jai|moi|ik|ik ben|ben|tenho|eu|ho|io|ok|no|yes|yeah|si|ja|oui|sim"
)


class _Rules:
    """The lists, ready to be found in folded text."""

    def __init__(self, lists: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self.listed = [
            (f"{kind}:{value}", first_words(phrases), re.compile(_either(phrases)))
            for kind, values in lists.items()
            if kind not in ("age", "hide")
            for value, phrases in values.items()
        ]
        age = lists["age"]
        self.says_age = re.compile("|".join(rf"(?<!\w){phrase.replace('#', _NUMBER)}(?!\w)" for phrase in age["says"]))
        self.not_age = re.compile(rf"^\s*(?:{'|'.join(re.escape(plain(phrase)) for phrase in age['not'])})(?!\w)")
        self.hides = re.compile(_either(lists["hide"]["words"]))
        self.others = re.compile(_either([phrase for value in lists["from"].values() for phrase in value]))
        self.asks_age = re.compile(_either(age["asks"]))


_WORD = re.compile(r"\w+")


def first_words(phrases: Sequence[str]) -> frozenset[str] | None:
    """Return the words that the phrases begin with, one of which stands in every text that `_either` finds one in.

    ``None`` where a phrase begins with no word.
    """
    starts = [_WORD.match(plain(phrase)) for phrase in phrases]
    return None if None in starts else frozenset(start[0] for start in starts if start)


_NUMBER = r"(\d{1,2})(?![\d:.,/%]\d)(?!\d|[%€$£])"


def _either(phrases: Sequence[str]) -> str:
    return r"(?<!\w)(?:" + "|".join(re.escape(plain(phrase)) for phrase in sorted(phrases, key=len, reverse=True)) + r")(?!\w)"


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    return _Rules(tomllib.loads(files(ROOT).joinpath("facts.toml").read_text("utf-8")))


def _listed(folded: str) -> Iterator[str]:
    hides = _rules().hides.search(folded) is not None
    words = set(_WORD.findall(folded))
    for fact, first, pattern in _rules().listed:
        possible = first is None or not first.isdisjoint(words)  # a look at the words costs a tenth of a search
        if possible and (hides or not fact.startswith("from:")) and pattern.search(folded):
            yield fact


def _age(folded: str) -> int | None:
    """Return the age that somebody says they are, where it is one of a child."""
    for match in _rules().says_age.finditer(folded):
        number = int(next(group for group in match.groups() if group))
        if YOUNGEST <= number <= OLDEST and not _rules().not_age.match(folded[match.end() :]):
            return number
    return None


def _bare_age(folded: str) -> int | None:
    """Return the age in a short answer that begins with it, such as "13 why" or "tengo 13"."""
    match = re.match(rf"^\W*(?:(?:{_BEGINS}) )?{_NUMBER}", folded)
    if match is None or len(folded.split()) > _SHORT or _rules().not_age.match(folded[match.end() :]):
        return None
    number = int(match[1])
    return number if YOUNGEST <= number <= OLDEST else None


def plain(text: str) -> str:
    """Return a text without case, accents and the forms of apostrophes and spaces."""
    marks = unicodedata.normalize("NFKD", text).replace("\u2019", "'").replace("\u2018", "'")
    return " ".join("".join(letter for letter in marks if not unicodedata.combining(letter)).casefold().split())


def _hours(folded: str) -> Iterator[str]:
    for match in _HOUR.finditer(folded):
        if match[1]:
            yield f"hour:{int(match[1]):02}:{match[2]}"
        else:
            yield f"hour:{int(match[3]) % 12 + (12 if match[4] else 0):02}:00"
