"""Labelled conversations as the network learns from them: windows, and what is known at each message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.spoken import spoken
from pipeline.model.windows import Encoding, Window


@dataclass(frozen=True)
class Example:
    """A conversation of *n* messages with words.

    ``stages`` is of shape (n, stages), ``flagged`` of (n,): 1, 0, or NaN where the corpus does not say. ``groomers`` is ``None``
    where it does not say who; ``grooming`` where it does not say whether.
    """

    id: str
    windows: tuple[Window, ...]
    speakers: tuple[str, ...]
    stages: NDArray[np.float32]
    flagged: NDArray[np.float32]
    groomers: frozenset[str] | None
    grooming: bool | None

    @property
    def signals(self) -> NDArray[np.bool_] | None:
        """Which messages carry a stage or are flagged, of shape (n,); ``None`` where the corpus labels no messages."""
        known = ~np.isnan(self.stages).all(axis=1) | ~np.isnan(self.flagged)
        if not known.any():
            return None
        return (np.nan_to_num(self.stages).max(axis=1) > 0) | (np.nan_to_num(self.flagged) > 0)


def make_examples(
    conversations: Sequence[LabelledConversation], encoding: Encoding, *, stages: Sequence[str], longest: int | None = None
) -> Iterator[Example]:
    """Yield the examples of conversations that have words; ``longest`` messages of each at most."""
    for conversation in conversations:
        read = spoken(conversation.messages)[:longest]
        if not read:
            continue
        positions, lines = [position for position, _ in read], [line for _, line in read]
        flags = conversation.flagged
        yield Example(
            id=conversation.id,
            windows=tuple(encoding.windows([lines])[0]),
            speakers=tuple(speaker for speaker, _ in lines),
            stages=np.asarray(conversation.numbers(positions, stages), np.float32),
            flagged=np.asarray([np.nan if flags is None else float(position in flags) for position in positions], np.float32),
            groomers=conversation.groomers,
            grooming=conversation.is_grooming,
        )
