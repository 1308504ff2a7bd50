"""Messages in a table: JSON Lines, CSV or Parquet with named columns; see `pipeline.ingest.table_fields` for the columns.

Our own canonical form, which `pipeline.ingest.write` writes, is such a table, and is read back as it was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from pipeline.errors import ExportError
from pipeline.ingest import table_fields as fields
from pipeline.ingest.options import ReadLog, ReadOptions
from pipeline.ingest.table_fields import Columns
from pipeline.ingest.table_groups import Records, Survey, conversations, id_hash, survey
from pipeline.ingest.table_records import Record, csv_records, jsonl_records, parquet_columns, parquet_records
from pipeline.ingest.units import Unit
from pipeline.schema import Conversation, Message, Source

Value = TypeVar("Value")


def read(unit: Unit, options: ReadOptions, log: ReadLog) -> Iterator[Conversation]:
    """Yield the conversations of a table, in the order in which they begin, whether their records stand together or not.

    Raises
    ------
    ConfigError
        When ``options.columns`` names a field that we do not have.
    ExportError
        When a column is missing, or a record cannot be read: with its line or row.
    """
    return _Table(unit, options, log).conversations()


class _Table:
    """One table, and what the records become."""

    def __init__(self, unit: Unit, options: ReadOptions, log: ReadLog) -> None:
        self._unit = unit
        self._options = options
        self._log = log
        self._file = unit.file
        self._columns = Columns.named(options.columns)

    def conversations(self) -> Iterator[Conversation]:
        records, names = self._open()
