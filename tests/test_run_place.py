"""The place of a run: one run at a time, nothing left by a kill, and nobody else reads it."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import write

from pipeline.errors import ResultsError
from pipeline.output import REPLACED, WORK
from pipeline.score import score
from pipeline.scoring.checkpoint import Checkpoint

CHAT = "[13/02/2024, 21:05:11] Kim: hello\n[14/02/2024, 21:06:00] Sam: hi\n"
MODEL = Path(__file__).parents[1] / "models" / "default"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_results_are_for_their_owner_alone_whatever_the_umask(umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    join = Checkpoint.join

    def watched(self: Checkpoint, *rest: Any) -> Any:
        modes.extend(stat.S_IMODE(path.stat().st_mode) for path in (self.folder, *self.folder.rglob("*")))
        return join(self, *rest)

    monkeypatch.setattr(Checkpoint, "join", watched)
    before = os.umask(umask)
    try:
        score([write(tmp_path / "a.txt", CHAT)], model=MODEL, out=tmp_path / "out")
    finally:
        os.umask(before)
    assert len(modes) > 4
    modes += [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out", *(tmp_path / "out").iterdir())]
    assert set(modes) == {0o600, 0o700}


def test_a_second_run_to_one_place_says_so_at_once(tmp_path: Path) -> None:
    chat = write(tmp_path / "a.txt", CHAT)
    with Checkpoint.beside(tmp_path / "out"), pytest.raises(ResultsError, match="another run writes there now"):
        score([chat], model=MODEL, out=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt"]
    score([chat], model=MODEL, out=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "out"]


PROGRAM = """
import os, signal, sys
from pathlib import Path
from pipeline import output
from pipeline.scoring import checkpoint
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
where = sys.argv[4]
if where == "join": checkpoint.pq.ParquetWriter = die
if where == "before": output._swap = die
if where == "between":
    rename = Path.rename
    Path.rename = lambda self, to: die() if self.name.startswith("new.") else rename(self, to)
if where == "after": checkpoint.Checkpoint.remove = die
if where == "removing":
    begun = checkpoint.Checkpoint.begin
    checkpoint.Checkpoint.begin = lambda self, plan: (begun(self, plan), setattr(Path, "unlink", die))
from pipeline.score import score
score([Path(sys.argv[1])], model=Path(sys.argv[2]), out=Path(sys.argv[3]), overwrite=where == "between")
"""


@pytest.mark.parametrize("where", ["join", "before", "between", "after", "removing"])
def test_a_kill_leaves_nothing_that_stops_the_next_run_or_stays(where: str, tmp_path: Path) -> None:
    chat, out = write(tmp_path / "a.txt", CHAT), tmp_path / "out"
    if where == "between":
        score([write(tmp_path / "a.txt", CHAT.replace("hello", "morning"))], model=MODEL, out=out)
        write(chat, CHAT)

    def run(at: str) -> int:
        command = [sys.executable, "-c", PROGRAM, str(chat), str(MODEL), str(out), at]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        return subprocess.run(command, check=False, capture_output=True, env=environment).returncode

    assert run(where) == -signal.SIGKILL
    assert run("between" if where == "between" else "nowhere") in (0, -signal.SIGKILL)
    if where == "between":
        with Checkpoint.beside(out):
            assert (out / "run.json").is_file()  # the results that were moved aside are back
        score([chat], model=MODEL, out=out, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "out"]
    score([chat], model=MODEL, out=tmp_path / "again")
    for name in ("scores.parquet", "conversations.parquet"):
        assert (out / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_orphans_are_cleared_and_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    folder = tmp_path / ".out.parts"
    (folder / f"{WORK}abc").mkdir(parents=True)
    (folder / REPLACED).mkdir()
    (tmp_path / "out").mkdir()
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(ResultsError), Checkpoint.beside(tmp_path / "out"):
        pass
    os.close(lock)
    with Checkpoint.beside(tmp_path / "out"):
        assert not list(folder.iterdir())
    assert not folder.exists()
