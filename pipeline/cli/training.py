"""What `safelight train` prints: a line a phase with the time, and at the end the figures and what to do next."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.cli.console import say
from pipeline.cli.progress import duration
from pipeline.model.card import CARD
from pipeline.model.folder import ModelFolder
from pipeline.model.leakage import SPLITS


def phase_lines() -> Callable[[str], None]:
    """Return what prints a line of a phase, with the time since the training began."""
    began = time.monotonic()
    return lambda line: say(f"{duration(time.monotonic() - began)}  {line}")


def print_trained(folder: ModelFolder, *, corpus: Sequence[Path], ordinary: Sequence[Path], tracking: str | None) -> None:
    """Print the figures of the test part, where the card is, how to compare, and where ``tracking`` is a store, how to open it."""
    say(f"{folder.path}: model {folder.name}, id {folder.id}")
    for name, figure in folder.json("metrics.json")["table"].items():
        if figure["value"] is not None:
            low, high = figure["interval"]
            interval = f" ({low:.3f} – {high:.3f})" if low is not None and high is not None else ""
            say(f"  {name}: {figure['value']:.3f}{interval}")
    say(f"card: {folder.path / CARD}")
    given = [option for path in corpus for option in ("--corpus", str(path))]
    given += [option for path in ordinary for option in ("--ordinary", str(path))]
    command = ["safelight", "compare", "OTHER", str(folder.path), *given, "--splits", str(folder.path / SPLITS)]
    say(f"compare: {shlex.join(command)}")
    if tracking is not None:
        store = tracking or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
        say(f"mlflow:  {shlex.join(['mlflow', 'ui', '--backend-store-uri', store])}")
