"""Where a JSON file is damaged, by line and byte.

The parser's own messages quote the text around the damage and count no bytes, so they are never passed on: when it gives up, the
file is read again to find the place.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

import ijson

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.json_escapes import EscapeMender

PARSER_ERRORS = (ijson.JSONError, UnicodeDecodeError, ArithmeticError)
"""What the parser raises on damage; a number that nothing can hold is the last."""

_BLOCK = 1 << 16
_BARE_DOCUMENT_ID = re.compile(rb'"document_id":\s*[^"\s,}]*\Z')


def json_damage(file: ExportFile, *, hex_escapes: bool) -> ExportError:
    """Return the error for a file that the parser refused: read again to find the byte."""
    at = _first_refused(file, hex_escapes=hex_escapes)
    wrong = _first_not_utf8(file, before=at)
    line, tail = _up_to(file, at if wrong is None else wrong)
    if wrong is not None:
        what, do = f"not valid UTF-8 at byte {wrong}", "Export it again, or save it as UTF-8"
    elif at is None:
        size = max((start + len(block) for start, block in _blocks(file)), default=0)
        what, do = f"the JSON is cut off: the file ends at byte {size}, inside a value", "Copy or export it again, whole"
    elif _BARE_DOCUMENT_ID.search(tail):
        what = f"not valid JSON at byte {at}: a `document_id` without quotation marks, as Telegram Desktop 4.1.1 wrote it"
        do = "Update Telegram Desktop and export again"
    else:
        what, do = f"not valid JSON at byte {at}", "Export it again; do not edit the file by hand"
    return ExportError(what, where=f"{file.name}:{line}", do=do)


def _first_refused(file: ExportFile, *, hex_escapes: bool) -> int | None:
    """Return the offset of the byte at which the parser gives up; ``None``: it wants more at the end.

    The parser cannot say, so it is fed again: by blocks to find the block, then that block by bytes.
    """
    refused = _feed(_blocks(file), hex_escapes=hex_escapes)
    if refused is None:
        return None
    return _feed(_split(_blocks(file), refused), hex_escapes=hex_escapes)


def _split(blocks: Iterator[tuple[int, bytes]], first: int) -> Iterator[tuple[int, bytes]]:
    """Yield the blocks before ``first`` whole, and the others byte by byte."""
    for start, block in blocks:
        if start < first:
            yield start, block
        else:
            yield from ((start + i, block[i : i + 1]) for i in range(len(block)))


def _feed(pieces: Iterator[tuple[int, bytes]], *, hex_escapes: bool) -> int | None:
    """Return the offset of the first piece that the parser refuses."""
    mender, parser = EscapeMender(hex_escapes=hex_escapes), ijson.basic_parse_coro(_Nowhere())
    for start, piece in pieces:
        start -= mender.held
        mended = mender.feed(piece)
        if mended and not _accepts(parser, mended):
            return start
    return None


def _accepts(parser: Any, block: bytes) -> bool:
    try:
        parser.send(block)
    except PARSER_ERRORS:
        return False
    return True


class _Nowhere:
    """Takes events and forgets them."""

    def send(self, event: object) -> None:
        pass


def _first_not_utf8(file: ExportFile, *, before: int | None) -> int | None:
    """Return the offset of the first byte that is not UTF-8, if it is why the parser gave up."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start, block in _blocks(file):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            wrong = start - held + error.start
            return wrong if before is None or wrong <= before else None
    return None


def _up_to(file: ExportFile, at: int | None) -> tuple[int, bytes]:
    """Return the line that a byte stands in, and what stands before it and at it, as far as that matters."""
    line, tail = 1, b""
    for start, block in _blocks(file):
        part = block if at is None else block[: max(0, at - start)]
        line += part.count(b"\n")
        tail = (tail + part)[-256:]
    return line, tail


def _blocks(file: ExportFile) -> Iterator[tuple[int, bytes]]:
    """Yield the file in blocks with their offsets, without a byte order mark."""
    with file.open() as raw:
        start = len(codecs.BOM_UTF8)
        first = raw.read(start)
        if first != codecs.BOM_UTF8:
            yield 0, first
            start = len(first)
        while block := raw.read(_BLOCK):
            yield start, block
            start += len(block)
