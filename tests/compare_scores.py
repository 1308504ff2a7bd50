"""Compare two runs of the same exports: are the scores equal, how far are they apart, and does any alert differ?

``python tests/compare_scores.py BEFORE AFTER``: exit code 0 where the scores are equal to the byte, 1 where only scores differ, 2
where an alert differs too. Rows are told by conversation and message, so that other readers of exports may add some.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pipeline.results import CONVERSATIONS, SCORES, open_run, stage_column

KEYS = ["conversation_id", "message_id"]
RISKS = ("risk", "speaker_risk")


def compare(before: Path, after: Path) -> int:
    """Print what differs, and return the exit code."""
    if (before / SCORES).read_bytes() == (after / SCORES).read_bytes():
        print("scores.parquet: equal to the byte")
        return 0
    run = open_run(before)
    stages = {stage_column(key): key for key in run.taxonomy.keys}
    one, two = (pq.read_table(folder / SCORES, columns=[*KEYS, *RISKS, *stages]) for folder in (before, after))
    both = one.join(two, KEYS, join_type="inner", right_suffix=" after")
    print(f"rows: {one.num_rows} and {two.num_rows}, {both.num_rows} in both")
    for column in (*RISKS, *stages):
        values, others = (both[name].to_numpy(zero_copy_only=False).astype(float) for name in (column, f"{column} after"))
        limit = run.thresholds.stages.get(stages.get(column, ""), run.thresholds.risk)
        crossed = int(((values >= limit) != (others >= limit)).sum())
        print(f"{column:28} highest difference {np.nanmax(np.abs(values - others)):.6f}, rows that cross the threshold {crossed}")
    flagged = []
    for folder in (before, after):
        table = pq.read_table(folder / CONVERSATIONS, columns=["conversation_id", "risk"])
        flagged.append({row["conversation_id"] for row in table.to_pylist() if row["risk"] >= run.thresholds.risk})
    print(f"alerts: {len(flagged[0])} and {len(flagged[1])}, {len(flagged[0] ^ flagged[1])} differ")
    return 2 if flagged[0] != flagged[1] else 1


if __name__ == "__main__":
    sys.exit(compare(Path(sys.argv[1]), Path(sys.argv[2])))
