"""What holds of every format: a small export is told for what it is, and `safelight formats` says how it is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_seeds import SEEDS, seed_bytes
from exports import read_all, write

from pipeline.ingest.detect import FORMATS
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
