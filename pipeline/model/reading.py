"""What every model gives for a conversation, whatever is inside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Taxonomy
from pipeline.model.first_pass import FirstPass

Spoken = tuple[str, str]
"""A message with words: its speaker and its text."""


@dataclass(frozen=True)
class Reading:
    """What a model says of the *n* messages with words of a conversation, each given those before it.

    ``stages`` is of shape (n, stages), calibrated probabilities; ``speaker_risk`` of (n,), the risk of each message's speaker after
    it; ``risk`` of (n,), that of the conversation. ``skipped``: only the first pass of a cascade read it; then the stages are NaN
    and the risks are the first pass's own running estimates, all below ``cut`` of the cascade.
    """

    stages: NDArray[np.float32]
    speaker_risk: NDArray[np.float32]
    risk: NDArray[np.float32]
    skipped: bool = False


Finish = Callable[[], list[Reading]]
"""What is left of a reading when all is prepared that needs no network."""


class Reader(Protocol):
    """Whatever reads conversations: a model, or a plainer method that one is held against."""

    @property
    def taxonomy(self) -> Taxonomy:
        """The stages that it tells."""
        ...

    def read(self, conversations: Sequence[Sequence[Spoken]]) -> list[Reading]:
        """Return a reading of each conversation; what else is in the batch changes none of them."""
        ...


class Model(Reader, Protocol):
    """A trained model, as scoring sees it."""

    def prepare(self, conversations: Sequence[Sequence[Spoken]], *, cascade: bool = False) -> Finish:
        """Do what needs no network, and return the rest, which may be called from another thread.

        With ``cascade`` a conversation that the model's first pass finds far from any alert is read by that alone.
        """
        ...

    @property
    def runtime(self) -> str | None:
        """What runs its network, where it has one: another gives scores that are not the same to the last bit."""
        ...

    @property
    def first_pass(self) -> FirstPass | None:
        """The first pass of a cascade, where the model has one."""
        ...
