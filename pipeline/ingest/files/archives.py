"""Archives as they lie: zip, tar and 7z. Each is opened once and kept open while it is read; nothing is written to disk."""

from __future__ import annotations

import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from pipeline.errors import ArchiveRefused
from pipeline.ingest.files.member import Member
from pipeline.ingest.files.seven_zip import MAGIC, SevenZip

MAX_MEMBERS = 100_000

DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, KeyError, IndexError, OverflowError, AttributeError),
)
"""What the libraries raise on archives that are damaged, encrypted or of an unknown kind."""

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC, _TAR_AT = b"ustar", 257
HEAD_BYTES = _TAR_AT + len(_TAR_MAGIC)
"""How much of a file tells whether it is an archive."""

_KEPT_OPEN = 4


class Archive(Protocol):
    """An open archive."""

    members: list[Member]

    def has(self, name: str) -> bool:
        """Whether there is a member of that name."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open a member for reading; raises `DAMAGE`."""
        ...


class _Zip:
    def __init__(self, source: Path | io.BytesIO) -> None:
        self._zip = zipfile.ZipFile(source)
        self.members = [
            Member(info.filename, folder=info.filename.endswith("/"), link=stat.S_ISLNK(info.external_attr >> 16))
            for info in self._zip.infolist()
        ]

    def has(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def open(self, name: str) -> IO[bytes]:
        return self._zip.open(name)


class _Tar:
    def __init__(self, source: Path | io.BytesIO) -> None:
        self._stream = source.open("rb") if isinstance(source, Path) else source
        try:
            self._tar = tarfile.open(fileobj=self._stream, mode="r:")  # noqa: SIM115 - kept open, and closed by `__del__`
            self._of: dict[str, tarfile.TarInfo] = {}
            self.members: list[Member] = []
            for info in self._tar:
                self._of[info.name] = info
                link = info.issym() or info.islnk()
                self.members.append(Member(info.name, info.isdir(), link, not (info.isfile() or info.isdir() or link)))
                if len(self.members) > MAX_MEMBERS:
                    break
        except DAMAGE:
            self._stream.close()
            raise

    def __del__(self) -> None:
        self._stream.close()

    def has(self, name: str) -> bool:
        return name in self._of

    def open(self, name: str) -> IO[bytes]:
        stream = self._tar.extractfile(self._of[name])
        if stream is None:
            raise KeyError(name)
        return stream


def archive_kind(head: bytes) -> str | None:
    """Return ``zip``, ``tar`` or ``7z`` for a file that begins so; ``None`` when it is none. Takes `HEAD_BYTES` of it."""
    if head.startswith(_ZIP_MAGIC):
        return "zip"
    if head.startswith(MAGIC):
        return "7z"
    return "tar" if head[_TAR_AT:HEAD_BYTES] == _TAR_MAGIC else None


Key = tuple[object, ...]
_open: OrderedDict[Key, Archive] = OrderedDict()


Source = tuple[str, Path | io.BytesIO]
"""The kind of an archive, and where its bytes are."""


def open_archive(path: Path, chain: tuple[str, ...], source: Callable[[], Source], name: str, max_bytes: int) -> Archive:
    """Return the archive at a path, or at the end of a chain of members of it; one that was opened lately is not opened again.

    Raises
    ------
    ArchiveRefused
        When it is damaged.
    """
    try:
        about = path.stat()
        key = (os.getpid(), path, chain, max_bytes, about.st_ino, about.st_size, about.st_mtime_ns)
        if key in _open:
            _open.move_to_end(key)
            return _open[key]
        kind, where = source()
        archive = SevenZip(where, max_bytes, name) if kind == "7z" else _Zip(where) if kind == "zip" else _Tar(where)
    except DAMAGE as error:
        raise ArchiveRefused("the archive is damaged", where=name, do="Copy or export it again") from error
    _open[key] = archive
    while len(_open) > _KEPT_OPEN:
        _open.popitem(last=False)
    return archive
