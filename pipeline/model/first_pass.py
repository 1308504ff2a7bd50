"""The first pass of a cascade: a linear reading of word pieces that tells which conversations the network need not read.

Each message is a bag of its word pieces and of their pairs, hashed; a linear layer makes evidence a stage of it, as fast as it
can be looked up. Per speaker, the highest evidence so far and how much of it there was make a running estimate of the risk. A
conversation goes to the network if the estimate of any speaker ever reaches ``cut``; one that does not is skipped, and marked as
such in the results.

Everything that is summed is whole numbers, so that no order of summing can change a bit; nothing later is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from pipeline.errors import ModelFolderError
from pipeline.model.evidence import riskiest
from pipeline.output import write_json

if TYPE_CHECKING:
    from pipeline.model.folder import ModelFolder
    from pipeline.model.reading import Reading

WEIGHTS = "cascade.safetensors"
FIGURES = "cascade.json"

BITS = 17
"""Buckets that features are hashed into, as a power of two."""

_FINE = 1 << 20
"""Steps that evidence is counted in."""

LOW, HIGH = -7.0, 4.0
"""Log-odds of a message's evidence are kept within."""

LITTLE = 0.02
"""Added to how much evidence there was, before its logarithm."""

_SPAN = 16

_DECIMALS = 5


@dataclass(frozen=True)
class FirstPass:
    """The linear layer and what is made of it.

    ``weights`` of shape (buckets, stages), whole numbers of ``scale``; ``intercepts`` of (stages,). ``head`` of
    (2 · (stages + 1),) weighs what `kinds` and `features` make of them, with ``offset``. ``figures`` is what was measured:
    ``recall_loss``, ``passed_on``, and the ``threshold`` of the risk that the cut was chosen for.
    """

    weights: NDArray[np.int16]
    scale: float
    intercepts: NDArray[np.float64]
    head: NDArray[np.float64]
    offset: float
    cut: float
    figures: dict[str, Any]

    def estimates(self, messages: Sequence[Sequence[int]], groups: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the running estimate after each message for its speaker.

        ``messages`` are word pieces, the speaker's mark first; ``groups`` of shape (messages,) numbers the speaker of each, in its
        conversation, so that several conversations are read at once.
        """
        odds = kinds(self._log_odds(messages))
        whole = np.round(odds * _FINE).astype(np.int64)
        shares = np.round(_FINE / (1.0 + np.exp(-odds))).astype(np.int64)
        order = np.argsort(groups, kind="stable")
        edges = np.flatnonzero(np.diff(groups[order], prepend=-1))
        lengths = np.diff(edges, append=len(order))
        lift = np.repeat(np.arange(len(edges)) * (_SPAN * _FINE), lengths)[:, None]  # each speaker's numbers above the one's before
        highest = np.maximum.accumulate(whole[order] + lift, axis=0) - lift
        sums = np.cumsum(shares[order], axis=0)
        gathered = sums - np.repeat(sums[edges] - shares[order][edges], lengths, axis=0)
        logits = np.full(len(order), self.offset)
        # Added one after another: a matrix product may add in another order in another batch.
        for column, weight in zip(features(highest / _FINE, gathered / _FINE), self.head, strict=True):
            logits += weight * column
        found = np.empty(len(order), np.float32)
        found[order] = np.round(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))), _DECIMALS)
        return found

    def _log_odds(self, messages: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        found, counts = hashed(messages)
        ends = np.cumsum(counts)
        sums = np.zeros((len(counts), self.weights.shape[1]), np.int64)
        full = np.flatnonzero(counts)
        if len(full):
            sums[full] = np.add.reduceat(self.weights[found].astype(np.int32), (ends - counts)[full], axis=0)
        return sums * (self.scale / np.sqrt(np.maximum(counts, 1)))[:, None] + self.intercepts

    def skipped(
        self, conversations: Sequence[Sequence[Sequence[int]]], speakers: Sequence[Sequence[str]], *, stages: int
    ) -> list[Reading | None]:
        """Return the reading of each conversation that is skipped, and ``None`` for those that go to the network."""
        from pipeline.model.reading import Reading

        found: list[Reading | None] = []
        estimates = self.running(conversations, speakers)
        for own, names in zip(estimates, speakers, strict=True):
            if len(own) and float(own.max()) >= self.cut:
                found.append(None)
            else:
                found.append(Reading(np.full((len(own), stages), np.nan, np.float32), own, riskiest(own, names), skipped=True))
        return found

    def running(
        self, conversations: Sequence[Sequence[Sequence[int]]], speakers: Sequence[Sequence[str]]
    ) -> list[NDArray[np.float32]]:
        """Return the running estimates of each conversation, after each message for its speaker."""
        numbers: dict[tuple[int, str], int] = {}
        keys = [(number, name) for number, names in enumerate(speakers) for name in names]
        groups = np.asarray([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)
        messages = list(chain.from_iterable(conversations))
        estimates = self.estimates(messages, groups) if messages else np.zeros(0, np.float32)
        return np.split(estimates, np.cumsum([len(own) for own in conversations])[:-1]) if len(conversations) else []

    def save(self, folder: Path) -> None:
        """Write the weights and the figures into a model folder."""
        arrays = {"weights": self.weights, "intercepts": self.intercepts, "head": self.head}
        (folder / WEIGHTS).write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
        write_json(folder / FIGURES, {"scale": self.scale, "offset": self.offset, "cut": self.cut, **self.figures})

    @property
    def keeps_recall(self) -> bool:
        """Whether the measured loss of recall is small enough for the cascade to be on unless the user says otherwise."""
        loss = self.figures.get("recall_loss")
        return loss is not None and loss <= ALLOWED_LOSS


ALLOWED_LOSS = 0.005


def kinds(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the evidence of messages, of shape (messages, stages + 1): that of each stage, within bounds, and the highest."""
    bounded = np.clip(log_odds, LOW, HIGH)
    return np.concatenate([bounded, bounded.max(axis=1, keepdims=True)], axis=1)


def features(highest: NDArray[np.float64], gathered: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return what the head weighs: the highest evidence of each kind, and the logarithms of how much there was."""
    return [*highest.T, *np.log(LITTLE + gathered).T]


def hashed(messages: Iterable[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the features of all messages one after another, and how many each has; the mark at the start of each is left out.

    Features are single pieces, and pairs of neighbours within a message.
    """
    held = list(messages)
    lengths = np.fromiter(map(len, held), np.int64, len(held)) - 1
    pieces = np.fromiter(chain.from_iterable(held), np.int64, int(lengths.sum()) + len(held))
    starts = np.cumsum(lengths + 1) - (lengths + 1)
    inside = np.ones(len(pieces), bool)
    inside[starts] = False
    pieces = pieces[inside]
    owners = np.repeat(np.arange(len(held)), lengths)
    pairs = np.flatnonzero(owners[1:] == owners[:-1]) if len(owners) > 1 else np.zeros(0, np.intp)
    found = np.concatenate([_bucket(pieces + 1, 0), _bucket(pieces[pairs] + 1, pieces[pairs + 1] + 1)])
    owners = np.concatenate([owners, owners[pairs]])
    order = np.argsort(owners, kind="stable")
    return found[order], np.bincount(owners, minlength=len(held)).astype(np.int64)


def _bucket(first: NDArray[np.int64], second: NDArray[np.int64] | int) -> NDArray[np.int64]:
    mixed = (first.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ (
        np.asarray(second).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)


def load_first_pass(folder: ModelFolder) -> FirstPass | None:
    """Load the first pass of a checked folder; ``None`` where it has none.

    Raises
    ------
    ModelFolderError
        When its files are damaged or do not fit.
    """
    if WEIGHTS not in folder.hashes or FIGURES not in folder.hashes:
        return None
    try:
        arrays = load_file(folder.path / WEIGHTS)
    except SafetensorError as error:
        raise ModelFolderError("the first pass is damaged", where=str(folder.path / WEIGHTS), do="Get the folder again") from error
    figures = dict(folder.json(FIGURES))
    try:
        return FirstPass(
            weights=arrays["weights"],
            intercepts=arrays["intercepts"],
            head=arrays["head"],
            scale=figures.pop("scale"),
            offset=figures.pop("offset"),
            cut=figures.pop("cut"),
            figures=figures,
        )
    except KeyError as error:
        raise ModelFolderError(f"the first pass lacks {error}", where=str(folder.path), do="Get the folder again") from error
