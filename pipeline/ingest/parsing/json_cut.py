"""The long lists of a JSON export cut out of the stream before its parser, and read by orjson a block at a time.

The parser sees the file with every run of objects of a list ``messages`` replaced by one small object, which names the run. It
still checks all that stands around them. What orjson may read otherwise than the parser is read by the parser.
"""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Callable
from typing import Any

import ijson
import numpy as np
import orjson

from pipeline.ingest.parsing.json_damage import PARSER_ERRORS
from pipeline.ingest.parsing.json_line import has_long_number

_LONGEST = 1 << 20
"""Bytes of one object; where one is longer nothing more is cut."""

_BRACKETS = bytes(code in b'"{}[]' for code in range(256))
_STEPS = np.zeros(256, np.int64)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
_QUOTE, _OPEN, _CLOSE, _LIST = b'"{}['
_KEY = re.compile(rb'"messages"\s*:\s*\Z')
_BLANKS = b" \t\r\n"
_DIGITS = bytes(ord("0") if code in b"0123456789" else ord(" ") for code in range(256))

Build = Callable[[bytes], list[Any]]
"""Reads a JSON list with the parser."""


class ListCutter:
    """Cuts the objects out of lists ``messages`` nested ``depths`` deep; ``build`` reads what orjson might not read alike."""

    def __init__(self, depths: tuple[int, ...], build: Build) -> None:
        self.token = secrets.token_hex(16)
        self._depths = depths
        self._build = build
        self._runs: dict[int, list[Any]] = {}
        self._count = 0
        self._depth = 0
        self._list: int | None = None
        self._held = b""
        self._ended = False

    def take(self, number: int) -> list[Any]:
        """Return the objects of a run; those of earlier runs, which nobody took, are forgotten."""
        for earlier in [run for run in self._runs if run < number]:
            del self._runs[earlier]
        return self._runs.pop(number)

    def feed(self, block: bytes) -> bytes:
        """Return what the parser is to see of the next block."""
        if self._ended:
            return block
        data = self._held + block
        plain = data.replace(b"\\\\", b"  ").replace(b'\\"', b"  ") if b"\\" in data else data
        places = np.flatnonzero(np.frombuffer(plain.translate(_BRACKETS), np.bool_))
        codes = np.frombuffer(plain, np.uint8)[places]
        quotes = codes == _QUOTE
        outside = ~quotes & (np.cumsum(quotes) % 2 == 0)
        places, codes = places[outside], codes[outside]
        depths = np.cumsum(_STEPS[codes]) + self._depth
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
            inner, kinds = depths[at:stop], codes[at:stop]
            if ((kinds == _LIST) & (inner == self._list + 1)).any():
                self._ended = True  # a list in the list: no exporter writes it
                return b"".join(shown) + data[start:]
            opens = places[at:stop][(kinds == _OPEN) & (inner == self._list + 1)]
            closes = places[at:stop][(kinds == _CLOSE) & (inner == self._list)]
            if len(closes):
                first, last = int(opens[0]), int(closes[-1]) + 1
                cut = self._cut(data[first:last])
                if cut is None:
                    self._ended = True  # damaged: the parser says where, after what stands before it
                    return b"".join(shown) + data[start:]
                shown += [data[start:first], cut]
                start = rest = last
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

    def _cut(self, run: bytes) -> bytes | None:
        text = b"[" + run + b"]"
        try:
            objects = read_alike(text)
            if objects is None:
                objects = self._build(text)
        except PARSER_ERRORS:
            return None
        number, self._count = self._count, self._count + 1
        self._runs[number] = objects
        return b'{"%s":%d}' % (self.token.encode(), number)


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
    objects = build(events, event, value, name)
    for _ in events:
        pass
    return objects
