"""Why the running risk of a flagged conversation jumped: stages, words and earlier messages, and what it would be without them.

Each figure is a prediction of the model itself on the conversation up to that message, with one thing left out: so it is what the
model would have said, not an estimate. Only the largest jumps are explained, the one that raised the alert always among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.alerts import first_alert
from pipeline.model.base import Model, Prediction, Utterance
from pipeline.model.explain import CONTEXT, Word, word_spans
from pipeline.thresholds import Thresholds

MOST = 3
"""Jumps of a conversation that are explained."""

SMALLEST = 0.05
"""A smaller rise of the risk is no jump, unless it raises the alert."""

LONGEST = 400
"""A jump further into a conversation is not computed again: every figure reads all messages before it."""

_STAGES = 3
_LEAST = 0.02
_WORDS = 6
_EARLIER = 3
_STRONG = 3


@dataclass(frozen=True, slots=True)
class Jump:
    """A rise of the running risk at a message with words; messages are numbered from 0 here, and by position in the results.

    ``stages`` are the strongest of the message with their probabilities, whether over their thresholds or not. ``words`` carried
    the rise; ``without_words`` is the risk when they are left out. ``leans_on`` are earlier messages with the risk when that one is
    left out, the most telling first. Where a conversation is too long these three are empty or ``None``.
    """

    number: int
    before: float
    after: float
    stages: tuple[tuple[str, float], ...]
    words: tuple[Word, ...] = ()
    without_words: float | None = None
    leans_on: tuple[tuple[int, float], ...] = ()

    def as_json(self, positions: Sequence[int]) -> str:
        """Return it as text for a column; ``positions`` are those of the messages with words in the conversation."""
        about = {
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "stages": [[stage, round(value, 4)] for stage, value in self.stages],
            "words": [[word.start, word.end, word.weight] for word in self.words],
            "without_words": None if self.without_words is None else round(self.without_words, 4),
            "leans_on": [[positions[number], round(risk, 4)] for number, risk in self.leans_on],
        }
        return json.dumps(about, separators=(",", ":"))


def jumps(talks: Sequence[tuple[Sequence[Utterance], Prediction]], model: Model, thresholds: Thresholds) -> list[list[Jump]]:
    """Return the largest jumps of each conversation, in order; none where it is not flagged or a cascade skipped it."""
    return [_jumps(lines, prediction, model, thresholds) for lines, prediction in talks]


def largest_rises(risks: Sequence[float], threshold: float) -> list[int]:
    """Return where the running risk rises most, by number from 0 and in order; with where it reaches the threshold."""
    values = np.asarray(risks, np.float64)
    rises = np.diff(values, prepend=0.0)
    alert = first_alert(values, threshold)
    chosen = [] if alert is None else [alert - 1]
    for number in np.argsort(-rises, kind="stable").tolist():
        if len(chosen) >= MOST or rises[number] < SMALLEST:
            break
        if number not in chosen:
            chosen.append(number)
    return sorted(chosen)


def _jumps(lines: Sequence[Utterance], prediction: Prediction, model: Model, thresholds: Thresholds) -> list[Jump]:
    if prediction.skipped or first_alert(prediction.risk, thresholds.risk) is None:
        return []
    return [_jump(lines, prediction, number, model) for number in largest_rises(prediction.risk.tolist(), thresholds.risk)]


def _jump(lines: Sequence[Utterance], prediction: Prediction, number: int, model: Model) -> Jump:
    row = prediction.stages[number].tolist()
    stages = sorted(zip(model.taxonomy.keys, row, strict=True), key=lambda stage: -stage[1])[:_STAGES]
    before = float(prediction.risk[number - 1]) if number else 0.0
    about = (number, before, float(prediction.risk[number]), tuple((key, value) for key, value in stages if value >= _LEAST))
    if number >= LONGEST:
        return Jump(*about)
    speaker, text = lines[number]
    spans = word_spans(text)
    earlier = sorted(_earlier(prediction, lines, number))
    variants = [[*lines[:number], (speaker, _without(text, [span]))] for span in spans]
    variants += [[*lines[:left_out], *lines[left_out + 1 : number + 1]] for left_out in earlier]
    after = about[2]
    risks = _last_risks(variants, model)
    falls = [after - risk for risk in risks[: len(spans)]]
    words = _heaviest(spans, falls)
    leans = sorted(zip(earlier, risks[len(spans) :], strict=True), key=lambda pair: pair[1])
    leans_on = tuple((left_out, risk) for left_out, risk in leans if risk < after - 0.005)[:_EARLIER]
    without = None
    if words:
        rest = _without(text, [(word.start, word.end) for word in words])
        (without,) = _last_risks([[*lines[:number], (speaker, rest)]], model)
    return Jump(*about, words, without, leans_on)


def _earlier(prediction: Prediction, lines: Sequence[Utterance], number: int) -> Iterator[int]:
    """Yield the earlier messages that a jump can lean on: those just before, and the speaker's own strongest."""
    first = max(0, number - CONTEXT)
    yield from range(first, number)
    speaker = lines[number][0]
    same_speaker = [other for other in range(first) if lines[other][0] == speaker]
    yield from sorted(same_speaker, key=lambda other: -float(prediction.stages[other].max()))[:_STRONG]


def _last_risks(variants: Sequence[Sequence[Utterance]], model: Model) -> list[float]:
    """Return the risk after the last message of each; a message that was left empty is read as none."""
    kept = [[line for line in variant if line[1].strip()] for variant in variants]
    return [float(prediction.risk[-1]) if len(prediction.risk) else 0.0 for prediction in model.predict(kept)] if kept else []


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def _heaviest(spans: Sequence[tuple[int, int]], falls: Sequence[float]) -> tuple[Word, ...]:
    heaviest = sorted((place for place in range(len(spans)) if falls[place] > 0), key=lambda place: -falls[place])[:_WORDS]
    total = sum(falls[place] for place in heaviest)
    return tuple(Word(*spans[place], round(falls[place] / total, 4)) for place in sorted(heaviest)) if total > 0 else ()
