"""Why a running risk rose or fell at a message, and how long a silence was: what a page says beside the messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pipeline.report.page import StageScore, WhyView
from pipeline.results import ScoredMessage

_RISE = 0.1
"""A smaller rise needs no reason, unless the run keeps one."""

_FALL = 0.005
_SILENCE_HOURS = 6
_WEAKER = "later messages weaken the model's estimate"


def why_risen(message: ScoredMessage, before: float, stages: Sequence[StageScore]) -> WhyView | None:
    """Return why the risk rose at a message; nothing where it did not rise much."""
    kept = message.why
    if kept is None and message.risk - before < _RISE:
        return None
    strongest = sorted((stage for stage in stages if stage.probability >= 0.02), key=lambda stage: -stage.probability)[:3]
    if kept is None:
        return WhyView(before, message.risk, strongest, False, None, ())
    leans_on = [(int(position), float(risk)) for position, risk in kept["leans_on"]]
    computed = kept["without_words"] is not None or bool(leans_on)
    return WhyView(before, message.risk, strongest, computed, kept["without_words"], leans_on)


def why_fallen(message: ScoredMessage, before: float, latest: Mapping[str, float]) -> str | None:
    """Return why the risk is lower than after the message before; ``latest`` are the risks of the speakers until then."""
    if before - message.risk < _FALL:
        return None
    slot = message.speaker_slot
    was = latest.get(slot or "", 0.0)
    if slot is not None and message.speaker_risk is not None and message.speaker_risk < was:
        return f"the risk of speaker {slot} fell from {was:.2f} to {message.speaker_risk:.2f}: {_WEAKER}"
    return _WEAKER


def silence(before: str | None, now: str | None) -> str | None:
    """Return how long nobody wrote between two ISO 8601 times, in words; nothing where that is short or not known."""
    if not before or not now:
        return None
    try:
        passed = datetime.fromisoformat(now) - datetime.fromisoformat(before)
    except (TypeError, ValueError):  # one time has a zone and the other has none, or one is no time
        return None
    hours = passed.total_seconds() / 3600
    if hours < _SILENCE_HOURS:
        return None
    return f"{round(hours)} hours later" if hours < 48 else f"{round(hours / 24)} days later"
