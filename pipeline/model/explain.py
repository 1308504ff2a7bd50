"""Explain a flagged message: the words that carried its score, and the indicators' phrases in it.

A word's weight is how far the log-odds of the message's strongest stage fall when the word is left out (leave-one-out; Li et al.
2016). It is read with the few messages before it, so it is close to the score in the results and not the same. Only the strongest
signs of flagged conversations are explained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.alerts import first_alert, stages_over
from pipeline.model.base import Model, Prediction, Utterance
from pipeline.thresholds import Thresholds

MOST = 8
"""Messages of a conversation that are explained, the strongest signs first."""

CONTEXT = 8
"""Messages before it that a message is read with: as many as an encoder's score depends on."""

_AT_ONCE = 512
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


def explain(
    talks: Sequence[tuple[Sequence[Utterance], Prediction]], model: Model, thresholds: Thresholds
) -> list[Mapping[int, Explanation]]:
    """Return the explanations of the strongest signs of each conversation, by the number of the message with words from 0.

    A conversation that is not flagged, or that a cascade skipped, has none. Signs of all conversations are read together.
    """
    signs: list[tuple[int, int, str]] = []
    for talk, (_, prediction) in enumerate(talks):
        if prediction.skipped or first_alert(prediction.risk, thresholds.risk) is None:
            continue
        strongest = sorted(_signs(prediction, model.taxonomy.keys, thresholds), reverse=True)[:MOST]
        signs.extend((talk, number, stage) for _, number, stage in strongest)
    lines = [(talks[talk][0], number) for talk, number, _ in signs]
    words = _weigh(
        [(utterances[max(0, number - CONTEXT) : number], utterances[number]) for utterances, number in lines],
        model,
        [s for *_, s in signs],
    )
    cues = _cues([utterances[number][1] for utterances, number in lines], model)
    explanations: list[dict[int, Explanation]] = [{} for _ in talks]
    for (talk, number, stage), heaviest, phrases in zip(signs, words, cues, strict=True):
        explanations[talk][number] = Explanation(stage, heaviest, phrases)
    return list(explanations)


def _signs(prediction: Prediction, keys: Sequence[str], thresholds: Thresholds) -> Iterator[tuple[float, int, str]]:
    for number, probabilities in enumerate(prediction.stages.tolist()):
        if over := stages_over(dict(zip(keys, probabilities, strict=True)), thresholds.stages):
            probability, stage = max((probability, stage) for stage, probability in over.items())
            yield probability, number, stage


def _cues(texts: Sequence[str], model: Model) -> list[tuple[str, ...]]:
    if not texts or not any(stage.cues for stage in model.taxonomy.stages):
        return [() for _ in texts]
    from pipeline.text.cues import cue_matcher

    matcher = cue_matcher(model.taxonomy.model_dump_json())
    return [tuple(f"{cue.stage}: {cue.phrase}" for cue in cues) for cues in matcher.find(texts)]


def _weigh(signs: Sequence[tuple[Sequence[Utterance], Utterance]], model: Model, stages: Sequence[str]) -> list[tuple[Word, ...]]:
    """Return for each sign the words whose absence lowers its stage's log-odds most, in their order; their weights add up to 1."""
    spans = [word_spans(text) for _, (_, text) in signs]
    odds = _odds_without([(*sign, words) for sign, words in zip(signs, spans, strict=True)], model, stages)
    return [_heaviest(words, falls) for words, falls in zip(spans, odds, strict=True)]


def _heaviest(spans: Sequence[tuple[int, int]], falls: Sequence[float]) -> tuple[Word, ...]:
    heaviest = sorted((number for number in range(len(spans)) if falls[number] > 0), key=lambda number: -falls[number])[:_KEPT]
    total = sum(falls[number] for number in heaviest)
    return tuple(Word(*spans[number], round(float(falls[number] / total), 4)) for number in sorted(heaviest)) if total > 0 else ()


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return the places of the words; of a long message, of stretches of several words."""
    words = [match.span() for match in _WORD.finditer(text)]
    step = -(-len(words) // _WORDS) if words else 1
    groups = [words[start : start + step] for start in range(0, len(words), step)]
    return [(group[0][0], group[-1][1]) for group in groups]


def log_odds_without(
    context: Sequence[Utterance], speaker: str, text: str, spans: Sequence[tuple[int, int]], model: Model, stage: str
) -> list[float]:
    """Return, for each span, how far the log-odds of the stage fall when it is left out."""
    return _odds_without([(context, (speaker, text), spans)], model, [stage])[0]


def _odds_without(
    signs: Sequence[tuple[Sequence[Utterance], Utterance, Sequence[tuple[int, int]]]], model: Model, stages: Sequence[str]
) -> list[list[float]]:
    """Return for each sign how far its stage's log-odds fall without each span; a bounded number is read at once."""
    variants = [
        [*context, (speaker, variant)]
        for context, (speaker, text), spans in signs
        for variant in (text, *(text[:start] + text[end:] for start, end in spans))
    ]
    columns = [
        model.taxonomy.keys.index(stage) for stage, (*_, spans) in zip(stages, signs, strict=True) for _ in range(len(spans) + 1)
    ]
    odds: list[float] = []
    for start in range(0, len(variants), _AT_ONCE):
        predictions = model.predict(variants[start : start + _AT_ONCE])
        odds.extend(
            _log_odds(float(prediction.stages[-1, column]))
            for prediction, column in zip(predictions, columns[start:], strict=False)
        )
    odds_of_all = []
    after = 0
    for *_, spans in signs:
        whole, *without = odds[after : after + len(spans) + 1]
        after += len(spans) + 1
        odds_of_all.append([whole - fall for fall in without])
    return odds_of_all


def _log_odds(probability: float) -> float:
    clipped = float(np.clip(probability, 1e-6, 1 - 1e-6))
    return float(np.log(clipped / (1 - clipped)))
