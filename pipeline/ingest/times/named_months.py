"""Local times with the name of a month, in any language of the CLDR: ``Feb 13, 2024 9:05 pm``, ``13 de fev. de 2024 21:05``.

The names are Babel's. A name that means two months in two languages (``listopad``) is told by the other names of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from babel import Locale
from babel.localedata import locale_identifiers

from pipeline.ingest.times.clock import read_clock
from pipeline.ingest.times.day_periods import hour_of, plain_word, says_nothing

_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?")
_PARTS = re.compile(r"\d+|[^\s\d,،、;]+")
_BETWEEN = frozenset({"de", "del", "of", "den", "the", "da", "d", "год", "г", "року", "р", "в", "о", "a", "la", "las", "em"})
_VIETNAMESE = re.compile(r"\b(?:thg|tháng)\s*(\d{1,2})\b", re.IGNORECASE)
_NUMBERED = (  # months that have numbers for names, and where year, month and day stand
    (re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]"), (0, 1, 2)),
    (re.compile(r"(\d{1,2})[月월]\s*(\d{1,2}),?\s*(\d{4})"), (2, 0, 1)),
    (re.compile(r"(\d{1,2})\s+(\d{1,2})月,?\s*(\d{4})"), (2, 1, 0)),
)
_ENGLISH = {
    name: month
    for month, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may may",
            "jun june",
            "jul july",
            "aug august",
            "sep september",
            "oct october",
            "nov november",
            "dec december",
        ),
        1,
    )
    for name in names.split()
}
_YEARS = range(1990, 2100)


def _languages() -> list[str]:
    return [name for name in locale_identifiers() if "_" not in name]


@lru_cache(maxsize=1)
def _months() -> dict[str, dict[str, int]]:
    """Return for each name of a month, as words are compared, the month in each language that has it."""
    months: dict[str, dict[str, int]] = {}
    for name in _languages():
        for forms in Locale.parse(name).months.values():
            for width in ("wide", "abbreviated"):
                for month, word in forms.get(width, {}).items():
                    months.setdefault(plain_word(str(word)), {}).setdefault(name, month)
    return {word: languages for word, languages in months.items() if word and not word.isdecimal()}


class MonthNames:
    """The names of months in one file: each narrows the languages that the file may be in."""

    def __init__(self) -> None:
        self._languages: frozenset[str] | None = None

    def add(self, text: str) -> None:
        """Note the names in a time as written."""
        for word in _named(text):
            if word in _ENGLISH:
                continue
            known = frozenset(_months()[word])
            narrowed = known if self._languages is None else self._languages & known
            self._languages = narrowed or self._languages

    def month(self, word: str) -> tuple[int, bool]:
        """Return the month of a name, and whether no other month is meant by it in any language that the file may be in."""
        if word in _ENGLISH:
            return _ENGLISH[word], True
        languages = _months()[word]
        chosen = [month for name, month in languages.items() if self._languages is None or name in self._languages]
        months = chosen or list(languages.values())
        return max(sorted(set(months)), key=months.count), len(set(months)) == 1

    def read(self, text: str) -> datetime | None:
        """Read a time as written; ``None`` where it is none."""
        try:
            return self._read(text)
        except ValueError:
            return None

    def is_sure(self, text: str) -> bool:
        """Whether the names in a time as written mean one month each."""
        return all(self.month(word)[1] for word in _named(text))

    def _read(self, text: str) -> datetime | None:
        clock = list(_CLOCK.finditer(text))
        if not clock:
            return None
        before, after = text[: clock[-1].start()], text[clock[-1].end() :]
        date, others = self._date(before)
        if date is not None:
            last = max((place for place, sign in enumerate(before) if sign.isdecimal()), default=-1)
            beside = _words(before[last + 1 :].lstrip("日일")), after
            others = others[: len(others) - len(beside[0])]
        else:
            date, others = self._date(after)
            beside = _words(before), ""
        time = _time(clock[-1][0].replace(".", ":"), *beside) if _known(others) else None
        return datetime(*date, *time) if date is not None and time is not None else None

    def _date(self, text: str) -> tuple[tuple[int, int, int] | None, list[str]]:
        """Return the date in a text, and the words of the text that are no part of it."""
        text = _VIETNAMESE.sub(r"\1月", text)
        for pattern, order in _NUMBERED:
            if match := pattern.search(text):
                numbers = [int(number) for number in match.groups()]
                year, month, day = (numbers[place] for place in order)
                return (year, month, day), _words(text[: match.start()] + " " + text[match.end() :])
        numbers = [int(part) for part in _PARTS.findall(text) if part.isdecimal()]
        named = _named(text)
        years = [number for number in numbers if number in _YEARS]
        days = [number for number in numbers if number not in _YEARS]
        if len(named) != 1 or len(years) != 1 or len(days) != 1:
            return None, []
        month, _ = self.month(named[0])
        return (years[0], month, days[0]), [word for word in _words(text) if plain_word(word) != named[0]]


def _named(text: str) -> list[str]:
    """Return the names of months in a text, as words are compared. Babel's are asked where it is not English."""
    words = [word for part in _PARTS.findall(text) if (word := plain_word(part)) and not word.isdecimal() and word not in _BETWEEN]
    english = [word for word in words if word in _ENGLISH]
    return english if len(english) == 1 else [word for word in words if word in _months()]


def _words(text: str) -> list[str]:
    return [part for part in _PARTS.findall(text) if not part[0].isdecimal()]


def _time(clock: str, before: list[str], after: str) -> tuple[int, int, int] | None:
    """Return the time of day; a word before or behind it that is not known makes it none."""
    parts = read_clock(clock)
    if parts is None:
        return None
    hour, minute, second = parts
    behind = " ".join(after.split())
    if behind and not _known([behind]):
        read_hour = hour_of(behind, hour) if _known(before) else None
        return None if read_hour is None else (read_hour, minute, second)
    for start in range(len(before)):
        words = " ".join(before[start:])
        if not _known([words]) and _known(before[:start]) and (read_hour := hour_of(words, hour)) is not None:
            return read_hour, minute, second
    return (hour, minute, second) if _known(before) else None


def _known(words: Iterable[str]) -> bool:
    return all(plain_word(word) in _BETWEEN or says_nothing(word) or plain_word(word) in _weekdays() for word in words)


@lru_cache(maxsize=1)
def _weekdays() -> frozenset[str]:
    forms = (form for name in _languages() for form in Locale.parse(name).days.values())
    return frozenset(
        plain_word(str(word)) for form in forms for width in ("wide", "abbreviated") for word in form.get(width, {}).values()
    )
