"""The prefilter of a cascade: a shallow model over word pieces that finds conversations that the network need not read.

Each message is a bag of its word pieces and of their pairs. The evidence of a stage in a message is the sum of two terms: the
weights of its pieces and pairs (hashed), and a small hidden layer over the summed vectors of its pieces, of the last messages of
the same speaker, and of the message before. Per speaker, the highest evidence so far and the sum of it give a running estimate of
the risk. Several members, trained separately, form an ensemble; their mean counts. A conversation goes to the network if the
estimate of any speaker ever reaches ``cut``; any other is skipped, and marked as skipped in the results.

Everything that is summed is a whole number, or one of a power of two, so that no order of summing can change a bit, in a matrix
product either; nothing later is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from pipeline.errors import ModelFolderError
from pipeline.model.base import Prediction
from pipeline.model.blas import on_one_core
from pipeline.model.folder import ModelFolder
from pipeline.model.risk_head import riskiest
from pipeline.output import write_json

WEIGHTS = "cascade.safetensors"
FIGURES = "cascade.json"

BITS = 16
"""Buckets that features are hashed into, as a power of two."""

_FINE = 1 << 20
"""Steps that evidence is counted in."""

LOW, HIGH = -7.0, 4.0
"""Log-odds of a message's evidence are kept within."""

LITTLE = 0.02
"""Added to how much evidence there was, before its logarithm."""

RECENT = 4
"""Messages of a speaker, the last one included, whose vectors are summed as what the talk is of."""

_SPAN = 16

_FINENESS = 20
"""Numbers that are summed are multiples of 2 to the minus this many; vectors of messages of half as many."""

_MOST = 1 << 12
"""A neuron's highest value, which none comes near: so that 53 places are enough for every sum."""

_BLOCK = 512
"""Messages whose neurons are computed at once: this many stay in the CPU's cache."""

_DECIMALS = 5


@dataclass(frozen=True)
class Prefilter:
    """The members' weights and what is made of them.

    ``vectors`` of shape (pieces, width), whole numbers. ``weights`` of (buckets, members, stages), whole numbers of ``scale``, of
    (members,); ``intercepts`` of (members, stages). ``inner`` of (members, neurons, 3 · width) with ``inner_offsets`` of (members,
    neurons), and ``outer`` of (members, stages, neurons), are the layer of each member; ``head`` of (members, 2 · (stages + 1))
    with ``offsets`` of (members,) weighs what `kinds` and `features` make of the evidence. ``figures`` is what was measured:
    ``recall_loss``, ``passed_on``, and the ``threshold`` of the risk that the cut was chosen for.
    """

    vectors: NDArray[np.int8]
    weights: NDArray[np.int8]
    scale: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    inner: NDArray[np.float64]
    inner_offsets: NDArray[np.float64]
    outer: NDArray[np.float64]
    head: NDArray[np.float64]
    offsets: NDArray[np.float64]
    cut: float
    figures: dict[str, Any]

    def estimates(
        self, messages: Sequence[Sequence[int]], groups: NDArray[np.intp], opens: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the running estimate after each message for its speaker.

        ``messages`` are word pieces, the opening token first; ``groups`` of shape (messages,) numbers the speaker of each, in its
        conversation, so that several conversations are read at once; ``opens`` says which message is the first of a conversation.
        """
        order = np.argsort(groups, kind="stable")
        edges = np.flatnonzero(np.diff(groups[order], prepend=-1))
        lengths = np.diff(edges, append=len(order))
        begins = np.repeat(edges, lengths)
        odds = kinds(self._log_odds(messages, opens, order, begins)).reshape(len(order), -1)
        whole = np.round(odds * _FINE).astype(np.int64)
        shares = np.round(_FINE / (1.0 + np.exp(-odds))).astype(np.int64)
        lift = np.repeat(np.arange(len(edges)) * (_SPAN * _FINE), lengths)[:, None]  # each speaker's numbers above the one's before
        highest = np.maximum.accumulate(whole + lift, axis=0) - lift
        gathered = _since(np.cumsum(shares, axis=0), begins)
        members = len(self.offsets)
        columns = features((highest / _FINE).reshape(len(order), members, -1), (gathered / _FINE).reshape(len(order), members, -1))
        logits = np.full(len(order), self.offsets.sum())
        # Added one after another: a matrix product may add in another order in another batch.
        for column, weight in zip(columns.reshape(len(order), -1).T, self.head.ravel(), strict=True):
            logits += weight * column
        estimates = np.empty(len(order), np.float32)
        estimates[order] = np.round(1.0 / (1.0 + np.exp(-np.clip(logits / members, -30.0, 30.0))), _DECIMALS)
        return estimates

    def _log_odds(
        self, messages: Sequence[Sequence[int]], opens: NDArray[np.bool_], order: NDArray[np.intp], begins: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return the evidence of messages, the speakers' one after another: (messages, members, stages).

        ``order`` puts them so, ``begins`` of shape (messages,) says where the speaker of each begins then.
        """
        members, stages = self.intercepts.shape
        pieces, lengths, owners = flat(messages)
        features, counts = _features(pieces, lengths, owners)
        sums = _summed(self.weights.reshape(len(self.weights), -1), features, counts).reshape(-1, members, stages)
        odds = (sums * (self.scale[:, None] / np.sqrt(np.maximum(counts, 1))[:, None, None]) + self.intercepts)[order]
        seen = self._seen(pieces, lengths, opens, order, begins)
        step = 2.0 ** (_FINENESS // 2)  # the neurons are computed in steps, so that rounding to an integer is enough
        inner, offsets = (fine(self.inner) * step).reshape(-1, seen.shape[1]).T, (fine(self.inner_offsets) * step).ravel()
        outer = fine(self.outer) / step
        with on_one_core():
            for start in range(0, len(seen), _BLOCK):
                rows = slice(start, start + _BLOCK)
                neurons = seen[rows] @ inner
                neurons += offsets
                np.rint(np.clip(neurons, 0.0, _MOST * step, out=neurons), out=neurons)
                apart = neurons.reshape(-1, *outer.shape[::2])
                for member in range(members):
                    odds[rows, member] += apart[:, member] @ outer[member].T
        return odds

    def _seen(
        self,
        pieces: NDArray[np.int64],
        lengths: NDArray[np.int64],
        opens: NDArray[np.bool_],
        order: NDArray[np.intp],
        begins: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """Return three vectors of each message: its own, that of its speaker's last messages, and that of the message before it."""
        message_features = fine(_summed(self.vectors, pieces, lengths) / np.sqrt(np.maximum(lengths, 1))[:, None], _FINENESS // 2)
        before = np.where(opens[:, None], 0.0, np.roll(message_features, 1, axis=0))
        rows = np.arange(len(message_features))
        since = np.maximum(rows - RECENT + 1, begins)
        recent = _since(np.cumsum(message_features[order], axis=0), since)
        recent = fine(recent / np.sqrt(rows - since + 1)[:, None], _FINENESS // 2)
        return np.concatenate([message_features[order], recent, before[order]], axis=1)

    def skipped(
        self, conversations: Sequence[Sequence[Sequence[int]]], speakers: Sequence[Sequence[str]], *, stages: int
    ) -> list[Prediction | None]:
        """Return the prediction for each conversation that is skipped, and ``None`` for those that go to the network."""
        predictions: list[Prediction | None] = []
        estimates = self.running(conversations, speakers)
        for estimate, names in zip(estimates, speakers, strict=True):
            if len(estimate) and float(estimate.max()) >= self.cut:
                predictions.append(None)
            else:
                predictions.append(
                    Prediction(
                        np.full((len(estimate), stages), np.nan, np.float32), estimate, riskiest(estimate, names), skipped=True
                    )
                )
        return predictions

    def running(
        self, conversations: Sequence[Sequence[Sequence[int]]], speakers: Sequence[Sequence[str]]
    ) -> list[NDArray[np.float32]]:
        """Return the running estimates of each conversation, after each message for its speaker."""
        numbers: dict[tuple[int, str], int] = {}
        keys = [(number, name) for number, names in enumerate(speakers) for name in names]
        groups = np.asarray([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)
        messages = list(chain.from_iterable(conversations))
        ends = np.cumsum([len(conversation) for conversation in conversations], dtype=np.intp)
        opens = np.isin(np.arange(len(messages)), ends - [len(conversation) for conversation in conversations])
        estimates = self.estimates(messages, groups, opens) if messages else np.zeros(0, np.float32)
        return np.split(estimates, ends[:-1]) if len(conversations) else []

    def save(self, folder: Path) -> None:
        """Write the weights and the figures into a model folder."""
        (folder / WEIGHTS).write_bytes(save({name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}))
        write_json(folder / FIGURES, {"cut": self.cut, **self.figures})

    @property
    def keeps_recall(self) -> bool:
        """Whether the measured loss of recall is small enough for the cascade to be on unless the user says otherwise."""
        loss = self.figures.get("recall_loss")
        return loss is not None and loss <= ALLOWED_LOSS


ALLOWED_LOSS = 0.005

_ARRAYS = tuple(field.name for field in fields(Prefilter) if field.name not in {"cut", "figures"})


def fine(numbers: NDArray[np.float64], places: int = _FINENESS) -> NDArray[np.float64]:
    """Return the numbers with so many binary places: sums of them, and of products of them, are exact."""
    return np.round(numbers * 2.0**places) / 2.0**places


def kinds(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the evidence of messages, of shape (…, stages + 1): that of each stage, within bounds, and the highest."""
    bounded = np.clip(log_odds, LOW, HIGH)
    return np.concatenate([bounded, bounded.max(axis=-1, keepdims=True)], axis=-1)


def features(highest: NDArray[np.float64], gathered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the head weighs: the highest evidence of each kind, and the logarithms of how much there was."""
    return np.concatenate([highest, np.log(LITTLE + gathered)], axis=-1)


def hashed(messages: Iterable[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the features of all messages one after another, and how many each has; the opening token of each is left out.

    Features are single pieces, and pairs of neighbours within a message.
    """
    return _features(*flat(messages))


def _features(
    pieces: NDArray[np.int64], lengths: NDArray[np.int64], owners: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = np.flatnonzero(owners[1:] == owners[:-1]) if len(owners) > 1 else np.zeros(0, np.intp)
    buckets = np.concatenate([_bucket(pieces + 1, 0), _bucket(pieces[pairs] + 1, pieces[pairs + 1] + 1)])
    owners = np.concatenate([owners, owners[pairs]])
    order = np.argsort(owners, kind="stable")
    return buckets[order], np.bincount(owners, minlength=len(lengths)).astype(np.int64)


def flat(messages: Iterable[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
    """Return the pieces of all messages one after another without the opening tokens, how many each has, and whose each is."""
    held = list(messages)
    lengths = np.fromiter(map(len, held), np.int64, len(held))
    pieces = np.fromiter(chain.from_iterable(held), np.int64, int(lengths.sum()))
    inside = np.ones(len(pieces), bool)
    inside[np.cumsum(lengths) - lengths] = False
    return pieces[inside], lengths - 1, np.repeat(np.arange(len(held)), lengths - 1)


def _summed(table: NDArray[np.int8], rows: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the sums of rows of a table, of which each message has its count."""
    order = np.argsort(-counts, kind="stable")
    starts = (np.cumsum(counts) - counts)[order]
    sums = np.zeros((len(counts), table.shape[1]), np.int32)
    # The first row of every message, then the second of those that have one: half the time of NumPy's `reduceat`.
    for place, many in enumerate(len(counts) - np.cumsum(np.bincount(counts))[:-1]):
        sums[:many] += table[rows[starts[:many] + place]]
    totals = np.empty_like(sums)
    totals[order] = sums
    return totals


def _since(sums: NDArray[Any], begins: NDArray[np.intp]) -> NDArray[Any]:
    """Return running sums of rows, each from the row where its own begins on."""
    before = np.concatenate([np.zeros_like(sums[:1]), sums])
    return sums - before[begins]


def _bucket(first: NDArray[np.int64], second: NDArray[np.int64] | int) -> NDArray[np.int64]:
    mixed = (first.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ (
        np.asarray(second).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)


def load_prefilter(folder: ModelFolder) -> Prefilter | None:
    """Load the prefilter of a checked folder; ``None`` where it has none.

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
        raise ModelFolderError("the prefilter is damaged", where=str(folder.path / WEIGHTS), do="Get the folder again") from error
    figures = dict(folder.json(FIGURES))
    try:
        return Prefilter(**{name: arrays[name] for name in _ARRAYS}, cut=figures.pop("cut"), figures=figures)
    except KeyError as error:
        raise ModelFolderError(f"the prefilter lacks {error}", where=str(folder.path), do="Get the folder again") from error
