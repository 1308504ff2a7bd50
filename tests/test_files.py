"""Files, folders and archives: what is found, and what is refused before anything is read from it."""

from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from helpers.exports import read_all, write

from pipeline.errors import ArchiveRefused, ExportError, UnknownFormat
from pipeline.ingest.files.find import DEEPEST

CHAT = "[13/02/2024, 21:05:11] Kim: hello\n[14/02/2024, 21:06:00] Sam: hi\n"


def packed(path: Path, members: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_is_read_without_being_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path / "chat.zip", {"_chat.txt": CHAT, "IMG-1.jpg": b"\xff\xd8\xff\0", "__MACOSX/._chat.txt": b"\0\5\26\7"})
    (conversation,), log = read_all(path)
    assert [m.text for m in conversation.messages] == ["hello", "hi"]
    assert [str(m.source) for m in conversation.messages] == [f"{path}!/_chat.txt:1", f"{path}!/_chat.txt:2"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["chat.zip"]
    assert {one.name.rpartition("!/")[2] for one in log.passed_over} == {"IMG-1.jpg", "__MACOSX/._chat.txt"}
    assert log.warnings == []


def test_a_folder_is_read_through_with_its_archives(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", CHAT)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    packed(tmp_path / "deep" / "er" / "b.zip", {"_chat.txt": CHAT.replace("hello", "morning")})
    write(tmp_path / "notes.bin", b"\0\1\2")
    conversations, log = read_all(tmp_path)
    assert [len(list(c.messages)) for c in conversations] == [2, 2]
    assert [export.format for export in log.exports] == ["whatsapp", "whatsapp"]


def test_the_same_bytes_are_read_once(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", CHAT)
    write(tmp_path / "copy of a.txt", CHAT)
    conversations, log = read_all(tmp_path)
    assert len(conversations) == 1
    assert any("read once" in warning.what for warning in log.warnings)


@pytest.mark.parametrize("name", ["../chat.txt", "/etc/chat.txt", "a/../../chat.txt", "C:\\chat.txt", "..\\chat.txt"])
def test_a_member_that_points_outside_is_refused(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"_chat.txt": CHAT})
    raw = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, CHAT)
    assert path.read_bytes() != raw
    with pytest.raises(ArchiveRefused, match="points outside the archive"):
        read_all(path)


def test_a_symbolic_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("_chat.txt")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/hostname")
    with pytest.raises(ArchiveRefused, match="symbolic link"):
        read_all(tmp_path / "a.zip")


def test_a_zip_bomb_stops_at_the_guard_whatever_its_header_says(tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.zip", {"_chat.txt": CHAT + "a" * 5_000_000})
    with pytest.raises(ArchiveRefused, match="unpacks to more than 1,000,000 bytes"):
        read_all(path, max_member_bytes=1_000_000)
    honest = path.read_bytes()
    size = struct.pack("<I", len(CHAT) + 5_000_000)
    assert honest.count(size) == 2
    path.write_bytes(honest.replace(size, struct.pack("<I", 100)))
    with pytest.raises(ArchiveRefused):
        read_all(path, max_member_bytes=1_000_000)


def test_a_member_that_declares_more_than_it_has_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"_chat.txt": CHAT}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", len(CHAT)), struct.pack("<I", 0xFFFFFFF0)))
    with pytest.raises(ArchiveRefused):
        read_all(path)


def test_an_archive_of_archives_is_read(tmp_path: Path) -> None:
    inner = {name: packed(tmp_path / name, {"_chat.txt": CHAT.replace("Kim", name[0])}) for name in ("Pat.zip", "Sam.zip")}
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = packed(tmp_path / "all.zip", {name: file.read_bytes() for name, file in inner.items()}, compression)
        conversations, log = read_all(path)
        assert [(c.title, next(iter(c.messages)).speaker) for c in conversations] == [("Pat", "P"), ("Sam", "S")]
        assert str(next(iter(conversations[0].messages)).source) == f"{path}!/Pat.zip!/_chat.txt:1"
        assert log.warnings == []


def test_archives_in_archives_are_read_up_to_a_depth(tmp_path: Path) -> None:
    content = packed(tmp_path / "0.zip", {"_chat.txt": CHAT}).read_bytes()
    for depth in range(1, 6):
        content = packed(tmp_path / f"{depth}.zip", {"inner.zip": content}).read_bytes()
        if depth <= DEEPEST:
            (conversation,), _ = read_all(tmp_path / f"{depth}.zip")
            inner = "!/inner.zip" * depth
            assert str(next(iter(conversation.messages)).source) == f"{tmp_path / str(depth)}.zip{inner}!/_chat.txt:1"
        else:
            with pytest.raises(ArchiveRefused, match="archive in an archive"):
                read_all(tmp_path / f"{depth}.zip")


def test_an_archive_that_is_too_deep_or_has_another_extension_is_named_beside_a_chat(tmp_path: Path) -> None:
    inner = packed(tmp_path / "a.zip", {"_chat.txt": CHAT}).read_bytes()
    both = packed(tmp_path / "both.zip", {"_chat.txt": CHAT, "report.docx": inner})
    conversations, log = read_all(both)
    assert len(conversations) == 1
    assert any("archive in an archive" in one.reason for one in log.passed_over)


def test_the_guard_holds_for_an_archive_in_an_archive(tmp_path: Path) -> None:
    inner = packed(tmp_path / "inner.zip", {"_chat.txt": CHAT + "a" * 5_000_000})
    path = packed(tmp_path / "outer.zip", {"inner.zip": inner.read_bytes()})
    with pytest.raises(ArchiveRefused, match="unpacks to more than 1,000,000 bytes"):
        read_all(path, max_member_bytes=1_000_000)
    large = packed(tmp_path / "large.zip", {"inner.zip": b"PK\x03\x04" + b"\0" * 5_000_000})
    with pytest.raises(ArchiveRefused, match="unpacks to more than 1,000,000 bytes"):
        read_all(large, max_member_bytes=1_000_000)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"_chat.txt": CHAT}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(ArchiveRefused, match="password"):
        read_all(path)


@pytest.mark.parametrize("keep", [60, 150])
def test_a_damaged_archive_is_refused(keep: int, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"_chat.txt": CHAT * 20})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArchiveRefused, match="damaged"):
        read_all(path)


def test_a_changed_byte_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"_chat.txt": CHAT}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"hello", b"hullo"))
    with pytest.raises(ArchiveRefused, match="damaged"):
        read_all(path)


def test_a_member_that_begins_before_the_archive_is_refused(tmp_path: Path) -> None:
    """Found by fuzzing: the directory is moved, so that the member's place is a negative one."""
    path = packed(tmp_path / "a.zip", {"_chat.txt": CHAT}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    content[end + 16 : end + 20] = (end - size + 7).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(ArchiveRefused):
        read_all(path)


@pytest.mark.parametrize("name", [b"\0chat.txt", b"./././.."[:9]])
def test_a_member_without_a_name_is_refused(name: bytes, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"_chat.txt": CHAT}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"_chat.txt", name.ljust(9, b"\0")))
    with pytest.raises(ArchiveRefused, match=r"no name|outside"):
        read_all(path)


def test_an_archive_of_an_unknown_version_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"_chat.txt": CHAT}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 6] = 111
    path.write_bytes(content)
    with pytest.raises(ArchiveRefused, match="damaged"):
        read_all(path)


def test_an_empty_archive_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match="there is no file in it"):
        read_all(packed(tmp_path / "a.zip", {}))


def test_an_empty_file_and_an_empty_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="the file is empty"):
        read_all(write(tmp_path / "a.txt", ""))
    (tmp_path / "none").mkdir()
    with pytest.raises(UnknownFormat, match="there is no file in it"):
        read_all(tmp_path / "none")


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no such file or folder"):
        read_all(tmp_path / "a.txt")


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ExportError):
        read_all(tmp_path / "pipe")


def test_a_folder_that_contains_itself_by_a_link_is_walked_once(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", CHAT)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    conversations, _ = read_all(tmp_path)
    assert len(conversations) == 1


@pytest.mark.parametrize(
    ("name", "content", "format_"),
    [
        ("a.json", CHAT, "whatsapp"),
        ("a.txt", json.dumps({"conversation_id": "c", "speaker": "s", "timestamp": None, "text": "t"}) + "\n", "jsonl"),
        ("a.txt", "\ufeffconversation_id;speaker;timestamp;text\r\nc;s;;t\r\n", "csv"),
        ("a.dat", json.dumps({"name": "K", "type": "personal_chat", "id": 1, "messages": []}), None),
        ("chat.txt", "just some words\nand more of them\n", None),
        ("chat.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None),
        ("chat.json", "{}", None),
        ("chat.json", "[]", None),
        ("chat.jsonl.gz", b"\x1f\x8bnot really", None),
    ],
)
def test_a_format_is_told_from_the_content(name: str, content: str | bytes, format_: str | None, tmp_path: Path) -> None:
    path = write(tmp_path / name, content)
    if format_ is None:
        with pytest.raises(ExportError):
            read_all(path)
    else:
        _, log = read_all(path)
        assert [export.format for export in log.exports] == [format_]
