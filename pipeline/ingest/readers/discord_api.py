"""Discord's messages as its API gives them (``GET /channels/ID/messages``), which bots and other programs save as they come.

::

    [{"id": …, "type": 0, "channel_id": …, "author": {"id": …, "username": …, "global_name": …}, "content": …,
      "timestamp": "2024-02-13T21:05:11.123000+00:00", "attachments": […], "embeds": […], "message_reference": {…}}, …]

A list, or one object a line; the newest stands first. `discord` says what a field is; its rows
have other names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.shape import Row, name_of, shaped, string
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted, is_json_list, list_or_lines
from pipeline.ingest.readers.discord import message_of
from pipeline.ingest.readers.tables import Table
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Source

_EXPORTER = "Discord's API"
_TYPES = {0: "Default", 19: "Reply"}
_NAMES = {
    "edited_timestamp": "timestampEdited",
    "sticker_items": "stickers",
    "pinned": "isPinned",
}
_APART = frozenset(
    {"type", "author", "attachments", "message_reference", "message_snapshots", "referenced_message", "channel_id", "guild_id"}
    | {"tts", "mention_everyone", "mention_roles", "mentions", "flags", "nonce", "components"}
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the channels of a file, each in the order of time.

    Raises
    ------
    ExportError
        When a message is not of the form that the API gives, or the file cannot be read whole.
    """
    file = unit.file

    def records(wanted: Wanted) -> Iterator[Record]:
        for (index, place, row), source in list_or_lines(file, log, wanted):
            with shaped(source, _EXPORTER):
                yield index, place, _record(row, source)

    lines = not is_json_list(file)
    table = Table(file, records, Columns.named({}), options, log, has_lines=lines, platform="discord", by_time=True, mixed=True)
    yield from table.conversations()


def _record(row: Row, source: Source) -> dict[str, Any]:
    message = message_of(_translated(row), source, exporter=_EXPORTER)
    quoted = row.get("referenced_message") or {}
    meta = dict(message.meta)
    if words := string(quoted.get("content")):
        meta["quoted"] = [{"text": words, "speaker": name_of((quoted.get("author") or {}).get("id"))}]
    return {
        "conversation_id": name_of(row["channel_id"]),
        "message_id": message.message_id,
        "speaker": message.speaker,
        "timestamp": message.timestamp,
        "text": message.text,
        "kind": message.kind,
        "meta": meta,
    }


def _translated(row: Row) -> dict[str, Any]:
    """Return a row of the API's under the names of DiscordChatExporter."""
    author, reference = row["author"], row.get("message_reference") or {}
    translated = {_NAMES.get(key, key): value for key, value in row.items() if key not in _APART}
    translated |= {
        "type": _TYPES.get(row.get("type", 0), row.get("type")),
        "author": {
            "id": author.get("id"),
            "name": author.get("global_name") or author.get("username"),
            "isBot": author.get("bot"),
        },
        "attachments": _files(row),
        "reference": {"messageId": reference.get("message_id"), "channelId": reference.get("channel_id")},
    }
    if snapshots := row.get("message_snapshots"):
        forwarded = snapshots[0]["message"]
        translated["forwardedMessage"] = {
            "content": forwarded.get("content"),
            "attachments": _files(forwarded),
            "stickers": forwarded.get("sticker_items"),
        }
    return translated


def _files(row: Row) -> list[dict[str, str]]:
    return [{"fileName": string(entry.get("filename"))} for entry in row.get("attachments") or ()]
