"""Let a model judge labelled conversations, for figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.metrics import Judged
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.reading import Model
from pipeline.model.spoken import has_words

_BATCH = 64


def judge(conversations: Sequence[LabelledConversation], model: Model) -> list[Judged]:
    """Return what the model says of each conversation, beside what is true."""
    keys = model.taxonomy.keys
    found = []
    for start in range(0, len(conversations), _BATCH):
        batch = conversations[start : start + _BATCH]
        rows = [[position for position, message in enumerate(one.messages) if has_words(message)] for one in batch]
        spoken = [
            [(str(one.messages[position].speaker), one.messages[position].text) for position in own]
            for one, own in zip(batch, rows, strict=True)
        ]
        for one, own, said, reading in zip(batch, rows, spoken, model.read(spoken), strict=True):
            labels = [[_number(one.label(position, key)) for key in keys] for position in own]
            found.append(
                Judged(
                    id=one.id,
                    grooming=one.is_grooming,
                    groomers=one.groomers,
                    speakers=tuple(speaker for speaker, _ in said),
                    labels=np.asarray(labels, np.float32).reshape(len(own), len(keys)),
                    stages=reading.stages,
                    speaker_risk=reading.speaker_risk,
                    risk=reading.risk,
                    attributes=one.attributes,
                )
            )
    return found


def _number(label: bool | None) -> float:
    return float("nan") if label is None else float(label)
