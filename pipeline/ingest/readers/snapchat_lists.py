"""Snapchat's older ``chat_history.json`` and ``snap_history.json``: a list for each direction, with all friends in it.

::

    {"Received Saved Chat History": [{"From": "robin_b", "Media Type": "TEXT", "Created": "2021-02-13 21:06:11 UTC", "Text": …}, …],
     "Sent Saved Chat History": [{"To": "robin_b", "Media Type": "TEXT", "Created": …, "Text": …}, …],
     "Received Unsaved Chat History": […], "Sent Unsaved Chat History": […]}

A conversation is what was received from one friend and sent to that friend, in the order of time. The owner's name stands in
``account.json`` beside the file; without it the owner is ``Me``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.addresses import OWNER
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import build, keys, read_events, read_items, skip
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.readers.snapchat_rows import kind_of
from pipeline.ingest.readers.tables import Table
from pipeline.schema import Conversation, Source

Rows = Callable[[], Iterator[tuple[str, Row, int]]]
"""Gives the rows of the lists anew: each with the name of its list, and its place in the file."""

_DIRECTION = re.compile(r"(?P<way>Received|Sent)\b.*\bHistory")
_READ = frozenset({"From", "To", "Media Type", "Created", "Text", "Content"})
_NOBODY = "unknown"


def is_by_direction(file: ExportFile, log: ReadLog) -> bool:
    """Whether the lists of a file are of a direction each, by its first key."""
    events = read_events(file, log)
    try:
        return next(events)[0] == "start_map" and _DIRECTION.fullmatch(str(next(events)[1])) is not None
    except StopIteration:
        return False
    finally:
        events.close()


def read_by_direction(file: ExportFile, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield a conversation for each friend, in the order of time.

    Raises
    ------
    ExportError
        When the file is no such export, or cannot be read whole.
    """
    yield from read_lists(file, lambda: ((name, row, index) for index, (name, row) in enumerate(_rows(file, log), 1)), options, log)


def read_lists(
    file: ExportFile,
    rows: Callable[[], Iterator[tuple[str, Row, int]]],
    options: ReadOptions,
    log: ReadLog,
    *,
    has_lines: bool = False,
) -> Iterator[Conversation]:
    """Yield a conversation for each friend, from rows that come with the name of their list and their place in the file.

    Raises
    ------
    ExportError
        When a row is not of the form that Snapchat writes.
    """
    owner = _owner(file, log)

    def records(wanted: Wanted) -> Iterator[Record]:
        for index, (list_name, row, place) in enumerate(rows()):
            if wanted(index):
                source = Source(file.name, line=place) if has_lines else Source(file.name, row=place)
                with shaped(source, "Snapchat"):
                    yield index, place, _record(list_name, row, owner)

    table = Table(
        file, records, Columns.named({}), options, log, has_lines=has_lines, platform="snapchat", by_time=True, mixed=True
    )
    yield from table.conversations()


def _owner(file: ExportFile, log: ReadLog) -> str:
    account = file.sibling("account.json")
    names = read_items(account, "Basic Information.Username", log) if account is not None else iter(())
    return next((name for name in names if isinstance(name, str) and name), OWNER)


def _rows(file: ExportFile, log: ReadLog) -> Iterator[tuple[str, Any]]:
    events = read_events(file, log)
    next(events)
    for list_name in keys(events):
        event, value = next(events)
        if _DIRECTION.fullmatch(list_name) is None or event == "null":
            skip(events, event)
            continue
        if event != "start_array":
            raise ExportError(f"`{list_name}` is not a list", where=file.name, do="Give the chat_history.json of Snapchat")
        for event, value in events:
            if event == "end_array":
                break
            yield list_name, build(events, event, value, file.name)


def _record(list_name: str, row: Row, owner: str) -> dict[str, Any]:
    sent = list_name.startswith("Sent")
    friend = name_of(row.get("To" if sent else "From"))
    text = string(row.get("Text")) or string(row.get("Content"))
    media_type = string(row.get("Media Type"))
    kind = kind_of(media_type, text)
    speaker = owner if sent else friend
    meta = rest(row, _READ)
    if media_type not in ("", "TEXT"):
        meta["media_type"] = media_type
    if " Saved " in list_name:
        meta["IsSaved"] = True
    if sent:
        meta["owner"] = True
    if kind == "system":
        meta["actor_id"] = speaker
    return {
        "conversation_id": friend or _NOBODY,
        "speaker": None if kind == "system" else speaker,
        "timestamp": string(row.get("Created")).replace(" UTC", "+00:00"),
        "text": text,
        "kind": kind,
        "meta": meta,
    }
