"""The bar that shows in a terminal how far a run is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from pipeline.cli.console import terminal
from pipeline.cli.progress import Watch
from pipeline.score import Progress


class _Rate(ProgressColumn):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def render(self, task: Task) -> Text:
        """Return messages a second since the scoring began."""
        del task
        return Text("" if self._watch.rate is None else f"{self._watch.rate:,.0f} messages/s")


@contextmanager
def bar(watch: Watch) -> Iterator[Callable[[Progress], None]]:
    """Show a bar, and yield what to call with how far the run is."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        _Rate(watch),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=terminal(stderr=True), transient=True) as shown:
        task = shown.add_task("reading", total=None, amount="")

        def hear(progress: Progress) -> None:
            watch.hear(progress)
            unit = "exports" if progress.phase == "counting" else "messages"
            of = f" of {progress.total:,}" if progress.total is not None else ""
            amount = f"{progress.done:,}{of} {unit}" if progress.phase != "reading" else ""
            shown.update(task, description=progress.phase, completed=progress.done, total=progress.total, amount=amount)

        yield hear
