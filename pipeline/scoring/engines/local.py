"""The local engine: reading, preparing and the network overlap; parts are written as they are done. Memory does not grow."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from pipeline.errors import ExportError
from pipeline.ingest import ReadOptions
from pipeline.ingest.units import Unit
from pipeline.scoring.batches import Batch, UnitEnd, ahead, unit_batches
from pipeline.scoring.checkpoint import Checkpoint
from pipeline.scoring.core import Scored, Scorer, prepare_table
from pipeline.scoring.since import Reading

AHEAD = 2
"""Batches that are read ahead, and prepared ahead."""

_COLLECT_EVERY = 50_000
"""Objects that a batch of messages makes several times over: Python looks for dead ones among all that live after every 700."""

_SWITCH_SECONDS = 0.0002
"""How long one thread of Python may keep the others waiting: of its own 0.005, what calls the network would wait as long."""


def score_units(
    units: Sequence[Unit],
    scorer: Scorer,
    checkpoint: Checkpoint,
    options: ReadOptions,
    *,
    known: Mapping[str, Reading] | None = None,
    progress: Callable[[int], None],
) -> None:
    """Score what is missing of ``checkpoint``; ``progress`` is told how many more messages were scored.

    A damaged unit is written down as failed and the others go on; the only one is an error.

    Raises
    ------
    ExportError
        When there is one unit, and it is damaged.
    Unfinished
        When a part cannot be written.
    """
    with _many_objects_and_threads():
        events = ahead(_read(units, scorer, checkpoint, options), depth=AHEAD)
        for event, finish in ahead(_prepared(events, scorer, known), depth=AHEAD):
            if isinstance(event, UnitEnd):
                end_unit(event, checkpoint, alone=len(units) == 1)
            elif finish is not None:
                scored = finish()
                checkpoint.put(event.unit, event.number, scored)
                progress(scored.scores.num_rows)


@contextmanager
def _many_objects_and_threads() -> Iterator[None]:
    """Set Python up for work that makes millions of objects beside a network, and back."""
    thresholds, seconds = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(_COLLECT_EVERY, *thresholds[1:])
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(seconds)


def end_unit(event: UnitEnd, checkpoint: Checkpoint, *, alone: bool) -> None:
    """Write down that a unit has been read."""
    if event.error is not None and alone:
        raise event.error
    checkpoint.end(event.unit, event.batches, event.log, failed=str(event.error) if event.error else None)


def _read(units: Sequence[Unit], scorer: Scorer, checkpoint: Checkpoint, options: ReadOptions) -> Iterator[Batch | UnitEnd]:
    for number, unit in enumerate(units):
        if not checkpoint.ended(number):
            yield from unit_batches(unit, number, options, text=scorer.text, done=checkpoint.done(number))


def _prepared(
    events: Iterator[Batch | UnitEnd], scorer: Scorer, known: Mapping[str, Reading] | None
) -> Iterator[tuple[Batch | UnitEnd, Callable[[], Scored] | None]]:
    for event in events:
        yield event, prepare_table(event.chats, scorer, known) if isinstance(event, Batch) else None


def first_error(failed: Sequence[Mapping[str, str]], units: Sequence[Unit]) -> ExportError | None:
    """Return an error where no unit could be read."""
    whole = [failure for failure in failed if "conversation" not in failure]
    if units and len(whole) == len(units):
        return ExportError(f"none of the {len(units)} exports can be read, the first because: {whole[0]['reason']}")
    return None
