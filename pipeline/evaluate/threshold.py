"""Choose where an alert begins from a saved evaluation, and write the threshold file that `safelight score` takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.metrics import Judged
from evaluation.thresholds import Choice, at_threshold, for_budget, for_precision, for_recall, guaranteed
from pipeline.errors import ConfigError
from pipeline.evaluate.unchanged import read_unchanged
from pipeline.model.thresholds import Thresholds
from pipeline.output import new_file, write_json


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a threshold: exactly one of a budget of alerts with how much is scored, a floor, or a guarantee."""

    budget: int | None = None
    per_day: int | None = None
    precision: float | None = None
    recall: float | None = None
    guarantee: float | None = None
    confidence: float = 0.95
    prevalence: float = 0.001


def choose_threshold(evaluation: Path, wish: Wish, *, out: Path | None, overwrite: bool = False) -> tuple[Thresholds, Choice]:
    """Return the thresholds, and what the one for the risk comes to on the evaluation; write them to ``out`` if given.

    Raises
    ------
    ConfigError
        When not exactly one thing is asked for, or it cannot be had.
    """
    asked = [name for name in ("budget", "precision", "recall", "guarantee") if getattr(wish, name) is not None]
    if len(asked) != 1:
        raise ConfigError(
            "a threshold is chosen by one thing" + (f", not by {' and '.join(asked)}" if asked else ""),
            do="Give one of --budget (with --per-day), --precision, --recall or --guarantee",
        )
    saved = read_unchanged(evaluation)
    value, words = _chosen(saved.judged, wish)
    if not value <= 1:
        raise ConfigError(
            "only a threshold above 1 would do: ordinary conversations reach the highest risk there is",
            do="Ask for less, or use a model that tells them apart",
        )
    limits = Thresholds(risk=value, stages=saved.cuts.stages, chosen=words)
    choice = at_threshold(saved.judged, value, prevalence=wish.prevalence)
    if out is not None:
        with new_file(out, overwrite=overwrite) as file:
            write_json(file, limits.model_dump(mode="json"))
    return limits, choice


def _chosen(judged: Sequence[Judged], wish: Wish) -> tuple[float, str]:
    ordinary = sum(one.grooming is False for one in judged)
    on = f"on {len(judged):,} conversations, {ordinary:,} of them ordinary"
    if wish.guarantee is not None:
        _share(wish.guarantee, "guarantee")
        _share(wish.confidence, "confidence")
        value = guaranteed(judged, rate=wish.guarantee, confidence=wish.confidence)
        return value, (
            f"risk: with {wish.confidence:.4g} confidence at most {wish.guarantee:.4g} of ordinary conversations are flagged "
            f"(Learn-then-Test {on}), if those scored are like these; a new platform is not"
        )
    if wish.budget is not None:
        if wish.per_day is None or wish.per_day < 1 or wish.budget < 0:
            raise ConfigError("a budget of alerts needs how many conversations a day are scored", do="Add --per-day")
        value = for_budget(judged, conversations=wish.per_day, alerts=wish.budget, prevalence=wish.prevalence).threshold
        words = f"at most {wish.budget:,} alerts a day are expected of {wish.per_day:,} conversations"
    elif wish.precision is not None:
        _share(wish.precision, "precision")
        value = for_precision(judged, floor=wish.precision, prevalence=wish.prevalence).threshold
        words = f"precision is at least {wish.precision:.4g}, at the highest recall"
    else:
        value = for_recall(judged, floor=wish.recall or 0.0, prevalence=wish.prevalence).threshold
        words = f"recall is at least {wish.recall:.4g}"
    return value, f"risk: {words}, at a prevalence of {wish.prevalence:g} ({on})"


def _share(value: float, name: str) -> None:
    if not (0 < value < 1) or math.isnan(value):
        raise ConfigError(f"a {name} of {value:g}", do="Give a share between 0 and 1")
