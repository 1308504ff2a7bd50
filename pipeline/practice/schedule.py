"""Say which case comes next: one that was misread and is due again, else a new one, from plain to hard.

When a case is due follows from all its readings by FSRS, the spaced repetition of Anki, in its library `fsrs`. Nothing is kept for
it: the cards are made anew from the readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from fsrs import Card, Rating, Scheduler

from pipeline.digests import sha256_of_text
from pipeline.practice.cases import PracticeCase
from pipeline.practice.grading import Attempt, Grade, grade, missed_stages

# In days from the first reading on: nobody learns to read a chat by seeing it twice within ten minutes.
_SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), maximum_interval=365, enable_fuzzing=False)


def rating(graded: Grade) -> Rating:
    """Return how well a case was known: a wrong decision is forgotten, a stage missed or marked wrongly is hard."""
    if not graded.decision_right:
        return Rating.Again
    return Rating.Good if graded.all_right else Rating.Hard


def due_times(attempts: Iterable[Attempt], cases: Mapping[str, PracticeCase]) -> dict[str, datetime]:
    """Return when each case that one reader has read comes again.

    A case that was read without a mistake the first time does not come again.
    """
    cards: dict[str, Card] = {}
    flawless: dict[str, bool] = {}
    for attempt in sorted(attempts, key=lambda attempt: attempt.at):
        if attempt.case not in cases:
            continue
        graded = grade(cases[attempt.case], attempt)
        # The number is of no use to us; left out, the library waits to make one that is unique.
        card = cards.get(attempt.case) or Card(card_id=len(cards), due=attempt.at)
        cards[attempt.case], _ = _SCHEDULER.review_card(card, rating(graded), attempt.at)
        flawless[attempt.case] = flawless.get(attempt.case, True) and graded.all_right
    return {case: card.due for case, card in cards.items() if not flawless[case]}


def next_case(
    attempts: Iterable[Attempt],
    cases: Mapping[str, PracticeCase],
    *,
    reader: str,
    now: datetime,
    language: str = "",
    level: int | None = None,
) -> PracticeCase | None:
    """Return the case that a reader should read now; nothing where all are read and none is due.

    Among new ones of a level, those come first that have, or only seem to have, a stage that was misread lately. Else the order is
    another one for each reader, so that colleagues cannot tell one another what comes.
    """
    mine = [attempt for attempt in attempts if attempt.reader == reader]
    wanted = {
        key: case
        for key, case in cases.items()
        if (not language or case.language == language) and (level is None or case.level == level)
    }
    due = {key: when for key, when in due_times(mine, wanted).items() if when <= now}
    if due:
        return wanted[min(due, key=lambda key: (due[key], key))]
    read = {attempt.case for attempt in mine}
    misread = set(missed_stages(mine, cases))
    new = [case for key, case in wanted.items() if key not in read]
    return min(new, key=lambda case: (case.level, not case.touches & misread, sha256_of_text(f"{reader}\n{case.id}")), default=None)
