"""Practice on written cases: reading one, the answer, scores, the certificate, and what a lead sees of the team."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TypedDict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from pipeline import __version__
from pipeline.config import Taxonomy
from pipeline.errors import ReviewError
from pipeline.practice.cases import LEVELS, PracticeCase, practice_taxonomy, read_practice
from pipeline.practice.certificate import certificate
from pipeline.practice.grading import grade, scores
from pipeline.practice.schedule import due_times, next_case
from pipeline.practice.team import team_view
from pipeline.review.attempts import attempts, keep_attempt, latest_attempts, one_attempt
from pipeline.review.web.app_state import Acting, CurrentAppState, Looking, Refused, require, to
from pipeline.review.web.marks import marks_of

router = APIRouter(prefix="/practice")


class Chosen(TypedDict):
    """Which cases a reader wants to practise on."""

    language: str
    level: int | None


@cache
def practice_cases() -> dict[str, PracticeCase]:
    """Return the cases that ship, read once."""
    return read_practice()


@cache
def stages_of_practice() -> Taxonomy:
    """Return the stages that they are written with, read once."""
    return practice_taxonomy()


@router.get("")
def home(request: Request, app_state: CurrentAppState, asking: Looking) -> Response:
    """Show what comes next, and how well the reader reads each stage."""
    cases, taxonomy, now = practice_cases(), stages_of_practice(), datetime.now(UTC)
    with app_state.store.reading() as connection:
        mine = attempts(connection, reader=asking.reader.name)
        latest = latest_attempts(connection, asking.reader.name)
    due = due_times(mine, cases)
    return app_state.page(
        "practice.html",
        asking,
        cases=cases,
        stages=taxonomy.stages,
        scores=scores(mine, cases, taxonomy.keys),
        read=len({attempt.case for attempt in mine if attempt.case in cases}),
        due=sum(when <= now for when in due.values()),
        later=min((when for when in due.values() if when > now), default=None),
        following=next_case(mine, cases, reader=asking.reader.name, now=now, **_chosen(request)),
        languages=sorted({case.language for case in cases.values()}),
        levels=LEVELS,
        chosen=_chosen(request),
        history=[(number, made, grade(cases[made.case], made)) for number, made in latest if made.case in cases],
    )


def _chosen(request: Request) -> Chosen:
    language, level = request.query_params.get("language", ""), request.query_params.get("level", "")
    return Chosen(language=language, level=int(level) if level in map(str, LEVELS) else None)


@router.get("/team")
def team(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show where a team misses what."""
    require(asking, "lead")
    with app_state.store.reading() as connection:
        made = attempts(connection)
    taxonomy = stages_of_practice()
    view = team_view(made, practice_cases(), taxonomy.keys)
    return app_state.page("practice_team.html", asking, team=view, stages=taxonomy.stages, cases=practice_cases(), levels=LEVELS)


@router.get("/certificate")
def own_certificate(app_state: CurrentAppState, asking: Looking) -> Response:
    """Hand out a file of what was practised."""
    with app_state.store.reading() as connection:
        mine = attempts(connection, reader=asking.reader.name)
    about = {"reader": asking.reader.name, "now": datetime.now(UTC), "version": __version__}
    content = certificate(mine, practice_cases(), stages_of_practice(), **about)
    name = f'attachment; filename="practice-{asking.reader.name}.html"'
    return Response(content, media_type="text/html; charset=utf-8", headers={"Content-Disposition": name})


@router.get("/answers/{number:int}")
def answer(app_state: CurrentAppState, asking: Looking, number: int) -> Response:
    """Show a reading beside what is there, with the reason of each stage."""
    with app_state.store.reading() as connection:
        attempt = one_attempt(connection, number)
        mine = attempts(connection, reader=asking.reader.name)
    if attempt.reader != asking.reader.name:
        raise Refused("This is another reader's practice.")
    case = _case(attempt.case)
    following = next_case(
        mine, practice_cases(), reader=asking.reader.name, now=datetime.now(UTC), language=case.language, level=None
    )
    return app_state.page(
        "practice_answer.html",
        asking,
        case=case,
        attempt=attempt,
        graded=grade(case, attempt),
        by_key={stage.key: (index, stage) for index, stage in enumerate(stages_of_practice().stages)},
        again=due_times(mine, practice_cases()).get(case.id),
        following=following,
        levels=LEVELS,
    )


@router.get("/{key}")
def read(app_state: CurrentAppState, asking: Looking, key: str) -> Response:
    """Show a case to read."""
    case = _case(key)
    about = {"problem": None, "marks": {}, "kind": ""}
    return app_state.page("practice_case.html", asking, case=case, stages=stages_of_practice().stages, levels=LEVELS, **about)


@router.post("/{key}")
def keep(app_state: CurrentAppState, asking: Acting, key: str) -> Response:
    """Keep a reading, and show the answer."""
    case = _case(key)
    marks = marks_of(asking.form, stages_of_practice().keys, len(case.messages))
    kind = asking.text("kind")
    try:
        with app_state.store.writing() as connection:
            number = keep_attempt(connection, case, marks=marks, decision=kind, reader=asking.reader)
    except ReviewError as error:
        about = {"problem": str(error), "marks": marks, "kind": kind}
        stages = stages_of_practice().stages
        return app_state.page("practice_case.html", asking, status=422, case=case, stages=stages, levels=LEVELS, **about)
    app_state.noted()
    return to(f"/practice/answers/{number}")


def _case(key: str) -> PracticeCase:
    try:
        return practice_cases()[key]
    except KeyError:
        raise ReviewError("there is no such case", do="Go back to the practice") from None
