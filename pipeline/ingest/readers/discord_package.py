"""Discord's own data package: what the owner of an account wrote, a folder a channel; what others wrote is not in it.

::

    Account/user.json               {"id": …, "username": …}
    Messages/index.json             {"123": "Direct Message with robin", …}
    Messages/c123/channel.json      {"id": "123", "type": "DM", "recipients": [...]}, or "name" and "guild"
    Messages/c123/messages.json     [{"ID": …, "Timestamp": "2024-02-13 21:05:11", "Contents": …, "Attachments": "https://… …"}, …]

Before 2024 the rows were ``messages.csv``, with the same columns. The folders have names in the language of the account, in upper
or lower case; before 2020 the folder of a channel had no ``c``. Times are in UTC, the newest row stands first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import ExportError
from pipeline.ingest.addresses import OWNER
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.json_stream import read_members
from pipeline.ingest.parsing.shape import Row, name_of, rest, shaped, string
from pipeline.ingest.parsing.table_records import csv_records, is_json_list, json_records
from pipeline.ingest.times.order import in_time_order
from pipeline.ingest.times.parse import from_iso, whole
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

COLUMNS = ("ID", "Timestamp", "Contents", "Attachments")
"""The fields of a row, in JSON and in CSV."""

_EXPORTER = "Discord"
_UTC = ZoneInfo("UTC")
_FOLDER = re.compile(r"c?(\d{3,})", re.IGNORECASE)
_CHANNEL = frozenset({"id", "type", "name", "guild", "recipients"})
_ONE_SIDED = "holds only what the owner of the account wrote: the other side of each chat is not in it"


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the channel of a file, in the order of time; one channel is held at a time.

    Raises
    ------
    ExportError
        When a row is not of the form that Discord writes, or the file cannot be read whole.
    """
    file = unit.file
    channel = _object(file.sibling("channel.json"), log)
    with shaped(Source(file.name), _EXPORTER):
        id_, title, meta = _about(channel, file, log)
    owner = _owner(file, log)
    is_list = is_json_list(file)
    rows = json_records(file, log) if is_list else csv_records(file, COLUMNS)
    log.warn(_folder_of(file), _ONE_SIDED)
    yield Conversation(
        conversation_id=id_,
        platform="discord",
        title=title,
        meta=meta | {"one_sided": True},
        messages=in_time_order(
            _message(row, Source(file.name, row=place) if is_list else Source(file.name, line=place), owner)
            for _, place, row in rows
        ),
    )


def _folder_of(file: ExportFile) -> str:
    """Return the name of the folder that the channels' folders lie in, so that one warning stands for all."""
    folder = "/".join(file.name.split("/")[:-2]).removesuffix("!")
    return folder or file.name


def _message(row: Row, source: Source, owner: tuple[str, str | None]) -> Message:
    with shaped(source, _EXPORTER):
        text, files = string(row["Contents"]), string(row["Attachments"]).split()
        speaker, name = owner
        meta: dict[str, Any] = {"owner": True} | ({"speaker_name": name} if name else {}) | rest(row, frozenset(COLUMNS))
        return Message(
            message_id=str(whole(row["ID"])),
            speaker=speaker,
            timestamp=from_iso(string(row["Timestamp"]), _UTC),
            text=text,
            kind="media" if files else "message" if text else "unsupported",
            source=source,
            meta=meta | ({"attachments": files} if files else {}),
        )


def _about(channel: Row, file: ExportFile, log: ReadLog) -> tuple[str, str | None, dict[str, Any]]:
    """Return the channel's id, its title, and what else is known of it."""
    folder = file.location.parent
    named = _FOLDER.fullmatch(folder.name)
    id_ = name_of(channel.get("id")) or (named[1] if named is not None else file.sha256[:12])
    title = name_of(channel.get("name"))
    if title is None and named is not None:
        title = name_of(_object(file.sibling("index.json", above=1), log).get(id_))
    guild = channel.get("guild") or {}
    meta = {
        "guild": name_of(guild.get("name")),
        "channel_type": channel.get("type"),
        "participants": [name_of(recipient) for recipient in channel.get("recipients") or ()],
    }
    return id_, title, {key: value for key, value in meta.items() if value not in (None, [])} | rest(channel, _CHANNEL)


def _owner(file: ExportFile, log: ReadLog) -> tuple[str, str | None]:
    """Return the id and the name of the account's owner, from the ``user.json`` of the package."""
    parents = PurePosixPath(file.member.replace("\\", "/")).parents if file.member is not None else file.path.absolute().parents
    user_file = _find_user(file, parents[2]) if len(parents) > 2 else None
    user = _object(user_file, log)
    with shaped(Source(user_file.name if user_file else file.name), _EXPORTER):
        return name_of(user.get("id")) or OWNER, name_of(user.get("username"))


def _find_user(file: ExportFile, root: PurePath) -> ExportFile | None:
    """Return the ``user.json`` in a folder beside that of the messages; ``root`` is the folder that both lie in."""
    if file.member is None:
        return next((replace(file, path=candidates) for candidates in sorted(Path(root).glob("*/user.json"))), None)
    names = (member.name for member in file.archive().members)
    candidates = (
        name for name in names if name.endswith("user.json") and PurePosixPath(name.replace("\\", "/")).parent.parent == root
    )
    return next((replace(file, member=name) for name in candidates), None)


def _object(file: ExportFile | None, log: ReadLog) -> dict[str, Any]:
    """Return the object that a file holds; nothing where there is no file, or where it cannot be read: it only says names."""
    try:
        return dict(read_members(file, log)) if file is not None else {}
    except ExportError as error:
        log.warn(file.name if file else "", f"passed over: {error}")
        return {}
