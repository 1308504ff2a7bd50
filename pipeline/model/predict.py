"""Predict labelled conversations, and join the predictions with the labels, for metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evaluation.metrics import Judged
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.base import Prediction, Predictor, Utterance
from pipeline.model.scorable import utterances

_BATCH = 64


def predict_labelled(conversations: Sequence[LabelledConversation], model: Predictor, *, texts: bool = False) -> list[Judged]:
    """Return the model's predictions for each conversation with its labels; with ``texts`` the message texts are kept too."""
    keys = model.taxonomy.keys
    scored = [utterances(conversation.messages) for conversation in conversations]
    predictions = predict_in_batches([[line for _, line in lines] for lines in scored], model)
    return [
        join_labels(conversation, lines, prediction, keys, texts=texts)
        for conversation, lines, prediction in zip(conversations, scored, predictions, strict=True)
    ]


def predict_in_batches(conversations: Sequence[Sequence[Utterance]], model: Predictor) -> Iterator[Prediction]:
    """Yield the prediction for each conversation, `_BATCH` conversations at a time."""
    for start in range(0, len(conversations), _BATCH):
        yield from model.predict(conversations[start : start + _BATCH])


def join_labels(
    conversation: LabelledConversation,
    lines: Sequence[tuple[int, Utterance]],
    prediction: Prediction,
    keys: Sequence[str],
    *,
    texts: bool = False,
) -> Judged:
    """Return a prediction with the labels; ``lines`` are the utterances that were scored, with their positions from 0."""
    messages = conversation.messages
    labels = conversation.numbers((position for position, _ in lines), keys)
    return Judged(
        id=conversation.id,
        grooming=conversation.is_grooming,
        groomers=conversation.groomers,
        speakers=tuple(speaker for _, (speaker, _) in lines),
        labels=np.asarray(labels, np.float32).reshape(len(lines), len(keys)),
        stages=prediction.stages,
        speaker_risk=prediction.speaker_risk,
        risk=prediction.risk,
        attributes={"platform": conversation.conversation.platform, **conversation.attributes},
        messages=tuple(messages[position].message_id for position, _ in lines),
        texts=tuple(text for _, (_, text) in lines) if texts else None,
        flagged=None
        if conversation.flagged is None
        else frozenset(messages[position].message_id for position in conversation.flagged),
    )
