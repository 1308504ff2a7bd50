"""7z archives, unpacked into memory whole: their members are packed as one stream, so that none can be read alone.

The library is the extra ``7z``: what it brings is several times as large as the rest of reading.
"""

from __future__ import annotations

import io
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pipeline.errors import ArchiveRefused
from pipeline.ingest.files.member import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAMAGE = (TypeError, AssertionError, MemoryError, struct.error)
"""What the library raises besides its own errors where a header says what cannot be."""

MAGIC = b"7z\xbc\xaf\x27\x1c"


class SevenZip:
    """An open archive: its list at once, and its members when the first one is read.

    Raises
    ------
    ArchiveRefused
        When the library is not installed, or (raised when a member is opened) all members together are larger than ``max_bytes``.
    ValueError
        When the archive is damaged or encrypted.
    """

    def __init__(self, source: Path | io.BytesIO, max_bytes: int, name: str) -> None:
        self._source, self._max_bytes, self._name = source, max_bytes, name
        with self._opened() as archive:
            self.members = [
                Member(file.filename, file.is_directory, file.is_symlink or file.is_junction, special=file.is_socket)
                for file in archive.files
            ]
        self._names = {member.name for member in self.members}
        self._contents: dict[str, bytes] | None = None

    def has(self, name: str) -> bool:
        """Whether there is a member of that name."""
        return name in self._names

    def open(self, name: str) -> IO[bytes]:
        """Open a member for reading; all are unpacked when the first one is."""
        if self._contents is None:
            self._contents = self._unpacked()
        return io.BytesIO(self._contents[name])

    def _unpacked(self) -> dict[str, bytes]:
        from py7zr.io import BytesIOFactory

        contents = BytesIOFactory(self._max_bytes + 1)  # it cuts off what is longer: the archive's own limit ends all before that
        with self._opened() as archive:
            archive.extractall(factory=contents)
        for content in contents.products.values():
            content.seek(0)
        return {name: content.read() for name, content in contents.products.items()}

    def _too_large(self) -> ArchiveRefused:
        return ArchiveRefused(
            f"the archive unpacks to more than {self._max_bytes:,} bytes",
            where=self._name,
            do="If it is to be trusted, unpack it and give the folder, or raise --max-member-bytes",
        )

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            import py7zr
            from py7zr.exceptions import AbsolutePathError, ArchiveError, DecompressionBombError, PasswordRequired
        except ModuleNotFoundError as error:
            raise ArchiveRefused(
                f"a 7z archive needs {error.name}, which is not installed",
                where=self._name,
                do="Unpack it and give the folder, or install it: pip install 'safelight[7z]'",
            ) from error
        if isinstance(self._source, io.BytesIO):
            self._source.seek(0)
        try:
            with py7zr.SevenZipFile(self._source, max_extract_size=self._max_bytes) as archive:
                yield archive
        except DecompressionBombError as error:
            raise self._too_large() from error
        except (ArchiveError, AbsolutePathError, PasswordRequired, *_DAMAGE) as error:
            raise ValueError(type(error).__name__) from error
