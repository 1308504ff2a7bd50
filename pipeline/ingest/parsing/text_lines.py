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
    for first, lines, ended in lines_by_block(file):
        *whole, last = lines
        for number, line in enumerate(whole, first):
            yield number, line + "\n"
        yield first + len(whole), last + "\n" if ended else last


def lines_by_block(file: ExportFile) -> Generator[tuple[int, list[str], bool]]:
    r"""Yield the lines of a file as `whole_lines` does, some at once: the number of the first, the lines without their ``\n``.

    The last says whether a ``\n`` ends the last of them. There is always one.

    Raises
    ------
    ExportError
        When a line is not UTF-8, or longer than any message.
    """
    number = 1
    with file.open() as stream:
        for block in line_blocks(stream, file.name, do="Check the file"):
            ended = block.endswith(b"\n")
            try:
                lines = block.decode("utf-8-sig" if number == 1 else "utf-8").split("\n")
            except UnicodeDecodeError:
                for line_number, raw in enumerate(block.split(b"\n"), number):  # the lines before the damage are handed out
                    yield line_number, [_decoded(raw, file, line_number)], True
                continue
            if not lines[-1]:
                lines.pop()
            if lines:
                yield number, lines, ended
            number += len(lines)


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
        if error.end == len(raw) and "end of data" in error.reason:
            where, do = f"{file.name}:{line}", "Copy or export it again, whole"
            raise ExportError("cut off within a letter, or not UTF-8", where=where, do=do) from error
        raise ExportError(
            f"not UTF-8 at byte {error.start + 1} of the line",
            where=f"{file.name}:{line}",
            do="Export the chat again, and do not edit or convert the file",
        ) from error
