"""Coverage-guided fuzzing of one reader (atheris): no crash, no hang, no growth, and no text that cannot be written.

::

    make fuzz FORMAT=whatsapp SECONDS=600

Not collected by pytest. What it finds becomes a test of that reader.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports]
from helpers.export_seeds import SEEDS, seed_bytes

with atheris.instrument_imports(include=["pipeline.ingest"]):  # pyright: ignore[reportAttributeAccessIssue]
    from pipeline.errors import SafelightError
    from pipeline.ingest import ReadLog, ReadOptions, read_conversations
    from pipeline.ingest.detection.detect import FORMATS
    from pipeline.ingest.times.day_periods import hour_of, says_nothing
    from pipeline.ingest.times.long_dates import from_long_date
    from pipeline.ingest.times.named_months import MonthNames

    # The readers are imported when they are first needed, which is too late for the instruments.
    for known in FORMATS.values():
        known.load()

HOSTILE_SHARE = 0.15

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
# Where each format's one file lies, and the sample that the fuzzer begins with. `detect` and `zip` are told by content.
PLACES: dict[str, tuple[str, str]] = {
    "whatsapp": ("chat.txt", "whatsapp-family.txt"),
    "telegram": ("result.json", "telegram/result.json"),
    "meta": ("message_1.json", "your_instagram_activity/messages/inbox/tomi_118/message_1.json"),
    "discord": ("channel.json", "discord.json"),
    "snapchat": ("chat_history.json", "chat_history.json"),
    "slack": ("general/2024-05-20.json", ""),
    "signal": ("Lou/data.json", "signal/Aunt Lou/data.json"),
    "signal-markdown": ("Lou/chat.md", "signal/Aunt Lou/chat.md"),
    "imessage": ("messages.csv", "imessage.csv"),
    "pan12": ("pan12.xml", "pan12.xml"),
    "convokit": ("utterances.jsonl", "convokit/utterances.jsonl"),
    "jsonl": ("night.jsonl", "platform-night.jsonl"),
    "json": ("night.json", ""),
    "csv": ("chats.csv", "group-chats.csv"),
    "parquet": ("family.parquet", "family.parquet"),
    "zip": ("chat.zip", "whatsapp-coach.zip"),
    "detect": ("file", "whatsapp-family.txt"),
} | {name: (place, "") for name, (place, _) in SEEDS.items()}

NAMES = ("", "", "", "caf\u00e9 \u202egnp", "a\x1b[31m\nb", "x" * 200, os.fsdecode(b"caf\xe9"), "..\\..\\up", "%s{0}'\"")
"""What a file's name may begin with: nothing, marks that terminals obey, bytes that are no UTF-8, and more."""

HOSTILE = (
    *(b"[" * 900, b'{"a":' * 900, b'[{"messages":' * 120, b"<b>" * 900, b"<div class='message'>" * 300),
    *(b"9" * 400, b"9" * 5000, b"1e999999999", b"-0.0e-999999999", b"18446744073709551616", b"NaN"),
    *(b"\x00", b"\x1b]0;x\x07", b"\\ud800", b"\xed\xa0\x80", b"\xff\xfe", "\u202e".encode(), b"\r", b"\n" * 3000),
    *(b"," * 3000, b";" * 3000, b'"', b"9999-99-99", b"0000-00-00T00:00:00Z", b"31/02/2024, 25:61"),
)
"""What breaks parsers: depth, numbers, marks, line ends, columns, times."""

_IN_FOLDERS = frozenset({"snapchat", "slack", "signal", "signal-markdown"})


def seed(name: str) -> bytes:
    """Return what the fuzzer begins with."""
    if name in SEEDS:
        return seed_bytes(name)
    if name == "slack":
        with zipfile.ZipFile(SAMPLES / "slack-export.zip") as archive:
            return archive.read("match-day/2024-05-20.json")
    if name == "json":
        lines = (SAMPLES / "platform-night.jsonl").read_text("utf-8").splitlines()[:5]
        return json.dumps([json.loads(line) for line in lines]).encode()
    return (SAMPLES / PLACES[name][1]).read_bytes()


def mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """Put something hostile somewhere now and then; else do as libFuzzer does."""
    chance = random.Random(seed)  # noqa: S311
    if chance.random() > HOSTILE_SHARE:
        return atheris.Mutate(data, len(data))
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((0, 0, 1, 20)))
    return (data[:start] + chance.choice(HOSTILE) + data[end:])[:max_size]


def main() -> None:
    """Fuzz the reader that the first argument names; libFuzzer's own options follow."""
    name = sys.argv.pop(1)
    folder = Path(tempfile.mkdtemp(prefix="safelight-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "seed").write_bytes(seed(name))
    usual = folder / "export" / PLACES[name][0]
    usual.parent.mkdir(parents=True)
    format_ = None if name in ("detect", "zip") else name.partition("-")[0]
    options = ReadOptions(format=format_, date_order="dmy", max_member_bytes=1 << 22)

    # The words of all languages load once, which takes seconds.
    says_nothing("warm")
    hour_of("warm", 1)
    MonthNames().read("13 warm 2024, 9:05")
    with contextlib.suppress(ValueError):
        from_long_date("13 warm 2024 9:05")

    def one(data: bytes) -> None:
        place = usual
        if name not in _IN_FOLDERS and (start := NAMES[zlib.crc32(data) % len(NAMES)]):
            place = usual.with_name(start + usual.name)
        place.write_bytes(data)
        try:
            read(place)
        finally:
            if place != usual:
                place.unlink()

    def read(place: Path) -> None:
        log = ReadLog()
        rows = 0
        try:
            for conversation in read_conversations([place.parent if name in _IN_FOLDERS else place], options, log):
                for message in conversation.messages:
                    rows += 1
                    message.text.encode("utf-8")
                    (message.speaker or "").encode("utf-8")
                    io.StringIO().write(f"{message.source} {message.message_id}")
        except SafelightError as error:
            str(error).encode("utf-8")
        else:
            if rows != log.kinds.total():
                raise AssertionError("rows were not counted")

    atheris.Setup([sys.argv[0], *sys.argv[1:], str(corpus)], one, custom_mutator=mutated)
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
