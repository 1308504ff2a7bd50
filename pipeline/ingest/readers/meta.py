"""Instagram and Messenger: the ``message_1.json`` … ``message_N.json`` of Meta's downloads, and Messenger's encrypted chats.

::

    {"participants": [{"name": …}], "messages": [{"sender_name": …, "timestamp_ms": …, "content": …}], "title": …, "thread_path": …}
    {"participants": ["…"], "threadName": …, "messages": [{"senderName": …, "timestamp": …, "text": …, "isUnsent": …}]}

The first shape writes the bytes of UTF-8 as if they were Latin-1, which is undone string by string; a string that is not of that
sort stays. Messages stand newest first, ten thousand a file, and a thread may have many files: they are put in the order of time,
a file held at once. Rows have no ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import build, keys, read_events, read_items, skip
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.readers.meta_notices import Reaction, bare, is_notice
from pipeline.ingest.times.parse import from_number, whole
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_FILES = ("photos", "videos", "audio_files", "files", "gifs", "media")
_READ = frozenset(
    {"sender_name", "senderName", "timestamp_ms", "timestamp", "content", "text", "share", "sticker", "reactions"}
    | {"is_unsent", "isUnsent", "call_duration", "type", "is_geoblocked_for_viewer", "is_unsent_image_by_messenger_kid_parent"}
    | set(_FILES)
)
_SHARED = frozenset({"link", "share_text", "original_content_owner"})
_JOINS = ("Subscribe", "Unsubscribe")


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of a thread: its header, the first and last time in milliseconds, and who reacted with what, by its fields."""

    file: ExportFile
    header: Row
    first: int
    last: int
    reacted: frozenset[Reaction]

    @property
    def encrypted(self) -> bool:
        return "threadName" in self.header

    @property
    def key(self) -> str:
        for name in ("thread_path", "threadName"):
            if isinstance(self.header.get(name), str):
                return self.header[name]
        return self.file.location.parent.name


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the threads of a folder.

    Raises
    ------
    ExportError
        When a file is no such export, or cannot be read whole.
    """
    threads: dict[str, list[_Part]] = {}
    for file in unit.files:
        part = _part(file, log)
        threads.setdefault(part.key, []).append(part)
    for key, parts in threads.items():
        header = parts[0].header
        title = header.get("title") or header.get("threadName")
        yield Conversation(
            conversation_id=key,
            platform=platform_of(parts[0].file),
            title=mended(title, mojibake=not parts[0].encrypted) if isinstance(title, str) else None,
            meta=_about(parts),
            messages=_in_order(parts, log),
        )


def _about(parts: Sequence[_Part]) -> dict[str, Any]:
    """Return who takes part, also who says nothing."""
    names: dict[str, None] = {}
    for part in parts:
        listed = part.header.get("participants")
        for entry in listed if isinstance(listed, list) else ():
            name = entry.get("name") if isinstance(entry, dict) else entry
            if isinstance(name, str):
                names[mended(name, mojibake=not part.encrypted)] = None
    return {"participants": list(names)} if names else {}


def platform_of(file: ExportFile) -> str:
    """Return what the folders of the download say; the files themselves do not tell one from the other."""
    path = file.location.as_posix().casefold()
    return "instagram" if "instagram" in path else "messenger" if "facebook" in path or "messenger" in path else "meta"


def _part(file: ExportFile, log: ReadLog) -> _Part:
    events = read_events(file, log)
    event, _ = next(events)
    header: dict[str, Any] = {}
    if event != "start_map":
        raise ExportError("the JSON is not an object", where=file.name, do="Give the message_1.json of a thread")
    listed = False
    for key in keys(events):
        event, value = next(events)
        if key == "messages":
            listed = event == "start_array"
            skip(events, event)
        elif key in ("title", "thread_path", "threadName", "participants"):
            header[key] = build(events, event, value, file.name)
        else:
            skip(events, event)
    if not listed:
        raise ExportError("there is no list of `messages` in it", where=file.name, do="Give the message_1.json of a thread")
    times: list[int] = []
    reacted: set[Reaction] = set()
    for number, row in enumerate(_rows(file, log), 1):
        source = Source(file.name, row=number)
        times.append(_milliseconds(row, source))
        if row.get("reactions"):
            with shaped(source, "Meta"):
                reactions = _reactions(row, mojibake="threadName" not in header)
                reacted |= {(entry["speaker"], bare(entry["emoji"])) for entry in reactions}
    return _Part(file, header, min(times, default=0), max(times, default=0), frozenset(reacted))


def _rows(file: ExportFile, log: ReadLog) -> Iterator[Any]:
    return read_items(file, "messages.item", log)


def _milliseconds(row: Row, source: Source) -> int:
    with shaped(source, "Meta"):
        return whole(row["timestamp_ms"] if "timestamp_ms" in row else row["timestamp"])


def _in_order(parts: Sequence[_Part], log: ReadLog) -> Iterator[Message]:
    """Yield the messages of a thread by time; files that overlap in time are held together."""
    held: list[tuple[int, Message]] = []
    end = None
    for part in sorted(parts, key=lambda part: (part.first, part.last)):
        if end is not None and part.first < end:
            log.warn(part.file.name, "overlaps in time with another file of its thread: their messages were put in order together")
        else:
            yield from (message for _, message in held)
            held = []
        rows = [
            (_milliseconds(row, Source(part.file.name, row=number)), _message(row, Source(part.file.name, row=number), part))
            for number, row in enumerate(_rows(part.file, log), 1)
        ]
        if rows and rows[0][0] >= rows[-1][0]:
            rows.reverse()
        held = sorted([*held, *rows], key=lambda pair: pair[0])
        end = part.last if end is None else max(end, part.last)
    yield from (message for _, message in held)


def _message(row: Row, source: Source, part: _Part) -> Message:
    mojibake = not part.encrypted
    with shaped(source, "Meta"):
        share = row.get("share") or {}
        text = string(row.get("content")) or string(row.get("text")) or string(share.get("share_text"))
        text = mended(text, mojibake=mojibake)
        sender = name_of(row.get("sender_name", row.get("senderName")))
        speaker = mended(sender, mojibake=mojibake) if sender else None
        kind: Kind = "system" if is_notice(text, speaker, part.reacted) and not _is_unsent(row) else _kind(row, text, share)
        return Message(
            message_id=f"{part.file.sha256[:12]}:{source.row}",
            speaker=None if kind == "system" else speaker,
            timestamp=from_number(_milliseconds(row, source) / 1000),
            text=text,
            kind=kind,
            source=source,
            meta=_meta(row, share, actor=speaker if kind == "system" else None, mojibake=mojibake),
        )


def _kind(row: Row, text: str, share: Row) -> Kind:
    if _is_unsent(row):
        return "deleted"
    if "call_duration" in row or row.get("type") in _JOINS:
        return "system"
    if row.get("sticker") or any(row.get(key) for key in _FILES) or (share and not text):
        return "media"
    return "message" if text else "unsupported"


def _is_unsent(row: Row) -> bool:
    return bool(row.get("is_unsent") or row.get("isUnsent"))


def _meta(row: Row, share: Row, *, actor: str | None, mojibake: bool) -> dict[str, Any]:
    meta: dict[str, Any] = rest(row, _READ)
    names = [string(entry.get("uri")).rpartition("/")[2] for key in _FILES for entry in row.get(key) or ()]
    if names:
        meta["attachments"] = [mended(name, mojibake=mojibake) for name in names]
    if row.get("sticker"):
        meta["media_type"] = "sticker"
    if share.get("link"):
        meta["links"] = [string(share["link"])]
    if shared := mended(string(share.get("share_text")), mojibake=mojibake):
        owner = name_of(share.get("original_content_owner"))
        meta["forwarded_from"] = mended(owner, mojibake=mojibake) if owner else None
        meta |= {"shared_text": shared} if row.get("content") or row.get("text") else {}
    meta |= {key: value for key, value in rest(share, _SHARED).items() if key not in meta}
    if "call_duration" in row:
        meta["call_duration"] = row["call_duration"]
    if actor:
        meta["actor_id"] = actor
    if row.get("reactions"):
        meta["reactions"] = _reactions(row, mojibake=mojibake)
    return meta


def _reactions(row: Row, *, mojibake: bool) -> list[dict[str, str]]:
    """Return who reacted to a row, and with what."""
    return [
        {
            "emoji": mended(string(entry.get("reaction")), mojibake=mojibake),
            "speaker": mended(string(entry.get("actor")), mojibake=mojibake),
        }
        for entry in row["reactions"]
    ]


def mended(text: str, *, mojibake: bool) -> str:
    """Return a string as it was before its UTF-8 was taken for Latin-1; one that cannot have been so stays."""
    if not mojibake or text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
