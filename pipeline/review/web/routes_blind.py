"""Blind samples: drawing one, reading without what others and the model say, and how far readers agree."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import HTMLResponse, Response

from pipeline.errors import ReviewError
from pipeline.report.page import MessageView
from pipeline.review.accounts import all_readers
from pipeline.review.audit import append
from pipeline.review.care import note_work, pause_due
from pipeline.review.sample_agreement import sample_agreement
from pipeline.review.samples import (
    LONGEST,
    MOST,
    SOURCES,
    Reading,
    Source,
    all_samples,
    draw_sample,
    keep_reading,
    one_reading,
    readings_of,
    readings_to_do,
)
from pipeline.review.schema import conversations
from pipeline.review.sessions import still_here
from pipeline.review.web.app_state import Acting, AppState, Asking, CurrentAppState, Looking, Refused, require, to, working
from pipeline.review.web.conversation_view import of_case, open_case
from pipeline.review.web.marks import marks_of

router = APIRouter()


@router.get("/blind")
def to_read(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show what a reader has still to read blind."""
    with app_state.store.reading() as connection:
        readings = readings_to_do(connection, asking.reader)
        names = {sample.id: sample.name for sample in all_samples(connection)}
    return app_state.page("blind_list.html", asking, readings=readings, names=names)


@router.get("/blind/{reading_id:int}")
def blind(app_state: CurrentAppState, asking: Looking, reading_id: int) -> Response:
    """Show a conversation of a sample: its messages, and nothing that anybody or the model says of it."""
    with app_state.store.reading() as connection:
        reading = _own(one_reading(connection, reading_id), asking)
        if pause_due(connection, asking.reader):
            return to("/pause", next=f"/blind/{reading_id}")
    if reading.at is not None:
        return to("/blind")
    page = _page(app_state, asking, reading)
    row, *_ = app_state.conversation(reading.conversation)
    with app_state.store.writing() as connection:
        append(connection, asking.reader.name, "view", row.key.subject, sample=reading.sample)
        still_here(connection, asking.session)
        note_work(connection, asking.reader, opened=True, severe=row.severe)
    app_state.noted()
    return page


@router.post("/blind/{reading_id:int}")
def keep(app_state: CurrentAppState, asking: Acting, reading_id: int) -> Response:
    """Keep a reading, and go on with the next."""
    with app_state.store.reading() as connection:
        reading = _own(one_reading(connection, reading_id), asking)
    row, run, *_ = app_state.conversation(reading.conversation)
    marks = marks_of(asking.form, run.taxonomy.keys, row.messages)
    kind = asking.text("kind")
    try:
        with app_state.store.writing() as connection:
            keep_reading(connection, reading_id, kind=kind, marks=marks, reader=asking.reader)
            left = readings_to_do(connection, asking.reader)
    except ReviewError as error:
        if reading.at is not None:
            raise
        return _page(app_state, asking, reading, problem=str(error), marks=marks, kind=kind, status=422)
    working(app_state, asking)
    app_state.noted()
    return to(f"/blind/{left[0].id}" if left else "/blind")


def _page(
    app_state: AppState,
    asking: Asking,
    reading: Reading,
    *,
    problem: str | None = None,
    marks: dict[int, list[str]] | None = None,
    kind: str = "",
    status: int = 200,
) -> HTMLResponse:
    case = open_case(app_state, reading.conversation, whole=True)
    return app_state.page(
        "blind.html",
        asking,
        status=status,
        reading=reading,
        row=case.row,
        c=case.view,
        rows=[message for message in case.view.rows if isinstance(message, MessageView)],
        stages=case.run.taxonomy.stages,
        problem=problem,
        marks=marks or {},
        kind=kind,
        **of_case(case),
    )


def _own(reading: Reading, asking: Asking) -> Reading:
    if reading.reader != asking.reader.name:
        raise Refused("This is another reader's.")
    return reading


@router.get("/samples")
def samples_page(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show the samples, and the form that draws one."""
    require(asking, "lead")
    with app_state.store.reading() as connection:
        made = all_samples(connection)
        people = [reader.name for reader in all_readers(connection) if reader.active]
    return app_state.page("samples.html", asking, samples=made, people=people, sources=SOURCES, most=MOST, longest=LONGEST)


@router.post("/samples")
def draw(app_state: CurrentAppState, asking: Acting) -> Response:
    """Draw a sample and give it to two readers."""
    require(asking, "lead")
    source, count = asking.text("source"), asking.text("count")
    if source not in SOURCES:
        raise ReviewError("there is nothing chosen to draw from", do="Choose it")
    with app_state.store.writing() as connection:
        made = draw_sample(
            connection,
            asking.text("name"),
            chosen=[asking.text("first"), asking.text("second")],
            count=int(count) if count.isdecimal() and len(count) < 8 else 0,
            source=cast(Source, source),
            runs=list(app_state.runs),
            lead=asking.reader,
        )
    app_state.noted()
    return to(f"/samples/{made}")


@router.get("/samples/{number:int}")
def sample_page(app_state: CurrentAppState, asking: Looking, number: int) -> Response:
    """Show how far the two readers of a sample agree, and where they do not.

    A lead who is one of the two, and has not read all, sees counts alone.
    """
    require(asking, "lead")
    with app_state.store.reading() as connection:
        sample = next((sample for sample in all_samples(connection) if sample.id == number), None)
        readings = readings_of(connection, number)
        numbers = [reading.conversation for reading in readings]
        columns = conversations.c
        query = select(columns.number, columns.messages).where(columns.number.in_(numbers))
        lengths = {row.number: row.messages for row in connection.execute(query)}
    if sample is None:
        raise ReviewError("there is no such sample", do="Go back to the samples")
    stages = {stage.key: stage.name for run in app_state.runs.values() for stage in run.taxonomy.stages}
    waits = any(reading.reader == asking.reader.name and reading.at is None for reading in readings)
    agreement = None if waits else sample_agreement(readings, list(stages), lengths)
    return app_state.page("sample.html", asking, sample=sample, agreement=agreement, stages=stages, sources=SOURCES)
