"""A command starts without the libraries that it does not need: each costs a user of a small export its import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("duckdb", "jinja2", "pandas", "pipeline.link.run_patterns", "rich", "sklearn", "torch")

CHAT = "13/02/2024, 17:04 - Kim: good game everyone\n13/02/2024, 17:05 - Pat: how old are you anyway\n"


def loaded_by(program: str, *arguments: str) -> list[str]:
    """Run a program in a process of its own, and return which of the heavy modules it loaded."""
    end = f"\nimport sys\nprint(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program + end, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [name for name in HEAVY if f"'{name}'" in done.stdout.splitlines()[-1]]


COMMAND = "import sys\nfrom pipeline.cli.main import app\nsys.argv[0] = 'safelight'\napp(standalone_mode=False)"


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    path = tmp_path / "chat.txt"
    path.write_text(CHAT, "utf-8")
    return path


def test_the_version_and_the_help_load_none_of_them() -> None:
    assert loaded_by(COMMAND, "score", "--help") == []
    assert loaded_by("import pipeline.cli.main") == []


def test_reading_and_scoring_load_none_of_them(chat: Path, tiny_encoder_model: Path) -> None:
    program = """
import sys
from pathlib import Path
from pipeline.cli.start import start_lightly
start_lightly()
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.model.load import load_model
from pipeline.score import score_conversations
talks = [talk.load() for talk in read_conversations([Path(sys.argv[1])], ReadOptions(), ReadLog())]
assert score_conversations(talks, load_model(Path(sys.argv[2]))[1])[0][1].stages
"""
    assert loaded_by(program, str(chat), str(tiny_encoder_model)) == []


def test_a_run_in_which_nothing_is_flagged_loads_what_writes_its_report_alone(
    chat: Path, tiny_encoder_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert loaded_by(COMMAND, "score", str(chat), "--model", str(tiny_encoder_model), "--out", str(out), "-q") == ["jinja2"]
    assert (out / "report.html").is_file()


def test_a_data_frame_can_still_be_asked_of_arrow() -> None:
    pytest.importorskip("pandas", reason="only where it is installed")
    program = """
from pipeline.cli.start import keep_pandas_out
keep_pandas_out()
import pyarrow as pa
frame = pa.table({"risk": [0.5, None]}).to_pandas()
import pandas
assert pa.array(pandas.Series([1.0, float("nan")]), from_pandas=True).null_count == 1
assert pa.Table.from_pandas(frame).num_rows == 2
"""
    assert "pandas" in loaded_by(program)
