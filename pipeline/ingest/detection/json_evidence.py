"""Which JSON format a file is in: the keys of its objects and of those around them, as far as its head tells.

A key in another object, or a word in somebody's text, decides nothing.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from io import BytesIO

import ijson

from pipeline.ingest.parsing.json_damage import PARSER_ERRORS
from pipeline.ingest.parsing.json_escapes import EscapeMender
from pipeline.ingest.parsing.json_guard import DEEPEST

_DIGITS = re.compile(rb"[0-9]{300,}")
"""More digits than a number has: of some thousand the parser ends the whole program."""

_BLOCK = 512
"""How much is read at a time: what stands in the block before a damage is lost."""

# A TikTok download is told by any of its sections: the one with the chats may stand megabytes from the start.
TIKTOK_SECTIONS = (
    ("Group Chat", "GroupChat"),
    ("Favorite Effects", "FavoriteEffectsList"),
    ("Favorite Hashtags", "FavoriteHashtagList"),
    ("Favorite Sounds", "FavoriteSoundList"),
    ("Favorite Videos", "FavoriteVideoList"),
    ("Video Browsing History", "VideoList"),
    ("Watch History", "VideoList"),
    ("Like List", "ItemFavoriteList"),
    ("Login History", "LoginHistoryList"),
    ("Share History", "ShareHistoryList"),
    ("Profile Information", "ProfileMap"),
    ("Profile Info", "ProfileMap"),
    ("Comments", "CommentsList"),
)

# The first row whose keys all stand in one object and those around it decides, so that the more telling ones come first.
_FORMATS: tuple[tuple[str, frozenset[str]], ...] = (
    ("discord", frozenset({"guild", "channel"})),
    ("discord_package", frozenset({"ID", "Timestamp", "Contents", "Attachments"})),
    ("discord_api", frozenset({"author", "channel_id", "content", "timestamp", "type"})),
    ("whatsapp_exporter", frozenset({"messages", "from_me", "key_id", "data"})),
    ("snapchat", frozenset({"Media Type", "From"})),
    ("snapchat", frozenset({"Media Type", "To"})),
    ("tiktok", frozenset({"ChatHistory", "Direct Messages"})),
    *(("tiktok", frozenset(section)) for section in TIKTOK_SECTIONS),
    ("google_chat", frozenset({"messages", "created_date", "message_id", "topic_id"})),
    ("google_chat", frozenset({"messages", "creator", "created_date"})),
    ("google_chat", frozenset({"messages", "deletion_metadata", "message_id"})),
    ("hangouts", frozenset({"conversations", "events", "event_type", "sender_id"})),
    ("hangouts", frozenset({"conversation_state", "event", "sender_id"})),
    ("hangouts", frozenset({"conversations", "conversation", "participant_data"})),
    ("hangouts", frozenset({"conversation_state", "conversation", "participant_data"})),
    ("skype", frozenset({"conversations", "MessageList"})),
    ("matrix", frozenset({"room_name", "messages", "event_id"})),
    ("matrix", frozenset({"room_name", "messages", "origin_server_ts"})),
    ("teams", frozenset({"messageType", "createdDateTime", "body", "from"})),
    ("meta", frozenset({"participants", "messages", "sender_name"})),
    ("meta", frozenset({"participants", "messages", "timestamp_ms"})),
    ("meta", frozenset({"threadName", "messages"})),
    ("telegram", frozenset({"chats", "list"})),
    ("telegram", frozenset({"left_chats", "list"})),
    ("telegram", frozenset({"messages", "type", "from_id"})),
    ("telegram", frozenset({"messages", "type", "date_unixtime"})),
    ("telegram", frozenset({"messages", "type", "from", "date"})),
    ("telegram", frozenset({"messages", "type", "actor"})),
    ("convokit", frozenset({"speaker", "text", "reply-to"})),
    ("convokit", frozenset({"user", "text", "root", "reply_to"})),
    ("signal_backup", frozenset({"backupTimeMs", "version"})),
    ("signal_backup", frozenset({"chatItem", "chatId", "dateSent"})),
    ("signal_desktop", frozenset({"conversationId", "sent_at", "type", "schemaVersion"})),
    ("signal_desktop", frozenset({"conversationId", "sent_at", "type", "received_at"})),
    ("signal", frozenset({"sender", "body", "reactions", "attachments", "quote"})),
    ("slack", frozenset({"type", "ts", "text"})),
    ("slack", frozenset({"type", "ts", "user"})),
    ("slack", frozenset({"team_id", "profile"})),
    ("slack", frozenset({"creator", "members", "is_archived"})),
)


def json_format(head: bytes) -> str | None:
    """Return the format whose keys stand together, but for tables."""
    chains = set(key_chains(head))
    return next((name for name, needed in _FORMATS if any(needed <= chain for chain in chains)), None)


def key_chains(head: bytes) -> Iterator[frozenset[str]]:
    """Yield, for each object that begins in the head, its keys and those of the objects that it stands in."""
    open_objects: list[set[str]] = []
    for event, value in _events(head):
        if event == "start_map":
            open_objects.append(set())
        elif event == "map_key":
            open_objects[-1].add(str(value))
        elif event == "end_map":
            yield frozenset().union(*open_objects)
            open_objects.pop()
    if open_objects:
        yield frozenset().union(*open_objects)


def first_record(head: bytes) -> frozenset[str]:
    """Return the keys of the first object of a list, or of a file that begins with one, as far as the head holds them."""
    fields: set[str] = set()
    depth = 0
    for event, value in _events(head):
        if event == "start_map":
            depth += 1
        elif event == "end_map":
            depth -= 1
            if depth == 0:
                break
        elif event == "map_key" and depth == 1:
            fields.add(str(value))
    return frozenset(fields)


def is_lines(text: str) -> bool:
    """Whether the text is objects one a line: the first line is one, whole, or goes on beyond the text."""
    first, newline, _ = text.partition("\n")
    if not newline:
        return True
    try:
        return isinstance(json.loads(first, parse_int=len), dict)
    except (ValueError, RecursionError):
        return False


def _events(head: bytes) -> Iterator[tuple[str, object]]:
    """Yield the parser's events until the head ends or cannot be read on."""
    mender = EscapeMender(hex_escapes=True)
    head = head.removeprefix(codecs.BOM_UTF8)
    stream = BytesIO(_DIGITS.sub(b"0", mender.feed(head) + mender.rest()))
    depth = 0
    try:
        for event, value in ijson.basic_parse(stream, multiple_values=True, buf_size=_BLOCK):
            depth += event.startswith("start_") - event.startswith("end_")
            if depth > DEEPEST:
                return
            yield event, value
    except (*PARSER_ERRORS, ValueError):  # of digits that are too many, the last
        return
