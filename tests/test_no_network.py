"""Scoring asks nobody: no name is looked up, no connection is opened, no process is started that could."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the tiny encoder is trained")

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
WATCHED = """
import sys
from pathlib import Path
heard = []
watched = ("socket.", "subprocess.Popen", "os.fork", "os.posix_spawn", "os.system")
sys.addaudithook(lambda name, _: heard.append(name) if name.startswith(watched) else None)
from pipeline.score import score
samples, model, out = map(Path, sys.argv[1:])
score([samples], model=model, out=out)
heard = [name for name in heard if name not in ("socket.gethostname", "socket.__new__")]
sys.exit(f"heard {heard}" if heard else 0)
"""


def test_scoring_opens_no_connection(tmp_path: Path, tiny_encoder_model: Path) -> None:
    command = [sys.executable, "-c", WATCHED, str(SAMPLES), str(tiny_encoder_model), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "out" / "scores.parquet").is_file()
