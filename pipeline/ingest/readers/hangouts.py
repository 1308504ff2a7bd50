"""Google Hangouts, as Takeout gives it: ``Hangouts.json``, every conversation with its events in no order.

::

    {"conversations": [{"conversation": {"conversation_id": {"id": …}, "conversation": {"name": …, "participant_data": […]}},
                        "events": [{"event_id": …, "sender_id": {"gaia_id": …}, "timestamp": "1707858311000000",
                                    "event_type": "REGULAR_CHAT_MESSAGE",
                                    "chat_message": {"message_content": {"segment": [{"type": "TEXT", "text": …}],
                                                                         "attachment": […]}}}]}]}

Older files have ``conversation_state`` around ``conversation`` and ``event``. One conversation is held at a time. The speaker is
the sender's number with Google; names stand beside it, once a conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import build, keys, read_events, skip
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.times.order import in_time_order
from pipeline.ingest.times.parse import from_number, whole
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_SPOKEN = frozenset({"REGULAR_CHAT_MESSAGE", "SMS", "MMS", "VOICEMAIL", ""})
_LISTS = frozenset({"conversations", "conversation_state"})
_READ = frozenset({"conversation_id", "sender_id", "timestamp", "chat_message", "event_id", "event_type", "self_event_state"})


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a file, each in the order of time.

    Raises
    ------
    ExportError
        When the file is no such export, or cannot be read whole.
    """
    file = unit.file
    row = 0
    for number, value in enumerate(_conversations(file, log), 1):
        where = Source(file.name, row=row + 1)
        with shaped(where, "Google Takeout"):
            state = value.get("conversation_state") or value
            events = list(state.get("events") or state.get("event") or ())
            details = _details(state)
            identity = name_of((details.get("id") or value.get("conversation_id") or {}).get("id"))
            names = {
                speaker: name
                for entry in details.get("participant_data") or ()
                if (speaker := _speaker(entry.get("id"))) and (name := entry.get("fallback_name"))
            }
            title = name_of(details.get("name"))
        sources = (Source(file.name, row=place) for place in range(row + 1, row + len(events) + 1))
        yield Conversation(
            conversation_id=identity or f"{file.sha256[:12]}:{number}",
            platform="hangouts",
            title=title,
            meta={"participants": list(names.values())} if names else {},
            messages=in_time_order(_message(event, source, file, names) for event, source in zip(events, sources, strict=True)),
        )
        row += len(events)


def _conversations(file: ExportFile, log: ReadLog) -> Iterator[dict[str, Any]]:
    events = read_events(file, log)
    event, _ = next(events)
    if event != "start_map":
        raise ExportError("the file is no object", where=file.name, do="Give Hangouts.json of Takeout")
    for key in keys(events):
        event, value = next(events)
        if key not in _LISTS or event != "start_array":
            skip(events, event)
            continue
        for event, value in events:
            if event == "end_array":
                break
            built = build(events, event, value, file.name)
            if not isinstance(built, dict):
                raise ExportError("a conversation is no object", where=file.name, do="Give Hangouts.json of Takeout")
            yield built


def _details(state: Row) -> dict[str, Any]:
    """Return what is known of a conversation, with its id: newer files have it one level deeper."""
    outer = state.get("conversation") or {}
    inner = outer.get("conversation") or outer
    identity = outer.get("conversation_id") or inner.get("id") or state.get("conversation_id")
    return {**inner, "id": identity}


def _speaker(identity: Any) -> str | None:
    return name_of(identity.get("gaia_id")) or name_of(identity.get("chat_id")) if identity else None


def _message(row: Row, source: Source, file: ExportFile, names: Mapping[str, str]) -> Message:
    with shaped(source, "Google Takeout"):
        content = (row.get("chat_message") or {}).get("message_content") or {}
        text = "".join(_segment(segment) for segment in content.get("segment") or ())
        attachments = content.get("attachment") or []
        kind = _kind(row, text, media=bool(attachments))
        speaker = _speaker(row.get("sender_id"))
        meta: dict[str, Any] = rest(row, _READ)
        if string(row.get("event_type")) != "REGULAR_CHAT_MESSAGE":
            meta["type"] = string(row.get("event_type"))
        if speaker and speaker in names:
            meta["speaker_name"] = names[speaker]
        if attachments:
            meta["attachments"] = [_attachment(entry.get("embed_item") or {}) for entry in attachments]
        if kind == "system":
            meta["actor_id"] = speaker
        return Message(
            message_id=string(row.get("event_id")) or f"{file.sha256[:12]}:{source.row}",
            speaker=None if kind == "system" else speaker,
            timestamp=from_number(whole(row["timestamp"])) if row.get("timestamp") else None,
            text=text,
            kind=kind,
            source=source,
            meta=meta,
        )


def _segment(segment: Row) -> str:
    return "\n" if segment.get("type") == "LINE_BREAK" else string(segment.get("text"))


def _attachment(item: Row) -> str:
    """Return where a file or a place is, or else what sort of thing it is."""
    for member in item.values():
        if isinstance(member, dict):
            for key in ("url", "original_content_url", "name"):
                if isinstance(member.get(key), str):
                    return member[key]
    return " ".join(str(sort) for sort in item.get("type") or ())


def _kind(row: Row, text: str, *, media: bool) -> Kind:
    if string(row.get("event_type")) not in _SPOKEN:
        return "system"
    if media or row.get("event_type") == "VOICEMAIL":
        return "media"
    return "message" if text else "unsupported"
