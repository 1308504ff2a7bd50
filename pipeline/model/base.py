"""The interface that every model offers: predictions for the messages of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Taxonomy

Utterance = tuple[str, str]
"""A message with words: its speaker and its text."""


@dataclass(frozen=True)
class Prediction:
    """What a model predicts for the *n* messages with words of a conversation, each from the messages up to it.

    ``stages`` is of shape (n, stages), calibrated probabilities; ``speaker_risk`` of (n,), the risk of each message's speaker after
    it; ``risk`` of (n,), that of the conversation. ``skipped``: only the prefilter of a cascade read it; then the stages are NaN
    and the risks are the prefilter's own running estimates, all below ``cut`` of the cascade. ``vectors`` of shape (n, width) are
    those of the messages, where they were to be kept and the model makes any.
    """

    stages: NDArray[np.float32]
    speaker_risk: NDArray[np.float32]
    risk: NDArray[np.float32]
    skipped: bool = False
    vectors: NDArray[np.float32] | None = None


DeferredPrediction = Callable[[], list[Prediction]]
"""Deferred call that runs the network on prepared conversations."""


class Predictor(Protocol):
    """Whatever predicts for conversations: a model, or a simpler method that one is compared with."""

    @property
    def taxonomy(self) -> Taxonomy:
        """The stages that it predicts."""
        ...

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation; it does not depend on the other conversations of the batch."""
        ...


class PrefilterInfo(Protocol):
    """What scoring asks of the prefilter of a cascade; see `pipeline.model.encoder.prefilter`."""

    @property
    def figures(self) -> Mapping[str, Any]:
        """What was measured, and the ``threshold`` of the risk that the cut was chosen for."""
        ...

    @property
    def keeps_recall(self) -> bool:
        """Whether the measured loss of recall is small enough for the cascade to be on by default."""
        ...


class Model(Predictor, Protocol):
    """A trained model, as scoring uses it."""

    def prepare(
        self, conversations: Sequence[Sequence[Utterance]], *, cascade: bool = False, keep_vectors: bool = False
    ) -> DeferredPrediction:
        """Do what needs no network, and return a call for the rest, which may run in another thread.

        With ``cascade`` only the prefilter reads a conversation that it finds far from any alert. With ``keep_vectors`` the
        predictions hold the messages' vectors.
        """
        ...

    @property
    def runtime(self) -> str | None:
        """What runs its network, if it has one. Scores of two runtimes can differ in the last bits."""
        ...

    @property
    def prefilter(self) -> PrefilterInfo | None:
        """The prefilter of a cascade, if the model has one."""
        ...
