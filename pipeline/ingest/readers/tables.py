"""Messages in a table (JSON Lines, a JSON list, CSV, Parquet) with named columns: see `pipeline.ingest.parsing.table_fields`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, TypeVar, cast

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.parsing.table_fields import OF_CONVERSATION, Columns, identity, json_object, kind, moment, plain, source, words
from pipeline.ingest.parsing.table_groups import Records, Survey, group, id_hash, survey
from pipeline.ingest.parsing.table_records import Record, csv_records, json_records, jsonl_records, parquet_records
from pipeline.ingest.times.written import date_orders, order_of, read_written
from pipeline.ingest.units import Unit
from pipeline.schema import KINDS, Conversation, Message, Source

Value = TypeVar("Value")

_EXPECTED = {
    "timestamp": "no time that we can read",
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
    table = Table(unit.file, _records(unit, columns, log), columns, options, log, has_lines=unit.format in ("jsonl", "csv"))
    return table.conversations()


def _records(unit: Unit, columns: Columns, log: ReadLog) -> Records:
    if unit.format == "parquet":
        return partial(parquet_records, unit.file)
    if unit.format == "csv":
        return partial(csv_records, unit.file, columns.required)
    if unit.format == "json":
        return partial(json_records, unit.file, log)
    return partial(jsonl_records, unit.file, log)


@dataclass(frozen=True, slots=True)
class Table:
    """The records of a file, and what they become.

    ``platform`` is what a conversation gets that names none. With ``by_time`` the messages of a conversation are put in the order
    of their times, where all have one: a conversation is then held at a time. ``mixed``: the program writes conversations mixed, so
    that it is nothing to warn of.
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

    def conversations(self) -> Iterator[Conversation]:
        """Yield the conversations; their records are grouped, with a warning, where they do not stand together."""
        found = self._survey()
        if not found.together and not self.mixed:
            self.log.warn(
                self.file.name, "the records of a conversation do not stand together: they were put together in their order"
            )
        for records in group(self.records, found):
            first = next(records)
            yield Conversation(
                conversation_id=self._conversation_id(first),
                platform=self._value(first, "platform", identity) or self.platform,
                title=self._value(first, "conversation_title", identity),
                meta=json_object(self._cell(first, "conversation_meta")) or {},
                messages=(self._in_time if self.by_time else self._messages)(chain([first], records), first, found),
            )

    def _survey(self) -> Survey:
        names: dict[str, None] = {}
        column, message_column = self.columns.of["conversation_id"], self.columns.of["message_id"]
        time_column, dates = self.columns.of["timestamp"], date_orders()

        def conversation_of(record: Record) -> str:
            if not record[2].keys() <= names.keys():
                names.update(dict.fromkeys(record[2]))
            if column not in record[2]:
                self.columns.check(names, self.options.columns, self._where(record))
            time = record[2].get(time_column)
            if type(time) is str and time[4:5] != "-" and (written := read_written(time)) is not None:
                dates.add(written.header, record[1])
            return self._conversation_id(record)

        def message_of(record: Record) -> str | None:
            value = record[2].get(message_column)
            return value if type(value) is str and value else self._value(record, "message_id", identity)

        found = survey(self.records, conversation_of, message_of, self.columns.of["text"])
        if names:
            self.columns.check(names, self.options.columns, self.file.name)
        found.date_order = order_of(dates, self.options.date_order, self.file.name)
        return found

    def _in_time(self, records: Iterator[Record], first: Record, found: Survey) -> Iterator[Message]:
        twins: Counter[str] = Counter()
        messages = [self._message(record, first, found, twins) for record in records]
        if all(message.timestamp is not None for message in messages):
            messages.sort(key=lambda message: cast("datetime", message.timestamp).replace(tzinfo=None))
        yield from messages

    def _messages(self, records: Iterator[Record], first: Record, found: Survey) -> Iterator[Message]:
        twins: Counter[str] = Counter()
        latest: datetime | None = None
        for record in records:
            message = self._message(record, first, found, twins)
            if _before(message.timestamp, latest):
                self.log.warn(
                    self.file.name, "times run backwards in a conversation: its messages are read in the order of the table"
                )
            latest = message.timestamp or latest
            yield message

    def _message(self, record: Record, first: Record, found: Survey, twins: Counter[str]) -> Message:
        row, of = record[2], self.columns.of
        text, speaker = row.get(of["text"]), row.get(of["speaker"])
        if type(text) is not str:
            text = self._value(record, "text", words)
        if type(speaker) is not str or not speaker:
            speaker = self._value(record, "speaker", identity)
        return Message(
            message_id=self._message_id(record, found, twins),
            speaker=speaker,
            timestamp=self._moment(record, found),
            text=text or "",
            kind=self._value(record, "kind", lambda value: kind(value, has_text=text is not None)),
            source=self._source(record),
            meta={} if row.keys() <= self.columns.of_every_message else self._meta(record, first),
        )

    def _moment(self, record: Record, found: Survey) -> datetime | None:
        """Return the time of a record: ISO 8601, a number, or local in the order of dates that the whole table tells."""
        value = record[2].get(self.columns.of["timestamp"])
        try:
            return moment(value, self.options.timezone)
        except ValueError:
            written = read_written(value) if isinstance(value, str) else None
            known = written.moment(found.date_order, self.options.timezone) if written is not None else None
            if known is None:
                raise self._unfit(record, "timestamp") from None
            return known

    def _message_id(self, record: Record, found: Survey, twins: Counter[str]) -> str:
        """Return the record's id, or one made of the file and the place; one that stood before gets a suffix."""
        value = record[2].get(self.columns.of["message_id"])
        if type(value) is not str or not value:
            value = self._value(record, "message_id", identity)
        if value is None:
            return f"{self.file.sha256[:12]}:{record[1]}"
        if found.twins and id_hash(self._conversation_id(record), value) in found.twins:
            twins[value] += 1
            if twins[value] > 1:
                self.log.warn(self.file.name, "a message id stands twice in a conversation: the later ones were given ~2, ~3, …")
                return f"{value}~{twins[value]}"
        return value

    def _meta(self, record: Record, first: Record) -> dict[str, Any]:
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

    def _conversation_id(self, record: Record) -> str:
        value = record[2].get(self.columns.of["conversation_id"])
        if type(value) is str and value:
            return value
        value = self._value(record, "conversation_id", identity)
        if value is None:
            raise ExportError(
                "the record names no conversation", where=self._where(record), do="Give each record a conversation id"
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

    def _value(self, record: Record, field: str, convert: Callable[[Any], Value]) -> Value:
        try:
            return convert(self._cell(record, field))
        except ValueError:
            raise self._unfit(record, field) from None

    def _unfit(self, record: Record, field: str) -> ExportError:
        return ExportError(
            f"`{self.columns.of[field]}` is {_EXPECTED.get(field, 'neither a string nor a number')}",
            where=self._where(record),
            do=f"Mend the value, or name the column that holds it: --column {field}=…",
        )

    def _where(self, record: Record) -> str:
        return f"{self.file.name}:{record[1]}" if self.has_lines else f"{self.file.name}: record {record[1]}"


def _before(time: datetime | None, latest: datetime | None) -> bool:
    if time is None or latest is None:
        return False
    if time.tzinfo is latest.tzinfo:
        return time < latest
    return time.replace(tzinfo=None) < latest.replace(tzinfo=None)
