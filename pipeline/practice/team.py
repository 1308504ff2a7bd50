"""What a lead sees of the practice: by reader and stage how many were found, and which cases are misread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.practice.cases import PracticeCase
from pipeline.practice.grading import Attempt, Score, Scores, first_readings, grade, scores


@dataclass(frozen=True, slots=True)
class TeamView:
    """``together``: the scores of all first readings; ``readers``: those of each; ``cases``: how many misread each, most first."""

    together: Scores
    readers: Mapping[str, Scores]
    cases: Sequence[tuple[str, Score]]
    weakest: Sequence[str]


def team_view(attempts: Iterable[Attempt], cases: Mapping[str, PracticeCase], stages: Sequence[str], *, most: int = 10) -> TeamView:
    """Return what the first readings of a team show.

    ``weakest`` are the stages with a share found that is under the team's own mean, the lowest first.
    """
    first = first_readings(attempts, cases)
    together = scores(first, cases, stages)
    by_reader: dict[str, list[Attempt]] = {}
    read: Counter[str] = Counter()
    misread: Counter[str] = Counter()
    for attempt in first:
        by_reader.setdefault(attempt.reader, []).append(attempt)
        read[attempt.case] += 1
        misread[attempt.case] += not grade(cases[attempt.case], attempt).all_right
    shares = {stage: score.right / score.of for stage, score in together.found.items() if score.of}
    mean = sum(shares.values()) / len(shares) if shares else 0.0
    ordered = sorted(misread, key=lambda case: (-misread[case] / read[case], -misread[case], case))
    return TeamView(
        together=together,
        readers={reader: scores(mine, cases, stages) for reader, mine in sorted(by_reader.items())},
        cases=[(case, Score(misread[case], read[case])) for case in ordered if misread[case]][:most],
        weakest=sorted((stage for stage, share in shares.items() if share < mean), key=lambda stage: shares[stage]),
    )
