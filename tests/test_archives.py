"""Archives beside zip: tar, gzip, and what in them is refused."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, write

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.files.find import FileFinder

CHAT = "[13/02/2024, 21:05:11] Kim: hello\n[14/02/2024, 21:06:00] Sam: hi\n"


def tar(path: Path, members: dict[str, bytes], mode: Any = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz")])
def test_tar_archives_are_read_within_the_limits(name: str, mode: str, tmp_path: Path) -> None:
    inner = tar(tmp_path / "inner.tar", {"deep.txt": CHAT.replace("Kim", "Pat").encode()})
    path = tar(tmp_path / name, {"x/_chat.txt": CHAT.encode(), "inner.tar": inner.read_bytes()}, mode)
    conversations, _ = read_all(path)
    sources = sorted(str(next(iter(c.messages)).source) for c in conversations)
    assert sources == [f"{path}!/inner.tar!/deep.txt:1", f"{path}!/x/_chat.txt:1"]
    with pytest.raises(ArchiveRefused, match="unpacks to more than"):
        read_all(path, max_member_bytes=50)


@pytest.mark.parametrize(("type_", "words"), [(tarfile.SYMTYPE, "link"), (tarfile.LNKTYPE, "link"), (tarfile.CHRTYPE, "neither")])
def test_a_tar_member_that_is_no_file_is_refused(type_: bytes, words: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("_chat.txt")
        info.type, info.linkname = type_, "/etc/hostname"
        archive.addfile(info)
    with pytest.raises(ArchiveRefused, match=words):
        read_all(tmp_path / "a.tar")


@pytest.mark.parametrize("name", ["_chat.txt", "a.jsonl", "a.json", "a.csv"])
def test_any_export_may_be_packed_with_gzip(name: str, tmp_path: Path) -> None:
    record = {"conversation_id": "c", "speaker": "s", "timestamp": None, "text": "hi"}
    content = {
        "_chat.txt": CHAT,
        "a.jsonl": json.dumps(record),
        "a.json": json.dumps([record]),
        "a.csv": "conversation_id,speaker,timestamp,text\nc,s,,hi\n",
    }[name]
    conversations, _ = read_all(write(tmp_path / f"{name}.gz", gzip.compress(content.encode())))
    assert len(conversations) == 1


def test_two_members_of_one_name_are_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("_chat.txt", CHAT)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("_chat.txt", CHAT.replace("Kim", "Pat"))
    finder = FileFinder()
    assert len(list(finder.find(tmp_path / "a.zip"))) == 1
    assert "two members" in str(finder.refused[0].error)


def seven_zip(path: Path, members: dict[str, bytes], **how: Any) -> Path:
    py7zr = pytest.importorskip("py7zr", reason="7z archives need the extra 7z")
    with py7zr.SevenZipFile(path, "w", **how) as archive:
        for name, content in members.items():
            archive.writestr(content, name)
    return path


def test_7z_archives_are_read_within_the_limits(tmp_path: Path) -> None:
    inner = seven_zip(tmp_path / "inner.7z", {"deep.txt": CHAT.replace("Kim", "Pat").encode()})
    members = {"x/_chat.txt": CHAT.encode(), "inner.7z": inner.read_bytes(), "photo.jpg": b"\xff\xd8\xff"}
    path = seven_zip(tmp_path / "a.7z", members)
    conversations, _ = read_all(path)
    sources = sorted(str(next(iter(c.messages)).source) for c in conversations)
    assert sources == [f"{path}!/inner.7z!/deep.txt:1", f"{path}!/x/_chat.txt:1"]
    with pytest.raises(ArchiveRefused, match="unpacks to more than 50 bytes"):
        read_all(path, max_member_bytes=50)


@pytest.mark.parametrize("size", [20, 60])
def test_a_7z_archive_that_is_cut_off_or_locked_is_a_clear_error(size: int, tmp_path: Path) -> None:
    path = seven_zip(tmp_path / "a.7z", {"_chat.txt": CHAT.encode()})
    with pytest.raises(ArchiveRefused, match="damaged"):
        read_all(write(tmp_path / "cut.7z", path.read_bytes()[:size]))
    with pytest.raises(ArchiveRefused, match=r"password|damaged"):
        read_all(seven_zip(tmp_path / "locked.7z", {"_chat.txt": CHAT.encode()}, password="rye"))  # noqa: S106


def test_a_7z_archive_names_the_extra_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(300))
    monkeypatch.setitem(sys.modules, "py7zr", None)
    with pytest.raises(ArchiveRefused, match=r"pip install 'safelight\[7z\]'"):
        read_all(path)


def test_a_7z_archive_with_any_changed_byte_is_read_or_refused(tmp_path: Path) -> None:
    content = seven_zip(tmp_path / "a.7z", {"x/_chat.txt": CHAT.encode(), "photo.jpg": b"\xff\xd8\xff"}).read_bytes()
    refused = 0
    for place in range(6, len(content), 5):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        start, size = struct.unpack("<QQ", changed[12:28])  # sums that fit, so that the header itself is read
        changed[28:32] = struct.pack("<I", zlib.crc32(changed[32 + start : 32 + start + size]))
        changed[8:12] = struct.pack("<I", zlib.crc32(changed[12:32]))
        try:
            read_all(write(tmp_path / "b.7z", bytes(changed)))
        except ExportError:
            refused += 1
    assert refused > len(content) / 10
