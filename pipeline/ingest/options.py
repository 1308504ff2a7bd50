"""How an export is read, and what was noticed on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

DateOrder = Literal["dmy", "mdy", "ymd"]

Merge = Literal["auto", "never", "always"]
"""Whether a chat that stands in several exports becomes one conversation: where that is sure, never, or wherever it may be one."""

MAX_MEMBER_BYTES = 512 * 1024 * 1024
"""How much one member of an archive may unpack to, counted while reading."""


NO_COLUMNS: Mapping[str, str] = {}
"""No field of ours is in a column of another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the user says about the exports.

    ``columns`` maps a field of ours (``conversation_id``, ``speaker``, ``timestamp``, ``text``, ``message_id``) to the column
    that holds it in a table. In the columns of ``telling_empty`` an empty cell says something, and is kept in ``meta``.
    ``follow_links`` allows links that lead out of a folder.
    """

    format: str | None = None
    date_order: DateOrder | None = None
    timezone: ZoneInfo | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    max_member_bytes: int = MAX_MEMBER_BYTES
    telling_empty: frozenset[str] = frozenset()
    merge: Merge = "auto"
    follow_links: bool = False


@dataclass(frozen=True, slots=True)
class ReadWarning:
    """Something a person should know about an export that was read all the same. Never holds message text."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class ReadExport:
    """An export that was read: its name, its format, and the SHA-256 of what was read."""

    name: str
    format: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that was not read, and why: it failed, or it was passed over as none that holds a chat. Never holds message text."""

    name: str
    reason: str


@dataclass(slots=True)
class ReadLog:
    """Collects, while exports are read, which they were, how many rows of each kind they had, and what a person should know.

    ``merged`` says which conversations were put together from several exports. ``failed`` are the files that may hold a chat and
    could not be read; ``passed_over`` all others that were not.
    """

    exports: list[ReadExport] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    warnings: list[ReadWarning] = field(default_factory=list)
    merged: list[Mapping[str, Any]] = field(default_factory=list)
    failed: list[Unread] = field(default_factory=list)
    passed_over: list[Unread] = field(default_factory=list)
    _told: set[ReadWarning] = field(default_factory=set, repr=False, compare=False)

    def warn(self, where: str, what: str) -> None:
        """Keep a warning, once."""
        warning = ReadWarning(where, what)
        if warning not in self._told:
            self._told.add(warning)
            self.warnings.append(warning)
