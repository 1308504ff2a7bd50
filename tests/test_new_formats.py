"""What holds of every format: a small export is told for what it is, and `safelight formats` says how it is made."""

from __future__ import annotations

import gzip
import io
import re
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from helpers.export_seeds import SEEDS, seed_bytes
from helpers.exports import read_all, write

from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.ingest.detection.detect import FORMATS
from pipeline.ingest.how_to_export import HOW


def test_every_format_says_how_it_is_made() -> None:
    assert HOW.keys() == FORMATS.keys()
    assert all(HOW.values())


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_a_small_export_is_told_without_its_name(name: str, tmp_path: Path) -> None:
    conversations, log = read_all(write(tmp_path / "file", seed_bytes(name)))
    assert [export.format for export in log.exports] == [name.partition("-")[0]]
    messages = [message for conversation in conversations for message in conversation.messages]
    assert sum(message.kind == "message" and message.speaker is not None for message in messages) > 0
    assert log.kinds.total() == len(messages)


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_the_format_can_be_named_for_a_folder(name: str, tmp_path: Path) -> None:
    write(tmp_path / SEEDS[name][0], seed_bytes(name))
    write(tmp_path / "photo.jpg", b"\xff\xd8\xff\xe0")
    _, log = read_all(tmp_path, format=name.partition("-")[0])
    assert [export.format for export in log.exports] == [name.partition("-")[0]]


def contents(path: Path) -> list[tuple[str, list[tuple[str | None, str, str]]]]:
    conversations, _ = read_all(path, date_order="dmy")
    return [(chat.platform, [(m.speaker, m.kind, m.text.replace("\r\n", "\n")) for m in chat.messages]) for chat in conversations]


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_an_export_that_was_packed_or_saved_again_says_the_same(name: str, tmp_path: Path) -> None:
    place, content = SEEDS[name][0], seed_bytes(name)
    expected = contents(write(tmp_path / place, content))
    made = {f"{place}.gz": gzip.compress(content), "deep.zip": zipped(f"a/b/{place}", content)}
    made |= {"windows.zip": zipped(f"a\\b\\{place}", content)}
    if not content.startswith(b"PK"):
        made |= {f"mark-{place}": b"\xef\xbb\xbf" + content, f"crlf-{place}": re.sub(rb"\r?\n", b"\r\n", content)}
        if name != "mbox":  # each mail says its own encoding
            made[f"utf16-{place}"] = content.decode("utf-8").encode("utf-16")
    for file, saved in made.items():
        (tmp_path / file).mkdir()
        assert contents(write(tmp_path / file / file.rpartition("-")[2], saved)) == expected, file


_BLOCK = (
    '<div class="message"><div class="received"><p><span class="timestamp">Feb 13, 2024  9:05:11 PM</span>'
    '<span class="sender">Kim</span></p><hr><div class="message_part"><span class="bubble">number {}</span></div></div></div>\n'
)


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("[LINE] Chat history with Robin\nSaved on: 2024/02/14 08:00\n\n2024/02/13(Tue)\n", "21:05\tRobin\tnumber {}\n"),
        ("--- Log opened Tue Feb 13 21:05:00 2024\n", "21:05 <@robin> number {}\n"),
        ("<html><body>\n", _BLOCK),
    ],
    ids=["line", "irc", "imessage_exporter"],
)
def test_memory_does_not_grow_with_the_export(head: str, row: str, tmp_path: Path) -> None:
    peaks = []
    for count in (1_000, 4_000):
        rows = "".join(row.format(f"{number} {'x' * 1_200}") for number in range(count))  # more than is read at once
        file = write(tmp_path / str(count), f"{head}{rows}" + "</html>" * head.startswith("<"))
        tracemalloc.start()
        for conversation in read_conversations([file], ReadOptions(), ReadLog()):
            assert sum(1 for _ in conversation.messages) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 300_000
