"""Where alerts of a model begin when it ships: chosen on the validation part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.intervals import FEW, share_in_words
from evaluation.metrics import Judged, f_score, precision_recall, stage_columns
from evaluation.summary import ORDINARY_CHAT, labelled
from evaluation.threshold_search import lowest_risk
from pipeline.thresholds import Thresholds

EVEN_ODDS = 0.5
"""Where an alert begins when nothing tells how often ordinary conversations would be flagged."""

_GRID = np.unique(np.concatenate([np.linspace(0.02, 0.98, 49), np.asarray([0.005, 0.01, 0.99, 0.995])]))


def choose_thresholds(judged: Sequence[Judged], keys: Sequence[str], *, rate: float, hard_rate: float) -> Thresholds:
    """Choose the lowest risk that keeps to both rates, and for each stage the highest F1.

    ``rate`` is that of ordinary chat, ``hard_rate`` that of the labelled corpus's ordinary conversations, which are there because
    they look like grooming and are far rarer in use than in a corpus. Without ordinary chat, ``rate`` holds for the corpus.
    """
    ordinary = [conversation for conversation in judged if conversation.grooming is False]
    hard = labelled(ordinary)
    chat = [conversation for conversation in ordinary if conversation.attributes.get("situation") == ORDINARY_CHAT]
    if chat:
        risk = max(lowest_risk(_peaks(chat), rate), lowest_risk(_peaks(hard), hard_rate))
        how = f"{rate:.1%} of {len(chat)} ordinary chats and at most {hard_rate:.1%} of {len(hard)} labelled ordinary conversations"
        how = f"the lowest value at which at most {how} of the validation part are flagged ({_flagged(chat, risk)})"
    elif hard:
        risk = lowest_risk(_peaks(hard), rate)
        how = f"the lowest value at which at most {rate:.1%} of the {len(hard)} ordinary conversations"
        how += f" of the validation part are flagged ({_flagged(hard, risk)})"
    else:
        risk = EVEN_ODDS
        how = f"{EVEN_ODDS}, chosen by nothing: no conversation of the validation part is labelled as ordinary"
    stages = {}
    few: list[str] = []
    for column, key in enumerate(keys):
        labels, scores = stage_columns(judged, column)
        f1 = [f_score(*precision_recall(labels, scores >= cut)) for cut in _GRID]
        stages[key] = round(float(_GRID[int(np.argmax(f1))]), 4)
        if (labels == 1).sum() < FEW:
            few.append(f"{key} ({int((labels == 1).sum())} messages)")
    return Thresholds(
        risk=risk,
        stages=stages,
        chosen=(
            f"risk: {how}; stages: the value with the highest F1 there"
            + (f", chosen from too few for {', '.join(few)}" if few else "")
        ),
    )


def _flagged(ordinary: Sequence[Judged], risk: float) -> str:
    return share_in_words(sum(conversation.peak >= risk for conversation in ordinary), len(ordinary))


def _peaks(judged: Sequence[Judged]) -> list[float]:
    return [conversation.peak for conversation in judged]
