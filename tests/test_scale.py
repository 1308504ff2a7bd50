"""Scoring at scale: a run that was killed goes on to the same bytes, damage is recorded, batches and engines change nothing."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers.shards import LINES, conversation, shards, write_shard

from pipeline.errors import ConfigError, ExportError, Unfinished
from pipeline.model.folder import seal_model_folder
from pipeline.model.load import load_model
from pipeline.review.erasure import forget_speaker
from pipeline.review.index import speaker_digest
from pipeline.score import score
from pipeline.scoring import batches, core
from pipeline.scoring.chats import CHATS, chat_table
from pipeline.scoring.core import Scorer, score_table

__all__ = ["shards"]  # a fixture


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_MESSAGES", 20)


def files(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in ("scores.parquet", "conversations.parquet")]


def test_scores_do_not_depend_on_the_batch_or_the_order(tiny_encoder_model: Path) -> None:
    _, model = load_model(tiny_encoder_model)
    chance = random.Random(5)  # noqa: S311
    talks = [conversation(*chance.choices(LINES, k=chance.randint(0, 30)), name=str(number)) for number in range(20)]
    together = score_table(chat_table(talks), Scorer(model)).scores
    for order in (talks[::-1], talks[3:9], talks[7:8]):
        found = score_table(chat_table(order), Scorer(model)).scores
        for talk in order:
            rows = [[r for r in table.to_pylist() if r["conversation_id"] == talk.conversation_id] for table in (together, found)]
            assert rows[0] == rows[1]


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(shards: Path, tiny_model: Path, tmp_path: Path) -> None:
    program = (
        "import os, sys, signal\nfrom pathlib import Path\n"
        "from pipeline.scoring import batches, checkpoint\nbatches.BATCH_MESSAGES = 20\n"
        "put, left = checkpoint.Checkpoint._write, int(sys.argv[3])\n"
        "def counted(self, name, write):\n"
        "    global left\n"
        "    left -= 1\n"
        "    def killed(path):\n"
        "        write(path)\n"
        "        if left == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    put(self, name, killed)\n"
        "checkpoint.Checkpoint._write = counted\n"
        "from pipeline.score import score\n"
        "score([Path(sys.argv[1])], model=Path(sys.argv[4]), out=Path(sys.argv[2]))\n"
    )

    def run(out: Path, after: int) -> int:
        command = [sys.executable, "-c", program, str(shards), str(out), str(after), str(tiny_model)]
        return subprocess.run(command, check=False, capture_output=True).returncode

    assert run(tmp_path / "whole", -1) == 0
    for after in (2, 5, 9, 20):
        assert run(tmp_path / "out", after) == -signal.SIGKILL
        assert not (tmp_path / "out").exists()
    parts = sorted((tmp_path / ".out.parts").glob("*-*.json"))
    times = [path.stat().st_mtime_ns for path in parts]
    assert parts
    assert run(tmp_path / "out", -1) == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert len(times) == len(parts)
    assert not (tmp_path / ".out.parts").exists()


@pytest.mark.usefixtures("small_batches")
def test_only_what_is_missing_is_done(shards: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.scoring.engines import local

    seen: list[int] = []
    prepare = local.prepare_table

    def stopping(chats: Any, *rest: Any) -> Any:
        seen.append(chats.num_rows)
        if len(seen) == 9:
            raise KeyboardInterrupt
        return prepare(chats, *rest)

    monkeypatch.setattr(local, "prepare_table", stopping)
    with pytest.raises(KeyboardInterrupt):
        score([shards], model=tiny_model, out=tmp_path / "out")
    done = len(list((tmp_path / ".out.parts").glob("*-*.json")))
    assert 4 <= done <= 8
    seen.clear()
    monkeypatch.setattr(local, "prepare_table", lambda chats, *rest: seen.append(chats.num_rows) or prepare(chats, *rest))
    run = score([shards], model=tiny_model, out=tmp_path / "out")
    assert run.record["counts"]["conversations"] == 90
    missing = len(seen)
    seen.clear()
    score([shards], model=tiny_model, out=tmp_path / "again")
    assert missing == len(seen) - done


def test_other_settings_begin_anew(shards: Path, tiny_model: Path, tmp_path: Path) -> None:
    parts = tmp_path / ".out.parts"
    parts.mkdir()
    (parts / "plan.json").write_text("{}")
    (parts / "0-0.json").write_text('{"messages": 1, "failed": []}')
    run = score([shards], model=tiny_model, out=tmp_path / "out")
    assert run.record["counts"]["conversations"] == 90


def test_a_damaged_shard_is_recorded_and_the_others_are_scored(shards: Path, tiny_model: Path, tmp_path: Path) -> None:
    (shards / "shard-1.jsonl").write_text((shards / "shard-1.jsonl").read_text() + '{"conversation_id": "x", "spea\n')
    command = [sys.executable, "-m", "pipeline.cli.main", "score", shards, "--model", tiny_model, "--out", tmp_path / "out"]
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    (failed,) = record["failed"]
    assert failed["export"].endswith("shard-1.jsonl")
    assert "shard-1.jsonl:" in failed["reason"]
    ids = set(pq.read_table(tmp_path / "out" / "conversations.parquet")["conversation_id"].to_pylist())
    assert {one.rpartition("-")[0] for one in ids} == {"shard-0", "shard-2"}
    assert record["counts"]["conversations"] == len(ids) == 60
    assert "not scored" in done.stdout


def test_when_no_shard_can_be_read_it_is_an_error(shards: Path, tiny_model: Path, tmp_path: Path) -> None:
    for number, file in enumerate(shards.iterdir()):
        file.write_text(f'{{"conversation_id": "x", "speaker": "{number}", "timestamp": null, "text": "a"}}\n{{\n')
    with pytest.raises(ExportError, match="none of the 3 exports"):
        score([shards], model=tiny_model, out=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night"]


def test_a_full_disk_keeps_what_was_scored(shards: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.scoring import checkpoint

    write = checkpoint.pq.write_table
    left = [3]

    def full(*arguments: Any, **named: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(*arguments, **named)

    monkeypatch.setattr(checkpoint.pq, "write_table", full)
    with pytest.raises(Unfinished, match=r"No space left on device.*Make room"):
        score([shards], model=tiny_model, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(checkpoint.pq, "write_table", write)
    score([shards], model=tiny_model, out=tmp_path / "out")
    score([shards], model=tiny_model, out=tmp_path / "whole")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_poisoned_conversation_is_named_and_the_rest_goes_on(tiny_model: Path) -> None:
    _, model = load_model(tiny_model)

    class Poisoned:
        taxonomy, prefilter = model.taxonomy, None

        def prepare(self, talks: Any, *, cascade: bool = False) -> Any:
            if any("boom" in text for talk in talks for _, text in talk):
                raise RuntimeError("the runtime gave up")
            return model.prepare(talks)

    talks = [conversation("good game", name="a"), conversation("boom", name="b"), conversation("no bye", name="c")]
    scored = score_table(chat_table(talks), Scorer(Poisoned()))  # type: ignore[arg-type]
    assert scored.failed == (("b", "RuntimeError"),)
    assert scored.conversations["conversation_id"].to_pylist() == ["a", "c"]
    assert scored.scores.num_rows == 2


def test_huge_messages_many_messages_and_no_width_simply_work(tiny_encoder_model: Path) -> None:
    _, model = load_model(tiny_encoder_model)
    talks = [
        conversation("how old are you " * 62_500, "x" * 1_000_000, name="long"),
        conversation(*("\u200b", "\u200d\ufeff" * 1000, "a\u0301" * 5000, "\ud83d"), name="nothing"),
        conversation(*["ok"] * 100_000, name="many"),
    ]
    scored = score_table(chat_table(talks), Scorer(model))
    assert scored.failed == ()
    assert scored.conversations["messages"].to_pylist() == [2, 4, 100_000]
    assert scored.scores.num_rows == 100_006


def test_a_table_without_conversations_has_no_scores(tiny_encoder_model: Path) -> None:
    _, model = load_model(tiny_encoder_model)
    scored = score_table(CHATS.empty_table(), Scorer(model))
    assert (scored.scores.num_rows, scored.conversations.num_rows) == (0, 0)


def test_ids_that_stand_in_two_exports_are_kept_apart(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(
            f'{{"conversation_id": "c", "speaker": "K", "timestamp": null, "text": "good {name}"}}\n'
        )
    run = score([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], model=tiny_model, out=tmp_path / "out")
    assert pq.read_table(run.path / "scores.parquet")["conversation_id"].to_pylist() == ["c", "c~2"]
    assert pq.read_table(run.path / "conversations.parquet")["conversation_id"].to_pylist() == ["c", "c~2"]
    assert any("c~2" in warning for warning in run.record["warnings"])


@pytest.mark.usefixtures("small_batches")
def test_since_reads_only_what_changed_and_equals_a_full_run(
    shards: Path, tiny_encoder_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.model.encoder.encoder import EncoderModel

    thresholds = tmp_path / "low.json"
    thresholds.write_text(json.dumps({"risk": 0.3, "stages": {"access": 0.2, "secrecy": 0.2}}))
    options: dict[str, Any] = {"model": tiny_encoder_model, "thresholds": thresholds}
    first = score([shards], out=tmp_path / "first", **options)
    grown = {"conversation_id": "shard-1-29", "message_id": "new", "speaker": "P", "timestamp": None, "text": LINES[2]}
    with (shards / "shard-1.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(grown) + "\n")
    write_shard(shards / "shard-3.jsonl", 2, seed=9)
    full = score([shards], out=tmp_path / "full", **options)
    read: list[int] = []
    prepare = EncoderModel.prepare
    monkeypatch.setattr(EncoderModel, "predict", lambda self, talks: prepare(self, talks)())
    monkeypatch.setattr(
        EncoderModel, "prepare", lambda self, talks, **more: read.append(len(talks)) or prepare(self, talks, **more)
    )
    since = score([shards], out=tmp_path / "since", since=first.path, **options)
    assert sum(read) <= 3
    assert files(since.path) == files(full.path)
    with pytest.raises(ConfigError, match="another model"):
        score([shards], model=copied(tiny_encoder_model, tmp_path / "other"), out=tmp_path / "x", since=first.path)
    record = json.loads((first.path / "run.json").read_text("utf-8"))
    record["settings"]["runtime"] = "another"
    (first.path / "run.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(ConfigError, match="was read by another"):
        score([shards], out=tmp_path / "x", since=first.path, **options)


def test_since_copies_what_explains_an_unchanged_conversation(
    tiny_encoder_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thresholds, export = tmp_path / "low.json", tmp_path / "chat.jsonl"
    thresholds.write_text(json.dumps({"risk": 0.1, "stages": {"access": 0.1, "secrecy": 0.1}}))
    options: dict[str, Any] = {"model": tiny_encoder_model, "thresholds": thresholds}
    texts = ["good game", "how old are you anyway", "old enough", "this stays our secret ok", "dinner is ready"]
    rows = [{"conversation_id": "c", "speaker": "KP"[row % 2], "timestamp": None, "text": text} for row, text in enumerate(texts)]
    export.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first = score([export], out=tmp_path / "first", **options)
    rows.insert(2, {"conversation_id": "c", "speaker": "K", "timestamp": None, "text": ""})  # no words: only positions change
    export.write_text("".join(json.dumps(row) + "\n" for row in rows))
    full = score([export], out=tmp_path / "full", **options)
    columns = pq.read_table(full.path / "scores.parquet", columns=["words", "cues", "why"]).to_pydict()
    assert all(any(value is not None for value in column) for column in columns.values())
    assert '"leans_on":[[' in str(columns["why"])
    explained: list[int] = []
    explain = core.explain
    monkeypatch.setattr(core, "explain", lambda pairs, *rest, **more: explained.append(len(pairs)) or explain(pairs, *rest, **more))
    assert files(score([export], out=tmp_path / "since", since=first.path, **options).path) == files(full.path)
    assert explained == [0]
    more = score([export], out=tmp_path / "more", since=first.path, explain=1, **options)  # as this run would explain it, or not
    assert explained == [0, 1]
    assert files(more.path) == files(score([export], out=tmp_path / "one", explain=1, **options).path)
    forget_speaker(first, "no such digest", None, ["c"])  # nothing of the words, but the reasons
    explained.clear()
    assert files(score([export], out=tmp_path / "after", since=first.path, **options).path) == files(full.path)
    assert explained == [1]


def test_since_reads_a_conversation_again_of_which_a_person_was_deleted(tiny_encoder_model: Path, tmp_path: Path) -> None:
    export = tmp_path / "chat.jsonl"
    rows = [{"conversation_id": "c", "speaker": name, "timestamp": None, "text": "good game"} for name in ("K", "P")]
    export.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first = score([export], model=tiny_encoder_model, out=tmp_path / "first", text="include")
    full = files(first.path)
    forget_speaker(first, speaker_digest("K"), "K", ["c"])
    assert files(first.path) != full
    again = score([export], model=tiny_encoder_model, out=tmp_path / "again", text="include", since=first.path)
    assert not again.record["failed"]
    assert files(again.path) == full


def copied(model: Path, to: Path) -> Path:
    """Copy a model under another name, so that its id differs."""
    shutil.copytree(model, to)
    seal_model_folder(to, kind="encoder", name="other")
    return to
