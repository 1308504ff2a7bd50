"""How much a run will score, counted before it begins, so that progress has a real total."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.errors import ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.read import read_unit
from pipeline.ingest.units import Unit
from pipeline.scoring import batches


@dataclass(frozen=True, slots=True)
class Amount:
    """Messages, and the parts (batches of whole conversations) that they are scored in."""

    messages: int
    parts: int

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.messages + other.messages, self.parts + other.parts)


def count_units(units: Sequence[Unit], options: ReadOptions, progress: Callable[[int, int], None]) -> Amount:
    """Read all units once and count; ``progress`` is told how many units of how many were counted.

    Reading takes a small share of the time that scoring takes. A unit that is damaged counts as nothing: its parts are not kept.
    """
    total = Amount(0, 0)
    for number, unit in enumerate(units, 1):
        try:
            total += count_unit(unit, options)
        except ExportError:  # whoever scores it finds the damage again, and names it
            total += Amount(0, 0)
        progress(number, len(units))
    return total


def count_unit(unit: Unit, options: ReadOptions) -> Amount:
    """Count the messages and parts of one unit.

    Raises
    ------
    ExportError
        When it cannot be read whole.
    """
    messages = parts = size = 0
    for conversation in read_unit(unit, options, ReadLog()):
        count = sum(1 for _ in conversation.messages)
        messages += count
        size += count or 1
        if size >= batches.BATCH_MESSAGES:
            parts, size = parts + 1, 0
    return Amount(messages, parts + bool(size))
