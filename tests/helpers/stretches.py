"""Stretches of a conversation as training reads them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.training.examples import Example
from pipeline.training.open_encoder import Start

NAN = float("nan")


def example(start: Start, stages: list[list[float]], *, groomers: frozenset[str] | None, **fields: object) -> Example:
    """Return a stretch of two people who take turns, with these stages; ``fields`` replace others of its labels."""
    lines = [("A" if position % 2 == 0 else "B", f"good game {position}") for position in range(len(stages))]
    base = Example(
        id="e",
        pieces=tuple(map(tuple, start.tokenizer.pieces([lines])[0])),
        speakers=tuple(speaker for speaker, _ in lines),
        stages=np.asarray(stages, np.float32),
        flagged=np.full(len(stages), NAN, np.float32),
        young=np.full(len(stages), NAN, np.float32),
        groomers=groomers,
        grooming=None if groomers is None else bool(groomers),
    )
    return replace(base, **fields)  # type: ignore[arg-type]
