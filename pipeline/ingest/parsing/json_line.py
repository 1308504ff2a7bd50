"""One line of JSON Lines: an object with each key once, read by orjson where it surely reads it as Python does."""

from __future__ import annotations

import codecs
import json
import math
from typing import Any

import orjson

from pipeline.errors import ExportError
from pipeline.ingest.options import ReadLog
from pipeline.ingest.parsing.json_escapes import EscapeMender
from pipeline.ingest.parsing.json_guard import DEEPEST, TOO_LARGE, is_deep, refused, too_deep

_EXACT = 2.0**63
_LONGEST_NUMBER = 400
_SIMPLE = frozenset({str, int, bool, type(None)})


def line_object(raw: bytes, name: str, line: int, log: ReadLog) -> dict[str, Any]:
    """Return the object that a line of JSON Lines is; half a character becomes U+FFFD, with a warning.

    Raises
    ------
    ExportError
        When the line is not UTF-8, not JSON, not an object, has a key twice, is nested deep or holds a number that is too large.
    """
    raw = raw.removeprefix(codecs.BOM_UTF8)  # of a file that was joined to another
    if b"\\ud" in raw or b"\\uD" in raw:
        mender = EscapeMender()
        raw = mender.feed(raw) + mender.rest()
        if mender.halves:
            log.warn(name, "half characters, cut in two before they were exported, are shown as U+FFFD")
    if (members := read_fast(raw)) is not None:
        return members
    where = f"{name}:{line}"
    text = decoded(raw, where)
    try:
        value = DECODER.decode(text)
    except RecursionError:
        raise refused(too_deep(), where) from None
    except OverflowError:
        raise refused(TOO_LARGE, where) from None
    except ValueError as error:
        at = f" at character {error.pos + 1} of the line" if isinstance(error, json.JSONDecodeError) else ""
        raise ExportError(f"not valid JSON{at}", where=where, do="Each line is to be one JSON object, with each key once") from None
    if not isinstance(value, dict):
        raise ExportError("not a JSON object", where=where, do="Each line is to be one JSON object")
    if is_deep(value):
        raise refused(too_deep(), where)
    return value


def read_fast(raw: bytes) -> dict[str, Any] | None:
    """Return the object of a line where orjson surely reads it as we do: without a key that stands twice, or a huge number."""
    if b'" ' in raw or b'"\t' in raw or b'"\r' in raw:
        return None  # a blank between a key and its colon: the keys cannot be counted
    try:
        value = orjson.loads(raw)
        if type(value) is not dict:
            return None
        count = raw.count(b'":')
        if count == len(value) and _SIMPLE.issuperset(map(type, value.values())):
            return value
        return value if _members(value, 1) == count else None
    except (orjson.JSONDecodeError, RecursionError):
        return None


def _members(value: dict[str, Any] | list[Any], depth: int) -> int:
    """Return how many members all objects in a value have; too few where it is deep, or a number in it may have lost digits."""
    if depth > DEEPEST:
        return -1 << 32
    count = len(value) if type(value) is dict else 0
    for item in value.values() if isinstance(value, dict) else value:
        kind = type(item)
        if kind is dict or kind is list:
            count += _members(item, depth + 1)
        elif kind is float and not -_EXACT < item < _EXACT:
            return -1 << 32
    return count


def has_long_number(value: dict[str, Any] | list[Any]) -> bool:
    """Whether a number in a value that orjson read may have lost digits, or values are nested deep."""
    return _members(value, 1) < 0


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise OverflowError
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise OverflowError
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_constant, parse_int=_whole, parse_float=_finite)
"""Refuses what is no JSON, and a key that stands twice; a number that is too large is an ``OverflowError``."""


def decoded(raw: bytes, where: str) -> str:
    """Return the text of a line.

    Raises
    ------
    ExportError
        When it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"not valid UTF-8 at byte {error.start} of the line"
        raise ExportError(what, where=where, do="Save the file as UTF-8") from None
