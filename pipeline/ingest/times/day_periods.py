"""Words beside the time of day, in all languages of the CLDR: parts of the day (``p. m.``, ``晚上``), and words that say nothing.

The data is Babel's. It takes most of a second to gather, so that it is asked only for words beyond AM and PM, and kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from babel import Locale
from babel.localedata import locale_identifiers

_PLAIN = {"am": "am", "pm": "pm"}
_NOTHING = frozenset({"h", "s", "min", "klo", "kl", "um", "à", "às", "at", "uhr"})
"""Words that stand between date and time, or behind a time, on common phones: the CLDR's are added when another is met."""

# What phones wrote with earlier versions of the CLDR, and dates with a word behind them.
_OLDER = {
    "vorm": "am",
    "nachm": "pm",
    "fm": "am",
    "em": "pm",
    "tarde": "pm",
    "manhã": "am",
    "öö": "am",
    "ös": "pm",
    "मपू": "am",
    "मउ": "pm",
} | {
    "முற்பகல்": "am",
    "பிற்பகல்": "pm",
}
_OLDER_NOTHING = frozenset(
    {"alle", "o", "a las", "a la", "ч", "г", "ore", "u", "kell", "godz", "saat", "be", "ad", "ap", "พศ", "พ.ศ"}
)

# The languages that WhatsApp is offered in, which decide where a word says one thing here and another there.
ON_PHONES = frozenset(
    {
        *("af", "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fil"),
        *("fr", "gu", "he", "hi", "hr", "hu", "id", "it", "ja", "kk", "kn", "ko", "lo", "lt", "lv", "mk"),
        *("ml", "mr", "ms", "nb", "nl", "no", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv"),
        *("sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "zh"),
    }
)

_LETTERS = re.compile(r"[\s.,،'’\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_LITERAL = re.compile(r"'([^']+)'")
_UNQUOTED = re.compile(r"[^\W\d_a-zA-Z]+")
"""In a pattern, letters beyond those that stand for numbers mean themselves, quoted or not."""
_DAY = 86_400


class Period(NamedTuple):
    """A part of the day, such as the evening, in seconds from midnight; an hour is taken from the nearer half of the day."""

    start: int
    end: int


_HALVES = {"am": Period(0, _DAY // 2), "pm": Period(_DAY // 2, _DAY)}
_MOMENTS = {"midnight": Period(0, 3_600), "noon": Period(_DAY // 2, _DAY // 2 + 3_600)}


def plain_word(text: str) -> str:
    """Return a word as words are compared: without case, dots, blanks and invisible marks."""
    return _LETTERS.sub("", text).casefold()


@lru_cache(maxsize=4096)
def hour_of(word: str, hour: int) -> int | None:
    """Return the hour from 0 to 23 that ``hour`` and the word beside it say; ``None`` where the word or the hour is not known."""
    period = _period(plain_word(word))
    if period is None or not 0 <= hour <= 24:
        return None
    if hour > 12:
        return hour % 24
    return min((hour % 12, hour % 12 + 12), key=lambda h: (_distance(h * 3_600, period), (h >= 12) != (period.start >= _DAY // 2)))


@lru_cache(maxsize=4096)
def says_nothing(word: str) -> bool:
    """Whether a word beside a time is only a manner of writing it, as ``klo`` and ``Uhr`` are."""
    plain = plain_word(word)
    return not plain or plain in _NOTHING or plain in _OLDER_WORDS or plain in _fillers()


_OLDER_WORDS = frozenset(plain_word(word) for word in _OLDER_NOTHING)


def _period(word: str) -> Period | None:
    half = _PLAIN.get(word) or _OLDER.get(word)
    return _HALVES[half] if half else _periods().get(word)


def _distance(second: int, period: Period) -> int:
    """Return how far a time is from a period, around the clock."""
    if any(period.start <= second + turn < period.end for turn in (0, _DAY)):
        return 0
    return min((period.start - second) % _DAY, (second - period.end) % _DAY)


@lru_cache(maxsize=1)
def _locales() -> tuple[Locale, ...]:
    return tuple(Locale.parse(name) for name in locale_identifiers())


@lru_cache(maxsize=1)
def _periods() -> dict[str, Period]:
    """Return the period of each word; where languages disagree, that of most of those that are on phones, then of most."""
    votes: dict[str, Counter[Period]] = {}
    for locale in _locales():
        for word, period in _own_periods(locale).items():
            votes.setdefault(word, Counter())[period] += 1_000 if locale.language in ON_PHONES else 1
    return {word: counter.most_common(1)[0][0] for word, counter in votes.items()}


def _own_periods(locale: Locale) -> dict[str, Period]:
    """Return the words of one language; one that is AM or PM and a part of the day as well is the former."""
    periods: dict[str, Period] = {}
    for widths in locale.day_periods.values():
        for width in ("abbreviated", "wide"):
            for name, text in widths.get(width, {}).items():
                period = _ruled(locale.day_period_rules, name)
                if period is not None and (name in _HALVES or plain_word(text) not in periods):
                    periods[plain_word(text)] = period
    return periods


def _ruled(rules: Mapping[Any, Any], name: str) -> Period | None:
    if name in _HALVES:
        return _HALVES[name]
    for rule in (rules.get(None) or {}).get(name, ()):
        if "from" in rule and "before" in rule:
            start, end = rule["from"], rule["before"]
            return Period(start, end if end > start else end + _DAY)
    return _MOMENTS.get(name)


@lru_cache(maxsize=1)
def _fillers() -> frozenset[str]:
    """Return the words that the patterns of the CLDR put beside a time or between it and a date."""
    fillers: set[str] = set()
    for locale in _locales():
        glue = [str(text) for text in locale.datetime_formats.values()]
        fillers.update(plain_word(re.sub(r"\{[01]\}|'", "", text)) for text in glue)
        patterns = [locale.time_formats[width].pattern for width in ("short", "medium")] + [locale.date_formats["short"].pattern]
        for pattern in patterns:
            fillers.update(map(plain_word, _LITERAL.findall(pattern)))
            fillers.update(map(plain_word, _UNQUOTED.findall(pattern)))
    return frozenset(fillers)
