"""DiscordChatExporter's CSV: ``AuthorID,Author,Date,Content,Attachments,Reactions``, a row a message; a channel a file.

Which channel it is stands in the file's name only, as ``Guild - channel [123].csv``. Rows have no ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.table_records import csv_records
from pipeline.ingest.times.written import WrittenTime, date_orders, order_of, read_written
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Kind, Message, Source

COLUMNS = ("AuthorID", "Author", "Date", "Content")
_READ = frozenset({*COLUMNS, "Attachments", "Reactions"})
_CHANNEL = re.compile(r"(?:(?P<title>.+) )?\[(?P<id>\d{3,})\](?: \[part \d+\])?\.\w+", re.DOTALL)
_SHORT_YEAR = re.compile(r"(\d{1,2}-[A-Za-z]{3}-)(\d{2})(?= )")
_REACTION = re.compile(r"(.+?) ?\((\d+)\)", re.DOTALL)
NOTICE = re.compile(
    r"Started a call(?: that lasted [\d.,]+ minutes?)?\.?|Pinned a message\.|Left the group\.|Changed the channel icon\."
    r"|Started a thread\.|Joined the server\."
)
"""What Discord itself says in a person's name, whole: nothing in it is anybody's words."""


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the channel of a file.

    Raises
    ------
    ExportError
        When the table is damaged, or a time cannot be read, with the line.
    """
    file = unit.file
    evidence = date_orders()
    for _, line, row in csv_records(file, COLUMNS):
        if (written := written_time(row.get("Date", ""))) is not None and written.offset is None:
            evidence.add(written.header, line)
    order = order_of(evidence, options.date_order, file.name)

    def messages() -> Iterator[Message]:
        for _, line, row in csv_records(file, COLUMNS):
            source = Source(file.name, line=line)
            written = written_time(row.get("Date", ""))
            moment = written.moment(order, options.timezone) if written is not None else None
            if moment is None or any(name not in row for name in COLUMNS):
                raise ExportError("not a message as DiscordChatExporter writes it", where=str(source), do="Export as JSON")
            files = [link for link in row.get("Attachments", "").split(",") if link]
            meta: dict[str, Any] = {key: value for key, value in row.items() if key not in _READ and value}
            meta |= {"speaker_name": row["Author"]} if row["Author"] else {}
            meta |= {"attachments": files} if files else {}
            if row.get("Reactions"):
                meta["reactions"] = list(reactions(row["Reactions"].split(",")))
            speaker = row["AuthorID"] or row["Author"] or None
            kind = kind_of(row["Content"], media=bool(files))
            yield Message(
                message_id=f"{file.sha256[:12]}:{line}",
                speaker=None if kind == "system" else speaker,
                timestamp=moment,
                text=row["Content"],
                kind=kind,
                source=source,
                meta=meta | ({"actor_id": speaker} if kind == "system" else {}),
            )

    id_, title = channel_of(file)
    yield Conversation(conversation_id=id_, platform="discord", title=title, messages=messages())


def channel_of(file: ExportFile) -> tuple[str, str | None]:
    """Return the channel's id and title, which stand in the file's name; without one the id is made of the content."""
    match = _CHANNEL.fullmatch(file.location.name)
    return (match["id"], match["title"]) if match is not None else (file.sha256[:12], None)


def written_time(text: str) -> WrittenTime | None:
    """Read a time as any version of the exporter writes it, ``13-Feb-24 09:05 PM`` too; ``None`` where it is none."""
    return read_written(_SHORT_YEAR.sub(r"\g<1>20\2", text))


def kind_of(text: str, *, media: bool) -> Kind:
    """Return the kind of a row: Discord's own notices are told by the whole of the text."""
    if NOTICE.fullmatch(text) and not media:
        return "system"
    return "media" if media else "message" if text else "unsupported"


def reactions(parts: list[str]) -> Iterator[dict[str, Any]]:
    """Yield emoji with their numbers: nobody is named."""
    for part in parts:
        match = _REACTION.fullmatch(part.strip())
        yield {"emoji": match[1] if match else part.strip(), "speaker": None, "count": int(match[2]) if match else 1}
