"""Saved scores of an evaluation, compared with the hashes that were noted of them before anything is computed."""

from __future__ import annotations

import json
from pathlib import Path

from evaluation.saved import METRICS, SCORES, Saved, read_saved
from pipeline.errors import ResultsError
from pipeline.output import require_unchanged


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
        try:
            noted = json.loads(record.read_bytes()).get("files", {})
        except (ValueError, AttributeError) as error:
            raise ResultsError("the record of the evaluation is damaged", where=str(record), do="Evaluate again") from error
        require_unchanged(folder, noted, (SCORES,), do="Evaluate again")
    return read_saved(scores)
