"""Files of an export, wherever they lie: alone, in a folder, or in a zip archive that is never unpacked to disk."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.encodings import RecodedStream, marked_encoding
from pipeline.ingest.options import MAX_MEMBER_BYTES

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
GZIP_MAGIC = b"\x1f\x8b"
MAX_MEMBERS = 100_000
_BLOCK = 1 << 20


@dataclass(frozen=True)
class ExportFile:
    """One file of an export: a path, or a member of the zip archive at that path, or of an archive in that one (``outer``).

    ``encoding`` is what the text is in where that is not UTF-8 and no byte order mark says it; ``cr_only`` says that carriage
    returns end its lines. Whatever they are, `open` gives UTF-8.
    """

    path: Path
    member: str | None = None
    max_bytes: int = MAX_MEMBER_BYTES
    outer: str | None = None
    encoding: str | None = None
    cr_only: bool = False

    @cached_property
    def name(self) -> str:
        """The name shown in sources and errors: ``path`` or ``path!/member``."""
        return "!/".join([str(self.path), *(part for part in (self.outer, self.member) if part is not None)])

    @property
    def location(self) -> PurePosixPath:
        """The path that folders are grouped by."""
        return PurePosixPath(self.path.as_posix()) / (self.outer or "") / (self.member or "")

    def open(self) -> BinaryIO:
        """Open for reading bytes from the start; a text that is not in UTF-8 is read as if it were.

        Raises
        ------
        ExportError
            When the file cannot be opened, or its text is not in the encoding that it says.
        ArchiveRefused
            When the member is encrypted, damaged, or unpacks to more than ``max_bytes`` (raised while reading).
        """
        raw = self.open_raw()
        try:
            encoding = self.encoding or marked_encoding(raw.peek(4)[:4]) or ("utf-8" if self.cr_only else None)
        except ExportError:
            raw.close()
            raise
        if encoding is None:
            return raw
        return io.BufferedReader(RecodedStream(raw, encoding, self.name, cr_only=self.cr_only), _BLOCK)

    def open_raw(self) -> io.BufferedReader:
        """Open for reading the bytes as they lie there; raises as `open` does."""
        if self.member is None:
            try:
                return self.path.open("rb")
            except OSError as error:
                raise unreadable(self.path, error) from error
        return io.BufferedReader(_GuardedMember(self), _BLOCK)

    @cached_property
    def marked_encoding(self) -> str | None:
        """The encoding that a byte order mark says, but for UTF-8's."""
        with self.open_raw() as stream:
            return marked_encoding(stream.read(4))

    def sibling(self, name: str) -> ExportFile | None:
        """Return the file of that name beside this one, in the same folder or archive; ``None`` when there is none."""
        if self.member is None:
            beside = self.path.with_name(name)
            return ExportFile(beside) if beside.is_file() else None
        member = str(PurePosixPath(self.member).with_name(name))
        with self.archive() as archive:
            return ExportFile(self.path, member, self.max_bytes, self.outer) if member in archive.namelist() else None

    def archive(self) -> zipfile.ZipFile:
        """Open the archive that this file is a member of."""
        if self.outer is None:
            return _open_archive(self.path, str(self.path))
        return _open_archive(io.BytesIO(_inner_archive(self.path, self.outer, self.max_bytes)), f"{self.path}!/{self.outer}")

    def head(self, size: int = 1 << 16) -> bytes:
        """Return the first ``size`` bytes."""
        with self.open() as stream:
            return stream.read(size)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the content as it lies there, in hex."""
        digest = hashlib.sha256()
        with self.open_raw() as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()


@lru_cache(maxsize=1)
def _inner_archive(path: Path, member: str, max_bytes: int) -> bytes:
    """Return the bytes of an archive in an archive; the last one is kept, for its members are read one after another."""
    with ExportFile(path, member, max_bytes).open_raw() as stream:
        return stream.read()


class _GuardedMember(io.RawIOBase):
    """A zip member as a raw stream that stops when more comes out than was allowed."""

    def __init__(self, file: ExportFile) -> None:
        super().__init__()
        self._file = file
        self._left = file.max_bytes
        self._archive = file.archive()
        try:
            self._stream = self._archive.open(file.member or "")
        except (RuntimeError, NotImplementedError, zipfile.BadZipFile, KeyError, OSError, ValueError, EOFError) as error:
            self._archive.close()
            raise ArchiveRefused(
                f"the archive member cannot be opened ({type(error).__name__})",
                where=file.name,
                do="If it is protected by a password, unpack it first; if it is damaged, export again",
            ) from error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            block = self._stream.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise ArchiveRefused(
                "the archive is damaged: this member does not unpack to what was packed",
                where=self._file.name,
                do="Copy or export the archive again",
            ) from error
        self._left -= len(block)
        if self._left < 0:
            raise ArchiveRefused(
                f"the member unpacks to more than {self._file.max_bytes:,} bytes",
                where=self._file.name,
                do="If the archive is to be trusted, unpack it and give the file itself, or raise --max-member-bytes",
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._archive.close()
        super().close()


def is_archive(file: ExportFile) -> bool:
    """Tell a zip archive by its first bytes."""
    return file.head(4) in (ZIP_MAGIC, EMPTY_ZIP_MAGIC)


def _open_archive(archive: Path | io.BytesIO, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise ArchiveRefused("the zip archive is damaged", where=name, do="Copy or export it again") from error
    except OSError as error:
        raise unreadable(Path(name), error) from error


def unreadable(path: Path, error: OSError) -> ExportError:
    """Return the error for a path that the system will not let us read."""
    reason = error.strerror or type(error).__name__
    return ExportError(f"cannot be read ({reason})", where=str(path), do="Check the path and its permissions")


def find_files(path: Path, *, max_member_bytes: int = MAX_MEMBER_BYTES) -> Iterator[ExportFile]:
    """Yield the files at a path: itself, everything below a folder, every member of an archive; in the order of their names.

    Hidden files and the resource forks that macOS puts into archives are passed over.

    Raises
    ------
    ExportError
        When the path does not exist or cannot be read.
    ArchiveRefused
        When an archive is damaged or not safe: see ``_members``.
    """
    if not path.exists():
        raise ExportError("there is no such file or folder", where=str(path), do="Check the path")
    if path.is_dir():
        for file in _walk(path):
            yield from _file_or_members(file, max_member_bytes)
    else:
        yield from _file_or_members(path, max_member_bytes)


def _walk(folder: Path) -> Iterator[Path]:
    """Yield what lies below a folder; links to folders are not followed, so that no walk goes round."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    for entry in entries:
        if entry.name.startswith((".", "__MACOSX")):
            continue
        if not entry.is_dir():
            yield entry
        elif not entry.is_symlink():
            yield from _walk(entry)


def _file_or_members(path: Path, max_member_bytes: int) -> Iterator[ExportFile]:
    if not path.is_file():
        raise ExportError("neither a file nor a folder", where=str(path), do="Give a chat export, or a folder of them")
    file = ExportFile(path)
    if is_archive(file) and not _is_workbook(file):
        yield from _members(path, max_member_bytes)
    else:
        yield file


def _is_workbook(file: ExportFile) -> bool:
    """Whether an archive is a workbook of Excel's, which is read as one file."""
    with file.archive() as archive:
        return "xl/workbook.xml" in archive.namelist()


def _members(path: Path, max_member_bytes: int, outer: str | None = None) -> Iterator[ExportFile]:
    """Yield the members of an archive, and those of each zip archive in it; deeper ones stay closed."""
    whole = ExportFile(path, "", max_member_bytes, outer)
    with whole.archive() as archive:
        members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ArchiveRefused(f"the archive holds {len(members):,} members", where=whole.name, do="Unpack it and give the folder")
    for info in sorted(members, key=lambda info: info.filename):
        name = PurePosixPath(info.filename.replace("\\", "/"))
        file = ExportFile(path, info.filename, max_member_bytes, outer)
        if not name.parts:
            raise ArchiveRefused("a member has no name", where=file.name, do="Copy or export the archive again")
        if name.is_absolute() or ".." in name.parts or name.parts[0].endswith(":"):
            raise ArchiveRefused("a member's name points outside the archive", where=file.name, do="Do not trust this archive")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ArchiveRefused("a member is a symbolic link", where=file.name, do="Do not trust this archive")
        if info.is_dir() or name.name.startswith(".") or name.parts[0] == "__MACOSX":
            continue
        if outer is None and name.suffix.casefold() == ".zip" and is_archive(file):
            yield from _members(path, max_member_bytes, info.filename)
        else:
            yield file
