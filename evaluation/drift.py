"""Whether new conversations are like those that a model was calibrated on: figures without labels, and a warning in words.

Nothing here says that a model is right or wrong on them. It says where its figures stop speaking for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.intervals import share_in_words

FORMAT = "safelight-reference/1"
STEPS = 200
"""Into how many equal shares quantiles cut a distribution."""

_FAR = 0.15
_TIMES = 2.0
_FEW = 50


@dataclass(frozen=True)
class Profile:
    """What can be said of conversations without labels.

    ``risk`` are quantiles of their highest risks, ``messages`` of their lengths, ``characters`` of the lengths of their messages,
    of shape (STEPS + 1,) each. ``unfamiliar`` is the share of words that the model hardly knows, ``flagged`` the share of
    conversations at the threshold, ``languages`` are shares.
    """

    conversations: int
    risk: tuple[float, ...]
    messages: tuple[float, ...]
    characters: tuple[float, ...]
    unfamiliar: float
    languages: Mapping[str, float]
    flagged: float

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"format": FORMAT, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure of new conversations beside the same of the reference; ``warning`` is empty where they are alike."""

    name: str
    reference: str
    seen: str
    warning: str = ""


def profile(
    risks: Sequence[float],
    messages: Sequence[int],
    characters: Sequence[int],
    languages: Sequence[str],
    *,
    unfamiliar: float,
    threshold: float,
) -> Profile:
    """Return the profile of some conversations: a highest risk, a number of messages and a language each."""
    names, counts = (
        np.unique(np.asarray(languages, dtype=str), return_counts=True) if languages else (np.zeros(0, str), np.zeros(0))
    )
    shares = sorted(zip(names.tolist(), (counts / max(len(languages), 1)).tolist(), strict=True), key=lambda pair: -pair[1])
    return Profile(
        conversations=len(risks),
        risk=_quantiles(risks),
        messages=_quantiles(messages),
        characters=_quantiles(characters),
        unfamiliar=round(unfamiliar, 6),
        languages={name: round(share, 6) for name, share in shares},
        flagged=round(float(np.mean(np.asarray(risks) >= threshold)), 6) if risks else 0.0,
    )


def read_profile(content: Mapping[str, Any]) -> Profile:
    """Return a profile from its JSON."""
    return Profile(
        conversations=int(content["conversations"]),
        risk=tuple(content["risk"]),
        messages=tuple(content["messages"]),
        characters=tuple(content["characters"]),
        unfamiliar=float(content["unfamiliar"]),
        languages=dict(content["languages"]),
        flagged=float(content["flagged"]),
    )


def drift(reference: Profile, seen: Profile) -> list[Finding]:
    """Return the figures side by side, with warnings where they are further apart than chance and enough to matter."""
    findings = [
        _flagged(reference, seen),
        _distribution("highest risk", "risk", "{:.3g}", reference, seen),
        _distribution("messages a conversation", "messages", "{:.0f}", reference, seen),
        _distribution("characters a message", "characters", "{:.0f}", reference, seen),
        _unfamiliar(reference, seen),
        _languages(reference, seen),
    ]
    if seen.conversations < _FEW:
        findings.append(Finding("conversations", f"{reference.conversations:,}", f"{seen.conversations:,}", "too few to tell much"))
    return findings


def distance(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the Kolmogorov–Smirnov distance of two distributions given by their quantiles: the widest gap of their shares."""
    if not first or not second:
        return 0.0
    points = np.unique(np.concatenate([np.asarray(first), np.asarray(second)]))
    return float(np.max(np.abs(_share_upto(first, points) - _share_upto(second, points))))


def _share_upto(quantiles: Sequence[float], points: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.searchsorted(np.asarray(quantiles), points, side="right") / len(quantiles)


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    if not len(values):
        return ()
    return tuple(round(float(value), 6) for value in np.quantile(np.asarray(values, float), np.linspace(0, 1, STEPS + 1)))


def _distribution(name: str, field: str, form: str, reference: Profile, seen: Profile) -> Finding:
    first, second = getattr(reference, field), getattr(seen, field)
    gap = distance(first, second)
    sizes = max(reference.conversations, 1), max(seen.conversations, 1)
    chance = 1.63 * math.sqrt(sum(sizes) / math.prod(sizes))  # the 99 % point of the two-sample Kolmogorov-Smirnov distance
    medians = (_middle(first, form), _middle(second, form))
    if gap < max(_FAR, chance):
        return Finding(name, *medians)
    return Finding(name, *medians, f"{_WORDS[field]} than on the calibration split (distance {gap:.2f} of 1)")


_WORDS = {
    "risk": "the model scores these conversations differently",
    "messages": "conversations are shorter or longer",
    "characters": "messages are shorter or longer",
}


def _middle(quantiles: Sequence[float], form: str) -> str:
    if not quantiles:
        return "–"
    low, middle, high = (form.format(quantiles[int(share * STEPS)]) for share in (0.05, 0.5, 0.95))
    return f"{middle} ({low} to {high})"


def _flagged(reference: Profile, seen: Profile) -> Finding:
    shares = _flagged_in_words(reference), _flagged_in_words(seen)
    error = math.sqrt(max(reference.flagged, 1 / max(reference.conversations, 1)) / max(seen.conversations, 1))
    if seen.flagged > max(_TIMES * reference.flagged, reference.flagged + 3 * error):
        return Finding("flagged", *shares, "far more is flagged than of the ordinary conversations of the calibration split")
    return Finding("flagged", *shares)


def _flagged_in_words(profile: Profile) -> str:
    return share_in_words(round(profile.flagged * profile.conversations), profile.conversations)


def _unfamiliar(reference: Profile, seen: Profile) -> Finding:
    rates = f"{reference.unfamiliar:.1%}", f"{seen.unfamiliar:.1%}"
    if seen.unfamiliar > _TIMES * reference.unfamiliar and seen.unfamiliar - reference.unfamiliar > 0.03:
        return Finding(
            "words it hardly knows", *rates, "many words are new to the model: slang, names or a language it has not met"
        )
    return Finding("words it hardly knows", *rates)


def _languages(reference: Profile, seen: Profile) -> Finding:
    languages = _languages_in_words(reference), _languages_in_words(seen)
    met = {name for name, share in reference.languages.items() if share >= 0.005}
    new = {name: share for name, share in seen.languages.items() if name not in met and name != "unclear" and share >= 0.05}
    if new:
        return Finding(
            "languages", *languages, f"{_mix(new)} hardly stood in the calibration split: nothing measured speaks for it"
        )
    return Finding("languages", *languages)


def _languages_in_words(profile: Profile) -> str:
    return f"{_mix(profile.languages)}, of {profile.conversations:,} conversations"


def _mix(shares: Mapping[str, float]) -> str:
    shown = sorted(shares.items(), key=lambda item: -item[1])[:5]
    return ", ".join(f"{name} {share:.0%}" for name, share in shown) or "–"
