"""What a person should read first: accounts and cases in one order, each reason named. Never a verdict on anybody.

A priority is in [0, 1]. Each reason takes its share of what is missing to 1 (`pipeline.link.strength`), so another reason never
lowers it; what is old, or decided already, counts less. `safelight link`, the pages of the review and `safelight case` use this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.link.settings import LinkSettings
from pipeline.link.strength import combined, further
from pipeline.link.tables import Reason

ALERT = 0.4
"""What an alert alone is worth, times its risk."""

OTHERS_RISK = 0.2
"""What it is worth to write in a flagged conversation, times its risk, where nobody knows yet whose signs these are."""

PATTERN = 0.4
"""What the strongest pattern of a case is worth, times its strength."""

UNREAD = 0.1
"""What each flagged conversation of a case without a decision is worth."""

DECIDED = 0.5
"""What is left where all flagged conversations have a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What is known of an account.

    ``risk`` is the highest of its own in [0, 1], null where it is not known whose signs are in its conversations; then
    ``flagged_risk`` is the highest of those flagged. ``severe`` and ``meeting`` name stages that it shows. ``days_to_next`` is the
    median of days from one target to the next, ``days_old`` how many days before the newest message it was last seen.
    """

    risk: float | None
    flagged_risk: float = 0.0
    targets: int = 0
    severe: Sequence[str] = ()
    meeting: Sequence[str] = ()
    days_to_next: float | None = None
    days_old: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What is known of a case: ``first`` is the priority of the account to be read first, ``pattern`` of the strongest pattern."""

    first: Ranked | None = None
    patterns: int = 0
    pattern: float = 0.0
    flagged: int = 0
    undecided: int = 0
    days_old: float | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """How early something should be read, in [0, 1], and why."""

    priority: float = 0.0
    reasons: tuple[Reason, ...] = ()


def account_priority(facts: AccountFacts, settings: LinkSettings) -> Ranked:
    """Return the priority of an account."""
    weights = settings.weights
    reasons: list[Reason] = []
    shares: list[float] = []
    if facts.risk is not None:
        reasons.append(Reason("alert", round(facts.risk, 4), f"An alert, at risk {facts.risk:.2f}."))
        shares.append(ALERT * facts.risk)
    elif facts.flagged_risk:
        text = f"Writes in a flagged conversation, at risk {facts.flagged_risk:.2f}; whose signs these are was not linked yet."
        reasons.append(Reason("flagged", round(facts.flagged_risk, 4), text))
        shares.append(OTHERS_RISK * facts.flagged_risk)
    if facts.targets > 1:
        reasons.append(Reason("targets", facts.targets, f"Shows stages toward {facts.targets} persons."))
        shares.append(further(facts.targets, weights.another))
    if facts.severe:
        reasons.append(Reason("severe", len(facts.severe), f"Severe stages: {', '.join(facts.severe)}."))
        shares.append(weights.severe)
    if facts.meeting:
        reasons.append(Reason("meeting", len(facts.meeting), "Asks to meet or call."))
        shares.append(weights.meeting)
    if facts.days_to_next is not None and facts.days_to_next <= settings.fast_days:
        text = f"Moves on to the next person within {settings.fast_days:g} days."
        reasons.append(Reason("speed", round(facts.days_to_next, 2), text))
        shares.append(weights.fast)
    return _aged(Ranked(combined(shares), tuple(reasons)), facts.days_old, settings) if shares else Ranked()


def case_priority(facts: CaseFacts, settings: LinkSettings) -> Ranked:
    """Return the priority of a case: of its first account, its patterns, and what nobody has decided yet."""
    reasons: list[Reason] = []
    shares: list[float] = []
    if facts.first is not None and facts.first.priority:
        texts = (reason.text for reason in facts.first.reasons if reason.reason not in ("recent", "decided"))
        text = f"Its first account, at priority {facts.first.priority:.2f}: {' '.join(texts)}"
        reasons.append(Reason("account", facts.first.priority, text))
        shares.append(facts.first.priority)
    if facts.patterns:
        several = f"{facts.patterns} patterns, the strongest" if facts.patterns > 1 else "A pattern,"
        reasons.append(Reason("patterns", facts.patterns, f"{several} of strength {facts.pattern:.2f}."))
        shares.append(PATTERN * facts.pattern)
    if facts.undecided:
        text = (
            "1 flagged conversation has no decision."
            if facts.undecided == 1
            else (f"{facts.undecided} flagged conversations have no decision.")
        )
        reasons.append(Reason("undecided", facts.undecided, text))
        shares.append(further(facts.undecided + 1, UNREAD))
    if not shares:
        return Ranked()
    ranked = _aged(Ranked(combined(shares), tuple(reasons)), facts.days_old, settings)
    return after_decisions(ranked, flagged=facts.flagged, undecided=facts.undecided)


def after_decisions(ranked: Ranked, *, flagged: int, undecided: int) -> Ranked:
    """Return a priority with what people have decided: where nothing flagged waits, others are read first."""
    if not ranked.priority or not flagged or undecided:
        return ranked
    reason = Reason("decided", flagged, "All its flagged conversations have a decision.")
    return replace(ranked, priority=round(ranked.priority * DECIDED, 4), reasons=(*ranked.reasons, reason))


def _aged(ranked: Ranked, days: float | None, settings: LinkSettings) -> Ranked:
    """Halve, at most, what is old: half of that half after each ``recent_days``."""
    if days is None:
        return ranked
    share = 0.5 + 0.5 * 2 ** (-days / settings.recent_days)
    seen = (
        "Last seen on the day of the newest message."
        if days < 1
        else f"Last seen {days:.0f} day{'' if round(days) == 1 else 's'} before the newest message."
    )
    return Ranked(round(ranked.priority * share, 4), (*ranked.reasons, Reason("recent", round(days, 1), seen)))
