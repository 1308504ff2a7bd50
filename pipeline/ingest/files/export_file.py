"""Files of an export, wherever they lie: alone, in a folder, or in archives that are never unpacked to disk."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.files.archives import DAMAGE, HEAD_BYTES, Archive, Source, archive_kind, open_archive
from pipeline.ingest.files.encodings import RecodedStream, is_utf8, marked_encoding
from pipeline.ingest.files.quoted import UnquotedStream
from pipeline.ingest.files.shown import shown
from pipeline.ingest.options import MAX_MEMBER_BYTES

GZIP_MAGIC = b"\x1f\x8b"
_BLOCK = 1 << 16


@dataclass(frozen=True)
class ExportFile:
    """One file of an export: a path, or a member of the archive at that path, or of archives in that one (``outer``).

    ``encoding`` is what the text is in where that is not UTF-8 and no byte order mark says it; ``cr_only`` says that carriage
    returns end its lines; ``mark`` is what stands before each of them. Whatever they are, and where the file is packed with gzip,
    `open` gives the text alone, in UTF-8.
    """

    path: Path
    member: str | None = None
    max_bytes: int = MAX_MEMBER_BYTES
    outer: tuple[str, ...] = ()
    encoding: str | None = None
    cr_only: bool = False
    mark: str = ""

    @cached_property
    def name(self) -> str:
        """The name shown in sources and errors: ``path`` or ``path!/member``."""
        return "!/".join([shown(self.path), *self._chain])

    @property
    def _chain(self) -> tuple[str, ...]:
        return self.outer if self.member is None else (*self.outer, self.member)

    @cached_property
    def location(self) -> PurePosixPath:
        """The path that folders are grouped by."""
        return PurePosixPath(self.path.as_posix()).joinpath(*self._chain)

    def open(self) -> BinaryIO:
        """Open for reading bytes from the start; what is packed with gzip or not in UTF-8 is read as if it were neither.

        Raises
        ------
        ExportError
            When the file cannot be opened, or its text is not in the encoding that it says.
        ArchiveRefused
            When it is encrypted, damaged, or unpacks to more than ``max_bytes`` (raised while reading).
        """
        return self._open()[0]

    def _open(self) -> tuple[BinaryIO, bool]:
        """Return the open file, and whether its bytes are read as they lie there."""
        raw, packed = self._open_unpacked()
        try:
            self._know(marked_encoding=marked_encoding(raw.peek(4)[:4]))
            encoding = self.encoding or self.marked_encoding
        except ExportError:
            raw.close()
            raise
        if encoding is None and not self.cr_only and not self.mark:
            return raw, not packed
        if encoding is not None or self.cr_only:
            raw = io.BufferedReader(RecodedStream(raw, encoding, self.name, cr_only=self.cr_only), _BLOCK)
        if self.mark:
            raw = io.BufferedReader(UnquotedStream(raw, self.mark, self.name), _BLOCK)
        return raw, False

    def open_raw(self) -> io.BufferedReader:
        """Open for reading the bytes as they lie there; raises as `open` does."""
        if self.member is None:
            try:
                return self.path.open("rb")
            except OSError as error:
                raise unreadable(self.path, error) from error
        archive = self.archive()
        try:
            stream = archive.open(self.member)
        except DAMAGE as error:
            raise ArchiveRefused(
                f"the archive member cannot be opened ({type(error).__name__})",
                where=self.name,
                do="If it is protected by a password, unpack it first; if it is damaged, export again",
            ) from error
        damaged = "the archive is damaged: this member does not unpack to what was packed"
        return io.BufferedReader(_Guarded(stream, self, damaged, "the member"), _BLOCK)

    def open_bytes(self) -> io.BufferedReader:
        """Open for reading the bytes in whatever encoding, unpacked where they are packed with gzip; raises as `open` does."""
        return self._open_unpacked()[0]

    def _open_unpacked(self) -> tuple[io.BufferedReader, bool]:
        """Return the file open, and whether it is packed with gzip."""
        raw = self.open_raw()
        try:
            packed = raw.peek(2)[:2] == GZIP_MAGIC
        except (OSError, ExportError) as error:
            raw.close()
            raise unreadable(self.path, error) if isinstance(error, OSError) else error from None
        if not packed:
            return raw, False
        damaged = "the file is packed with gzip, and is damaged or cut off"
        return io.BufferedReader(_Guarded(gzip.GzipFile(fileobj=raw), self, damaged, "the file", also=raw.close), _BLOCK), True

    @cached_property
    def marked_encoding(self) -> str | None:
        """The encoding that a byte order mark says, but for UTF-8's."""
        with self._open_unpacked()[0] as stream:
            return marked_encoding(stream.read(4))

    @cached_property
    def is_utf8(self) -> bool:
        """Whether the text is UTF-8 for sure: of a file that is no longer than its head, which is not opened again for it."""
        return False

    def _know(self, **values: object) -> None:
        """Keep what was seen on the way, so that a file among thousands is opened as seldom as can be."""
        self.__dict__.update(values)

    def sibling(self, name: str, *, above: int = 0) -> ExportFile | None:
        """Return the file of that name beside this one, in the same folder or archive; ``None`` when there is none.

        It is looked for so many folders ``above``. A link that leads out of the folder is none.
        """
        if self.member is None:
            beside = self.path.parents[above] / name
            inside = beside.resolve().parent == beside.parent.resolve()
            return ExportFile(beside, max_bytes=self.max_bytes) if inside and beside.is_file() else None
        member = str(PurePosixPath(self.member).parents[above] / name)
        return ExportFile(self.path, member, self.max_bytes, self.outer) if self.archive().has(member) else None

    def inside(self, name: str) -> ExportFile:
        """Return a member of the archive that this file is."""
        return ExportFile(self.path, name, self.max_bytes, self._chain)

    @cached_property
    def container(self) -> ExportFile:
        """The archive that this file is a member of."""
        *outer, last = self.outer or (None,)
        return ExportFile(self.path, last, self.max_bytes, tuple(name for name in outer if name is not None))

    def archive(self) -> Archive:
        """Return the open archive that this file is a member of."""
        return self.container.as_archive()

    def as_archive(self) -> Archive:
        """Return the archive that this file is, open; one in an archive, or packed with gzip, is unpacked into memory.

        Raises
        ------
        ArchiveRefused
            When it is none, damaged, or unpacks to more than ``max_bytes``.
        """
        return open_archive(self.path, self._chain, self._source, self.name, self.max_bytes)

    def _source(self) -> Source:
        kind = archive_kind(self.head(HEAD_BYTES))
        if kind is None:
            raise ArchiveRefused("it is no archive", where=self.name, do="Check the path")
        with self.open_raw() as raw:
            if self.member is None and raw.peek(2)[:2] != GZIP_MAGIC:
                return kind, self.path
        with self._open_unpacked()[0] as stream:
            return kind, io.BytesIO(stream.read())

    def head(self, size: int = _BLOCK) -> bytes:
        """Return the first ``size`` bytes."""
        stream, as_it_lies = self._open()
        with stream:
            try:
                head = stream.read(size)
                if len(head) < size:
                    self._know(is_utf8=is_utf8(head))
                    if as_it_lies:
                        self._know(sha256=hashlib.sha256(head).hexdigest())
                return head
            except OSError as error:
                raise unreadable(self.path, error) from error

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the content as it lies there, in hex."""
        digest = hashlib.sha256()
        with self.open_raw() as stream:
            try:
                while block := stream.read(_BLOCK):
                    digest.update(block)
            except OSError as error:
                raise unreadable(self.path, error) from error
        return digest.hexdigest()


class _Guarded(io.RawIOBase):
    """What is unpacked, as a raw stream that stops when more comes out than was allowed."""

    def __init__(
        self, stream: IO[bytes] | gzip.GzipFile, file: ExportFile, damaged: str, what: str, also: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self._stream = stream
        self._file = file
        self._left = file.max_bytes
        self._damaged = damaged
        self._what = what
        self._also = also

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            block = self._stream.read(len(buffer))
        except DAMAGE as error:
            raise ArchiveRefused(self._damaged, where=self._file.name, do="Copy or export it again") from error
        self._left -= len(block)
        if self._left < 0:
            raise ArchiveRefused(
                f"{self._what} unpacks to more than {self._file.max_bytes:,} bytes",
                where=self._file.name,
                do="If it is to be trusted, unpack it and give the file itself, or raise --max-member-bytes",
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            if self._also is not None:
                self._also()
        super().close()


def is_archive(file: ExportFile) -> bool:
    """Tell a zip, tar or 7z archive, packed with gzip or not, by its first bytes."""
    return archive_kind(file.head(HEAD_BYTES)) is not None


def unreadable(path: Path, error: OSError) -> ExportError:
    """Return the error for a path that the system will not let us read."""
    reason = error.strerror or type(error).__name__
    return ExportError(f"cannot be read ({reason})", where=shown(path), do="Check the path and its permissions")
