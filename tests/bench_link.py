"""Measure `safelight link` on a simulated network of scored rows: what it finds of what was planted, time, memory, growth.

    python tests/bench_link.py --messages 100000 1000000 10000000 --accounts 100000

No model reads the rows: every message gets a score by chance, and a share of ordinary accounts and conversations get false ones.
The runs keep hashes, as those of a platform would. Each size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import resource
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from helpers.linked import ROOT, TAXONOMY, write_record
from numpy.typing import NDArray

from pipeline.link.link import link
from pipeline.link.tables import read_accounts, read_patterns
from pipeline.results import CONVERSATIONS, SCORES, conversations_schema, scores_schema

EXPORTS = 4
PLATFORMS = ("discord", "telegram")
LENGTH = 20
FALSE_SIGNS = 0.01
FALSE_ALERTS = 0.002
_KEYS = TAXONOMY.keys
_CHUNK = 20_000


@dataclass(frozen=True)
class Network:
    """Who writes to whom in each conversation, which of them are planted, which reach an alert, and where."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    planted: NDArray[np.bool_]
    alerts: NDArray[np.bool_]
    platform: NDArray[np.int64]
    names: NDArray[np.str_]


def simulate(folder: Path, messages: int, accounts: int, seed: int) -> dict[str, Any]:
    """Write a run of each of four exports, and return what is planted.

    A person has one account, in one export or in several; two of a thousand act, each toward three to six others. Half of the
    messages of an actor to a target have a stage. `FALSE_SIGNS` of all other messages have one, and in `FALSE_ALERTS` of all other
    conversations somebody reaches the alert threshold.
    """
    rng = np.random.default_rng(seed)
    total = messages // LENGTH
    accounts = min(accounts, total)
    actors = max(2, min(accounts // 500, total // 40))
    pairs = np.array(
        [
            (actor, target)
            for actor in range(actors)
            for target in rng.choice(np.arange(actors, accounts), rng.integers(3, 7), False)
        ]
    )
    one = rng.integers(actors, accounts, total - len(pairs))
    other = (one - actors + rng.integers(1, accounts - actors, len(one))) % (accounts - actors) + actors
    first = np.concatenate([pairs[:, 0], one])
    second = np.concatenate([pairs[:, 1], other])
    planted = np.arange(total) < len(pairs)
    alerts = planted | (rng.random(total) < FALSE_ALERTS)
    export = rng.integers(0, EXPORTS, total)
    platform = first % 2
    names = np.array([hashlib.sha256(f"person {number}".encode()).hexdigest() for number in range(accounts)])
    for number in range(EXPORTS):
        rows = rng.permutation(np.flatnonzero(export == number))
        _write_run(folder / f"run{number}", number, rows, Network(first, second, planted, alerts, platform, names), rng)
    seen: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for person, where, form in zip(first.tolist() + second.tolist(), export.tolist() * 2, platform.tolist() * 2, strict=True):
        seen[person].add((where, form))
    duplicates = sum(
        len([place for place in places if place[1] == form]) - 1
        for places in seen.values()
        for form in {place[1] for place in places}
    )
    return {"actors": {int(actor) for actor in pairs[:, 0]}, "names": names, "duplicates": duplicates, "conversations": total}


def _write_run(folder: Path, number: int, rows: NDArray[np.int64], network: Network, rng: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    with (
        pq.ParquetWriter(folder / SCORES, scores_schema(_KEYS), compression="zstd") as scores,
        pq.ParquetWriter(folder / CONVERSATIONS, conversations_schema(_KEYS), compression="zstd") as conversations,
    ):
        for start in range(0, len(rows), _CHUNK):
            several = rows[start : start + _CHUNK]
            count = len(several)
            conversation = np.repeat(several, LENGTH)
            turn = np.tile(np.arange(LENGTH), count)
            is_first = turn % 2 == 0
            sign = np.where(
                network.planted[conversation] & is_first, rng.random(len(turn)) < 0.5, rng.random(len(turn)) < FALSE_SIGNS
            )
            stage = rng.integers(0, len(_KEYS), len(turn))
            risky = network.alerts[conversation] & is_first
            seconds = (conversation % 90_000) * 300 + turn * 60
            times = (np.datetime64("2024-01-01T00:00:00") + seconds.astype("timedelta64[s]")).astype(str)
            probabilities = {
                f"stage_{key}": np.where(sign & (stage == bit), 0.9, 0.01).astype(np.float32) for bit, key in enumerate(_KEYS)
            }
            length = pa.array([None] * len(turn), pa.null())
            ids = np.char.add("c", conversation.astype(str))
            columns: dict[str, Any] = {
                "conversation_id": ids,
                "message_id": np.char.add(np.char.add(ids, "-"), turn.astype(str)),
                "position": (turn + 1).astype(np.int32),
                "speaker_slot": np.where(is_first, "A", "B"),
                "speaker": network.names[np.where(is_first, network.first[conversation], network.second[conversation])],
                "kind": np.full(len(turn), "message"),
                "timestamp": times,
                **probabilities,
                "risk": np.where(network.alerts[conversation], 0.9, 0.05).astype(np.float32),
                "speaker_risk": np.where(risky, 0.9, 0.05).astype(np.float32),
                "skipped": np.zeros(len(turn), bool),
                "source_file": np.full(len(turn), f"export{number}.jsonl"),
                "source_line": np.arange(1, len(turn) + 1),
            }
            scores.write_table(_table(columns, scores_schema(_KEYS), length))
            whole: dict[str, Any] = {
                "conversation_id": np.char.add("c", several.astype(str)),
                "platform": np.array(PLATFORMS)[network.platform[several]],
                "source_file": np.full(count, f"export{number}.jsonl"),
                "messages": np.full(count, LENGTH, np.int32),
                "speakers": np.full(count, 2, np.int32),
                "risk": np.where(network.alerts[several], 0.9, 0.05).astype(np.float32),
                "skipped": np.zeros(count, bool),
            }
            conversations.write_table(_table(whole, conversations_schema(_KEYS), pa.array([None] * count, pa.null())))
    write_record(folder, [(f"export{number}.jsonl", "jsonl")], text="hash")


def _table(columns: dict[str, Any], schema: pa.Schema, missing: pa.Array) -> pa.Table:
    return pa.table(
        [pa.array(columns[one.name], one.type) if one.name in columns else missing.cast(one.type) for one in schema], schema=schema
    )


def measure(messages: int, accounts: int, seed: int) -> dict[str, Any]:
    """Simulate a network, link it, and compare."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        truth = simulate(folder, messages, accounts, seed)
        key = folder / "key"
        key.write_text("ab" * 32, "ascii")
        start = time.perf_counter()
        found = link(
            sorted(folder.glob("run*")),
            folder / "linked",
            config=ROOT / "configs" / "link.toml",
            indicators=[ROOT / "configs" / "indicators" / "group.toml"],
            key=key,
        )
        seconds = time.perf_counter() - start
        from pipeline.link.keys import read_key

        digests = {read_key(key).speaker(name): number for number, name in enumerate(truth["names"].tolist())}
        person = {one.account: digests[str(one.speaker)] for one in read_accounts(found.path)}
        joined: dict[str, set[int]] = defaultdict(set)
        for one in read_accounts(found.path):
            joined[one.person].add(person[one.account])
        wrong = sum(len(people) - 1 for people in joined.values())
        links = found.record["counts"]["accounts"] - found.record["counts"]["persons"]
        acting = {
            person[part.account]
            for pattern in read_patterns(found.path)
            if pattern.kind == "one_actor_many_targets"
            for part in pattern.accounts
            if part.role == "actor"
        }
        right = len(acting & truth["actors"])
        return {
            "messages": truth["conversations"] * LENGTH,
            "accounts": found.record["counts"]["accounts"],
            "links": {"planted": truth["duplicates"], "found": links, "wrong": wrong},
            "actors": {
                "planted": len(truth["actors"]),
                "found": len(acting),
                "precision": round(right / max(1, len(acting)), 4),
                "recall": round(right / max(1, len(truth["actors"])), 4),
            },
            "patterns": found.record["counts"]["patterns"],
            "seconds": round(seconds, 1),
            "by step": found.record["seconds"],
            "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    for messages in settings.messages:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(json.dumps(pool.apply(measure, (messages, settings.accounts, settings.seed)), indent=1), flush=True)


if __name__ == "__main__":
    main()
