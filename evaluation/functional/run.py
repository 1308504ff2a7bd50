"""Run the suite: cases and a scorer in, which cases hold out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.functional.cases import Case, Functionality
from evaluation.intervals import wilson
from pipeline.alerts import first_alert, stages_over
from pipeline.schema import Conversation, MessageScore

Scorer = Callable[[Sequence[Conversation]], Sequence[Sequence[MessageScore]]]

MOVES = 0.1
"""How far the risk may move under a change that should change nothing."""

FALLS = 0.05
"""How far the risk may fall after messages that take nothing back."""

FULL = 0.99
"""A risk that has no room to rise."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a functionality's cases came to; ``failed`` holds their ids."""

    functionality: Functionality
    passed: int
    failed: tuple[str, ...]

    @property
    def cases(self) -> int:
        """How many there were."""
        return self.passed + len(self.failed)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the pass rate."""
        return wilson(self.passed, self.cases)


def run_suite(
    cases: Sequence[Case], score: Scorer, *, risk_threshold: float, stage_thresholds: Mapping[str, float]
) -> tuple[Outcome, ...]:
    """Score every case and compare it with its verdict; ``score`` returns the message scores of each conversation, in order."""
    wanted = [conversation for case in cases for conversation in (case.conversation, case.base) if conversation is not None]
    scores = {c.conversation_id: verdict for c, verdict in zip(wanted, score(wanted), strict=True)}
    verdicts: dict[str, list[tuple[str, bool]]] = {}
    functionalities: dict[str, Functionality] = {}
    for case in cases:
        case_scores = scores[case.conversation.conversation_id]
        base = scores[case.base.conversation_id] if case.base is not None else ()
        holds = _holds(case.functionality, case, case_scores, base, risk_threshold, stage_thresholds)
        functionalities[case.functionality.id] = case.functionality
        verdicts.setdefault(case.functionality.id, []).append((case.id, holds))
    return tuple(
        Outcome(functionalities[name], sum(holds for _, holds in verdict), tuple(case for case, holds in verdict if not holds))
        for name, verdict in verdicts.items()
    )


def _holds(
    functionality: Functionality,
    case: Case,
    case_scores: Sequence[MessageScore],
    base: Sequence[MessageScore],
    threshold: float,
    stage_thresholds: Mapping[str, float],
) -> bool:
    flagged = _flagged(case_scores, threshold)
    match functionality.expected:
        case "stage":
            stage = functionality.stage or ""
            return stage in stages_over(case_scores[-1].stages, stage_thresholds)
        case "flagged":
            return flagged
        case "quiet":
            return not flagged
        case "early":
            return _flagged(case_scores[: functionality.by], threshold)
        case "sender":
            speakers = [message.speaker for message in case.conversation.messages]
            risks: dict[str, float] = {}
            for speaker, score in zip(speakers, case_scores, strict=True):
                risks[str(speaker)] = max(risks.get(str(speaker), 0.0), score.speaker_risk or 0.0)
            return risks["A"] >= threshold > risks["B"]
        case "same":
            return flagged == _flagged(base, threshold) and abs(_risk(case_scores) - _risk(base)) <= MOVES
        case "higher":
            return case_scores[-1].risk > base[-1].risk or base[-1].risk >= FULL
        case "not_lower":
            return case_scores[-1].risk >= base[-1].risk - FALLS


def _flagged(scores: Sequence[MessageScore], threshold: float) -> bool:
    return first_alert([score.risk for score in scores], threshold) is not None


def _risk(scores: Sequence[MessageScore]) -> float:
    return max(score.risk for score in scores)
