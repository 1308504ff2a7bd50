"""JSON of any size as a stream: events and values in constant memory."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO

import ijson

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.options import ReadLog
from pipeline.ingest.parsing.json_cut import ListCutter
from pipeline.ingest.parsing.json_damage import PARSER_ERRORS, json_damage
from pipeline.ingest.parsing.json_escapes import EscapeMender
from pipeline.ingest.parsing.json_guard import DEEPEST, JsonGuard, refused, too_deep

Event = tuple[str, Any]
"""What ``ijson.basic_parse`` yields: ``("start_map", None)``, ``("map_key", "id")``, ``("number", 5)``, …"""

_BLOCK = 1 << 16
_CUT_BLOCK = 1 << 18


class _MendedStream:
    """A file as ``ijson`` wants it: ``read(n)`` gives mended and guarded bytes, no byte order mark, and nothing only at the end."""

    def __init__(self, raw: BinaryIO, mender: EscapeMender, guard: JsonGuard, cutter: ListCutter | None = None) -> None:
        self._raw = raw
        self._guard = guard
        self._mender = mender
        self._cutter = cutter
        self._refused: ExportError | None = None
        self._ended = False
        self._pending = mender.feed(raw.read(len(codecs.BOM_UTF8)).removeprefix(codecs.BOM_UTF8))

    def read(self, size: int = -1) -> bytes:
        if size == 0:
            return b""
        if self._refused is not None:
            raise self._refused
        block, self._pending = self._pending, b""
        block = self._shown(block) if block else b""
        while not block and not self._ended and self._refused is None:
            raw = self._raw.read(size)
            self._ended = not raw
            block = self._shown(self._mender.feed(raw) if raw else self._mender.rest())
            if self._ended and self._cutter is not None:
                block += self._cutter.rest()
        if not block and self._refused is not None:
            raise self._refused
        return block

    def _shown(self, block: bytes) -> bytes:
        """Return what the parser is to see of a block that is not refused."""
        if self._cutter is None:
            return self._guard.check(block)
        try:
            return self._cutter.feed(self._guard.check(block))
        except ExportError as error:
            self._refused = error  # the parser first sees what stands before, and may refuse that
            return self._cutter.rest()


def read_events(file: ExportFile, log: ReadLog, *, hex_escapes: bool = False, cutter: ListCutter | None = None) -> Generator[Event]:
    """Yield the parser's events over a whole file; with a ``cutter`` those of what it leaves.

    Raises
    ------
    ExportError
        When the file is not whole and valid JSON, with line and byte, or holds what no exporter writes: see `JsonGuard`.
    """
    return _parsed(file, log, ijson.basic_parse, hex_escapes=hex_escapes, cutter=cutter)


def keys(events: Iterator[Event]) -> Iterator[str]:
    """Yield the keys of an object that has begun; each one's value is to be read before the next."""
    for event, key in events:
        if event == "end_map":
            return
        yield key


def read_members(file: ExportFile, log: ReadLog) -> Iterator[tuple[str, Any]]:
    """Yield the members of a file that is one object, each one's value built.

    Raises
    ------
    ExportError
        When the file is not whole and valid JSON, with line and byte, or holds what no exporter writes: see `JsonGuard`.
    """
    return _parsed(file, log, partial(ijson.kvitems, prefix=""))


def read_items(file: ExportFile, prefix: str, log: ReadLog) -> Iterator[Any]:
    """Yield each value at an ``ijson`` prefix such as ``messages.item``; faster than events, for a file with one long list.

    A key that stands twice keeps its last value, and numbers with a point are ``Decimal``.

    Raises
    ------
    ExportError
        When the file is not whole and valid JSON, with line and byte, or holds what no exporter writes: see `JsonGuard`.
    """
    return _parsed(file, log, partial(ijson.items, prefix=prefix))


def _parsed(
    file: ExportFile,
    log: ReadLog,
    parse: Callable[..., Iterator[Any]],
    *,
    hex_escapes: bool = False,
    cutter: ListCutter | None = None,
) -> Generator[Any]:
    mender = EscapeMender(hex_escapes=hex_escapes)
    with file.open() as raw:
        try:
            yield from parse(
                _MendedStream(raw, mender, JsonGuard(file.name), cutter), buf_size=_BLOCK if cutter is None else _CUT_BLOCK
            )
        except PARSER_ERRORS:
            raise json_damage(file, hex_escapes=hex_escapes) from None
    _tell_halves(file, mender, log)


def build(events: Iterator[Event], event: str, value: Any, where: str, depth: int = 0) -> Any:
    """Return the value that starts with this event, reading its other events.

    Of a key that stands twice the first value that says something keeps the name, and another one gets ``~2``: Telegram
    wrote gifts with ``"text": "…", "text": ""`` (tdesktop #28781).

    Raises
    ------
    ExportError
        When values are nested as deep as no exporter nests them.
    """
    if event == "start_map":
        members: dict[str, Any] = {}
        for kind, key in events:
            if kind == "end_map":
                break
            kind, member = next(events)
            if member is None and kind != "null":
                member = build(events, kind, member, where, _deeper(depth, where))
            elif type(member) is Decimal:
                member = float(member)
            if key in members:
                _repeat(members, key, member)
            else:
                members[key] = member
        return members
    if event == "start_array":
        elements: list[Any] = []
        for kind, element in events:
            if kind == "end_array":
                break
            elements.append(build(events, kind, element, where, _deeper(depth, where)))
        return elements
    return float(value) if type(value) is Decimal else value


def _deeper(depth: int, where: str) -> int:
    if depth == DEEPEST:
        raise refused(too_deep(), where)
    return depth + 1


def _repeat(members: dict[str, Any], key: str, value: object) -> None:
    if not members[key]:
        members[key] = value
    elif value and value != members[key]:
        number = 2
        while f"{key}~{number}" in members:
            number += 1
        members[f"{key}~{number}"] = value


def skip(events: Iterator[Event], event: str) -> None:
    """Pass over the value that starts with this event."""
    depth = 0
    while True:
        if event.startswith("start_"):
            depth += 1
        elif event.startswith("end_"):
            depth -= 1
        if depth == 0:
            return
        event, _ = next(events)


def _tell_halves(file: ExportFile, mender: EscapeMender, log: ReadLog) -> None:
    if mender.halves:
        log.warn(file.name, f"{mender.halves} half character(s), cut in two before they were exported, are shown as U+FFFD")
