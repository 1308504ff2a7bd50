"""Which column of a table holds what, and a message from a record.

============================================  ============================================================================
``conversation_id, speaker, timestamp, text``  needed; what stands in them may be empty, but for the conversation
``message_id``                                 else the id is made of the file's hash and the record's place
``kind``                                       one of `pipeline.schema.KINDS`; else ``message``, or ``unsupported`` without text
``platform``                                   what the conversation took place on
``conversation_title, conversation_meta``      what is known of the conversation; the second one a JSON object
``meta``                                       a JSON object, or its text: what is known of the message
``source_file, source_line, source_row``       where the message stood in the export that the table was made from
============================================  ============================================================================

Any other column is kept in ``meta`` under its name. Columns are never guessed: ``--column text=body`` says which is which. In CSV
and workbooks, which people write by hand, ``Conversation ID`` is ``conversation_id``, and so on for the first five fields.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import ConfigError, ExportError
from pipeline.ingest.detection.table_evidence import REQUIRED, holds_messages, typed_columns
from pipeline.ingest.times.numbers import counted
from pipeline.ingest.times.parse import from_iso, in_utc, whole
from pipeline.schema import KINDS, Kind, Source

OF_CONVERSATION = ("platform", "conversation_title", "conversation_meta")
OF_SOURCE = ("source_file", "source_line", "source_row")
FIELDS = (*REQUIRED, "message_id", "kind", *OF_CONVERSATION, "meta", *OF_SOURCE)

_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_BASIC_DATE = re.compile(r"\d{8}")
_SHOWN = 30


@dataclass(frozen=True)
class Columns:
    """The column of each field."""

    of: Mapping[str, str]

    @classmethod
    def named(cls, mapping: Mapping[str, str]) -> Columns:
        """Take the user's word for some fields, and the field's own name for the others.

        Raises
        ------
        ConfigError
            When the user names a field that we do not have.
        """
        if unknown := mapping.keys() - set(FIELDS):
            raise ConfigError(f"--column {min(unknown)}=…: there is no such field", do=f"Choose from {', '.join(FIELDS)}")
        return cls({field: mapping.get(field, field) for field in FIELDS})

    @classmethod
    def typed(cls, names: Iterable[str], mapping: Mapping[str, str]) -> Columns:
        """Take the columns of a header that people may have typed by hand: ``Speaker`` and ``Conversation ID`` are ours too."""
        return cls.named(typed_columns(names, mapping, (*REQUIRED, "message_id")))

    @property
    def required(self) -> list[str]:
        """The columns that must be there."""
        return [self.of[field] for field in REQUIRED]

    def check(self, present: Iterable[str], mapping: Mapping[str, str], where: str) -> None:
        """Refuse a table that lacks a column that is needed, or one that the user named.

        Raises
        ------
        ExportError
            With the columns that were found.
        """
        names = list(present)
        missing = [field for field in FIELDS if (field in REQUIRED or field in mapping) and self.of[field] not in names]
        if missing:
            # The names are shown of what is a header for sure: the first row may be a message.
            known = {self.of[field] for field in FIELDS}.intersection(names) or holds_messages(
                names, {}
            )  # else it may be a message
            shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "") if known else f"{len(names)} others"
            raise ExportError(
                f"no column {', '.join(f'`{self.of[field]}`' for field in missing)}; found: {shown}",
                where=where,
                do=f"Name the column that holds it, such as --column {missing[0]}=…",
            )

    @cached_property
    def of_every_message(self) -> frozenset[str]:
        """The columns that leave nothing for the ``meta`` of a message."""
        return frozenset(self.of[field] for field in FIELDS if field != "meta" and field not in OF_CONVERSATION)

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(self.of.values())

    def others(self, record: Mapping[str, Any], *, telling_empty: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return what stands in columns that are no field's, as JSON can hold it; empty cells say nothing but in some columns."""
        return {
            name: plain(value)
            for name, value in record.items()
            if name not in self._own and value is not None and (value != "" or name in telling_empty)
        }


def identity(value: object) -> str | None:
    """Return an id or a name, or ``None`` where nothing stands; a whole number is written without a point.

    Raises
    ------
    ValueError
        When it is neither a string nor a number.
    """
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value
    if (isinstance(value, float) and value.is_integer()) or (isinstance(value, Decimal) and value == value.to_integral_value()):
        return str(whole(value))
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value)
    raise ValueError("neither a string nor a number")


def words(value: object) -> str | None:
    """Return the text as it stands, or ``None`` where there is none.

    Raises
    ------
    ValueError
        When it is neither a string nor a number.
    """
    return value if isinstance(value, str) else identity(value)


def moment(value: object, zone: ZoneInfo | None) -> datetime | None:
    """Return a time: ISO 8601, or a number since 1970 (see `pipeline.ingest.times.numbers`); 8, 12 and 14 digits may be a date.

    Raises
    ------
    ValueError
        When it is none.
    """
    if type(value) is str and value[4:5] == "-":  # no number has a sign there
        return from_iso(value, zone)
    if isinstance(value, datetime):
        return in_utc(value, zone)
    if isinstance(value, date):
        return in_utc(datetime.combine(value, time()), zone)
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return counted(value if isinstance(value, int) else float(value), zone)
    if not isinstance(value, str):
        raise ValueError("neither a string nor a number")  # noqa: TRY004 - the one error of every converter here
    if _NUMBER.fullmatch(value) and not _BASIC_DATE.fullmatch(value):
        return counted(float(value) if "." in value else int(value), zone)
    return from_iso(value, zone)


def kind(value: object, *, has_text: bool) -> Kind:
    """Return the kind of a record.

    Raises
    ------
    ValueError
        When it is none of ours.
    """
    if value is None or value == "":
        return "message" if has_text else "unsupported"
    for known in KINDS:
        if value == known:
            return known
    raise ValueError(f"none of {', '.join(KINDS)}")


def json_object(value: object) -> dict[str, Any] | None:
    """Return a JSON object, from itself or from its text; ``None`` when it is none."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def source(record: Mapping[str, Any], columns: Columns, default: Source) -> Source:
    """Return where the message stood in the export that the table was made from, or else its place in the table."""
    file = record.get(columns.of["source_file"])
    if not isinstance(file, str) or not file:
        return default
    return Source(file, line=_whole(record.get(columns.of["source_line"])), row=_whole(record.get(columns.of["source_row"])))


def _whole(value: object) -> int | None:
    text = identity(value)
    return int(text) if text is not None else None


def plain(value: object) -> Any:
    """Return a value as JSON can hold it: Parquet has times, decimals and bytes too."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
