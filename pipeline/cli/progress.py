"""Progress on standard error: a bar in a terminal, else a line every half minute; and a last line with the duration."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from pipeline.cli.console import say
from pipeline.score import Progress

EVERY_SECONDS = 30.0
"""How often a line is printed where there is no terminal."""


class Watch:
    """The last that was heard of a run, and since when it scores."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.latest = Progress("reading")
        self.scoring_since: float | None = None
        self._at_first = 0

    def hear(self, progress: Progress) -> None:
        """Take in how far the run is; say once where it goes on."""
        if progress.phase == "scoring" and self.scoring_since is None:
            self.scoring_since, self._at_first = time.monotonic(), progress.done
            if progress.resumed:
                of = f" of {progress.parts_total:,}" if progress.parts_total is not None else ""
                say(f"resuming: {progress.resumed:,}{of} parts done", error=True)
        self.latest = progress

    @property
    def rate(self) -> float | None:
        """Messages a second since the scoring began; ``None`` before the first part."""
        new = self.latest.done - self._at_first
        if self.scoring_since is None or new <= 0:
            return None
        return new / max(time.monotonic() - self.scoring_since, 1e-6)

    @property
    def seconds_left(self) -> float | None:
        """An estimate of what is left to score, at the rate so far."""
        if self.rate is None or self.latest.total is None:
            return None
        return (self.latest.total - self.latest.done) / self.rate

    def line(self) -> str:
        """Say how far the run is, in one line."""
        now = self.latest
        if now.phase == "counting":
            return f"counting: {now.done:,} of {now.total or 0:,} exports, {duration(time.monotonic() - self.began)} so far"
        if now.phase != "scoring":
            return f"{now.phase}: {duration(time.monotonic() - self.began)} so far"
        share = f" of {now.total:,} messages ({now.done / now.total:.0%})" if now.total else " messages"
        parts = f", part {now.parts:,}" + (f" of {now.parts_total:,}" if now.parts_total is not None else "")
        rate = f", {self.rate:,.0f} messages/s" if self.rate is not None else ""
        left = f", about {duration(self.seconds_left)} left" if self.seconds_left is not None else ""
        return f"scoring: {now.done:,}{share}{parts}{rate}{left}"

    def end(self) -> str:
        """Say what was done, and how long it took."""
        seconds = time.monotonic() - self.began
        if self.latest.phase == "done":
            rate = f", {self.rate:,.0f} messages/s" if self.rate is not None else ""
            return f"done: {self.latest.done:,} messages in {duration(seconds)}{rate}"
        of = f" of {self.latest.parts_total:,}" if self.latest.parts_total is not None else ""
        return f"stopped after {duration(seconds)}: {self.latest.parts:,}{of} parts done"


def duration(seconds: float) -> str:
    """Return hours, minutes and seconds, such as 0:01:04."""
    return str(timedelta(seconds=round(seconds)))


@contextmanager
def scoring_progress(*, quiet: bool = False) -> Iterator[Callable[[Progress], None] | None]:
    """Yield what to call with how far a run is; with ``quiet`` nothing is shown, and it is ``None``."""
    if quiet:
        yield None
        return
    watch = Watch()
    show = _lines
    if sys.stderr.isatty():
        from pipeline.cli.progress_bar import bar as show
    try:
        with show(watch) as hear:
            yield hear
    finally:
        if watch.latest.phase == "done" or watch.latest.parts:
            say(watch.end(), error=True)


@contextmanager
def _lines(watch: Watch) -> Iterator[Callable[[Progress], None]]:
    """Print a line every half minute, also while nothing is heard of the run."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(EVERY_SECONDS):
            say(watch.line(), error=True)

    thread = threading.Thread(target=tick, name="progress", daemon=True)
    thread.start()
    try:
        yield watch.hear
    finally:
        over.set()
        thread.join()
