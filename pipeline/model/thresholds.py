"""Where an alert begins: a threshold file, and the alerts that follow from it. Scores are never computed again for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from pipeline.config import Settings
from pipeline.schema import Alert, MessageScore

Probability = Annotated[float, Field(ge=0, le=1)]


class Thresholds(Settings):
    """``risk``: an alert begins where the running risk reaches it. ``stages``: from where a stage is shown as found."""

    risk: Probability
    stages: Mapping[str, Probability]
    chosen: str = ""


def first_alert(scores: Iterable[MessageScore], thresholds: Thresholds) -> Alert | None:
    """Return the alert of one conversation: the first message whose running risk reaches the threshold, or ``None``.

    A conversation stays flagged from there on, whatever follows. ``scores`` are its rows in order.
    """
    for score in scores:
        if score.risk >= thresholds.risk and not math.isnan(score.risk):
            return Alert(
                conversation_id=score.conversation_id,
                position=score.position,
                speaker_slot=score.speaker_slot,
                risk=score.risk,
                threshold=thresholds.risk,
            )
    return None
