"""The same figures by platform, language, length, stage, age, gender and situation, and a warning where a slice is far off.

A slice is compared with all that is not in it, by the interval of the difference of two shares. Its confidence grows with the
number of slices compared, so that a small slice, or one of many, does not cry wolf.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.intervals import newcombe, wilson
from evaluation.metrics import Judged, conversation_labels, roc_auc

LENGTHS = ((10, "1 to 10"), (30, "11 to 30"), (100, "31 to 100"))
SMALL = 5
"""A slice with fewer grooming and fewer ordinary conversations than this is not listed."""

_FAR_RECALL = 0.1
_FAR_ALARMS = 0.02
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many were flagged."""

    flagged: int
    conversations: int

    def as_json(self) -> dict[str, Any]:
        """Return counts, share and its 95 % Wilson interval."""
        return {
            "flagged": self.flagged,
            "conversations": self.conversations,
            "share": round(self.flagged / self.conversations, 6) if self.conversations else None,
            "interval": [round(end, 6) for end in wilson(self.flagged, self.conversations)],
        }


def _length(conversation: Judged) -> tuple[str, ...]:
    count = len(conversation.risk)
    return (next((name for most, name in LENGTHS if count <= most), "more than 100"),)


def _attribute(name: str) -> Callable[[Judged], tuple[str, ...]]:
    return lambda conversation: (conversation.attributes[name],) if conversation.attributes.get(name) else ()


def _people(*names: str) -> Callable[[Judged], tuple[str, ...]]:
    """Return every age or gender that stands among a side of a conversation."""

    def values(conversation: Judged) -> tuple[str, ...]:
        attributes = "+".join(conversation.attributes.get(name, "") for name in names).split("+")
        return tuple(sorted({value for value in attributes if value and value != "unstated"}))

    return values


AXES: Mapping[str, Callable[[Judged], tuple[str, ...]]] = {
    "corpus": _attribute("corpus"),
    "platform": _attribute("platform"),
    "language": _attribute("language"),
    "messages": _length,
    "who is groomed, age": _people("other_age"),
    "who is groomed, gender": _people("other_gender"),
    "who grooms, age": _people("groomer_age"),
    "who grooms, gender": _people("groomer_gender"),
    "who talks, age": _people("speaker_age"),
    "who talks, gender": _people("speaker_gender"),
    "situation": _attribute("situation"),
    "how it ends": _attribute("ending"),
}
"""What a corpus may say of a conversation; one can be in several slices of an axis, and in none."""


def slices(judged: Sequence[Judged], threshold: float, keys: Sequence[str]) -> dict[str, Any]:
    """Return the slices of each axis, false positives by situation, and warnings in words."""
    known = [conversation for conversation in judged if conversation.grooming is not None]
    axes = {**AXES, "stage in it": _stages(keys)}
    parts = {
        name: {value: members for value, members in _parts(known, values).items() if _worth_listing(members)}
        for name, values in axes.items()
    }
    parts = {name: values for name, values in parts.items() if len(values) > 1 or name == "situation"}
    compared = sum(_comparisons(values) for values in parts.values())
    confidence = 1 - 0.05 / max(compared, 1)
    figures: dict[str, Any] = {}
    warnings: list[str] = []
    for name, values in parts.items():
        rows = []
        for value, members in sorted(values.items(), key=lambda item: (-len(item[1]), item[0])):
            inside = {conversation.id for conversation in members}
            rest = [conversation for conversation in known if conversation.id not in inside]
            message = _far_off(f"{name} {value}", members, rest, threshold, confidence)
            warnings += message
            rows.append({"slice": value, **_figures(members, threshold), "warnings": message})
        if name != "situation" or any(row["warnings"] for row in rows):
            figures[name] = rows if name != "situation" else [row for row in rows if row["warnings"]]
    return {
        "confidence_of_warnings": round(confidence, 6),
        "compared": compared,
        "axes": figures,
        "warnings": warnings,
        "false_positives": false_positives(known, threshold),
    }


def false_positives(judged: Sequence[Judged], threshold: float) -> list[dict[str, Any]]:
    """Return, for each situation of ordinary conversations with a false alarm, how many and which, the most first."""
    ordinary = [conversation for conversation in judged if conversation.grooming is False]
    totals = Counter(conversation.attributes.get("situation", "not stated") for conversation in ordinary)
    flagged: dict[str, list[Judged]] = {}
    for conversation in ordinary:
        if conversation.peak >= threshold:
            flagged.setdefault(conversation.attributes.get("situation", "not stated"), []).append(conversation)
    return [
        {
            "situation": situation,
            **Share(len(alarms), totals[situation]).as_json(),
            "ids": [
                conversation.id
                for conversation in sorted(alarms, key=lambda conversation: (-conversation.peak, conversation.id))[:_LISTED]
            ],
        }
        for situation, alarms in sorted(flagged.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _stages(keys: Sequence[str]) -> Callable[[Judged], tuple[str, ...]]:
    def values(conversation: Judged) -> tuple[str, ...]:
        return tuple(key for column, key in enumerate(keys) if (conversation.labels[:, column] == 1).any())

    return values


def _parts(judged: Sequence[Judged], values: Callable[[Judged], tuple[str, ...]]) -> dict[str, list[Judged]]:
    parts: dict[str, list[Judged]] = {}
    for conversation in judged:
        for value in values(conversation):
            parts.setdefault(value, []).append(conversation)
    return parts


def _worth_listing(members: Sequence[Judged]) -> bool:
    grooming = sum(bool(conversation.grooming) for conversation in members)
    return grooming >= SMALL or len(members) - grooming >= SMALL


def _comparisons(values: Mapping[str, Sequence[Judged]]) -> int:
    """Return how many shares of an axis are compared: of grooming and of ordinary conversations, where a slice has some."""
    return sum(len({bool(conversation.grooming) for conversation in members}) for members in values.values())


def _share(judged: Sequence[Judged], grooming: bool, threshold: float) -> Share:
    members = [conversation for conversation in judged if conversation.grooming is grooming]
    return Share(sum(conversation.peak >= threshold for conversation in members), len(members))


def _figures(members: Sequence[Judged], threshold: float) -> dict[str, Any]:
    auc = roc_auc(*conversation_labels(members))
    return {
        "conversations": len(members),
        "recall": _share(members, True, threshold).as_json(),
        "false_positive_rate": _share(members, False, threshold).as_json(),
        "roc_auc": None if np.isnan(auc) else round(auc, 6),
    }


def _far_off(name: str, members: Sequence[Judged], rest: Sequence[Judged], threshold: float, confidence: float) -> list[str]:
    stages = []
    for grooming, far, what in ((True, _FAR_RECALL, "found"), (False, _FAR_ALARMS, "flagged")):
        inside, other = _share(members, grooming, threshold), _share(rest, grooming, threshold)
        if not inside.conversations or not other.conversations:
            continue
        low, high = newcombe(inside.flagged, inside.conversations, other.flagged, other.conversations, confidence=confidence)
        worse = high < -far if grooming else low > far
        if worse or ((high < 0 if grooming else low > 0) and abs(_gap(inside, other)) >= far):
            kind = "grooming conversations" if grooming else "ordinary conversations"
            here, elsewhere = (f"{share.flagged} of {share.conversations}" for share in (inside, other))
            stages.append(f"{name}: {here} {kind} are {what}, elsewhere {elsewhere}")
    return stages


def _gap(share: Share, other: Share) -> float:
    return share.flagged / share.conversations - other.flagged / other.conversations
