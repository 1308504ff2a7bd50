"""What holds of every format: a small export is told for what it is, and `safelight formats` says how it is made."""

from __future__ import annotations

import tracemalloc
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
