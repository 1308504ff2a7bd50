"""What follows from decisions, on the command line: packs, their check, labels, proposals, the log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")
pytest.importorskip("typst", reason="the review needs its extra")

from helpers.reviewed import decided_folder

from pipeline.config import Taxonomy


@pytest.fixture
def decided(taxonomy: Taxonomy, tmp_path: Path, root: Path) -> Path:
    (tmp_path / "configs").symlink_to(root / "configs")
    return decided_folder(tmp_path, taxonomy)


def safelight(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli.main", *command], cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_referral_is_packed_and_checked_and_is_in_the_log(decided: Path) -> None:
    made = safelight(decided, "pack", "key", "key.pem")
    assert made.returncode == 0, made.stderr
    made = safelight(decided, "pack", "make", "run", "dm-1", "--key", "key.pem", "--out", "pack.zip")
    assert made.returncode == 0, made.stderr
    assert "read it before you send it" in made.stdout
    assert safelight(decided, "pack", "verify", "pack.zip", "--key", "key.pem.pub").returncode == 0
    content = (decided / "pack.zip").read_bytes()
    (decided / "changed.zip").write_bytes(content.replace(b"manifest.json", b"manifest.jsom"))
    assert safelight(decided, "pack", "verify", "changed.zip", "--key", "key.pem.pub").returncode != 0
    assert safelight(decided, "audit", "verify", "--store", "review.db").returncode == 0
    refused = safelight(decided, "pack", "make", "run", "dm-3", "--key", "key.pem", "--out", "other.zip")
    assert refused.returncode == 2
    assert not (decided / "other.zip").exists()


def test_a_replaced_text_is_neither_packed_nor_shown(decided: Path) -> None:
    assert safelight(decided, "pack", "key", "key.pem").returncode == 0
    scores = decided / "run" / "scores.parquet"
    table = pq.read_table(scores)
    number = table.schema.get_field_index("text")
    pq.write_table(table.set_column(number, table.schema.field(number), pa.array(["another text"] * table.num_rows)), scores)
    for command in (
        ["pack", "make", "run", "dm-1", "--key", "key.pem", "--out", "pack.zip"],
        ["report", "run"],
        ["review", "run", "--port", "0"],
        ["corpus", "from-review", "review.db", "--out", "reviewed.jsonl"],
    ):
        done = safelight(decided, *command)
        assert done.returncode == 2, command
        assert "scores.parquet" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (decided / "pack.zip").exists()


def test_decisions_become_labels_that_a_corpus_is_read_from_and_what_is_undecided_is_proposed(decided: Path) -> None:
    labelled = safelight(decided, "corpus", "from-review", "review.db", "--out", "reviewed.jsonl")
    assert labelled.returncode == 0, labelled.stderr
    checked = safelight(decided, "corpus", "check", "reviewed.jsonl")
    assert checked.returncode == 0, checked.stderr
    assert "2 conversations" in checked.stdout
    proposed = safelight(decided, "corpus", "active", "run", "--labelled", "reviewed.jsonl", "-n", "5")
    assert proposed.returncode == 0, proposed.stderr
    assert "dm-3" in proposed.stdout
