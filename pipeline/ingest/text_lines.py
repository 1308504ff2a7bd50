"""Lines of a text export."""

from __future__ import annotations

from collections.abc import Generator

from pipeline.errors import ExportError
from pipeline.ingest.files import ExportFile

_LONGEST = 1 << 26


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
    with file.open() as stream:
        number = 0
        while raw := stream.readline(_LONGEST):
            number += 1
            if len(raw) == _LONGEST:
                raise ExportError(f"a line of {_LONGEST:,} bytes or more", where=f"{file.name}:{number}", do="Check the file")
            yield number, _decoded(raw, file, number)


def _decoded(raw: bytes, file: ExportFile, line: int) -> str:
    try:
        return raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise ExportError(
            f"not UTF-8 at byte {error.start + 1} of the line",
            where=f"{file.name}:{line}",
            do="Export the chat again, and do not edit or convert the file",
        ) from error
