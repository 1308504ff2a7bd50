"""Scoring at scale on Spark and Ray: the same scores, whatever happens to a node."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.shards import LINES, conversation, shards, write_shard

from pipeline.model.load import load_model
from pipeline.score import Progress, score
from pipeline.scoring.chats import chat_table
from pipeline.scoring.core import Scorer, score_table
from pipeline.scoring.engines.spark import score_partition, spark_schema


def test_spark_partitions_give_the_same_scores_wherever_a_batch_ends(tiny_encoder_model: Path) -> None:
    import pyarrow as pa

    _, model = load_model(tiny_encoder_model)
    talks = [conversation(*LINES * number, name=str(number)) for number in range(1, 5)]
    rows = pa.Table.from_pylist(
        [
            {"conversation_id": talk.conversation_id, "message_id": m.message_id, "speaker": m.speaker, "text": m.text}
            for talk in talks
            for m in talk.messages
        ]
    )
    expected = score_table(chat_table(talks, text="omit"), Scorer(model)).scores
    found = pa.Table.from_batches(score_partition(str(tiny_encoder_model))(rows.to_batches(max_chunksize=7)))
    assert found["risk"].to_pylist() == expected["risk"].to_pylist()
    assert found["stage_access"].to_pylist() == expected["stage_access"].to_pylist()
    assert spark_schema(str(tiny_encoder_model)).split(", ")[:2] == ["conversation_id string", "message_id string"]


__all__ = ["shards"]  # a fixture


@pytest.fixture
def two_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A Ray cluster of two nodes, each of its own processes; the number is the id of the second node's raylet."""
    pytest.importorskip("ray", reason="the Ray engine needs the ray extra")
    import psutil
    import ray  # pyright: ignore[reportMissingImports] - an extra of its own

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="ray")  # short: Ray puts sockets into it
    common = ("--num-cpus=2", "--object-store-memory=200000000", "--disable-usage-stats")
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    started: set[int] = set()

    def start(*arguments: str) -> set[int]:
        before = set(psutil.pids())
        done = subprocess.run(
            [sys.executable, "-m", "ray.scripts.scripts", "start", *common, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        own = {pid for pid in set(psutil.pids()) - before if _is_ray(pid, str(port))}
        started.update(own)
        return own

    start("--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=false")
    second = start(f"--address=127.0.0.1:{port}")
    raylet = next(pid for pid in second if psutil.Process(pid).name() == "raylet")
    try:
        yield raylet
    finally:
        ray.shutdown()
        for pid in started:
            if psutil.pid_exists(pid) and _is_ray(pid, str(port)):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _is_ray(pid: int, port: str) -> bool:
    """Tell a process of the cluster at a port."""
    import psutil

    try:
        line = " ".join(psutil.Process(pid).cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return "ray" in line and port in line


@pytest.mark.slow
@pytest.mark.usefixtures("small_batches")
@pytest.mark.filterwarnings("ignore")
def test_a_node_that_is_killed_half_way_changes_nothing(
    shards: Path, tiny_encoder_model: Path, tmp_path: Path, two_nodes: int
) -> None:
    import ray  # pyright: ignore[reportMissingImports] - an extra of its own

    write_shard(shards / "shard-9.jsonl", 400, seed=77)
    local = score([shards], model=tiny_encoder_model, out=tmp_path / "local")
    ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False, logging_level=logging.ERROR)
    assert len([node for node in ray.nodes() if node["Alive"]]) == 2
    killed: list[int] = []

    def progress(seen: Progress) -> None:
        if seen.done > 200 and not killed:
            os.kill(two_nodes, signal.SIGKILL)
            killed.append(seen.done)

    run = score([shards], model=tiny_encoder_model, out=tmp_path / "ray", engine="ray", progress=progress)
    assert killed
    assert killed[0] < run.record["counts"]["rows"]
    deadline = time.monotonic() + 60
    while len([node for node in ray.nodes() if node["Alive"]]) == 2 and time.monotonic() < deadline:
        time.sleep(1)
    assert len([node for node in ray.nodes() if node["Alive"]]) == 1
    for name in ("scores.parquet", "conversations.parquet"):
        assert pq.read_table(run.path / name).equals(pq.read_table(local.path / name))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ray_names_a_damaged_shard_as_the_local_engine_does(
    shards: Path, tiny_encoder_model: Path, tmp_path: Path, two_nodes: int
) -> None:
    assert two_nodes
    (shards / "shard-1.jsonl").write_text((shards / "shard-1.jsonl").read_text() + '{"conversation_id": "x", "spea\n')
    found = [score([shards], model=tiny_encoder_model, out=tmp_path / engine, engine=engine) for engine in ("local", "ray")]
    assert found[0].record["failed"] == found[1].record["failed"] != []
    assert found[0].record["counts"] == found[1].record["counts"]
