"""Choose where an alert begins from a saved evaluation, and write the threshold file that `safelight score` takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.intervals import at_least, percent
from evaluation.metrics import Judged
from evaluation.threshold_search import Choice, at_threshold, for_budget, for_precision, for_recall, guaranteed
from pipeline.errors import ConfigError
from pipeline.evaluate.unchanged import read_unchanged
from pipeline.output import new_file, write_json
from pipeline.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class ThresholdTarget:
    """What a threshold must reach: exactly one of a budget of alerts (with ``per_day``), a precision, a recall, a guarantee."""

    budget: int | None = None
    per_day: int | None = None
    precision: float | None = None
    recall: float | None = None
    guarantee: float | None = None
    confidence: float = 0.95
    prevalence: float = 0.001


def choose_threshold(
    evaluation: Path, target: ThresholdTarget, *, out: Path | None, overwrite: bool = False
) -> tuple[Thresholds, Choice]:
    """Return the thresholds, and what the one for the risk comes to on the evaluation; write them to ``out`` if given.

    Raises
    ------
    ConfigError
        When not exactly one thing is asked for, or it cannot be had.
    """
    asked = [name for name in ("budget", "precision", "recall", "guarantee") if getattr(target, name) is not None]
    if len(asked) != 1:
        raise ConfigError(
            "a threshold is chosen by one thing" + (f", not by {' and '.join(asked)}" if asked else ""),
            do="Give one of --budget (with --per-day), --precision, --recall or --guarantee",
        )
    saved = read_unchanged(evaluation)
    value, words = _threshold_for(saved.judged, target)
    if not value <= 1:
        raise ConfigError(
            "only a threshold above 1 would do: ordinary conversations reach the highest risk there is",
            do="Ask for less, or use a model that tells them apart",
        )
    choice = at_threshold(saved.judged, value, prevalence=target.prevalence)
    limits = Thresholds(risk=value, stages=saved.thresholds.stages, chosen=words + _not_sure_of(choice, target))
    if out is not None:
        with new_file(out, overwrite=overwrite) as file:
            write_json(file, limits.model_dump(mode="json"))
    return limits, choice


def _threshold_for(judged: Sequence[Judged], target: ThresholdTarget) -> tuple[float, str]:
    ordinary = sum(conversation.grooming is False for conversation in judged)
    on = f"on {len(judged):,} conversations, {ordinary:,} of them ordinary"
    if target.guarantee is not None:
        _share(target.guarantee, "guarantee")
        _share(target.confidence, "confidence")
        value = guaranteed(judged, rate=target.guarantee, confidence=target.confidence)
        return value, (
            f"risk: with {target.confidence:.4g} confidence at most {target.guarantee:.4g} of ordinary conversations are flagged "
            f"(Learn-then-Test {on}), if those scored are like these; a new platform is not"
        )
    if target.budget is not None:
        if target.per_day is None or target.per_day < 1 or target.budget < 0:
            raise ConfigError("a budget of alerts needs how many conversations a day are scored", do="Add --per-day")
        value = for_budget(judged, conversations=target.per_day, alerts=target.budget, prevalence=target.prevalence).threshold
        words = f"at most {target.budget:,} alerts a day are expected of {target.per_day:,} conversations"
    elif target.precision is not None:
        _share(target.precision, "precision")
        value = for_precision(judged, floor=target.precision, prevalence=target.prevalence).threshold
        words = f"precision is at least {target.precision:.4g}, at the highest recall"
    else:
        value = for_recall(judged, floor=target.recall or 0.0, prevalence=target.prevalence).threshold
        words = f"recall is at least {target.recall:.4g}"
    return value, f"risk: {words}, at a prevalence of {target.prevalence:g} ({on})"


def _not_sure_of(choice: Choice, target: ThresholdTarget) -> str:
    """Return what the conversations cannot carry of what was asked for, to stand behind it."""
    if target.budget is not None and target.per_day is not None:
        most = choice.alerts_interval[1] / 1000 * target.per_day
        return f"; so few conversations do not rule out {math.ceil(most):,} a day" if most > target.budget else ""
    if target.precision is not None and (low := choice.precision_interval[0]) < target.precision:
        return f"; so few conversations do not rule out a precision of {percent(low)}"
    if target.recall is not None and (least := at_least(choice.found, choice.grooming)) < target.recall:
        return f"; so few conversations do not rule out a recall of {percent(least)}"
    return ""


def _share(value: float, name: str) -> None:
    if not (0 < value < 1) or math.isnan(value):
        raise ConfigError(f"a {name} of {value:g}", do="Give a share between 0 and 1")
