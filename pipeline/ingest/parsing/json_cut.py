"""The long lists of a JSON export cut out of the stream before its parser, and read by a faster one a block at a time.

The parser sees the file with every run of objects of a list ``messages`` replaced by one small object, which names the run. It
still checks all that stands around them. What a faster parser may read otherwise is read by the parser.
"""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ijson
import numpy as np
import orjson
from numpy.typing import NDArray

from pipeline.ingest.parsing.json_damage import PARSER_ERRORS
from pipeline.ingest.parsing.json_line import has_long_number

_LONGEST = 1 << 20
"""Bytes of one object; where one is longer nothing more is cut."""

_SYNTAX = bytes(code in b'"{}[]:' for code in range(256))
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
_QUOTE, _OPEN, _CLOSE, _LIST, _COLON = b'"{}[:'
_KEY = re.compile(rb'"messages"\s*:\s*\Z')
_BLANKS = b" \t\r\n"
_DIGITS = bytes(ord("0") if code in b"0123456789" else ord(" ") for code in range(256))


@dataclass(frozen=True, slots=True)
class Run:
    """Objects that follow each other in a list, as they stand there: ``starts`` and ``ends`` are where each lies in ``text``.

    ``members`` counts the members of each object, ``nested`` the lists and objects among their values.
    """

    text: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    members: NDArray[np.int64]
    nested: NDArray[np.int64]

    def values(self, build: Build) -> list[Any]:
        """Return the objects; ``build`` reads what orjson might not read alike. Raises as the parser does."""
        return list_of(b"[" + self.text + b"]", build)


Build = Callable[[bytes], list[Any]]
"""Reads a JSON list with the parser."""
Read = Callable[[Run], Any]
"""Reads a run; raises as the parser does."""


class ListCutter:
    """Cuts the objects out of lists ``messages`` nested ``depths`` deep; ``read`` reads each run."""

    def __init__(self, depths: tuple[int, ...], read: Read) -> None:
        self.token = secrets.token_hex(16)
        self._depths = depths
        self._read = read
        self._runs: dict[int, Any] = {}
        self._count = 0
        self._depth = 0
        self._list: int | None = None
        self._held = b""
        self._ended = False

    def take(self, number: int) -> Any:
        """Return what was read of a run; those of earlier runs, which nobody took, are forgotten."""
        for earlier in [known for known in self._runs if known < number]:
            del self._runs[earlier]
        return self._runs.pop(number)

    def feed(self, block: bytes) -> bytes:
        """Return what the parser is to see of the next block."""
        if self._ended:
            return block
        data, self._held = self._held + block, b""
        plain = data.replace(b"\\\\", b"  ").replace(b'\\"', b"  ") if b"\\" in data else data
        places = np.flatnonzero(np.frombuffer(plain.translate(_SYNTAX), np.bool_))
        codes = np.frombuffer(plain, np.uint8)[places]
        quotes = codes == _QUOTE
        outside = ~(quotes | (np.cumsum(quotes, dtype=np.uint8) & 1).view(np.bool_))
        places, codes = places[outside], codes[outside]
        depths = np.cumsum(_STEPS[codes], dtype=np.int32) + self._depth
        shown: list[bytes] = []
        start = at = 0
        while True:
            if self._list is None:
                begin = self._next_list(data, places, codes, depths, at)
                if begin is None:
                    rest = max(start, int(places[-1]) + 1) if len(places) else start
                    self._depth = int(depths[-1]) if len(depths) else self._depth
                    break
                self._list, at = int(depths[begin]), begin + 1
                rest = int(places[begin]) + 1
            else:
                rest = start
            ends = np.flatnonzero(depths[at:] < self._list)
            stop = at + int(ends[0]) if len(ends) else len(places)
            inner, kinds, where = depths[at:stop], codes[at:stop], places[at:stop]
            if ((kinds == _LIST) & (inner == self._list + 1)).any():
                self._ended = True  # a list in the list: no exporter writes it
                return b"".join(shown) + data[start:]
            run = _run(data, kinds, inner - self._list, where)
            if run is not None:
                cut = self._cut(run)
                if cut is None:
                    self._ended = True  # damaged: the parser says where, after what stands before it
                    return b"".join(shown) + data[start:]
                first = int(where[kinds == _OPEN][0])
                shown += [data[start:first], cut]
                start = rest = first + len(run.text)
            if stop == len(places):
                self._depth = self._list
                break
            self._list, at = None, stop + 1
        shown.append(data[start:rest])
        self._held = data[rest:]
        if len(self._held) > _LONGEST:
            shown.append(self.rest())
            self._ended = True
        return b"".join(shown)

    def rest(self) -> bytes:
        """Return what is held back, at the end."""
        held, self._held = self._held, b""
        return held

    def _next_list(self, data: bytes, places: Any, codes: Any, depths: Any, at: int) -> int | None:
        for begin in (np.flatnonzero((codes[at:] == _LIST) & np.isin(depths[at:], self._depths)) + at).tolist():
            place = int(places[begin])
            if _KEY.search(data, max(0, place - 64), place):
                return begin
        return None

    def _cut(self, run: Run) -> bytes | None:
        try:
            rows = self._read(run)
        except PARSER_ERRORS:
            return None
        number, self._count = self._count, self._count + 1
        self._runs[number] = rows
        return b'{"%s":%d}' % (self.token.encode(), number)


def _run(data: bytes, kinds: NDArray[np.uint8], depths: NDArray[np.int32], places: NDArray[np.int64]) -> Run | None:
    """Return the whole objects of a list, from the syntax that stands in it: its kinds, depths in the list, and places."""
    ends = np.flatnonzero((kinds == _CLOSE) & (depths == 0))
    if not len(ends):
        return None
    starts = np.flatnonzero((kinds == _OPEN) & (depths == 1))[: len(ends)]
    members = np.cumsum((kinds == _COLON) & (depths == 1))
    nested = np.cumsum(((kinds == _LIST) | (kinds == _OPEN)) & (depths == 2))
    first, last = int(places[starts[0]]), int(places[ends[-1]]) + 1
    return Run(
        data[first:last],
        places[starts] - first,
        places[ends] + 1 - first,
        members[ends] - members[starts],
        nested[ends] - nested[starts],
    )


def list_of(text: bytes, build: Build) -> list[Any]:
    """Return a JSON list; ``build`` reads what orjson might not read alike. Raises as the parser does."""
    values = read_alike(text)
    return build(text) if values is None else values


def read_alike(text: bytes) -> list[Any] | None:
    """Return a JSON list where orjson surely reads it as the parser does: without a key that stands twice, or a huge number."""
    squeezed = text.translate(None, _BLANKS)
    if b"\\u00" in text or b":-0" in squeezed or b"[-0" in squeezed or b",-0" in squeezed:
        return None
    try:
        value = orjson.loads(text)
        # Written again each key stands once; a quote and a colon within a text stand in both.
        if orjson.dumps(value).translate(None, _BLANKS).count(b'":') != squeezed.count(b'":'):
            return None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return None
    return None if b"0" * 16 in squeezed.translate(_DIGITS) and has_long_number(value) else value


def parsed_list(text: bytes, build: Callable[..., Any], name: str) -> list[Any]:
    """Return a JSON list as the parser reads it; raises as the parser does."""
    events = ijson.basic_parse(io.BytesIO(text))
    event, value = next(events)
    values = build(events, event, value, name)
    for _ in events:
        pass
    return values
