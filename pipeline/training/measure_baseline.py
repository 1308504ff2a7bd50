"""What the baseline is worth, from its cross-fitted scores: thresholds, figures and the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from evaluation.intervals import FEW, share_in_words
from evaluation.metrics import stage_cells
from evaluation.thresholds import lowest_risk
from pipeline import __version__
from pipeline.cards import render_card
from pipeline.config import BaselineRecipe, Taxonomy
from pipeline.corpora.about import corpora_in_words
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.training import TrainingCorpus
from pipeline.thresholds import Thresholds
from pipeline.training.fit_baseline import CrossFitted, FittedBaseline


@dataclass(frozen=True)
class Measured:
    """What goes into the model folder beside the weights; ``peaks`` are the cross-fitted highest risks, one a conversation."""

    thresholds: Thresholds
    metrics: dict[str, Any]
    card: str
    peaks: tuple[float, ...]


@dataclass(frozen=True)
class _Outcome:
    """A conversation as cross-fitted: its highest risk, and who reached it."""

    grooming: bool
    written: bool
    hard: bool
    risk: float
    speaker: str
    groomers: frozenset[str]
    running: NDArray[np.float64]


def measure(fitted: FittedBaseline, corpus: TrainingCorpus, recipe: BaselineRecipe, taxonomy: Taxonomy) -> Measured:
    """Choose thresholds and compute figures from the cross-fitted scores."""
    crossed = fitted.cross_fitted
    outcomes = _outcomes(crossed, corpus.all, len(corpus.labelled))
    threshold = lowest_risk([outcome.risk for outcome in outcomes if not outcome.grooming], recipe.risk.max_false_positive_rate)
    stage_figures = {key: _stage(crossed, column) for column, key in enumerate(taxonomy.keys)}
    thresholds = Thresholds(
        risk=threshold,
        stages={key: figures["threshold"] for key, figures in stage_figures.items()},
        chosen=(
            f"risk: the lowest value at which at most {recipe.risk.max_false_positive_rate:.1%} of the ordinary conversations "
            f"in training are flagged, cross-fitted ({_flagged(outcomes, threshold)}); stages: the value with the highest F1, "
            f"cross-fitted{_from_few(stage_figures)}"
        ),
    )
    metrics = {
        "safelight": __version__,
        "trained": datetime.now(UTC).date().isoformat(),
        "how": f"{recipe.folds}-fold cross-fitting by conversation on the training corpus itself: no independent test set",
        "corpus": _counts(corpus, crossed),
        "conversations": _conversations(outcomes, threshold),
        "stages": stage_figures,
        "macro_f1": float(np.mean([figures["f1"] for figures in stage_figures.values()])),
        "macro_average_precision": float(np.mean([figures["average_precision"] for figures in stage_figures.values()])),
    }
    card = render_card(
        "pipeline.model",
        "model_card.md",
        metrics=metrics,
        corpora=corpora_in_words(corpus.sources),
        recipe=recipe,
        taxonomy=taxonomy,
        thresholds=thresholds,
        share=share_in_words,
        cells=stage_cells,
        few=FEW,
    )
    return Measured(thresholds, metrics, card, _peaks(crossed, outcomes, len(corpus.all)))


def _flagged(outcomes: Sequence[_Outcome], threshold: float) -> str:
    ordinary = [outcome.risk >= threshold for outcome in outcomes if not outcome.grooming]
    return share_in_words(sum(ordinary), len(ordinary))


def _from_few(stages: Mapping[str, Mapping[str, Any]]) -> str:
    few = [f"{key} ({figures['messages']} messages)" for key, figures in stages.items() if figures["messages"] < FEW]
    return f", chosen from too few for {', '.join(few)}" if few else ""


def _outcomes(crossed: CrossFitted, corpus: Sequence[LabelledConversation], written: int) -> list[_Outcome]:
    outcomes = []
    numbers = crossed.messages.conversations
    edges = np.flatnonzero(np.diff(numbers)) + 1
    for rows in np.split(np.arange(len(numbers)), edges):
        number = int(numbers[rows[0]])
        conversation = corpus[number]
        current: dict[str, float] = {}
        running = []
        for row in rows:
            current[crossed.messages.speakers[row]] = float(crossed.speaker_risk[row])
            running.append(max(current.values()))
        peak = int(np.argmax(running))
        speaker = crossed.messages.speakers[rows[peak]]
        outcomes.append(
            _Outcome(
                grooming=bool(conversation.is_grooming),
                written=number < written,
                hard=conversation.attributes.get("hard") == "true",
                risk=running[peak],
                speaker=speaker,
                groomers=conversation.groomers or frozenset(),
                running=np.asarray(running),
            )
        )
    return outcomes


def _peaks(crossed: CrossFitted, outcomes: Sequence[_Outcome], conversations: int) -> tuple[float, ...]:
    """Return the highest risk of every conversation, 0 for one without words."""
    peaks = [0.0] * conversations
    for number, outcome in zip(dict.fromkeys(crossed.messages.conversations.tolist()), outcomes, strict=True):
        peaks[number] = outcome.risk
    return tuple(peaks)


def _stage(crossed: CrossFitted, column: int) -> dict[str, Any]:
    known = crossed.messages.labels[:, column] >= 0
    labels = crossed.messages.labels[known, column]
    probabilities = crossed.probabilities[known, column]
    precision, recall, cuts = precision_recall_curve(labels, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1[:-1]))
    return {
        "messages": int(labels.sum()),
        "found": int((probabilities >= cuts[best]).sum()),
        "threshold": round(float(cuts[best]), 4),
        "precision": float(precision[best]),
        "recall": float(recall[best]),
        "f1": float(f1[best]),
        "average_precision": float(average_precision_score(labels, probabilities)),
    }


def _conversations(outcomes: Sequence[_Outcome], threshold: float) -> dict[str, Any]:
    grooming = [outcome for outcome in outcomes if outcome.grooming]
    found = [outcome for outcome in grooming if outcome.risk >= threshold]
    right = [outcome for outcome in found if outcome.speaker in outcome.groomers]
    positions = [int(np.argmax(outcome.running >= threshold)) + 1 for outcome in found]

    def false_alarms(chosen: Sequence[_Outcome]) -> dict[str, int]:
        return {"conversations": len(chosen), "flagged": sum(outcome.risk >= threshold for outcome in chosen)}

    ordinary = [outcome for outcome in outcomes if not outcome.grooming]
    return {
        "threshold": threshold,
        "roc_auc": float(roc_auc_score([o.grooming for o in outcomes], [o.risk for o in outcomes])),
        "roc_auc_written_only": float(
            roc_auc_score([o.grooming for o in outcomes if o.written], [o.risk for o in outcomes if o.written])
        ),
        "grooming": {"conversations": len(grooming), "flagged": len(found)},
        "right_speaker": len(right),
        "median_messages_to_alert": float(np.median(positions)) if positions else None,
        "median_messages_of_those": float(np.median([len(outcome.running) for outcome in found])) if found else None,
        "ordinary": {
            "written_hard": false_alarms([o for o in ordinary if o.written and o.hard]),
            "written_plain": false_alarms([o for o in ordinary if o.written and not o.hard]),
            "ordinary_chat": false_alarms([o for o in ordinary if not o.written]),
        },
    }


def _counts(corpus: TrainingCorpus, crossed: CrossFitted) -> dict[str, Any]:
    return {
        "sources": list(corpus.sources),
        "labelled_conversations": len(corpus.labelled),
        "grooming_conversations": sum(bool(conversation.is_grooming) for conversation in corpus.labelled),
        "hard_conversations": sum(conversation.attributes.get("hard") == "true" for conversation in corpus.labelled),
        "ordinary_chat_conversations": len(corpus.ordinary),
        "messages": len(crossed.messages.texts),
    }
