"""Names with a colon in them, which the text of an export does not tell from the words behind a name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_SAMPLE = 5_000
_LEAST_ROWS = 5
_LONGEST = 40


@dataclass(slots=True)
class ColonNames:
    """What stands between the first colon and the second in the rows of each speaker, of the first rows of a file."""

    left: int = _SAMPLE
    _rows: Counter[str] = field(default_factory=Counter)
    _seconds: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, rest: str) -> None:
        """Take in what stands behind a header."""
        self.left -= 1
        name, colon, text = rest.partition(": ")
        if not colon:
            return
        self._rows[name] += 1
        second, colon, _ = text.partition(": ")
        if colon and len(second) <= _LONGEST:
            self._seconds.setdefault(name, Counter())[second] += 1

    @property
    def speakers(self) -> int:
        """How many speakers there are whose every row begins with the same words and a colon."""
        return sum(
            self._rows[name] >= _LEAST_ROWS and max(seconds.values()) == self._rows[name] for name, seconds in self._seconds.items()
        )

    def note(self) -> str | None:
        """Return what to say of them; ``None`` where there is none."""
        if not (count := self.speakers):
            return None
        return f"every message of {count} speaker(s) begins with the same words and a colon: they may be part of the name"
