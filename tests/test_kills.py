"""A run with the shipped model, killed again and again at any moment, ends with the bytes of a run that was not."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models" / "default"
KILLS = 100

pytestmark = pytest.mark.slow


def started(exports: Path, out: Path) -> subprocess.Popen[bytes]:
    program = "from pipeline.scoring import batches\nbatches.BATCH_MESSAGES = 100\nfrom pipeline.cli.main import main\nmain()"
    command = [sys.executable, "-c", program, "score", str(exports), "--model", str(MODEL), "--out", str(out)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def content(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir() if path.name not in ("run.json", "report.html")}


def test_a_run_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    shutil.copytree(ROOT / "data" / "samples", exports)
    begun = time.monotonic()
    with started(exports, tmp_path / "whole") as process:
        assert process.wait() in (0, 3)
    length = time.monotonic() - begun
    whole = content(tmp_path / "whole")

    chance = random.Random(18)  # noqa: S311
    out = tmp_path / "out"
    killed = ended = 0
    while killed < KILLS or not ended:
        with started(exports, out) as process:
            try:
                code = process.wait(chance.uniform(0.02, 1.1) * length if killed < KILLS else None)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
            else:
                assert process.stderr is not None
                assert code in (0, 3), process.stderr.read().decode()
        if not out.exists():
            continue
        assert content(out) == whole, "results that are not whole stand in their place"
        if (tmp_path / ".out.parts").exists():  # the kill fell between the move and the end: the next run sees that all is done
            continue
        ended += 1
        run = json.loads((out / "run.json").read_bytes())
        assert run["counts"] == json.loads((tmp_path / "whole" / "run.json").read_bytes())["counts"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["exports", "out", "whole"], "something was left beside"
        shutil.rmtree(out)
