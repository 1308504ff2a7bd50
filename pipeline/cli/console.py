"""The terminal: whatever stands in a name or an id, nothing but this program's own colours reaches it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipeline.printable import printable_lines

if TYPE_CHECKING:
    from rich.console import Console


def say(line: object = "", *, error: bool = False) -> None:
    """Print a line, at once, on standard output or standard error."""
    print(printable_lines(str(line)), file=sys.stderr if error else sys.stdout, flush=True)


def terminal(*, stderr: bool = False) -> Console:
    """Return a console of `rich` that shows controls as `printable` does, wherever they stand in what is printed."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class _Console(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)

    return _Console(stderr=stderr)
