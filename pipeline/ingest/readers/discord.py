"""Discord channels, as DiscordChatExporter writes them to JSON; its ``JsonMessageWriter.cs`` says how.

::

    {"guild": {…}, "channel": {"id": …, "name": …}, …, "messages": [{…}, …], "messageCount": …}

The speaker is ``author.id``: names change, and a nickname is a guild's own. A forwarded message has its words in
``forwardedMessage``, beside an empty ``content``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import build, keys, read_events, read_items, skip
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.times.parse import from_iso
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

# Types by name, and by number where the exporter knows no name: 20 and 23 are commands, 21 is the start of a thread.
_SPOKEN = frozenset({"Default", "Reply", "0", "19", "20", "21", "23"})
_READ = frozenset(
    {"id", "type", "timestamp", "timestampEdited", "content", "author", "attachments", "stickers", "reactions", "reference"}
    | {"forwardedMessage", "mentions", "inlineEmojis", "isPinned", "embeds"}
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the channel of a file.

    Raises
    ------
    ExportError
        When the file is no such export, or cannot be read whole.
    """
    file = unit.file
    header = _header(file, log)
    channel, guild = header.get("channel"), header.get("guild")
    if not isinstance(channel, dict) or "id" not in channel or not isinstance(guild, dict):
        raise ExportError("there is no `channel` with an id in it", where=file.name, do="Export from DiscordChatExporter as JSON")
    yield Conversation(
        conversation_id=str(channel["id"]),
        platform="discord",
        title=name_of(channel.get("name")) if isinstance(channel.get("name"), str) else None,
        meta={"guild": guild.get("name"), "channel_type": channel.get("type")},
        messages=(message_of(row, Source(file.name, row=number)) for number, row in enumerate(_rows(file, log), 1)),
    )


def _header(file: ExportFile, log: ReadLog) -> dict[str, Any]:
    """Return what stands before the messages."""
    events = read_events(file, log)
    event, _ = next(events)
    header: dict[str, Any] = {}
    if event != "start_map":
        return header
    for key in keys(events):
        event, value = next(events)
        if key == "messages":
            break
        if key in ("guild", "channel"):
            header[key] = build(events, event, value, file.name)
        else:
            skip(events, event)
    events.close()
    return header


def _rows(file: ExportFile, log: ReadLog) -> Iterator[Any]:
    return read_items(file, "messages.item", log)


def message_of(row: Row, source: Source, *, exporter: str = "DiscordChatExporter") -> Message:
    """Return the message of a row.

    Raises
    ------
    ExportError
        When it is not of the form that the exporter writes.
    """
    with shaped(source, exporter):
        forward = row.get("forwardedMessage") or {}
        text = string(row.get("content")) or string(forward.get("content")) or _poll(row.get("poll") or {})
        files = list(chain(row.get("attachments") or (), forward.get("attachments") or ()))
        stickers = list(chain(row.get("stickers") or (), forward.get("stickers") or ()))
        kind = _kind(row, text=text, media=bool(files or stickers or row.get("embeds")))
        author = row.get("author") or {}
        return Message(
            message_id=str(row["id"]),
            speaker=None if kind == "system" else name_of(author.get("id")),
            timestamp=from_iso(row["timestamp"]),
            text=text,
            kind=kind,
            source=source,
            meta=_meta(row, author, forward, [string(entry.get("fileName")) for entry in files], stickers),
        )


def _kind(row: Row, *, text: str, media: bool) -> Kind:
    if str(row.get("type", "Default")) not in _SPOKEN:
        return "system"
    if media and (row.get("attachments") or row.get("stickers") or not text):
        return "media"
    return "message" if text else "unsupported"


def _meta(row: Row, author: Row, forward: Row, files: list[str], stickers: list[Any]) -> dict[str, Any]:
    meta: dict[str, Any] = rest(row, _READ)
    name = author.get("nickname") or author.get("name")
    meta |= {"speaker_name": name} if name else {}
    meta |= {"bot": True} if author.get("isBot") else {}
    if str(row.get("type", "Default")) not in ("Default", "Reply"):
        meta["type"] = row["type"]
        meta["actor_id"] = author.get("id")
    if row.get("timestampEdited"):
        meta["edited"] = from_iso(row["timestampEdited"]).isoformat()
    reference = row.get("reference") or {}
    if forward:
        meta["forwarded_from"] = reference.get("channelId")
    elif reference.get("messageId"):
        meta["reply_to"] = str(reference["messageId"])
    if files:
        meta["attachments"] = files
    if stickers:
        meta["media_type"] = "sticker"
        meta["stickers"] = [sticker.get("name") for sticker in stickers]
    if row.get("embeds"):
        meta["embeds"] = [entry.get("url") or entry.get("title") for entry in row["embeds"]]
        meta |= {"embed_texts": texts} if any(texts := [_embed_words(entry) for entry in row["embeds"]]) else {}
    if row.get("isPinned"):
        meta["pinned"] = True
    if row.get("reactions"):
        meta["reactions"] = [reaction for entry in row["reactions"] for reaction in _reactions(entry)]
    return meta


def _poll(poll: Row) -> str:
    """Return the question and the answers of a poll, a line each."""
    if not poll:
        return ""
    answers = [answer.get("poll_media") or answer for answer in poll.get("answers") or ()]
    return "\n".join(filter(None, (string(part.get("text")) for part in (poll.get("question") or {}, *answers))))


def _embed_words(embed: Row) -> str:
    """Return the words of an embed, which are a page's or a program's and not the sender's."""
    fields = [string(field.get(key)) for field in embed.get("fields") or () for key in ("name", "value")]
    ends = [string((embed.get(part) or {}).get(key)) for part, key in (("author", "name"), ("footer", "text"))]
    return "\n".join(filter(None, (string(embed.get("title")), string(embed.get("description")), *fields, *ends)))


def _reactions(entry: Row) -> Iterator[dict[str, Any]]:
    """Yield who reacted; versions without names have only the number."""
    emoji = (entry.get("emoji") or {}).get("name")
    users = entry.get("users") or ()
    for user in users:
        yield {"emoji": emoji, "speaker": user.get("id")}
    if (others := int(entry.get("count") or 0) - len(users)) > 0:
        yield {"emoji": emoji, "speaker": None, "count": others}
