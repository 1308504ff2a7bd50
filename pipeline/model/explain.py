"""Explain a flagged message: the words that carried its score, and the indicators' phrases in it.

A word's weight is how far the log-odds of the message's strongest stage fall when the word is left out (leave-one-out; Li et al.
2016), read with the few messages before it. Leaving out every word costs as much as reading a message for each of them, so only the
words that an estimate finds heaviest are left out: the others have their estimate, on the scale of those. And only the strongest
signs of flagged conversations are explained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.alerts import first_alert, stages_over
from pipeline.model.base import Model, Prediction
from pipeline.model.variant_reader import variant_reader
from pipeline.model.variants import Conversations, Reworded, Span, VariantReader, log_odds
from pipeline.thresholds import Thresholds

SIGNS = 3
"""Messages of a conversation that are explained unless a run says otherwise, the strongest signs first."""

TRIED = 4
"""Words of a message that are left out, where there is an estimate of which are heavy."""

_WORDS = 24
_KEPT = 6
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Word:
    """A stretch of a message, from ``start`` to ``end`` in characters, and its share of what carried the sign."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a message was flagged."""

    stage: str
    words: tuple[Word, ...]
    cues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """A message, by conversation and number, and the stage that it is a sign of, by its place in the taxonomy."""

    conversation: int
    number: int
    stage: int


def explain(
    conversations: Conversations,
    model: Model,
    thresholds: Thresholds,
    *,
    most: int = SIGNS,
    reader: VariantReader | None = None,
) -> list[Mapping[int, Explanation]]:
    """Return the explanations of the ``most`` strongest signs of each conversation, by the number of the message from 0.

    A conversation that is not flagged, or that a cascade skipped, has none. Signs of all conversations are read together.
    """
    reader = reader or variant_reader(conversations, model)
    signs: list[Sign] = []
    for number, (_, prediction) in enumerate(conversations):
        if not prediction.skipped and first_alert(prediction.risk, thresholds.risk) is not None:
            strongest = sorted(signs_of(prediction, model.taxonomy.keys, thresholds), reverse=True)[:most]
            signs.extend(Sign(number, message, stage) for _, message, stage in strongest)
    explanations: list[dict[int, Explanation]] = [{} for _ in conversations]
    for sign, explanation in zip(signs, explain_signs(conversations, signs, model, reader=reader), strict=True):
        explanations[sign.conversation][sign.number] = explanation
    return list(explanations)


def explain_signs(
    conversations: Conversations, signs: Sequence[Sign], model: Model, *, reader: VariantReader | None = None
) -> list[Explanation]:
    """Return the explanation of each of some signs, which are read together.

    Of a conversation no more is needed than the message and the few before it.
    """
    reader = reader or variant_reader(conversations, model)
    texts = [conversations[sign.conversation][0][sign.number][1] for sign in signs]
    spans = [word_spans(text) for text in texts]
    falls = falls_without(signs, texts, spans, reader)
    return [
        Explanation(model.taxonomy.keys[sign.stage], heaviest(words, fall), cues)
        for sign, words, fall, cues in zip(signs, spans, falls, _cues(texts, model), strict=True)
    ]


def signs_of(prediction: Prediction, keys: Sequence[str], thresholds: Thresholds) -> Iterator[tuple[float, int, int]]:
    """Yield the probability, the message's number from 0 and the stage of each sign: the strongest stage over its threshold."""
    for number, probabilities in enumerate(prediction.stages.tolist()):
        if over := stages_over(dict(zip(keys, probabilities, strict=True)), thresholds.stages):
            probability, stage = max((probability, stage) for stage, probability in over.items())
            yield probability, number, keys.index(stage)


def _cues(texts: Sequence[str], model: Model) -> list[tuple[str, ...]]:
    if not texts or not any(stage.cues for stage in model.taxonomy.stages):
        return [() for _ in texts]
    from pipeline.text.cues import cue_matcher

    matcher = cue_matcher(model.taxonomy.model_dump_json())
    return [tuple(f"{cue.stage}: {cue.phrase}" for cue in cues) for cues in matcher.find(texts)]


def falls_without(
    signs: Sequence[Sign], texts: Sequence[str], spans: Sequence[Sequence[Span]], reader: VariantReader
) -> list[NDArray[np.float64]]:
    """Return for each sign how far the log-odds of its stage fall without each span; of spans that were not tried, an estimate."""
    estimates = _estimates(signs, spans, reader)
    tried = [_tried(estimate, len(places)) for estimate, places in zip(estimates, spans, strict=True)]
    variants: list[Reworded] = []
    for sign, text, places, numbers in zip(signs, texts, spans, tried, strict=True):
        variants.append(Reworded(sign.conversation, sign.number, text))
        variants.extend(Reworded(sign.conversation, sign.number, without(text, [places[number]])) for number in numbers)
    odds = log_odds(reader.stages(variants))
    falls: list[NDArray[np.float64]] = []
    row = 0
    for sign, estimate, numbers in zip(signs, estimates, tried, strict=True):
        read = odds[row, sign.stage] - odds[row + 1 : row + 1 + len(numbers), sign.stage]
        falls.append(read if estimate is None else _filled(estimate, numbers, read))
        row += len(numbers) + 1
    return falls


def _estimates(signs: Sequence[Sign], spans: Sequence[Sequence[Span]], reader: VariantReader) -> list[NDArray[np.float64] | None]:
    """Return by how much each span of a sign is estimated to add to its stage; ``None`` where all of few spans are left out."""
    long = [place for place, words in enumerate(spans) if len(words) > TRIED]
    contributions = reader.contributions([(signs[place].conversation, signs[place].number, spans[place]) for place in long])
    estimates: list[NDArray[np.float64] | None] = [None for _ in signs]
    for place, contribution in zip(long, contributions, strict=True):
        if contribution is not None:
            estimates[place] = contribution[:, signs[place].stage]
    return estimates


def _tried(estimate: NDArray[np.float64] | None, count: int) -> list[int]:
    """Return the numbers of the spans that are worth leaving out: the heaviest by estimate, or all without one."""
    if estimate is None:
        return list(range(count))
    return sorted(np.argsort(-estimate, kind="stable")[:TRIED].tolist())


def _filled(estimate: NDArray[np.float64], numbers: Sequence[int], read: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the estimates on the scale of what was read, and what was read in the place of theirs."""
    estimated = np.maximum(estimate[list(numbers)], 0.0).sum()
    falls = estimate * (np.maximum(read, 0.0).sum() / estimated if estimated > 0 else 0.0)
    falls[list(numbers)] = read
    return falls


def heaviest(spans: Sequence[Span], falls: Sequence[float] | NDArray[np.float64]) -> tuple[Word, ...]:
    """Return the spans whose absence lowers a figure most, in their order; their weights add up to 1."""
    chosen = sorted((number for number in range(len(spans)) if falls[number] > 0), key=lambda number: -falls[number])[:_KEPT]
    total = sum(falls[number] for number in chosen)
    return tuple(Word(*spans[number], round(float(falls[number] / total), 4)) for number in sorted(chosen)) if total > 0 else ()


def word_spans(text: str) -> list[Span]:
    """Return the places of the words; of a long message, of stretches of several words."""
    words = [match.span() for match in _WORD.finditer(text)]
    step = -(-len(words) // _WORDS) if words else 1
    groups = [words[start : start + step] for start in range(0, len(words), step)]
    return [(group[0][0], group[-1][1]) for group in groups]


def without(text: str, spans: Sequence[Span]) -> str:
    """Return a text without some spans of it."""
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text
