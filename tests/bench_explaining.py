"""What explaining costs: a run of which about half is flagged beside the same run with thresholds that flag none, in CPU time.

::

    make bench-explain MODEL=models/default MESSAGES=8000 ROUNDS=3

The two are run in turn, each in a process of its own, on ordinary and grooming conversations of the written corpus. It is not
collected by pytest.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_scoring import ROOT, write_export, written
from helpers.int8_peak import instruction_sets

GROOMING = 0.6
"""Share of conversations that hold grooming, so that about half of all are flagged."""


def seconds_of(export: Path, model: Path, *, flagging: bool) -> float:
    """Score an export, and return the CPU seconds of this process; without ``flagging`` no risk reaches the threshold."""
    from pipeline.score import score
    from pipeline.thresholds import read_thresholds

    thresholds = read_thresholds(model / "thresholds.json")
    none = thresholds.model_copy(update={"risk": 1.0})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "thresholds.json").write_text((thresholds if flagging else none).model_dump_json(), "utf-8")
        start = time.process_time()
        run = score([export], out=folder / "out", model=model, thresholds=folder / "thresholds.json", cascade=False)
        seconds = time.process_time() - start
        print(f"  flagged {run.flagged()} of {run.count()}", file=sys.stderr)
    return seconds


def main() -> None:
    """Print the ratio of each round, and their median."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", type=Path, default=ROOT / "models" / "default")
    arguments.add_argument("--messages", type=int, default=8000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--one", choices=["flagging", "none"], help="score --export once, and print its seconds")
    arguments.add_argument("--export", type=Path)
    options = arguments.parse_args()
    if options.one:
        print(seconds_of(options.export, options.model, flagging=options.one == "flagging"))
        return
    with tempfile.TemporaryDirectory() as name:
        export = Path(name) / "half.jsonl"
        write_export(export, options.messages, chats=written()[0], groomed=GROOMING)
        command = [sys.executable, __file__, "--model", str(options.model), "--export", str(export), "--one"]
        ratios = []
        for _ in range(options.rounds):
            printed = [
                subprocess.run([*command, kind], stdout=subprocess.PIPE, text=True, check=True).stdout
                for kind in ("none", "flagging")
            ]
            none, flagging = (float(text.split()[-1]) for text in printed)
            ratios.append(flagging / none)
            print(f"{options.messages:,} messages: {none:.1f} s, explained {flagging:.1f} s, {ratios[-1]:.2f} times", flush=True)
        print(f"median {statistics.median(ratios):.2f} times, on a CPU with {instruction_sets()}")


if __name__ == "__main__":
    main()
