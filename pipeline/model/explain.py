"""Why a message was found: the words that carried it, and the indicators' phrases that stand in it.

A word's weight is how far the log-odds of the message's strongest stage fall when the word is left out (leave-one-out; Li et al.
2016). It is read with the few messages before it, so it is close to the score in the results and not the same. Only the strongest
signs of flagged conversations are explained: everything else is nobody's reading yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.model.reading import Model, Spoken
from pipeline.model.spoken import has_words
from pipeline.model.thresholds import Thresholds
from pipeline.schema import Message, MessageScore

MOST = 8
"""Messages of a conversation that are explained, the strongest signs first."""

CONTEXT = 10
"""Messages before it that a message is read with."""

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
    """Why a message was found."""

    stage: str
    words: tuple[Word, ...]
    cues: tuple[str, ...]


def explain(
    messages: Sequence[Message], scores: Sequence[MessageScore], model: Model, thresholds: Thresholds
) -> Mapping[int, Explanation]:
    """Return the explanations of a flagged conversation's strongest signs, by position from 1; none where it is not flagged."""
    if not any(score.risk >= thresholds.risk for score in scores):
        return {}
    signs = sorted(_signs(scores, thresholds), reverse=True)[:MOST]
    chosen = {position: stage for _, position, stage in signs}
    spoken = [position for position, message in enumerate(messages, 1) if has_words(message)]
    words = {}
    for position, stage in chosen.items():
        before = spoken[max(0, spoken.index(position) - CONTEXT) : spoken.index(position)]
        context = [(str(messages[number - 1].speaker), messages[number - 1].text) for number in before]
        message = messages[position - 1]
        words[position] = weigh_words(context, (str(message.speaker), message.text), model, stage)
    cues = _cues([messages[position - 1].text for position in chosen], model)
    return {
        position: Explanation(stage, words[position], found) for (position, stage), found in zip(chosen.items(), cues, strict=True)
    }


def _signs(scores: Sequence[MessageScore], thresholds: Thresholds) -> Iterator[tuple[float, int, str]]:
    for score in scores:
        found = [
            (probability, stage)
            for stage, probability in (score.stages or {}).items()
            if probability >= thresholds.stages.get(stage, 1.0)
        ]
        if found:
            probability, stage = max(found)
            yield probability, score.position, stage


def _cues(texts: Sequence[str], model: Model) -> list[tuple[str, ...]]:
    if not any(stage.cues for stage in model.taxonomy.stages):
        return [() for _ in texts]
    from pipeline.text.cues import cue_matcher

    matcher = cue_matcher(model.taxonomy.model_dump_json())
    return [tuple(f"{cue.stage}: {cue.phrase}" for cue in found) for found in matcher.find(texts)]


def weigh_words(context: Sequence[Spoken], message: Spoken, model: Model, stage: str) -> tuple[Word, ...]:
    """Return the words whose absence lowers a stage's log-odds most, in the order of the message; their weights add up to 1."""
    speaker, text = message
    spans = word_spans(text)
    if not spans:
        return ()
    falls = log_odds_without(context, speaker, text, spans, model, stage)
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
    context: Sequence[Spoken], speaker: str, text: str, spans: Sequence[tuple[int, int]], model: Model, stage: str
) -> list[float]:
    """Return, for each span, how far the log-odds of the stage fall when it is left out."""
    column = model.taxonomy.keys.index(stage)
    variants = [text, *(text[:start] + text[end:] for start, end in spans)]
    readings = model.read([[*context, (speaker, variant)] for variant in variants])
    odds = [_log_odds(float(reading.stages[-1, column])) for reading in readings]
    return [odds[0] - without for without in odds[1:]]


def _log_odds(probability: float) -> float:
    clipped = float(np.clip(probability, 1e-6, 1 - 1e-6))
    return float(np.log(clipped / (1 - clipped)))
