"""Time and memory of the readers on large exports, beside `json.load` and other parsers, in one run.

::

    make bench-ingest MESSAGES=1000000

Each row is a process of its own: messages a second of processor time, how many times as fast Safelight is, and the peak of its
resident memory. ``safelight`` reads into the tables that scoring takes, ``safelight, as objects`` one message at a time. Parsers
that are not installed are left out; `make bench-ingest` installs those that can be into an environment of their own. Not collected
by pytest.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2020, 1, 1, tzinfo=UTC)
WORDS = ("see you at training later then", "ok", "haha no way", "did you do the homework for tomorrow?", "👍", "no\nreally not")


def rows(count: int) -> Iterator[tuple[int, str, datetime, str]]:
    """Yield number, speaker, time and words."""
    for number in range(count):
        yield number, ("Kim", "Sam")[number % 3 == 0], START + timedelta(seconds=37 * number), WORDS[number % len(WORDS)]


def write_whatsapp(folder: Path, count: int) -> Path:
    path = folder / "chat.txt"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"[{moment:%d/%m/%Y, %H:%M:%S}] {speaker}: {words}\n" for _, speaker, moment, words in rows(count))
    return path


def write_list(path: Path, opening: str, objects: Iterator[object], closing: str) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write(opening)
        for number, value in enumerate(objects):
            file.write((",\n" if number else "") + json.dumps(value, ensure_ascii=False))
        file.write(closing)
    return path


def write_telegram(folder: Path, count: int) -> Path:
    objects = (
        {"id": n, "type": "message", "date": f"{t:%Y-%m-%dT%H:%M:%S}", "date_unixtime": str(int(t.timestamp())), "from": s}
        | {"from_id": f"user{len(s) + ord(s[0])}", "text": w, "text_entities": [{"type": "plain", "text": w}]}
        for n, s, t, w in rows(count)
    )
    return write_list(folder / "result.json", '{"name": "Kim", "type": "personal_chat", "id": 7, "messages": [', objects, "]}")


def write_discord(folder: Path, count: int) -> Path:
    author = {"discriminator": "0000", "color": None, "isBot": False, "roles": [], "avatarUrl": "https://cdn.example/avatar.png"}
    objects = (
        {"id": str(10**17 + n), "type": "Default", "timestamp": t.isoformat(), "timestampEdited": None, "callEndedTimestamp": None}
        | {"isPinned": False, "content": w, "author": {"id": str(ord(s[0])), "name": s, "nickname": s, **author}}
        | {"attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [], "inlineEmojis": []}
        for n, s, t, w in rows(count)
    )
    opening = '{"guild": {"id": "1", "name": "g"}, "channel": {"id": "2", "name": "c"}, "messages": ['
    return write_list(folder / "channel.json", opening, objects, f'], "messageCount": {count}}}')


def write_meta(folder: Path, count: int) -> Path:
    """Write ten thousand messages a file, newest first, as Meta does."""
    thread = folder / "kim_7"
    thread.mkdir()
    everything = list(rows(count))[::-1]
    for number, start in enumerate(range(0, count, 10_000), 1):
        objects = (
            {"sender_name": s, "timestamp_ms": int(t.timestamp() * 1000), "content": w.encode().decode("latin-1")}
            for _, s, t, w in everything[start : start + 10_000]
        )
        opening = '{"participants": [{"name": "Kim"}, {"name": "Sam"}], "messages": ['
        write_list(thread / f"message_{number}.json", opening, objects, '], "title": "Kim", "thread_path": "inbox/kim_7"}')
    return thread


def night(count: int) -> Iterator[dict[str, str]]:
    """Yield the messages as records of a table."""
    for n, s, t, w in rows(count):
        yield {"conversation_id": f"c{n // 500}", "message_id": str(n), "speaker": s, "timestamp": t.isoformat(), "text": w}


def write_csv(folder: Path, count: int) -> Path:
    path = folder / "night.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["conversation_id", "message_id", "speaker", "timestamp", "text"])
        writer.writeheader()
        writer.writerows(night(count))
    return path


def write_parquet(folder: Path, count: int) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "night.parquet"
    pq.write_table(pa.Table.from_pylist(list(night(count))), path)
    return path


def write_jsonl(folder: Path, count: int) -> Path:
    path = folder / "night.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in night(count))
    return path


def read_safelight(path: Path) -> int:
    from pipeline.ingest import ReadLog, ReadOptions, read_conversations

    return sum(1 for chat in read_conversations([path], ReadOptions(date_order="dmy"), ReadLog()) for _ in chat.messages)


def read_safelight_tables(path: Path) -> int:
    """Read as scoring does: into tables of whole conversations."""
    from pipeline.ingest import ReadLog, ReadOptions
    from pipeline.ingest.read import open_units
    from pipeline.scoring.batches import Batch, unit_batches

    options = ReadOptions(date_order="dmy")
    count = 0
    for number, unit in enumerate(open_units([path], options, ReadLog())):
        for event in unit_batches(unit, number, options, text="include"):
            if isinstance(event, Batch):
                count += sum(len(chats.values) for chats in event.chats.column("messages").chunks)
            elif event.error is not None:
                raise event.error
    return count


def read_json_load(path: Path) -> int:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    count = 0
    for file in files:
        with file.open(encoding="utf-8") as stream:
            count += len(json.load(stream)["messages"])
    return count


def read_lines(path: Path) -> int:
    with path.open(encoding="utf-8") as stream:
        return len([json.loads(line) for line in stream])


def read_csv(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as stream:
        return len(list(csv.DictReader(stream)))


def read_pylist(path: Path) -> int:
    import pyarrow.parquet as pq

    return len(pq.read_table(path).to_pylist())


def read_whatstk(path: Path) -> int:
    from whatstk import WhatsAppChat  # pyright: ignore[reportMissingImports]

    return len(WhatsAppChat.from_source(filepath=str(path)).df)


def read_chat_miner(path: Path) -> int:
    from chatminer import chatparsers  # pyright: ignore[reportMissingImports]

    parser = {"chat.txt": chatparsers.WhatsAppParser, "result.json": chatparsers.TelegramJsonParser}[path.name](str(path))
    parser.parse_file()
    return len(parser.parsed_messages.get_df())


def read_chatpack(path: Path) -> int:
    import chatpack  # pyright: ignore[reportMissingImports]

    parse = {"chat.txt": chatpack.parse_whatsapp, "result.json": chatpack.parse_telegram, "channel.json": chatpack.parse_discord}
    return len(parse[path.name](str(path)))


_WARM = 1_000
PLACES = {
    "whatsapp": "chat.txt",
    "telegram": "result.json",
    "discord": "channel.json",
    "meta": "kim_7",
    "jsonl": "night.jsonl",
    "csv": "night.csv",
    "parquet": "night.parquet",
}
WRITERS: dict[str, Callable[[Path, int], Path]] = {
    "whatsapp": write_whatsapp,
    "telegram": write_telegram,
    "discord": write_discord,
    "meta": write_meta,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}
READERS: dict[str, tuple[Callable[[Path], int], tuple[str, ...]]] = {
    "safelight": (read_safelight_tables, tuple(WRITERS)),
    "safelight, as objects": (read_safelight, tuple(WRITERS)),
    "json.load": (read_json_load, ("telegram", "discord", "meta")),
    "json.loads a line": (read_lines, ("jsonl",)),
    "csv.DictReader": (read_csv, ("csv",)),
    "pyarrow, as rows": (read_pylist, ("parquet",)),
    "whatstk": (read_whatstk, ("whatsapp",)),
    "chat-miner": (read_chat_miner, ("whatsapp", "telegram")),
    "chatpack": (read_chatpack, ("whatsapp", "telegram", "discord")),
}


def measure(reader: str, path: Path) -> None:
    """Read once and print seconds of processor time, messages and the peak in MiB, as JSON.

    A small export is read before, so that what a reader loads once does not count.
    """
    format_ = next(format_ for format_, place in PLACES.items() if place == path.name)
    with tempfile.TemporaryDirectory() as folder:
        READERS[reader][0](WRITERS[format_](Path(folder), _WARM))
    start = time.process_time()
    count = READERS[reader][0](path)
    seconds = time.process_time() - start
    print(json.dumps([seconds, count, _peak()]))


def _peak() -> float:
    """Return the peak of this process in MiB; what `getrusage` says is inherited from the process that began it."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Write the exports, then run every reader on each in a process of its own."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=1_000_000)
    arguments.add_argument("--formats", nargs="+", default=list(WRITERS), choices=list(WRITERS))
    arguments.add_argument("--readers", nargs="+", default=list(READERS), choices=list(READERS))
    arguments.add_argument("--measure", nargs=2)
    options = arguments.parse_args()
    if options.measure:
        measure(options.measure[0], Path(options.measure[1]))
        return
    print("| export | MiB | reader | messages read | messages/s of processor time | Safelight is times as fast | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    for format_ in options.formats:
        with tempfile.TemporaryDirectory() as folder:
            path = WRITERS[format_](Path(folder), options.messages)
            size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.iterdir())) / 2**20
            own = 0.0
            for reader, (_, formats) in READERS.items():
                if format_ in formats and reader in options.readers:
                    speed, read, peak = _result(reader, path)
                    own = own or speed
                    ratio = f"{own / speed:.2f}" if speed else "–"
                    print(f"| {format_} | {size:.0f} | {reader} | {read} | {speed:,.0f} | {ratio} | {peak} |", flush=True)


def _result(reader: str, path: Path) -> tuple[float, str, str]:
    """Return messages a second, how many messages were read, or what went wrong, and the peak in MiB."""
    command = [sys.executable, __file__, "--measure", reader, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1][:60] if done.stderr.strip() else f"exit code {done.returncode}"
        return 0.0, f"failed: {reason.partition(':')[0]}", "–"
    seconds, count, peak = json.loads(done.stdout.strip().splitlines()[-1])
    return count / seconds, f"{count:,}", f"{peak:,.0f}"


if __name__ == "__main__":
    main()
