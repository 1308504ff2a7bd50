"""Let a model judge labelled conversations, for figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.metrics import Judged
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.reading import Model
from pipeline.model.spoken import spoken

_BATCH = 64


def judge(conversations: Sequence[LabelledConversation], model: Model) -> list[Judged]:
    """Return what the model says of each conversation, beside what is true."""
    keys = model.taxonomy.keys
    found = []
    for start in range(0, len(conversations), _BATCH):
        batch = conversations[start : start + _BATCH]
        read = [spoken(one.messages) for one in batch]
        lines = [[line for _, line in own] for own in read]
        for one, own, said, reading in zip(batch, read, lines, model.read(lines), strict=True):
            labels = one.numbers((position for position, _ in own), keys)
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
