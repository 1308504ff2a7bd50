"""Saved scores of an evaluation, compared with the hashes that were noted of them before anything is computed."""

from __future__ import annotations

from pathlib import Path

from evaluation.saved import METRICS, SCORES, Saved, read_saved
from pipeline.output import hashes_of, noted_hashes, require_unchanged


def read_unchanged(scores: Path) -> Saved:
    """Read saved scores, from their file or the folder of the evaluation; a file that was moved away from it is not compared.

    Raises
    ------
    ResultsError
        When they cannot be read, or were changed after they were written.
    """
    folder = scores if scores.is_dir() else scores.parent
    record = folder / METRICS
    if record.is_file() and (scores.is_dir() or scores.name == SCORES) and (folder / SCORES).is_file():
        do = "Evaluate again"
        require_unchanged(folder, hashes_of(folder, (SCORES,)), noted_hashes(record, do=do), do=do)
    return read_saved(scores)
