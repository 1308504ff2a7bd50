"""What every model gives for a conversation, whatever is inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Taxonomy

Spoken = tuple[str, str]
"""A message with words: its speaker and its text."""


@dataclass(frozen=True)
class Reading:
    """What a model says of the *n* messages with words of a conversation, each given those before it.

    ``stages`` is of shape (n, stages), calibrated probabilities; ``speaker_risk`` of (n,), the risk of each message's speaker after
    it; ``risk`` of (n,), that of the conversation.
    """

    stages: NDArray[np.float32]
    speaker_risk: NDArray[np.float32]
    risk: NDArray[np.float32]


class Model(Protocol):
    """A trained model, as scoring sees it."""

    @property
    def taxonomy(self) -> Taxonomy:
        """The stages that it tells."""
        ...

    def read(self, conversations: Sequence[Sequence[Spoken]]) -> list[Reading]:
        """Return a reading of each conversation; what else is in the batch changes none of them."""
        ...
