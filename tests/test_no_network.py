"""Nothing reports home: no name is looked up, no connection is opened, no process is started that could."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the tiny encoder is trained")

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
WATCHED = """
import sys, time
from pathlib import Path
heard = []
watched = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "os.fork", "os.posix_spawn", "os.system")
sys.addaudithook(lambda name, _: heard.append(name) if name.startswith(watched) else None)
"""
SCORE = """
from pipeline.score import score
score([Path(sys.argv[1])], model=Path(sys.argv[2]), out=Path(sys.argv[3]))
"""
TRACK = """
import pipeline.tracking.runs, nncf
time.sleep(1)  # what reports home does so from a thread
"""
END = """
sys.exit(f"heard {heard}" if heard else 0)
"""


@pytest.mark.parametrize("work", [SCORE, TRACK], ids=["scoring", "tracking and quantising"])
def test_no_library_reports_home(work: str, tmp_path: Path, tiny_encoder_model: Path) -> None:
    command = [sys.executable, "-c", WATCHED + work + END, str(SAMPLES), str(tiny_encoder_model), str(tmp_path / "out")]
    # Telemetry that is off on a CI machine is on at a user's.
    environment = {name: value for name, value in os.environ.items() if "CI" not in name and not name.startswith("GITHUB")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SAMPLES.parent.parent, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
