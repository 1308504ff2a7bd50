"""Compare what somebody read in a case with what is there: stage by stage, and the decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from evaluation.intervals import share_in_words, wilson
from pipeline.practice.cases import PracticeCase


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reading of a case: the stages that were marked on messages, by position from 1, and the decision."""

    case: str
    reader: str
    at: datetime
    marks: Mapping[int, frozenset[str]]
    decision: str


@dataclass(frozen=True, slots=True)
class Grade:
    """What a reading got right. Pairs are a message's position and a stage."""

    decision_right: bool
    hits: frozenset[tuple[int, str]]
    missed: frozenset[tuple[int, str]]
    wrong: frozenset[tuple[int, str]]

    @property
    def all_right(self) -> bool:
        """Whether nothing was missed or marked wrongly, and the decision is right."""
        return self.decision_right and not self.missed and not self.wrong


def grade(case: PracticeCase, attempt: Attempt) -> Grade:
    """Return the grade of a reading."""
    there = {(position, stage) for position, message in enumerate(case.messages, 1) for stage in message.stages}
    marked = {(position, stage) for position, stages in attempt.marks.items() if position <= len(case.messages) for stage in stages}
    return Grade(
        decision_right=attempt.decision in case.answer,
        hits=frozenset(there & marked),
        missed=frozenset(there - marked),
        wrong=frozenset(marked - there),
    )


@dataclass(frozen=True, slots=True)
class Score:
    """How many of a thing were right, with the 95 % interval of the share (Wilson)."""

    right: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval."""
        return wilson(self.right, self.of)

    @property
    def words(self) -> str:
        """The share as a person reads it: as a bound where the examples are few."""
        return share_in_words(self.right, self.of)


@dataclass(frozen=True, slots=True)
class Scores:
    """What first readings got right.

    ``found``: of the messages with a stage, those that were marked with it. ``false``: marks of a stage on messages without it.
    ``seen_through``: of the messages that only look like a stage, those that were not marked with it.
    """

    found: Mapping[str, Score]
    seen_through: Mapping[str, Score]
    false: Mapping[str, int]
    decisions: Score
    harmless: Score
    readings: int


def first_readings(attempts: Iterable[Attempt], cases: Mapping[str, PracticeCase]) -> list[Attempt]:
    """Return each reader's first reading of each case that is there: later ones come after the answer was seen."""
    first: dict[tuple[str, str], Attempt] = {}
    for attempt in sorted(attempts, key=lambda attempt: attempt.at):
        if attempt.case in cases:
            first.setdefault((attempt.reader, attempt.case), attempt)
    return list(first.values())


def scores(attempts: Iterable[Attempt], cases: Mapping[str, PracticeCase], stages: Sequence[str]) -> Scores:
    """Return the scores of first readings by stage."""
    there: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    alike: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    false: Counter[str] = Counter()
    right = harmless = harmless_right = 0
    read = first_readings(attempts, cases)
    for attempt in read:
        case = cases[attempt.case]
        graded = grade(case, attempt)
        right += graded.decision_right
        harmless += case.harmless
        harmless_right += case.harmless and graded.decision_right
        hits.update(stage for _, stage in graded.hits)
        there.update(stage for _, stage in graded.hits | graded.missed)
        false.update(stage for _, stage in graded.wrong)
        for position, message in enumerate(case.messages, 1):
            for other in message.not_signs:
                alike[other.stage] += 1
                seen[other.stage] += (position, other.stage) not in graded.wrong
    return Scores(
        found={stage: Score(hits[stage], there[stage]) for stage in stages},
        seen_through={stage: Score(seen[stage], alike[stage]) for stage in stages},
        false={stage: false[stage] for stage in stages},
        decisions=Score(right, len(read)),
        harmless=Score(harmless_right, harmless),
        readings=len(read),
    )


def missed_stages(attempts: Iterable[Attempt], cases: Mapping[str, PracticeCase], *, latest: int = 10) -> Counter[str]:
    """Return how often each stage was missed or marked wrongly in the latest readings."""
    known = sorted((attempt for attempt in attempts if attempt.case in cases), key=lambda attempt: attempt.at)
    return Counter(
        stage
        for attempt in known[-latest:]
        for graded in [grade(cases[attempt.case], attempt)]
        for _, stage in graded.missed | graded.wrong
    )
