"""How many grooming conversations a model finds after ordinary chat: a real export rarely begins with what matters."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np

from evaluation.summary import ORDINARY_CHAT
from pipeline.corpora.augment.synthetic_chats import split_into_sentences
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.base import Predictor, Utterance
from pipeline.model.predict import predict_in_batches
from pipeline.model.scorable import utterances

BEFORE = (0, 5, 20, 60, 300)
"""Ordinary messages before a grooming conversation, split into sentences."""


def measure_context_dilution(
    conversations: Sequence[LabelledConversation], model: Predictor, threshold: float, *, seed: int
) -> list[dict[str, Any]] | None:
    """Return how many grooming conversations the model finds after each number of ordinary messages of the same split.

    ``before``, ``found``, ``conversations``, and ``early``, how many are flagged before the grooming begins and so not found,
    for each of `BEFORE`. The ordinary messages are given the names of the first two speakers. ``None`` if the split has no grooming
    conversation or no ordinary chat.
    """
    groomings = [
        [line for _, line in utterances(conversation.messages)] for conversation in conversations if conversation.is_grooming
    ]
    chats = [conversation for conversation in conversations if conversation.attributes.get("situation") == ORDINARY_CHAT]
    random.Random(seed).shuffle(chats)  # noqa: S311 - an order, no secret
    lines = [line for chat in chats for _, line in utterances(split_into_sentences(chat))]
    if not groomings or not lines:
        return None
    talk = cycle(lines)
    rows = []
    for before in BEFORE:
        predictions = predict_in_batches([_after(islice(talk, before), grooming) for grooming in groomings], model)
        alerts = [int(np.argmax(flagged)) for prediction in predictions if (flagged := prediction.risk >= threshold).any()]
        early = sum(alert < before for alert in alerts)
        rows.append({"before": before, "found": len(alerts) - early, "early": early, "conversations": len(groomings)})
    return rows


def _after(before: Iterable[Utterance], utterances: Sequence[Utterance]) -> list[Utterance]:
    names = list(dict.fromkeys(speaker for speaker, _ in utterances))
    cast = dict(zip("AB", names * 2, strict=False))
    return [*((cast[speaker], text) for speaker, text in before), *utterances]
