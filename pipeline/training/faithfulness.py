"""Whether an explanation is one: leaving out the words that it names must lower the sign more than leaving out others.

After ERASER (DeYoung et al. 2020): comprehensiveness is how far the probability falls when the named words are left out,
sufficiency how far it falls when only they are kept; each beside the same number of words chosen by chance.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.base import Model, Utterance
from pipeline.model.explain import Sign, falls_without, word_spans
from pipeline.model.scorable import utterances
from pipeline.model.variant_reader import variant_reader
from pipeline.model.variants import CONTEXT, Span
from pipeline.thresholds import Thresholds

TOP = 3
"""Words that are left out, or kept."""

_CONTEXT = 10
"""Messages before it that a message is read with here: more than its words were weighed with."""

_LEAST = 2 * TOP
"""Words that a message must have, so that leaving out by chance can miss."""


def faithfulness(
    conversations: Sequence[LabelledConversation], model: Model, thresholds: Thresholds, *, most: int = 150, seed: int = 0
) -> dict[str, Any]:
    """Return the mean falls in probability over the signs that the model finds rightly; ``None`` where there are none."""
    chance = random.Random(seed)  # noqa: S311 - a comparison, no secret
    falls: dict[str, list[float]] = {name: [] for name in ("left_out", "left_out_by_chance", "kept", "kept_by_chance")}
    signs = list(_signs(conversations, model, thresholds))
    chance.shuffle(signs)
    for context, (speaker, text), stage in signs[:most]:
        spans = word_spans(text)
        column = model.taxonomy.keys.index(stage)
        falls_of_words = word_falls([*context[-CONTEXT:], (speaker, text)], spans, model, column)
        heaviest = set(sorted(range(len(spans)), key=lambda number: -falls_of_words[number])[:TOP])
        others = set(chance.sample(range(len(spans)), TOP))
        everything = set(range(len(spans)))
        kept = [everything, everything - heaviest, everything - others, heaviest, others]
        variants = [" ".join(text[slice(*spans[number])] for number in sorted(numbers)) for numbers in kept]
        predictions = model.predict([[*context, (speaker, variant)] for variant in variants])
        whole, *rest = (float(prediction.stages[-1, column]) for prediction in predictions)
        for name, probability in zip(falls, rest, strict=True):
            falls[name].append(whole - probability)
    count = len(falls["kept"])
    return {
        "signs": count,
        "words": TOP,
        **{name: round(float(np.mean(values)), 4) if count else None for name, values in falls.items()},
    }


def word_falls(lines: Sequence[Utterance], spans: Sequence[Span], model: Model, stage: int) -> NDArray[np.float64]:
    """Return how far the log-odds of a stage of the last message fall without each span, as scoring explains it."""
    (prediction,) = model.predict([lines])
    reader = variant_reader([(lines, prediction)], model)
    (falls,) = falls_without([Sign(0, len(lines) - 1, stage)], [lines[-1][1]], [spans], reader)
    return falls


def _signs(
    conversations: Sequence[LabelledConversation], model: Model, thresholds: Thresholds
) -> Iterator[tuple[list[Utterance], Utterance, str]]:
    """Yield the messages that carry a stage and are found to, each with the messages before it."""
    keys = model.taxonomy.keys
    for conversation in conversations:
        read = utterances(conversation.messages)
        if not any(conversation.stages[row] for row, _ in read):
            continue
        lines = [line for _, line in read]
        (prediction,) = model.predict([lines])
        for number, (row, _) in enumerate(read):
            for stage in sorted(conversation.stages[row] or ()):
                over_threshold = prediction.stages[number, keys.index(stage)] >= thresholds.stages[stage]
                if over_threshold and len(word_spans(lines[number][1])) >= _LEAST:
                    yield lines[max(0, number - _CONTEXT) : number], lines[number], stage
