"""Lines of a text export."""

from __future__ import annotations

from collections.abc import Generator
from typing import BinaryIO

from pipeline.errors import ExportError
from pipeline.ingest.files import ExportFile

_LONGEST = 1 << 26
_BLOCK = 1 << 16
_MOST_BLANK = 1 << 22
_NEWLINE = b"\n"


class EmptyLines:
    """Counts the line ends that stand one after another, block after block: a megabyte of gzip holds a thousand of them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bytes = 0

    def count(self, block: bytes) -> None:
        """Count a block.

        Raises
        ------
        ExportError
            When blocks that are all blank came to `_MOST_BLANK` bytes.
        """
        self._bytes = self._bytes + len(block) if block.isspace() else 0
        if self._bytes > _MOST_BLANK:
            raise ExportError(
                f"over {_MOST_BLANK:,} bytes of nothing but blanks and line ends",
                where=self._name,
                do="This is no chat; check the file",
            )


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
        for block in _blocks(stream, file):
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


def _blocks(stream: BinaryIO, file: ExportFile) -> Generator[bytes]:
    """Yield the file in blocks of whole lines.

    Raises
    ------
    ExportError
        When a line is longer than any message.
    """
    lines = 0
    empty = EmptyLines(file.name)
    while block := stream.read(_BLOCK):
        if not block.endswith(b"\n"):
            rest = stream.readline(_LONGEST)
            block += rest
            if len(rest) == _LONGEST:
                where = f"{file.name}:{lines + block.count(_NEWLINE, 0, -1) + 1}"
                raise ExportError(f"a line of {_LONGEST:,} bytes or more", where=where, do="Check the file")
        lines += block.count(b"\n")
        empty.count(block)
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
