"""The strongest patterns of one run, for its report: found as `safelight link` finds them, in bounded memory, and not kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.report.page import NO_PATTERNS, PatternsView
from pipeline.results import Run

MOST_ROWS = 2_000_000
"""A run of more rows is left to `safelight link`: its report must not take much longer for this."""


def strongest_patterns(run: Run, *, most_rows: int = MOST_ROWS) -> PatternsView:
    """Return the strongest patterns of a run, or why none were looked for.

    Nothing is looked for where the run was told so, has fewer than two conversations, has nothing flagged or is too large.
    """
    rows = run.record["counts"]["rows"]
    if not run.record.get("patterns", True) or run.count() < 2 or not run.flagged():
        return NO_PATTERNS
    if rows > most_rows:
        return PatternsView((), 0, f"the run has more than {most_rows:,} rows. Look for them with safelight link {run.path.name}")
    from pipeline.link.run_patterns import find_in_run  # a quarter of a second, which most runs need not spend

    try:
        with tempfile.TemporaryDirectory(dir=run.path, prefix=".patterns-") as work:
            return find_in_run(run, Path(work))
    except ConfigError as error:
        return PatternsView((), 0, f"{error.what}. {error.do}")
