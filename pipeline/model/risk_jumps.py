"""Why the running risk of a flagged conversation jumped: stages, words and earlier messages, and what it would be without them.

Each risk is what the model itself says of the conversation up to that message, with something left out: no estimate. Which words
are left out is estimated, where the model can: from how much each adds to the message's strongest stage, not by reading the message
without each of them. Only the largest jumps are explained, the one that raised the alert always among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.alerts import first_alert
from pipeline.model.base import Model, Prediction, Utterance
from pipeline.model.explain import Sign, Word, heaviest, without, word_spans
from pipeline.model.variant_reader import variant_reader
from pipeline.model.variants import CONTEXT, Conversations, LeftOut, Reworded, Span, VariantReader
from pipeline.thresholds import Thresholds

MOST = 3
"""Jumps of a conversation that are explained."""

SMALLEST = 0.05
"""A smaller rise of the risk is no jump, unless it raises the alert."""

LONGEST = 400
"""A jump further into a conversation is not computed again: every figure stands on all messages before it."""

_STAGES = 3
_LEAST = 0.02
_EARLIER = 3
_STRONG = 3
_FALL = 0.005


@dataclass(frozen=True, slots=True)
class Jump:
    """A rise of the running risk at a message with words; messages are numbered from 0 here, and by position in the results.

    ``stages`` are the strongest of the message with their probabilities, whether over their thresholds or not. ``words`` carried
    the rise, by what they add to the first of them; ``without_words`` is the risk when they are left out. ``leans_on`` are earlier
    messages with the risk when that one is left out, the most telling first. Where a conversation is too long these three are empty
    or ``None``.
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

    @classmethod
    def from_json(cls, content: str, number: int, positions: Sequence[int]) -> Jump:
        """Return the jump at a message from what `as_json` made of it with these ``positions``; its figures are rounded."""
        about = json.loads(content)
        numbers = {position: place for place, position in enumerate(positions)}
        return cls(
            number,
            before=about["before"],
            after=about["after"],
            stages=tuple((stage, value) for stage, value in about["stages"]),
            words=tuple(Word(*word) for word in about["words"]),
            without_words=about["without_words"],
            leans_on=tuple((numbers[position], risk) for position, risk in about["leans_on"]),
        )


def jumps(
    conversations: Conversations, model: Model, thresholds: Thresholds, *, reader: VariantReader | None = None
) -> list[list[Jump]]:
    """Return the largest jumps of each conversation, in order; none where it is not flagged or a cascade skipped it.

    The jumps of all conversations are read together.
    """
    reader = reader or variant_reader(conversations, model)
    rises = [
        (number, _bare(prediction, rise, model))
        for number, (_, prediction) in enumerate(conversations)
        if not prediction.skipped and first_alert(prediction.risk, thresholds.risk) is not None
        for rise in largest_rises(prediction.risk.tolist(), thresholds.risk)
    ]
    computed = [(number, jump) for number, jump in rises if jump.number < LONGEST]
    full = dict(zip(((number, jump.number) for number, jump in computed), _computed(computed, conversations, reader), strict=True))
    result: list[list[Jump]] = [[] for _ in conversations]
    for number, jump in rises:
        result[number].append(full.get((number, jump.number), jump))
    return result


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


def _bare(prediction: Prediction, number: int, model: Model) -> Jump:
    """Return a jump as its prediction tells it, nothing computed again."""
    row = prediction.stages[number].tolist()
    stages = sorted(zip(model.taxonomy.keys, row, strict=True), key=lambda stage: -stage[1])[:_STAGES]
    before = float(prediction.risk[number - 1]) if number else 0.0
    return Jump(number, before, float(prediction.risk[number]), tuple((key, value) for key, value in stages if value >= _LEAST))


def _computed(rises: Sequence[tuple[int, Jump]], conversations: Conversations, reader: VariantReader) -> list[Jump]:
    """Return the jumps with their words and the earlier messages that they lean on."""
    texts = [conversations[number][0][jump.number][1] for number, jump in rises]
    spans = [word_spans(text) for text in texts]
    signs = [Sign(number, jump.number, int(conversations[number][1].stages[jump.number].argmax())) for number, jump in rises]
    words = _words(signs, texts, spans, [jump.after for _, jump in rises], reader)
    earlier = [sorted(_earlier(conversations[number][1], conversations[number][0], jump.number)) for number, jump in rises]
    left_out = [
        LeftOut(number, jump.number, message)
        for (number, jump), messages in zip(rises, earlier, strict=True)
        for message in messages
    ]
    rest = _without_words(rises, texts, words, reader)
    risks = iter(reader.risks(left_out))
    leans = [sorted(((message, next(risks)) for message in messages), key=lambda lean: lean[1]) for messages in earlier]
    return [
        replace(
            jump,
            words=words[place],
            without_words=rest.get(place),
            leans_on=tuple((message, risk) for message, risk in leans[place] if risk < jump.after - _FALL)[:_EARLIER],
        )
        for place, (_, jump) in enumerate(rises)
    ]


def _words(
    signs: Sequence[Sign], texts: Sequence[str], spans: Sequence[Sequence[Span]], after: Sequence[float], reader: VariantReader
) -> list[tuple[Word, ...]]:
    """Return the words that carried each rise to ``after``: by estimate, or where there is none by the risk without each."""
    estimates = reader.contributions([(sign.conversation, sign.number, places) for sign, places in zip(signs, spans, strict=True)])
    unknown = [place for place, estimate in enumerate(estimates) if estimate is None]
    variants = [
        Reworded(signs[place].conversation, signs[place].number, without(texts[place], [span]))
        for place in unknown
        for span in spans[place]
    ]
    risks = iter(reader.risks(variants))
    falls = [
        estimate[:, sign.stage] if estimate is not None else np.asarray([risk - next(risks) for _ in places])
        for sign, places, estimate, risk in zip(signs, spans, estimates, after, strict=True)
    ]
    return [heaviest(places, fall) for places, fall in zip(spans, falls, strict=True)]


def _without_words(
    rises: Sequence[tuple[int, Jump]], texts: Sequence[str], words: Sequence[Sequence[Word]], reader: VariantReader
) -> Mapping[int, float]:
    """Return the risk of each jump without all its words, by its place in ``rises``; those that have no words are left out."""
    places = [place for place, chosen in enumerate(words) if chosen]
    variants = [
        Reworded(rises[place][0], rises[place][1].number, without(texts[place], [(word.start, word.end) for word in words[place]]))
        for place in places
    ]
    return dict(zip(places, reader.risks(variants), strict=True))


def _earlier(prediction: Prediction, lines: Sequence[Utterance], number: int) -> Iterator[int]:
    """Yield the earlier messages that a jump can lean on: those just before, and the speaker's own strongest."""
    first = max(0, number - CONTEXT)
    yield from range(first, number)
    speaker = lines[number][0]
    same_speaker = [other for other in range(first) if lines[other][0] == speaker]
    yield from sorted(same_speaker, key=lambda other: -float(prediction.stages[other].max()))[:_STRONG]
