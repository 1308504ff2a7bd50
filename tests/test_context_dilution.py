"""What is measured of grooming conversations after ordinary chat: found, not found, or flagged for the chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from helpers.labelled import grooming, ordinary

from evaluation.summary import ORDINARY_CHAT
from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.model.base import Prediction, Utterance
from pipeline.training.context_dilution import measure_context_dilution


@dataclass(frozen=True)
class _Forgetful:
    """Flags a secret that few messages stand before, and any talk that has become very long."""

    taxonomy: Taxonomy

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        predictions = []
        for lines in conversations:
            assert len({speaker for speaker, _ in lines}) == 2, "the chat is between the same two"
            high = [("secret" in text and number < 15) or number > 200 for number, (_, text) in enumerate(lines)]
            risk = np.maximum.accumulate(np.asarray(high, np.float32))
            predictions.append(Prediction(np.zeros((len(lines), 1), np.float32), risk, risk))
        return predictions


def _chat(number: int) -> LabelledConversation:
    return replace(ordinary(number), attributes={"situation": ORDINARY_CHAT})


def test_what_is_found_after_chat_is_told_from_what_the_chat_was_flagged_for(taxonomy: Taxonomy) -> None:
    part = [*(grooming(number) for number in range(3)), *(_chat(number) for number in range(5))]
    found = measure_context_dilution(part, _Forgetful(taxonomy), 0.5, seed=1)
    assert found is not None
    assert {row["before"]: (row["found"], row["early"]) for row in found} == {
        0: (3, 0),
        5: (3, 0),
        20: (0, 0),
        60: (0, 0),
        300: (0, 3),
    }
    assert {row["conversations"] for row in found} == {3}


def test_nothing_is_said_without_chat_or_without_grooming(taxonomy: Taxonomy) -> None:
    reader = _Forgetful(taxonomy)
    assert measure_context_dilution([grooming(1), ordinary(1)], reader, 0.5, seed=1) is None
    assert measure_context_dilution([_chat(1)], reader, 0.5, seed=1) is None
