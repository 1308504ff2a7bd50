"""Runs that were killed are marked so in MLflow: at once where the signal can be caught, else by the next run on that machine."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow

PROCESS = "safelight.process"
"""The tag of a run that names its process: host, number, and when it began."""


def this_process() -> str:
    """Return the name of this process."""
    return _named(os.getpid()) or f"{socket.gethostname()} {os.getpid()} 0"


@contextmanager
def terminated_as_exit() -> Iterator[None]:
    """Turn SIGTERM into an exit, so that a run that a service manager ends is closed and marked."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def mark_killed(experiment_id: str) -> None:
    """Mark the runs of this machine that still count as running, and whose process is gone; only Linux tells for sure."""
    if _named(os.getpid()) is None:
        return
    client = mlflow.MlflowClient()
    for run in client.search_runs([experiment_id], filter_string="attributes.status = 'RUNNING'"):
        process = run.data.tags.get(PROCESS, "")
        host, _, rest = process.partition(" ")
        number = rest.partition(" ")[0]
        if host == socket.gethostname() and number.isdigit() and _named(int(number)) != process:
            client.set_terminated(run.info.run_id, "KILLED")


def _named(number: int) -> str | None:
    """Return the name of a process that lives; numbers are used again, so when it began is part of it."""
    try:
        began = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return None
    return f"{socket.gethostname()} {number} {began}"
