"""A time of day alone, in 24 hours or with a word of any language beside it: ``21:05``, ``오후 9:05``, ``9:05 PM``."""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.ingest.times.day_periods import hour_of

_BLANK = r"[ \u00a0\u202f]?"
_WORD = r"[^\W\d]{1,10}\.?(?:[ \u00a0]?[^\W\d]{1,3}\.)?"
CLOCK = rf"(?:{_WORD}{_BLANK})?\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:{_BLANK}{_WORD})?"
"""The pattern of such a time, for larger patterns."""

_PARTS = re.compile(
    r"(?P<before>\D*)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?P<after>\D*)",
)


@lru_cache(maxsize=4096)
def read_clock(text: str) -> tuple[int, int, int] | None:
    """Return hour, minute and second; ``None`` where the text is no time of day, or its word is not known."""
    match = _PARTS.fullmatch(text.strip())
    if match is None:
        return None
    word = (match["before"] + match["after"]).strip()
    hour = hour_of(word, int(match["hour"])) if word else int(match["hour"])
    minute, second = int(match["minute"]), int(match["second"] or 0)
    return None if hour is None or hour > 24 or minute > 59 or second > 59 else (hour % 24, minute, second)
