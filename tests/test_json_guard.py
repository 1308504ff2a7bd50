"""JSON that no exporter writes: nested deep, or with numbers that nothing can hold; in every reader, in little memory."""

from __future__ import annotations

import json
import random
import tracemalloc
from pathlib import Path

import pytest
from helpers.exports import read_all, write

from pipeline.errors import ExportError
from pipeline.ingest.parsing.json_guard import DEEPEST, JsonGuard

ROW = {"conversation_id": "c", "speaker": "s", "timestamp": None, "text": "hello"}
TELEGRAM = {"id": 1, "type": "message", "date": "2024-01-01T00:00:00", "from": "a", "from_id": "user1", "text": "hello"}
DISCORD = {"id": "1", "type": "Default", "timestamp": "2024-01-01T00:00:00+00:00", "content": "hello", "author": {"id": "9"}}
SNAP = {"From": "kim", "Media Type": "TEXT", "Created": "2024-01-01 00:00:00 UTC", "Content": "hello"}
META = {"sender_name": "Kim", "timestamp_ms": 1704067200000, "content": "hello"}
SLACK = {"type": "message", "ts": "1704067200.000100", "user": "U1", "text": "hello"}
SIGNAL = {"date": "2024-01-01 00:00:00", "sender": "Kim", "body": "hello", "reactions": [], "attachments": [], "quote": ""}
UTTERANCE = {"id": "1", "conversation_id": "1", "speaker": "a", "text": "hello", "reply-to": None, "timestamp": 1, "meta": {}}

READERS = {
    "table.jsonl": (ROW, "%s\n"),
    "table.json": (ROW, "[%s]"),
    "result.json": (TELEGRAM, '{"name": "K", "type": "personal_chat", "id": 1, "messages": [%s]}'),
    "channel.json": (DISCORD, '{"guild": {"id": "1"}, "channel": {"id": "2", "type": "x", "name": "n"}, "messages": [%s]}'),
    "chat_history.json": (SNAP, '{"kim": [%s]}'),
    "message_1.json": (META, '{"participants": [{"name": "Kim"}], "messages": [%s], "title": "t"}'),
    "general/2024-01-01.json": (SLACK, "[%s]"),
    "data.json": (SIGNAL, "%s\n"),
    "utterances.jsonl": (UTTERANCE, "%s\n"),
}
HOSTILE = {
    "lists 900 deep": "[" * 900 + "]" * 900,
    "objects 30,000 deep": '{"a":' * 30_000 + "1" + "}" * 30_000,
    "a huge exponent": "1e999999999",
    "a negative huge number": "-5E+400",
    "100,000 digits": "9" * 100_000,
}


def hostile(path: Path, reader: str, value: str) -> Path:
    row, around = READERS[reader]
    good = json.dumps(row)
    file = path / reader
    file.parent.mkdir(exist_ok=True)
    joined = "\n" if around == "%s\n" else ",\n"
    write(file, around % joined.join([*[good] * 2000, good[:-1] + f', "extra": {value}}}']))
    if reader == "utterances.jsonl":
        write(path / "conversations.json", "{}")
    return file


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("what", HOSTILE)
def test_every_reader_names_it_in_bounded_memory(reader: str, what: str, tmp_path: Path) -> None:
    file = hostile(tmp_path, reader, HOSTILE[what])
    tracemalloc.start()
    with pytest.raises(ExportError, match=r"nested more than 100 deep|larger than any in a chat") as caught:
        read_all(file if reader not in ("general/2024-01-01.json", "utterances.jsonl") else tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.name in str(caught.value)
    assert peak < 100_000_000


@pytest.mark.parametrize("reader", READERS)
def test_what_an_exporter_may_write_is_read(reader: str, tmp_path: Path) -> None:
    file = hostile(tmp_path, reader, "[" * 60 + '"[[{{\\"\\\\", -1.5e3, 1e300' + "]" * 60)
    conversations, _ = read_all(file if reader not in ("general/2024-01-01.json", "utterances.jsonl") else tmp_path)
    assert sum(len(list(c.messages)) for c in conversations) == 2001


def test_the_guard_counts_as_a_parser_does_wherever_blocks_are_cut() -> None:
    chance = random.Random(4)  # noqa: S311

    def value(depth: int) -> object:
        choice = chance.randint(0, 3)
        if choice == 0 and depth:
            return [value(depth - 1) for _ in range(chance.randint(0, 3))]
        if choice == 1 and depth:
            return {chance.choice(['"', "\\", "[[{", 'a\\"']) + str(i): value(depth - 1) for i in range(chance.randint(0, 3))}
        return chance.choice(["[" * 200, '\\"', "\\", "9" * 500, "1e9999", 1.5, 10**18, True, None])

    for _ in range(300):
        raw = json.dumps([value(6), 1], ensure_ascii=False).encode()
        for size in (1, 2, 7, 64):
            guard = JsonGuard("a.json")
            assert b"".join(guard.check(raw[at : at + size]) for at in range(0, len(raw), size)) == raw


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("bad", ['"\\""' + "[" * (DEEPEST + 1), "[" + "1" * 401, "[1e0001000", "[1E+309", '["\\\\",1e999999999'])
def test_the_guard_refuses_wherever_blocks_are_cut(bad: str, size: int) -> None:
    guard, raw = JsonGuard("a.json"), bad.encode() + b" "
    with pytest.raises(ExportError, match=r"a\.json:1"):
        for at in range(0, len(raw), size):
            guard.check(raw[at : at + size])
