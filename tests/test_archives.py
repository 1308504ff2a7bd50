"""Archives beside zip: tar, gzip, and what in them is refused."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from exports import read_all, write

from pipeline.errors import ArchiveRefused
from pipeline.ingest.find import FileFinder

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
