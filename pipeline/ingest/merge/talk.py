"""A conversation as it is compared: its rows, the keys of their words, and their minutes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pipeline.schema import Conversation, Message

_FAMILIES = {"instagram": "meta", "messenger": "meta", "facebook": "meta"}

TABLES = frozenset({"table", "pan12", "convokit"})
"""The platforms of conversations of which no platform is known."""

_LOCAL = TABLES | {"whatsapp", "signal", "imessage", "line", "kakaotalk", "viber"}
"""The platforms whose exports write the time of the phone, which the user may have said with ``--timezone``."""

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
_MENTION = re.compile(r"@\u2068[^\u2069]*\u2069|@\+?\d[\d\s\u00a0-]{5,}\d")
_EDITED = re.compile(r"\s*<[^<>]{5,60}>\Z")
_PHONE = re.compile(r"\+?[\d\s\u00a0()./-]{6,}")
_COUNTED = re.compile(r"[^\W\d_]*\d{0,5}")
_NOT_WORD = re.compile(r"[\W_]+")
_META_THREAD = re.compile(r"(?:.*/)?[^/]*_(\d+)")
_MADE_ID = re.compile(r"[0-9a-f]{12}:\d+(?:~\d+)?")
_MADE_CHAT = re.compile(r"[0-9a-f]{12}(?:[:/].*)?", re.DOTALL)
_SLACK_CHANNEL = re.compile(r"[CDG][A-Z0-9]{6,}")
_NO_TITLES = frozenset({"", "_chat", "chat"})
_OWNERS = frozenset(
    {"you", "me", "myself", "self", "owner", "du", "ich", "tú", "tu", "yo", "vous", "moi", "você", "eu", "io", "jij", "ik"}
)


def family(platform: str) -> str:
    """Return the platform under which conversations are compared: Meta's are one."""
    return _FAMILIES.get(platform, platform)


def words_key(text: str, *, edited: bool = False) -> str:
    """Return the words of a text as two exports of it share them.

    Marks of direction, the note that it was edited, white space, and the name behind an @ are one export's own.
    """
    if not text.isascii():
        text = text.translate(_INVISIBLE) if "@" not in text else _MENTION.sub("@", text).translate(_INVISIBLE)
    elif "@" in text:
        text = _MENTION.sub("@", text)
    if edited and text.endswith(">"):
        text = _EDITED.sub("", text)
    return " ".join(text.split())


def minute_of(moment: datetime) -> int:
    """Return the minute of a time, by its own clock."""
    return moment.toordinal() * 1440 + moment.hour * 60 + moment.minute


def name_rank(name: str) -> int:
    """Return how well a name names: 0 for a name, 1 for a telephone number, 2 for the owner of the phone as "You"."""
    if name.strip().casefold() in _OWNERS:
        return 2
    return 1 if _PHONE.fullmatch(name.strip().lstrip("~").strip()) else 0


def platform_id(conversation: Conversation) -> str | None:
    """Return what names the chat on its platform, or ``None`` where the id is made of the file or is a title.

    Meta's threads have one number in every folder of a download, whatever the folder is called.
    """
    name = conversation.conversation_id
    platform = family(conversation.platform)
    if name == conversation.title or platform in ("whatsapp", "signal", "imessage") or _MADE_CHAT.fullmatch(name):
        return None
    if platform == "meta":
        match = _META_THREAD.fullmatch(name)
        return match[1] if match is not None else None
    return name


def is_counter(name: str) -> bool:
    """Whether an id is of words and small numbers, such as ``chat-12``, which any other table may have too."""
    return all(_COUNTED.fullmatch(part) for part in _NOT_WORD.split(name))


def is_global(platform: str, name: str) -> bool:
    """Whether an id means one chat, whoever exports it; others are an account's own word for it."""
    if platform == "telegram":
        return name.startswith(("chat", "channel"))
    return platform == "discord" or (platform == "slack" and _SLACK_CHANNEL.fullmatch(name) is not None)


@dataclass(frozen=True)
class Talk:
    """A conversation that is compared, with its messages held. ``place`` is the download or folder that it came from."""

    conversation: Conversation
    messages: tuple[Message, ...]
    place: str = ""

    @cached_property
    def family(self) -> str:
        """See `family`."""
        return family(self.conversation.platform)

    @cached_property
    def id(self) -> str | None:
        """See `platform_id`."""
        return platform_id(self.conversation)

    @cached_property
    def minutes(self) -> list[int | None]:
        """The minute of every row, by its own clock."""
        return [None if message.timestamp is None else minute_of(message.timestamp) for message in self.messages]

    @cached_property
    def keys(self) -> list[str | None]:
        """The key of the words of every row that has a time and is somebody's message."""
        return [
            words_key(message.text, edited="edited" in message.meta) or None
            if message.kind == "message" and message.timestamp is not None and message.speaker is not None
            else None
            for message in self.messages
        ]

    @cached_property
    def whole_minutes(self) -> bool:
        """Whether the export writes no seconds."""
        return not any(message.timestamp.second for message in self.messages if message.timestamp is not None)

    @cached_property
    def tells_zone(self) -> bool:
        """Whether the export itself says of every time which moment it is."""
        moments = (message.timestamp for message in self.messages)
        return self.family not in _LOCAL and all(moment is None or moment.tzinfo is not None for moment in moments)

    def clock(self, *, by_minute: bool) -> dict[int, float]:
        """Return the seconds of every row that has a time, by its own clock; with ``by_minute`` those of its minute."""
        moments = ((row, message.timestamp, self.minutes[row]) for row, message in enumerate(self.messages))
        return {
            row: (minute or 0) * 60 + (0 if by_minute else moment.second + moment.microsecond / 1e6)
            for row, moment, minute in moments
            if moment is not None
        }

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """The first and the last minute."""
        known = [minute for minute in self.minutes if minute is not None]
        return (min(known), max(known)) if known else None

    @cached_property
    def speakers(self) -> frozenset[str]:
        """Who speaks, and who takes part as the export says."""
        participants = self.conversation.meta.get("participants")
        others = [name for name in participants if isinstance(name, str)] if isinstance(participants, list | tuple) else []
        return frozenset(message.speaker for message in self.messages if message.speaker is not None) | frozenset(others)

    @cached_property
    def title(self) -> str | None:
        """The title as it is compared: without the number that a second download of a file gets. "_chat" is the title of any."""
        title = re.sub(r"(?:[\s_]*\(\d+\)|_\d+)\Z", "", (self.conversation.title or "").strip()).casefold()
        return title if title not in _NO_TITLES else None

    @cached_property
    def rows_of_id(self) -> dict[str, int]:
        """The row of every message id."""
        return {message.message_id: row for row, message in enumerate(self.messages)}

    @cached_property
    def has_ids(self) -> bool:
        """Whether every row has an id of its platform, and none that a reader made of the file and the place."""
        return not any(self.made_id(row) for row in range(len(self.messages)))

    def made_id(self, row: int) -> bool:
        """Whether the id of a row is one that a reader made."""
        return _MADE_ID.fullmatch(self.messages[row].message_id) is not None
