"""Messages in a table (JSON Lines, a JSON list, CSV, Parquet) with named columns: see `pipeline.ingest.parsing.table_fields`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, TypeVar, cast

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.csv_blocks import Csv
from pipeline.ingest.parsing.table_blocks import Blocks, JsonLines, Parquet
from pipeline.ingest.parsing.table_fields import OF_CONVERSATION, Columns, identity, json_object, kind, moment, plain, source, words
from pipeline.ingest.parsing.table_groups import Records, Survey, group, id_hash, survey
from pipeline.ingest.parsing.table_records import Record, csv_header, csv_records, json_records, jsonl_records, parquet_records
from pipeline.ingest.readers.table_columns import ColumnTable
from pipeline.ingest.readers.table_seen import Seen
from pipeline.ingest.times.serial_numbers import FROM_1900
from pipeline.ingest.times.written import read_written
from pipeline.ingest.units import Unit
from pipeline.schema import KINDS, Conversation, Message, Source

Value = TypeVar("Value")

_EXPECTED = {
    "timestamp": "no time that we can read: dates, and numbers of seconds, milliseconds, … since 1970, are",
    "kind": f"none of {', '.join(KINDS)}",
    "source_line": "no whole number",
}


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a table, in the order in which they begin, whether their records stand together or not.

    Raises
    ------
    ConfigError
        When ``options.columns`` names a field that we do not have.
    ExportError
        When a column is missing, or a record cannot be read: with its line or row.
    """
    columns = Columns.named(options.columns)
    if unit.format == "csv":
        columns = Columns.typed(csv_header(unit.file, columns.required).names, options.columns)
    table = Table(unit.file, _records(unit, columns, log), columns, options, log, has_lines=unit.format in ("jsonl", "csv"))
    blocks = _blocks(unit, columns, log)
    if blocks is None or options.telling_empty:
        return table.conversations()
    return ColumnTable(table, blocks).conversations(Seen(table))


def _records(unit: Unit, columns: Columns, log: ReadLog) -> Records:
    if unit.format == "parquet":
        return partial(parquet_records, unit.file)
    if unit.format == "csv":
        return partial(csv_records, unit.file, columns.required)
    if unit.format == "json":
        return partial(json_records, unit.file, log)
    return partial(jsonl_records, unit.file, log)


def _blocks(unit: Unit, columns: Columns, log: ReadLog) -> Blocks | None:
    if unit.format == "parquet":
        return Parquet(unit.file).blocks
    if unit.format == "csv":
        return Csv(unit.file, columns.required).blocks
    return JsonLines(unit.file, log).blocks if unit.format == "jsonl" else None


@dataclass(frozen=True, slots=True)
class Table:
    """The records of a file, and what they become.

    ``platform`` is what a conversation gets that names none. With ``by_time`` the messages of a conversation are put in the order
    of their times, where all have one: a conversation is then held at a time. ``mixed``: the program writes conversations mixed, so
    that it is nothing to warn of. ``only_dates``: its times are dates and never seconds; ``day_zero`` is that of its workbook.
    """

    file: ExportFile
    records: Records
    columns: Columns
    options: ReadOptions
    log: ReadLog
    has_lines: bool = True
    platform: str = "table"
    by_time: bool = False
    mixed: bool = False
    only_dates: bool = False
    day_zero: datetime = FROM_1900

    def conversations(self) -> Iterator[Conversation]:
        """Yield the conversations; their records are grouped, with a warning, where they do not stand together."""
        seen = Seen(self)
        surveyed = seen.checked(survey(self.records, seen.conversation_of, seen.message_of, self.columns.of["text"]))
        for records in group(self.records, surveyed):
            first = next(records)
            yield self.conversation(
                first, (self._in_time if self.by_time else self._messages)(chain([first], records), first, surveyed)
            )

    def conversation(self, first: Record, messages: Iterable[Message]) -> Conversation:
        """Return a conversation of which the first record says what is known of it."""
        return Conversation(
            conversation_id=self.conversation_id(first),
            platform=self.value(first, "platform", identity) or self.platform,
            title=self.value(first, "conversation_title", identity),
            meta=json_object(self._cell(first, "conversation_meta")) or {},
            messages=messages,
        )

    def _in_time(self, records: Iterator[Record], first: Record, surveyed: Survey) -> Iterator[Message]:
        twins: Counter[str] = Counter()
        messages = [self.message(record, first, surveyed, twins) for record in records]
        if all(message.timestamp is not None for message in messages):
            messages.sort(key=lambda message: cast("datetime", message.timestamp).replace(tzinfo=None))
        yield from messages

    def _messages(self, records: Iterator[Record], first: Record, surveyed: Survey) -> Iterator[Message]:
        twins: Counter[str] = Counter()
        latest: datetime | None = None
        for record in records:
            message = self.message(record, first, surveyed, twins)
            if before(message.timestamp, latest):
                self.tell_backwards()
            latest = message.timestamp or latest
            yield message

    def tell_backwards(self) -> None:
        """Warn that a message is older than the one before it."""
        self.log.warn(self.file.name, "times run backwards in a conversation: its messages are read in the order of the table")

    def message(self, record: Record, first: Record, surveyed: Survey, twins: Counter[str]) -> Message:
        """Return the message of a record; ``twins`` counts the ids that stand twice in its conversation."""
        row, of = record[2], self.columns.of
        text, speaker = row.get(of["text"]), row.get(of["speaker"])
        if type(text) is not str:
            text = self.value(record, "text", words)
        if type(speaker) is not str or not speaker:
            speaker = self.value(record, "speaker", identity)
        return Message(
            message_id=self._message_id(record, surveyed, twins),
            speaker=speaker,
            timestamp=self._moment(record, surveyed),
            text=text or "",
            kind=self.value(record, "kind", lambda value: kind(value, has_text=text is not None)),
            source=self._source(record),
            meta={} if row.keys() <= self.columns.of_every_message else self.meta(record, first),
        )

    def _moment(self, record: Record, surveyed: Survey) -> datetime | None:
        """Return the time of a record: ISO 8601, a number, or local; the whole table tells what numbers and dates are."""
        value = record[2].get(self.columns.of["timestamp"])
        if surveyed.serial_dates is not None and (time := surveyed.serial_dates.moment(value, self.options.timezone)) is not None:
            return time
        try:
            return moment(value, self.options.timezone)
        except ValueError:
            written = read_written(value) if isinstance(value, str) else None
            known = written.moment(surveyed.date_order, self.options.timezone) if written is not None else None
            if known is None:
                raise self._unfit(record, "timestamp") from None
            return known

    def _message_id(self, record: Record, surveyed: Survey, twins: Counter[str]) -> str:
        """Return the record's id, or one made of the file and the place; one that stood before gets a suffix."""
        value = record[2].get(self.columns.of["message_id"])
        if type(value) is not str or not value:
            value = self.value(record, "message_id", identity)
        if value is None:
            return f"{self.file.sha256[:12]}:{record[1]}"
        if surveyed.twins and id_hash(self.conversation_id(record), value) in surveyed.twins:
            twins[value] += 1
            if twins[value] > 1:
                self.log.warn(self.file.name, "a message id stands twice in a conversation: the later ones were given ~2, ~3, …")
                return f"{value}~{twins[value]}"
        return value

    def meta(self, record: Record, first: Record) -> dict[str, Any]:
        """Return what a record says besides, and of its conversation, where that is not what the ``first`` record says."""
        cell = self._cell(record, "meta")
        known = json_object(cell)
        meta = dict(known) if known is not None else {} if cell in (None, "") else {"meta": plain(cell)}
        for name, value in self.columns.others(record[2], telling_empty=self.options.telling_empty).items():
            meta[name if name not in meta else f"{name}~2"] = value
        if record is not first:
            for field in OF_CONVERSATION:
                value = self._cell(record, field)
                if value not in (None, "") and value != self._cell(first, field):
                    meta[field] = plain(value)
        return meta

    def conversation_id(self, record: Record) -> str:
        """Return the id of a record's conversation.

        Raises
        ------
        ExportError
            When the record names none.
        """
        value = record[2].get(self.columns.of["conversation_id"])
        if type(value) is str and value:
            return value
        value = self.value(record, "conversation_id", identity)
        if value is None:
            raise ExportError(
                "the record names no conversation", where=self.where(record[1]), do="Give each record a conversation id"
            )
        return value

    def _source(self, record: Record) -> Source:
        name, place = self.file.name, record[1]
        default = Source(name, line=place) if self.has_lines else Source(name, row=place)
        if not record[2].get(self.columns.of["source_file"]):
            return default
        try:
            return source(record[2], self.columns, default)
        except ValueError:
            raise self._unfit(record, "source_line") from None

    def _cell(self, record: Record, field: str) -> Any:
        return record[2].get(self.columns.of[field])

    def value(self, record: Record, name: str, convert: Callable[[Any], Value]) -> Value:
        """Return what stands in a field; what cannot be converted is an error with its place."""
        try:
            return convert(self._cell(record, name))
        except ValueError:
            raise self._unfit(record, name) from None

    def _unfit(self, record: Record, field: str) -> ExportError:
        if all(str(value).lstrip("\ufeff") == name for name, value in record[2].items()):
            where, do = self.where(record[1]), "Give each table in a file of its own, or remove this line"
            return ExportError("the header stands here again: two tables were joined", where=where, do=do)
        return ExportError(
            f"`{self.columns.of[field]}` is {_EXPECTED.get(field, 'neither a string nor a number')}",
            where=self.where(record[1]),
            do=f"Mend the value, or name the column that holds it: --column {field}=…",
        )

    def where(self, place: int) -> str:
        """Return where the record of a place stands, as errors say it."""
        return f"{self.file.name}:{place}" if self.has_lines else f"{self.file.name}: record {place}"


def before(time: datetime | None, latest: datetime | None) -> bool:
    """Whether a time is before the latest, on the clock that each was written by."""
    if time is None or latest is None:
        return False
    if time.tzinfo is latest.tzinfo:
        return time < latest
    return time.replace(tzinfo=None) < latest.replace(tzinfo=None)
