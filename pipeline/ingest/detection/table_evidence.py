"""Whether a table is one of messages: its fields say who, when and what, or the user says which field does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

REQUIRED = ("conversation_id", "speaker", "timestamp", "text")
"""The fields that a table of messages must have."""

DELIMITERS = (",", ";", "\t")

_WHO = frozenset(
    {
        *("speaker", "sender", "author", "from", "user", "username", "nick", "nickname", "name", "who", "player", "participant"),
        *("sender_name", "author_name", "user_name", "from_name", "screen_name", "sender_username", "from_user"),
        *("sender_id", "author_id", "user_id", "from_id", "authorid", "userid"),
    }
)
_WHEN = frozenset(
    {
        *("timestamp", "time", "date", "datetime", "date_time", "when", "at", "ts", "timestamp_ms"),
        *("sent", "sent_at", "sent_time", "date_sent", "message_date", "created", "created_at", "created_utc", "createddatetime"),
    }
)
_WHAT = frozenset({"text", "message", "body", "content", "contents", "message_text", "msg", "words", "utterance", "chat_message"})
_SEPARATOR_LINE = re.compile(r'"?sep=[,;\t]"?', re.IGNORECASE)
_EDGES = re.compile(r"[\s\-]+")


RETURN_COLUMNS = frozenset({"conversation_id", "message_id", "sender_username", "timestamp", "text"})
"""What the table of a return by Snapchat names, among others."""

_BANNER = re.compile(r"={5,}[ \t]*\r?\n")


def return_header(line: str) -> bool:
    """Whether a line is the header of a return by Snapchat."""
    return set(header_columns(line.rstrip("\r\n"))) >= RETURN_COLUMNS | {"content_type"}


def is_snapchat_return(text: str) -> bool:
    """Whether a head is a return's: its header is the first line, or stands below the banner that the file begins with."""
    start = text.lstrip()
    if return_header(start.partition("\n")[0]):
        return True
    return _BANNER.match(start) is not None and any(return_header(line) for line in start.split("\n"))


def holds_messages(names: Iterable[str], columns: Mapping[str, str]) -> bool:
    """Whether the fields of one record say who, when and what; a field that the user named for one of ours counts as it."""
    known = set(names)
    typed = {folded(name) for name in known}
    asked = (("speaker", _WHO), ("timestamp", _WHEN), ("text", _WHAT))
    return all(columns.get(field) in known if field in columns else bool(typed & words) for field, words in asked)


def is_complete(names: Iterable[str], columns: Mapping[str, str]) -> bool:
    """Whether every field that is needed has its column, by its own name or by the user's word."""
    known = set(names)
    return all(columns.get(field, field) in known for field in REQUIRED)


def folded(name: str) -> str:
    """Return the name of a column as people who type it by hand mean it: ``Conversation ID`` is ``conversation_id``."""
    return _EDGES.sub("_", name.strip().casefold())


def typed_columns(names: Iterable[str], columns: Mapping[str, str], fields: Iterable[str] = REQUIRED) -> dict[str, str]:
    """Return the user's word on which column holds which field, and of the other fields the columns that a person typed."""
    known = list(names)
    typed = {folded(name): name for name in reversed(known)}
    others = {field: typed[field] for field in fields if field not in known and field not in columns and field in typed}
    return {**others, **columns}


def is_separator_line(line: str) -> bool:
    """Whether a line is the one with which Excel says what separates the columns."""
    return _SEPARATOR_LINE.fullmatch(line.strip()) is not None


def without_separator_line(text: str) -> str:
    """Return the begin of a CSV without the line with which Excel says what separates its columns."""
    first, newline, rest = text.partition("\n")
    return rest if newline and is_separator_line(first) else text


def header_columns(line: str) -> list[str]:
    """Return the columns of a header line, cut by the separator that gives most."""
    cut = [[column.strip().strip('"') for column in line.split(delimiter)] for delimiter in DELIMITERS]
    return max(cut, key=len)
