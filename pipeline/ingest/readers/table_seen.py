"""What the first reading of a table tells of all its records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import ExportError
from pipeline.ingest.parsing.shortened_numbers import first_shortened, is_shortened
from pipeline.ingest.parsing.table_fields import identity
from pipeline.ingest.parsing.table_groups import Survey
from pipeline.ingest.parsing.table_records import Record
from pipeline.ingest.readers.header_evidence import HeaderEvidence
from pipeline.ingest.times.numbers import year_before_chats
from pipeline.ingest.times.serial_numbers import FROM_1904, NumberColumn, SerialDates
from pipeline.ingest.times.written import date_orders, order_of, read_written

_WHOSE = ("conversation_id", "speaker")

if TYPE_CHECKING:
    from pipeline.ingest.readers.tables import Table


@dataclass(slots=True)
class Seen:
    """What the first reading of a table sees of its records: the names of their fields, and times that are not ISO 8601."""

    table: Table
    names: dict[str, None] = field(default_factory=dict)
    numbers: NumberColumn = field(default_factory=NumberColumn)
    dates: HeaderEvidence = field(default_factory=date_orders)

    def conversation_of(self, record: Record) -> str:
        """Return the id of a record's conversation, and take the record in."""
        table = self.table
        if not record[2].keys() <= self.names.keys():
            self.names.update(dict.fromkeys(record[2]))
        if table.columns.of["conversation_id"] not in record[2]:
            table.columns.check(self.names, table.options.columns, table.where(record[1]))
        for field_ in _WHOSE:
            if is_shortened(record[2].get(table.columns.of[field_])):
                raise self._shortened(field_, record[1])
        time = record[2].get(table.columns.of["timestamp"])
        if type(time) is str and time[4:5] == "-":
            self.numbers.has_dates = True
            return table.conversation_id(record)
        self.numbers.add(time, record[1])
        if type(time) is str and (written := read_written(time)) is not None:
            self.dates.add(written.header, record[1])
        return table.conversation_id(record)

    def take_columns(self, columns: pa.RecordBatch, places: NDArray[np.int64]) -> None:
        """Take in the names and the times of a block of records."""
        self.names.update(dict.fromkeys(columns.schema.names))
        name = self.table.columns.of["timestamp"]
        if name in columns.schema.names:
            self.numbers.add_column(columns.column(name), places)
        for field_ in _WHOSE:
            if (row := first_shortened(columns, self.table.columns.of[field_])) is not None:
                raise self._shortened(field_, int(places[row]))

    def _shortened(self, field_: str, place: int) -> ExportError:
        return ExportError(
            f"a spreadsheet shortened the number in `{self.table.columns.of[field_]}`, so that several may look the same",
            where=self.table.where(place),
            do="Format the column as text in the table that this was made of, and save it again",
        )

    def message_of(self, record: Record) -> str | None:
        """Return the id of a message."""
        value = record[2].get(self.table.columns.of["message_id"])
        return value if type(value) is str and value else self.table.value(record, "message_id", identity)

    def checked(self, surveyed: Survey) -> Survey:
        """Return what was found with the order of dates; refuse a table that lacks a column, and warn of one that is mixed.

        Raises
        ------
        ExportError
            With the columns that were found.
        """
        table = self.table
        if self.names:
            table.columns.check(self.names, table.options.columns, table.file.name)
        surveyed.date_order = order_of(self.dates, table.options.date_order, table.file.name)
        surveyed.serial_dates = self._serial_dates()
        if not surveyed.together and not table.mixed:
            what = "the records of a conversation do not stand together: they were put together in their order"
            table.log.warn(table.file.name, what)
        return surveyed

    def _serial_dates(self) -> SerialDates | None:
        """Return what reads the times, where they are dates as Excel counts them, with a warning."""
        table, column = self.table, self.table.columns.of["timestamp"]
        if self.numbers.counted is not None and (year := year_before_chats(self.numbers.counted)) is not None:
            what = f"the times in `{column}` are of {year}, counted from 1970: Apple's programs count from 2001, 31 years later"
            table.log.warn(table.file.name, what)
        where = table.where(self.numbers.place)
        serial_dates = self.numbers.serial_dates(column, where, day_zero=table.day_zero, only_dates=table.only_dates)
        if serial_dates is not None:
            first = 1904 if table.day_zero == FROM_1904 else 1900
            what = f"the times in `{column}` are numbers, as Excel counts days since {first}: they were read as dates"
            table.log.warn(table.file.name, what)
        return serial_dates
