"""How patterns are made from reasons: each reason takes its share of what is missing to 1, so more reasons never weaken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.link.keys import Pseudonyms
from pipeline.link.tables import MessageReference, Part, Pattern, PatternKind, Reason, Role

MESSAGES = 30
"""Messages that a pattern names at most: those that come first of each pair of persons."""

CONVERSATIONS = 200
"""Conversations that a pattern names at most."""


def combined(shares: Iterable[float]) -> float:
    """Return one strength in [0, 1] of several."""
    missing = 1.0
    for share in shares:
        missing *= 1 - share
    return round(1 - missing, 4)


def further(count: int, share: float) -> float:
    """Return the strength of ``count`` persons or conversations: nothing for one, ``share`` for two, and so on."""
    return combined([share] * (count - 1))


def in_order(messages: Iterable[MessageReference]) -> list[MessageReference]:
    """Return messages in the order in which they were sent; those without a time come last."""
    return sorted(
        messages,
        key=lambda message: (message.time is None, str(message.time), message.conversation, message.position, message.note or ""),
    )


def make_pattern(
    kind: PatternKind,
    pseudonyms: Pseudonyms,
    *,
    strength: float,
    roles: Mapping[str, Role],
    conversations: Iterable[str],
    reasons: Sequence[Reason],
    unknown: Sequence[str],
    messages: Iterable[MessageReference],
    about: str = "",
) -> Pattern:
    """Return a pattern; its id is a digest of its kind and its accounts, and of ``about`` where those do not tell it."""
    ordered = in_order(set(messages))[:MESSAGES]
    times = [message.time for message in ordered if message.time is not None]
    parts = tuple(Part(account, role) for account, role in sorted(roles.items(), key=lambda item: (item[1], item[0])))
    return Pattern(
        pattern=pseudonyms.digest("pattern", kind, about, *(f"{part.role} {part.account}" for part in parts)),
        kind=kind,
        strength=strength,
        accounts=parts,
        conversations=tuple(sorted(set(conversations))[:CONVERSATIONS]),
        reasons=tuple(reasons),
        unknown=tuple(unknown),
        messages=tuple(ordered),
        first=min(times, default=None),
        last=max(times, default=None),
    )
