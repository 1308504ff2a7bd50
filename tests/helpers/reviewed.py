"""What the tests of the review share: a run made without a model, a store on it, and the servers they need."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection

from pipeline.config import Taxonomy
from pipeline.output import hashes_of, write_json
from pipeline.results import (
    CONVERSATIONS,
    RUN,
    SCORES,
    THRESHOLDS,
    conversations_schema,
    kept,
    open_run,
    scores_schema,
    stage_column,
)
from pipeline.review.accounts import add_reader
from pipeline.review.audit import append
from pipeline.review.decisions import confirm, decide, number_of
from pipeline.review.index import open_in_store
from pipeline.review.records import ConversationKey, Moderator, Role
from pipeline.review.store import Store, open_store

PASSWORD = "correct horse battery"  # noqa: S105

TURNED = [
    ("Kestrel", "hey how old are you", {"access": 0.9}, 0.2),
    ("Robin", "13 why", {}, 0.2),
    ("Kestrel", "you are so mature for that", {"trust": 0.8}, 0.7),
    ("Robin", "thanks", {}, 0.7),
    ("Kestrel", "this stays our secret ok", {"secrecy": 0.95}, 0.95),
    ("Robin", "no. bye", {}, 0.95),
]
PLAIN = [("Sam", "dinner is ready", {}, 0.05), ("Robin", "coming", {}, 0.05)]

Line = tuple[str | None, str, dict[str, float], float]


def make_run(
    path: Path,
    taxonomy: Taxonomy,
    conversations: dict[str, Sequence[Line]],
    *,
    text: str = "include",
    threshold: float = 0.9,
    titles: dict[str, str] | None = None,
) -> Path:
    """Write a run folder as `safelight score` does, with scores that are given."""
    path.mkdir(parents=True)
    keys = taxonomy.keys
    rows, summaries = [], []
    for number, (conversation_id, lines) in enumerate(conversations.items()):
        slots: dict[str, str] = {}
        for position, (speaker, words, stages, risk) in enumerate(lines, 1):
            slot = None if speaker is None else slots.setdefault(speaker, chr(ord("A") + len(slots)))
            rows.append(
                {
                    "conversation_id": conversation_id,
                    "message_id": f"m{position}",
                    "position": position,
                    "speaker_slot": slot,
                    "speaker": kept(speaker, text),  # pyright: ignore[reportArgumentType]
                    "kind": "message",
                    "timestamp": f"2026-11-{number % 28 + 1:02}T10:{position % 60:02}:00+00:00",
                    "text": kept(words, text),  # pyright: ignore[reportArgumentType]
                    **{stage_column(key): stages.get(key, 0.01) for key in keys},
                    "risk": risk,
                    "speaker_risk": risk if stages else 0.02,
                    "words": [{"start": 0, "end": 4, "weight": 0.5}] if stages else None,
                    "cues": None,
                    "source_file": "night.jsonl",
                    "source_line": len(rows) + 1,
                    "source_row": None,
                    "meta": '{"reply_to": "m1"}' if text == "include" and position == 2 else None,
                }
            )
        mine = rows[len(rows) - len(lines) :]
        peak = max(mine, key=lambda row: (row["risk"], -row["position"]))
        summaries.append(
            {
                "conversation_id": conversation_id,
                "platform": "game-chat" if number % 2 else "photo-app",
                "title": (titles or {}).get(conversation_id),
                "source_file": "night.jsonl",
                "messages": len(lines),
                "speakers": len(slots),
                "first_timestamp": mine[0]["timestamp"],
                "last_timestamp": mine[-1]["timestamp"],
                "risk": peak["risk"],
                "risk_position": peak["position"],
                "risk_slot": peak["speaker_slot"],
                **{stage_column(key): max(row[stage_column(key)] for row in mine) for key in keys},
            }
        )
    pq.write_table(pa.Table.from_pylist(rows, scores_schema(keys)), path / SCORES, row_group_size=4096)
    pq.write_table(pa.Table.from_pylist(summaries, conversations_schema(keys)), path / CONVERSATIONS, row_group_size=512)
    write_json(path / THRESHOLDS, {"risk": threshold, "stages": dict.fromkeys(keys, 0.5), "chosen": "for a test"})
    counts = {"flagged": 0, "conversations": 0}
    figures = {
        "corpus": dict.fromkeys(("labelled_conversations", "grooming_conversations", "ordinary_chat_conversations", "messages"), 0),
        "how": "made for a test",
        "conversations": {
            "grooming": counts,
            "ordinary": {"labelled_hard": counts, "labelled_plain": counts, "ordinary_chat": counts},
        },
    }
    write_json(
        path / RUN,
        {
            "format": "safelight-run/1",
            "started": "2026-11-24T10:00:00+00:00",
            "finished": "2026-11-24T10:00:01+00:00",
            "versions": {"safelight": "0"},
            "model": {"id": "0123456789abcdef", "name": "given", "kind": "baseline", "files": {}, "metrics": figures},
            "inputs": [{"file": "night.jsonl", "format": "table", "sha256": "0" * 64}],
            "settings": {"text": text},
            "counts": {"conversations": len(summaries), "rows": len(rows), "kinds": {"message": len(rows)}},
            "warnings": [],
            "taxonomy": taxonomy.model_dump(mode="json"),
            "files": hashes_of(path, (SCORES, CONVERSATIONS, THRESHOLDS)),
        },
    )
    return path


@dataclass(frozen=True)
class People:
    """Accounts of a test."""

    ana: Moderator
    ben: Moderator
    cy: Moderator


def add_people(store: Store) -> People:
    """Add an admin, a lead and a reader."""
    roles: dict[str, Role] = {"ana": "admin", "ben": "lead", "cy": "reader"}
    with store.writing() as connection:
        return People(**{name: add_reader(connection, name, PASSWORD, role=role, actor="cli") for name, role in roles.items()})


def read_through(connection: Connection, key: ConversationKey, reader: Moderator, positions: Sequence[int] = ()) -> None:
    """Note in the log that a reader opened a conversation and revealed messages."""
    append(connection, reader.name, "view", key.subject)
    for position in positions:
        append(connection, reader.name, "reveal", key.subject, position=position)


def opened(store: Store, run: Path) -> str:
    """Bring a run into a store."""
    return open_in_store(store, open_run(run), actor="cli")


def decided_folder(folder: Path, taxonomy: Taxonomy) -> Path:
    """Fill a folder with a run and a store in which two conversations are decided and one is not."""
    run = make_run(folder / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": [*PLAIN, *TURNED]})
    store = open_store(folder / "review.db")
    opened(store, run)
    people = add_people(store)
    identity = open_run(run).id
    with store.writing() as connection:
        turned, plain = (number_of(connection, ConversationKey(identity, name)) for name in ("dm-1", "dm-2"))
        made = decide(connection, turned, "refer", reason="danger", note=None, reader=people.cy, seen=None)
        decide(connection, plain, "dismiss", reason="friends", note=None, reader=people.cy, seen=None)
    with store.writing() as connection:
        read_through(connection, made.key, people.ben)
        confirm(connection, made.id, reader=people.ben, must_read=())
    store.close()
    return folder


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL server of Debian's in a folder of its own, and yield the URL of its database; it never runs as root."""
    programs = _programs()
    if programs is None:
        absent("PostgreSQL is not installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="safelight-postgresql-") as folder:
        user = None
        if os.getuid() == 0:
            user = next(name for name in ("postgres", "nobody") if _known(name))
            shutil.chown(folder, user)
        port = free_port()
        data = f"{folder}/data"

        def run(*command: str) -> None:
            done = subprocess.run(
                [str(programs / command[0]), *command[1:]], user=user, cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

        run("initdb", "-D", data, "-A", "trust", "-U", "safelight", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        run("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "safelight", "review")
            yield f"postgresql://safelight@127.0.0.1:{port}/review"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def absent(why: str) -> NoReturn:
    """Skip a test for what the machine lacks; where everything must be tested, fail it."""
    if os.environ.get("SAFELIGHT_TEST_EVERYTHING"):
        pytest.fail(why)
    pytest.skip(why)
