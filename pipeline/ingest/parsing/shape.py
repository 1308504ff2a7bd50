"""The shape of a JSON export: what is not as its exporter writes it becomes a clear error with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipeline.errors import ExportError
from pipeline.ingest.parsing.table_fields import plain
from pipeline.schema import Source

Row = Mapping[str, Any]


@contextmanager
def shaped(source: Source, exporter: str) -> Iterator[None]:
    """Turn what goes wrong while a row is read into an error that names the place, and nothing of the row's text.

    Raises
    ------
    ExportError
        When the row is not of the form that the exporter writes.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError):
        raise ExportError(f"a message is not of the form that {exporter} writes", where=str(source), do="Export again") from None


def string(value: object) -> str:
    """Return a text; nothing where there is none.

    Raises
    ------
    TypeError
        When it is no text.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def name_of(value: object) -> str | None:
    """Return an id or a name; an empty one is none.

    Raises
    ------
    TypeError
        When it is neither a text nor a whole number.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return string(value) or None


def rest(row: Row, known: frozenset[str]) -> dict[str, Any]:
    """Return the members of a row that its reader does not know, but for empty ones."""
    return {key: plain(value) for key, value in row.items() if key not in known and value not in (None, "", [], {}, False)}
