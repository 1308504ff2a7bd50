"""What an encoder model is worth: figures on its test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from evaluation.metrics import Judged
from evaluation.slices import slices
from evaluation.summary import ORDINARY_CHAT, summarise
from pipeline import __version__
from pipeline.config import Taxonomy
from pipeline.thresholds import Thresholds
from pipeline.training.dataset import DatasetSplits


def measure(
    judged: Sequence[Judged],
    dataset: DatasetSplits,
    taxonomy: Taxonomy,
    thresholds: Thresholds,
    *,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the figures of the test part, with bootstrapped intervals; ``more`` stands beside them."""
    return {
        "safelight": __version__,
        "trained": datetime.now(UTC).date().isoformat(),
        "how": "on the test part, no conversation of which has a relative in the training part; intervals of 95 % by conversation",
        "corpus": _counts(dataset),
        **summarise(judged, thresholds),
        "slices": slices(judged, thresholds.risk, taxonomy.keys),
        **more,
    }


def _counts(dataset: DatasetSplits) -> dict[str, Any]:
    ordinary = [conversation for conversation in dataset.train if conversation.attributes.get("situation") == ORDINARY_CHAT]
    labelled = [conversation for conversation in dataset.train if conversation.attributes.get("situation") != ORDINARY_CHAT]
    return {
        "sources": list(dataset.sources),
        "labelled_conversations": len(labelled),
        "grooming_conversations": sum(bool(conversation.is_grooming) for conversation in labelled),
        "hard_conversations": sum(conversation.attributes.get("hard") == "true" for conversation in labelled),
        "composed_conversations": len(dataset.composed),
        "ordinary_chat_conversations": len(ordinary),
        "messages": sum(len(conversation.messages) for conversation in (*dataset.train, *dataset.composed)),
        "validation_conversations": len(dataset.validation),
        "test_conversations": len(dataset.test),
    }
