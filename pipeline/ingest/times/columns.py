"""Columns of times: as `datetime.isoformat` writes them, and as numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # its functions are made at run time

_UTC = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+00:00|Z)$"
_LOCAL = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d$"

Read = Callable[[object, ZoneInfo | None], datetime | None]


def stamps_of(column: pa.Array, zone: ZoneInfo | None, read: Read) -> pa.StringArray | None:
    """Return times as `datetime.isoformat` writes them; ``None`` where one cannot be read, or its date is local."""
    if pa.types.is_string(column.type) and len(column):
        if _all_match(column, _UTC):
            ends = pc.utf8_slice_codeunits(column, 19)
            return column if not pc.any(pc.equal(ends, "Z")).as_py() else _ended(column, "+00:00")
        if zone is None and _all_match(column, _LOCAL):
            return pc.replace_substring(column, " ", "T")
    try:
        stamps = [read(value, zone) for value in column.to_pylist()]
    except (ValueError, OverflowError):
        return None
    return pa.array([None if time is None else time.isoformat() for time in stamps], pa.string())


def _all_match(column: pa.StringArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, pattern), min_count=0).as_py())


def _ended(column: pa.StringArray, end: str) -> pa.StringArray:
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(column, 0, 19), end, "")


def microseconds_of(stamps: pa.StringArray) -> pa.Array | None:
    """Return the microseconds of times; ``None`` where one is of no day or no year, or some are local and some not."""
    if stamps.null_count == len(stamps):
        return pa.nulls(len(stamps), pa.int64())
    if pc.any(pc.starts_with(stamps, "0000")).as_py():
        return None
    for type_ in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            return stamps.cast(type_).cast(pa.int64())
        except pa.ArrowInvalid:
            continue
    return None
