"""Lines of a text export."""

from __future__ import annotations

from collections.abc import Generator
from typing import BinaryIO

from pipeline.errors import ExportError
from pipeline.ingest.files.export_file import ExportFile

_LONGEST = 1 << 26
_BLOCK = 1 << 16
_MOST_BLANK = 1 << 22
_NEWLINE = b"\n"


def decoded_lines(file: ExportFile) -> Generator[tuple[int, str]]:
    r"""Yield the lines of a file in UTF-8 with their numbers from 1, without a byte order mark and without their ends.

    Lines end with ``\n``, or with ``\r\n`` where the first one does: nothing else ends one, for a message may hold it.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or longer than any message.
    """
    ending = "\n"
    for number, line in whole_lines(file):
        if number == 1 and line.endswith("\r\n"):
            ending = "\r\n"
        yield number, line.removesuffix(ending) if line.endswith(ending) else line.removesuffix("\n")


def whole_lines(file: ExportFile) -> Generator[tuple[int, str]]:
    r"""Yield the lines of a file as `decoded_lines` does, with the ``\n`` or ``\r\n`` that ends each.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or longer than any message.
    """
    number = 0
    with file.open() as stream:
        for block in line_blocks(stream, file.name, do="Check the file"):
            try:
                text = block.decode("utf-8-sig" if number == 0 else "utf-8")
            except UnicodeDecodeError:
                for raw in block.split(b"\n"):  # the lines before the damage are handed out, and the error names its own
                    number += 1
                    yield number, _decoded(raw, file, number) + "\n"
                continue
            *lines, last = text.split("\n")
            for number, line in enumerate(lines, number + 1):  # noqa: B020 - the count goes on from block to block
                yield number, line + "\n"
            if last:
                number += 1
                yield number, last


def line_blocks(stream: BinaryIO, name: str, *, do: str) -> Generator[bytes]:
    """Yield the rest of a stream in blocks of whole lines; ``name`` and ``do`` stand in an error.

    Raises
    ------
    ExportError
        When a line is longer than any message, or there are megabytes of blanks.
    """
    lines = blank = 0
    while block := stream.read(_BLOCK):
        if not block.endswith(b"\n"):
            rest = stream.readline(_LONGEST)
            block += rest
            if len(rest) == _LONGEST:
                where = f"{name}:{lines + block.count(_NEWLINE, 0, -1) + 1}"
                raise ExportError(f"a line of {_LONGEST:,} bytes or more", where=where, do=do)
        lines += block.count(b"\n")
        blank = blank + len(block) if block.isspace() else 0
        if blank > _MOST_BLANK:  # a megabyte of gzip holds a thousand of them
            what = f"over {_MOST_BLANK:,} bytes of nothing but blanks and line ends"
            raise ExportError(what, where=name, do="This is no chat; check the file")
        yield block


def _decoded(raw: bytes, file: ExportFile, line: int) -> str:
    try:
        return raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise ExportError(
            f"not UTF-8 at byte {error.start + 1} of the line",
            where=f"{file.name}:{line}",
            do="Export the chat again, and do not edit or convert the file",
        ) from error
