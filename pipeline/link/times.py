"""Days and times of day as people name them, in one spelling: what comes again over conversations can then be compared.

"Tonight" and "tomorrow" name no day that could come again, and are left out.
"""

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale

from pipeline.text.fold import fold

LANGUAGES = ("en", "de", "es", "fr", "nl", "pt")
_CLOCK = re.compile(r"(?<![\d/.-])([01]?\d|2[0-3])(?:[:.h]([0-5]\d))?\s*(a\.?m\.?|p\.?m\.?|uhr|h)?(?![\d/.-])", re.IGNORECASE)


def normal_time(text: str) -> str | None:
    """Return a weekday as its number from Monday and a clock time as hour and minute; nothing where a text names neither."""
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)?", fold(text))
    days = {day for word in words for day in [_weekdays().get(word), _weekdays().get(word.removesuffix("s"))] if day is not None}
    if len(days) == 1:
        return f"weekday {days.pop()}"
    match = _CLOCK.search(text)
    if days or match is None or not (match[2] or match[3]):
        return None
    hour = int(match[1])
    if match[3] and match[3][0] in "pP" and hour < 12:
        hour += 12
    return f"clock {hour}:{match[2] or '00'}"


@lru_cache(maxsize=1)
def _weekdays() -> dict[str, int]:
    return {fold(name): day for language in LANGUAGES for day, name in Locale(language).days["format"]["wide"].items()}
