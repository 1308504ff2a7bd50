"""Write what somebody practised as one file to keep or print. It holds written cases' ids and counts, and no line of any chat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.config import Taxonomy
from pipeline.practice.cases import LEVELS, PracticeCase, digest_of_cases
from pipeline.practice.grading import Attempt, first_readings, grade, scores


def certificate(
    attempts: Iterable[Attempt], cases: Mapping[str, PracticeCase], taxonomy: Taxonomy, *, reader: str, now: datetime, version: str
) -> str:
    """Return the certificate of one reader as a page that needs nothing else."""
    mine = [attempt for attempt in attempts if attempt.reader == reader and attempt.case in cases]
    first = first_readings(mine, cases)
    rows = [
        (cases[attempt.case], attempt, grade(cases[attempt.case], attempt), sum(other.case == attempt.case for other in mine))
        for attempt in first
    ]
    environment = Environment(
        loader=PackageLoader("pipeline.practice", "."),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("certificate.html").render(
        reader=reader,
        now=now,
        version=version,
        digest=digest_of_cases(cases),
        rows=rows,
        total=len(cases),
        readings=len(mine),
        languages=sorted({case.language for case, *_ in rows}),
        scores=scores(mine, cases, taxonomy.keys),
        stages=taxonomy.stages,
        levels=LEVELS,
    )
