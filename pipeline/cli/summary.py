"""`safelight score --json`: what a program that runs the command needs to know, as one JSON object. No names, no text, no ids."""

from __future__ import annotations

import json
from typing import Any

from pipeline.errors import SafelightError
from pipeline.results import REPORT, RUN, Run

FORMAT = "safelight-summary/1"


def run_summary(run: Run, *, seconds: float, exit_code: int) -> dict[str, Any]:
    """Return the summary of a finished run; ``failed``, ``passed_over``, ``merged`` and ``warnings`` are counts."""
    record = run.record
    return {
        "format": FORMAT,
        "exit_code": exit_code,
        "out": str(run.path),
        "report": str(run.path / REPORT),
        "record": str(run.path / RUN),
        "safelight": record["versions"]["safelight"],
        "model": {"name": record["model"]["name"], "id": record["model"]["id"]},
        "conversations": record["counts"]["conversations"],
        "rows": record["counts"]["rows"],
        "flagged": run.flagged(),
        "threshold": run.thresholds.risk,
        "skipped": run.skipped(),
        "exports": len(record["inputs"]),
        **{name: len(record[name]) for name in ("merged", "failed", "passed_over", "warnings")},
        "seconds": round(seconds, 1),
    }


def error_summary(error: SafelightError, *, exit_code: int) -> dict[str, Any]:
    """Return the summary of a run that ended with an error. ``where`` names the file, as the line on standard error does."""
    return {
        "format": FORMAT,
        "exit_code": exit_code,
        "error": {"kind": type(error).__name__, "what": error.what, "where": error.where, "do": error.do},
    }


def as_line(summary: dict[str, Any]) -> str:
    """Return a summary as one line of ASCII, so that no name in it can move a terminal."""
    return json.dumps(summary, ensure_ascii=True)
