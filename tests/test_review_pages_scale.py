"""Every page on 100,000 conversations, with decisions, queues, a shadow and a long log, costs under 200 ms of CPU time."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review needs its extra")

from helpers.browsing import Browser
from helpers.large_run import large_run
from helpers.reviewed import add_people
from sqlalchemy import text

from pipeline.config import Taxonomy
from pipeline.output import write_json
from pipeline.results import THRESHOLDS
from pipeline.review.accounts import find_reader
from pipeline.review.audit import append
from pipeline.review.audit_head import note_head
from pipeline.review.samples import draw_sample
from pipeline.review.saved_filters import save_filter
from pipeline.review.schema import decisions
from pipeline.review.serve import prepare
from pipeline.review.shadow import add_shadow
from pipeline.review.store import Store, open_store
from pipeline.review.web.app_state import AppState

MOST_MS = 200
DECIDED = 20_000
LOG = 5_000
QUEUES = (
    "stage=secrecy&order=deadline",
    "platform=photo-app",
    "assignee=-",
    "flagged=1",
    "since=2026-05-01&until=2026-06-01",
    "order=recent",
    "stage=trust&flagged=1",
    "q=0999",
)
PAGES = (
    "/",
    "/?order=waiting&flagged=1",
    "/?order=deadline",
    "/?order=recent",
    "/?stage=secrecy&order=stage",
    "/?q=099999",
    "/?q=nowhere",
    "/?speaker=speaker-77",
    "/?since=2026-05-01&until=2026-05-02",
    "/?platform=photo-app&flagged=1",
    "/?state=all",
    "/?state=dismiss",
    "/?state=refer",
    "/queues",
    *(f"/queues/{number}" for number in range(1, len(QUEUES) + 1)),
    "/tasks",
    "/cuts",
    "/cases",
    "/audit",
    "/readers",
    "/me",
    "/policy",
    "/pause",
    "/c/99000",
    "/c/5",
    "/samples",
    "/samples/1",
    "/blind",
    "/blind/1",
    "/shadow",
    "/practice",
    "/practice/team",
    "/practice/en-01",
)


def busy_store(folder: Path, taxonomy: Taxonomy) -> tuple[Store, AppState]:
    """Return a store as it is after weeks of work on a large run."""
    run = large_run(folder / "run", taxonomy)
    store = open_store(folder / "review.db")
    people = add_people(store)
    app_state = prepare(store, [run], single_user=False, secure=False)
    (scored,) = app_state.runs.values()
    write_json(folder / "strict.json", json.loads((run / THRESHOLDS).read_text("utf-8")) | {"risk": 0.8})
    add_shadow(store, scored, folder / "strict.json", actor="cli")
    app_state.has_shadow = True
    now = datetime.now(UTC)
    with store.writing() as connection:
        made = [
            {
                "conversation": number,
                "kind": "dismiss" if number % 3 else "escalate",
                "reason": "other",
                "reader": "cy",
                "at": now - timedelta(minutes=number),
            }
            for number in range(1, DECIDED + 1)
        ]
        connection.execute(decisions.insert(), made)
        for state, rest in (("dismiss", "> 0"), ("escalate", "= 0")):
            connection.execute(
                text(f"UPDATE conversations SET state = :state WHERE number <= {DECIDED} AND number % 3 {rest}"),  # noqa: S608
                {"state": state},
            )
        for number in range(LOG):
            append(connection, "cy", "reveal", f"conversation:{number}", position=3)
        for number, query in enumerate(QUEUES):
            save_filter(connection, f"queue {number}", query, team=True, reader=people.ana)
        reader = find_reader(connection, "ana")
        assert reader is not None
        draw_sample(connection, "large", chosen=["ana", "cy"], count=100, source="flagged", runs=list(app_state.runs), lead=reader)
    note_head(store)
    return store, app_state


def cpu_ms(work: Callable[[], object]) -> float:
    """Return the typical CPU time of a piece of work: what else runs on the machine does not count."""
    times = []
    for _ in range(5):
        begun = time.process_time()
        work()
        times.append(1000 * (time.process_time() - begun))
    return statistics.median(times)


@pytest.mark.slow
def test_every_page_comes_at_once_on_a_hundred_thousand_conversations(
    taxonomy: Taxonomy, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    store, app_state = busy_store(tmp_path, taxonomy)
    ana = Browser(app_state, "ana")
    figures = {}
    for page in PAGES:
        assert ana.get(page).status_code == 200, page
        figures[page] = cpu_ms(lambda page=page: ana.get(page))
    for page, value in figures.items():
        record_property(page, round(value, 1))
        print(f"{page}: {value:.1f}")  # noqa: T201
    assert {page: value for page, value in figures.items() if value >= MOST_MS} == {}
    store.close()
