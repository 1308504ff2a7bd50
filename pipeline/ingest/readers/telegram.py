"""Telegram Desktop's ``result.json``: one chat, or all of an account.

::

    {"name": …, "type": …, "id": …, "messages": […]}
    {"chats": {"list": [{"name": …, "messages": […]}, …]}, "left_chats": {"list": […]}, …}

The speaker is ``from_id``, which stays when a name changes; old exports have only the name. A row's other fields are kept in
``meta`` under Telegram's own names. What tdesktop writes is in its ``export_output_json.cpp``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import ExportError
from pipeline.ingest.columns import MessagePieces, Piece
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_cut import ListCutter, Run, parsed_list
from pipeline.ingest.parsing.json_stream import Event, build, keys, read_events, skip
from pipeline.ingest.readers.telegram_columns import Rows, columns_of, read_run, single
from pipeline.ingest.readers.telegram_rows import Row, attachments_of, gift_text, links_of, reactions_of, speaker_of, words_of
from pipeline.ingest.times.parse import from_iso, from_number, whole
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

_PEERS = {
    "saved_messages": "user",
    "replies": "user",
    "personal_chat": "user",
    "bot_chat": "user",
    "private_group": "chat",
    "private_supergroup": "channel",
    "public_supergroup": "channel",
    "private_channel": "channel",
    "public_channel": "channel",
}
_LISTS = (2, 5)
"""How deep the list of a chat's messages is nested, in the export of one chat and in that of an account."""

_MEDIA = frozenset(
    {
        "photo",
        "file",
        "media_type",
        "contact_information",
        "location_information",
        "place_name",
        "game_title",
        "invoice_information",
        "giveaway_information",
        "giveaway_results",
        "paid_stars_amount",
    }
)
_READ = frozenset(
    {
        "id",
        "type",
        "date",
        "date_unixtime",
        "edited",
        "edited_unixtime",
        "from",
        "from_id",
        "text",
        "text_entities",
        "reply_to_message_id",
        "forwarded_from",
        "forwarded_from_id",
        "reactions",
        "photo",
        "file",
        "gift_text",
    }
)


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the chats of a ``result.json``, in the order of the file.

    A chat's id has the prefix that Telegram gives to peers (``user``, ``chat``, ``channel``), for a user and a group may have the
    same number. Where ``date_unixtime`` is missing, ``date`` is the exporting computer's local time: naive, or in ``--timezone``.

    Raises
    ------
    ExportError
        When the file is no such export, or cannot be read whole.
    """
    reader = _Reader(unit.file, options.timezone, log)
    return reader.conversations()


class _Reader:
    """Reads one file; knows which chat it is at."""

    def __init__(self, file: ExportFile, zone: ZoneInfo | None, log: ReadLog) -> None:
        self._file = file
        self._name = file.name
        self._zone = zone
        self._log = log
        self._chats = 0
        self._late_headers: list[Row] | None = None
        self._cutter = ListCutter(_LISTS, lambda run: read_run(run, self._parsed))

    def conversations(self) -> Iterator[Conversation]:
        any_chat = False
        for header, rows in self._walk():
            any_chat = True
            if rows is not None:
                yield self._conversation(header, rows)
        if not any_chat:
            raise ExportError(
                "there are neither `messages` nor `chats` in it",
                where=self._name,
                do="Export from Telegram Desktop as machine-readable JSON, with the chats ticked",
            )

    def _walk(self) -> Iterator[tuple[Row, Iterator[Rows] | None]]:
        """Yield every chat's header with its rows, and a pair without rows for an account's list of chats."""
        events = read_events(self._file, self._log, hex_escapes=True, cutter=self._cutter)
        event, _ = next(events)
        if event != "start_map":
            raise ExportError("the JSON is not an object", where=self._name, do="Give the result.json of Telegram Desktop")
        header: Row = {}
        for key in keys(events):
            if key in ("chats", "left_chats"):
                yield {}, None
                yield from self._chat_list(events, left=key == "left_chats")
            else:
                yield from self._member(events, key, header)
        for _ in events:
            pass

    def _chat_list(self, events: Iterator[Event], *, left: bool) -> Iterator[tuple[Row, Iterator[Rows] | None]]:
        event, _ = next(events)
        if event != "start_map":
            return skip(events, event)
        for key in keys(events):
            event, _ = next(events)
            if key != "list" or event != "start_array":
                skip(events, event)
                continue
            for event, _ in _elements(events):
                if event != "start_map":
                    raise ExportError("a chat is not an object", where=self._name, do="Export again")
                header: Row = {"left": True} if left else {}
                for member in keys(events):
                    yield from self._member(events, member, header)
        return None

    def _member(self, events: Iterator[Event], key: str, header: Row) -> Iterator[tuple[Row, Iterator[Rows] | None]]:
        """Read one member of a chat: a field of its header, or its rows, whose rest is passed over when nobody wanted it."""
        event, value = next(events)
        if key == "messages":
            if event != "start_array":
                raise ExportError("`messages` is not a list", where=self._name, do="Export again")
            self._chats += 1
            rows = self._rows(events)
            yield header, rows
            for _ in rows:
                pass
        elif key in ("name", "type", "id"):
            header[key] = self._restored(build(events, event, value, self._name))
        else:
            skip(events, event)

    def _rows(self, events: Iterator[Event]) -> Iterator[Rows]:
        """Yield the rows of a chat, some at once."""
        for event, value in _elements(events):
            if event != "start_map":
                yield single(build(events, event, value, self._name))
                continue
            inside = next(events)
            if inside == ("map_key", self._cutter.token):
                yield self._cutter.take(next(events)[1])
                next(events)
            else:
                yield single(build(chain([inside], events), event, value, self._name))

    def _parsed(self, text: bytes) -> list[Any]:
        return parsed_list(text, build, self._name)

    def _restored(self, value: Any) -> Any:
        """Return a value with what was cut out of it, which is nothing in any file of Telegram's."""
        if isinstance(value, list):
            parts = [self._cut_out(part) if self._is_cut(part) else [self._restored(part)] for part in value]
            return [element for part in parts for element in part]
        return {key: self._restored(member) for key, member in value.items()} if isinstance(value, dict) else value

    def _is_cut(self, value: Any) -> bool:
        return isinstance(value, dict) and self._cutter.token in value

    def _cut_out(self, value: Row) -> list[Any]:
        run: Run = self._cutter.take(value[self._cutter.token]).run
        return run.values(self._parsed)

    def _conversation(self, header: Row, rows: Iterator[Rows]) -> Conversation:
        if not {"id", "type"} <= header.keys():
            header |= self._late_header(self._chats - 1)
        type_, title = header.get("type"), header.get("name")
        prefix = _PEERS.get(type_, "") if isinstance(type_, str) else ""
        return Conversation(
            conversation_id=f"{prefix}{header['id']}" if "id" in header else f"{self._file.sha256[:12]}:{self._chats}",
            platform="telegram",
            title=title if isinstance(title, str) else None,
            meta={key: header[key] for key in ("type", "left") if key in header},
            messages=MessagePieces(self._pieces(rows)),
        )

    def _pieces(self, runs: Iterator[Rows]) -> Iterator[Piece]:
        first = 1
        for run in runs:
            columns, error = columns_of(run, first, self._name, self._message)
            if len(columns):
                yield columns
            if error is not None:
                raise error
            first += len(run)

    def _late_header(self, index: int) -> Row:
        """Return the header of a chat whose fields follow its messages: all of them are read before, once."""
        if self._late_headers is None:
            other = _Reader(self._file, self._zone, ReadLog())
            self._late_headers = [header for header, rows in other._walk() if rows is not None]
        return self._late_headers[index]

    def _message(self, row: Any, number: int) -> Message:
        source = Source(self._name, row=number)
        try:
            return self._read_row(row, source)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise ExportError(
                "a message is not of the form that Telegram Desktop writes", where=str(source), do="Export again"
            ) from None

    def _read_row(self, row: Row, source: Source) -> Message:
        kind = self._kind(row)
        return Message(
            message_id=str(row["id"]) if "id" in row else f"{self._file.sha256[:12]}:{source.row}",
            speaker=None if kind == "system" else speaker_of(row),
            timestamp=self._moment(row, "date"),
            text=words_of(row),
            kind=kind,
            source=source,
            meta=self._meta(row),
        )

    def _kind(self, row: Row) -> Kind:
        type_ = row.get("type")
        if type_ == "service":
            return "message" if gift_text(row) else "system"
        if type_ not in ("message", "unsupported"):
            self._log.warn(self._name, "messages of a type that we do not know are kept as unsupported")
        if type_ != "message":
            return "unsupported"
        return "message" if _MEDIA.isdisjoint(row) else "media"

    def _moment(self, row: Row, key: str) -> datetime | None:
        stamp, local = row.get(f"{key}_unixtime"), row.get(key)
        if stamp is not None:
            return from_number(whole(stamp))
        return None if local is None else from_iso(local, self._zone)

    def _meta(self, row: Row) -> Mapping[str, object]:
        meta = {key: value for key, value in row.items() if key not in _READ}
        if row.get("from") is not None:
            meta["speaker_name"] = row["from"]
        if row.get("type") == "service" and "from_id" in row:
            meta["actor_id"] = row["from_id"]
        if "reply_to_message_id" in row:
            meta["reply_to"] = str(row["reply_to_message_id"])
        if edited := self._moment(row, "edited"):
            meta["edited"] = edited.isoformat()
        if "forwarded_from" in row or "forwarded_from_id" in row:
            meta["forwarded_from"] = row.get("forwarded_from") or row.get("forwarded_from_id")
        if names := attachments_of(row):
            meta["attachments"] = names
        if "photo" in row:
            meta["media_type"] = "photo"
        if links := links_of(row.get("text")):
            meta["links"] = links
        if "reactions" in row:
            meta["reactions"] = [reaction for entry in row["reactions"] for reaction in reactions_of(entry)]
        return meta


def _elements(events: Iterator[Event]) -> Iterator[Event]:
    """Yield the first event of each element of a list that has begun; the others are to be read before the next."""
    for event in events:
        if event[0] == "end_array":
            return
        yield event
