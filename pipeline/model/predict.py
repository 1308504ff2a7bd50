"""Let a model judge labelled conversations, for figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evaluation.metrics import Judged
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.base import Prediction, Predictor, Utterance
from pipeline.model.scorable import utterances

_BATCH = 64


def predict_labelled(conversations: Sequence[LabelledConversation], model: Predictor, *, texts: bool = False) -> list[Judged]:
    """Return what the model says of each conversation, beside what is true; with ``texts`` the words are kept too."""
    keys = model.taxonomy.keys
    talks = [utterances(conversation.messages) for conversation in conversations]
    predictions = predict_in_batches([[line for _, line in own] for own in talks], model)
    return [
        join_labels(conversation, own, prediction, keys, texts=texts)
        for conversation, own, prediction in zip(conversations, talks, predictions, strict=True)
    ]


def predict_in_batches(talks: Sequence[Sequence[Utterance]], model: Predictor) -> Iterator[Prediction]:
    """Yield the model's reading of each conversation, so many at once that they fit."""
    for start in range(0, len(talks), _BATCH):
        yield from model.predict(talks[start : start + _BATCH])


def join_labels(
    conversation: LabelledConversation,
    own: Sequence[tuple[int, Utterance]],
    prediction: Prediction,
    keys: Sequence[str],
    *,
    texts: bool = False,
) -> Judged:
    """Put a reading beside the labels; ``own`` are the messages that were read, with their positions from 0."""
    messages = conversation.messages
    labels = conversation.numbers((position for position, _ in own), keys)
    return Judged(
        id=conversation.id,
        grooming=conversation.is_grooming,
        groomers=conversation.groomers,
        speakers=tuple(speaker for _, (speaker, _) in own),
        labels=np.asarray(labels, np.float32).reshape(len(own), len(keys)),
        stages=prediction.stages,
        speaker_risk=prediction.speaker_risk,
        risk=prediction.risk,
        attributes={"platform": conversation.conversation.platform, **conversation.attributes},
        messages=tuple(messages[position].message_id for position, _ in own),
        texts=tuple(text for _, (_, text) in own) if texts else None,
        flagged=None
        if conversation.flagged is None
        else frozenset(messages[position].message_id for position in conversation.flagged),
    )
