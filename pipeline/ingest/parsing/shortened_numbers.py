"""Numbers that a spreadsheet shortened: a telephone number becomes 4.477E+11, and an id of 18 digits ends with zeros."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # its functions are made at run time

_EXPONENT = re.compile(r"[1-9](?:[.,]\d{1,14})?[eE]\+\d{1,3}")
_EXACT = 1e15
"""A spreadsheet keeps 15 digits of a number."""


def is_shortened(value: object) -> bool:
    """Whether the value of an id or a name is a number without its last digits."""
    if type(value) is float:
        return abs(value) >= _EXACT
    return type(value) is str and value[1:2] in ".,eE" and _EXPONENT.fullmatch(value) is not None


def first_shortened(columns: pa.RecordBatch, name: str) -> int | None:
    """Return the first row of a column with such a number."""
    if name not in columns.schema.names:
        return None
    column = columns.column(name)
    if pa.types.is_string(column.type) and not pc.any(pc.match_substring(column, "+")).as_py():
        return None
    if not (pa.types.is_string(column.type) or pa.types.is_floating(column.type)):
        return None
    return next((row for row, value in enumerate(column.to_pylist()) if is_shortened(value)), None)
