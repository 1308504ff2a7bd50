"""A queue of 100,000 conversations pages in under 200 ms, and one of them is read as quickly."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")

from helpers.large_run import EACH, large_run

from pipeline.config import Taxonomy
from pipeline.results import open_run
from pipeline.results.budget import cut_for_budget, risks_of
from pipeline.results.strengths import hint_from
from pipeline.review.deadlines import service_level
from pipeline.review.headlines import headline_of, title_of
from pipeline.review.index import open_in_store
from pipeline.review.queue import Wanted, counts, queue_page, queue_row, same_speaker
from pipeline.review.schema import conversations
from pipeline.review.similar import similar
from pipeline.review.store import open_store


def typical_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        begun = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


@pytest.mark.slow
def test_a_hundred_thousand_conversations_page_at_once(
    taxonomy: Taxonomy, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    run = open_run(large_run(tmp_path / "run", taxonomy))
    store = open_store(tmp_path / "review.db")
    begun = time.perf_counter()
    run_id = open_in_store(store, run, actor="cli")
    figures = {"import, s": time.perf_counter() - begun}
    runs = [run_id]
    with store.reading() as connection:
        page = queue_page(connection, Wanted(runs=runs))
        for _ in range(20):
            page = queue_page(connection, Wanted(runs=runs), after=page.after)
        deep = page.after
        numbers = {"far down the queue, ms": typical_ms(lambda: queue_page(connection, Wanted(runs=runs), after=deep))}
        for name, wanted in {
            "by risk": Wanted(runs=runs),
            "most recent": Wanted(runs=runs, order="recent"),
            "by a stage": Wanted(runs=runs, order="stage", stage="secrecy"),
            "a stage by risk": Wanted(runs=runs, stage="secrecy"),
            "of one assignee": Wanted(runs=runs, assignee="-"),
            "part of an id": Wanted(runs=runs, text="099999"),
            "an id that is not there": Wanted(runs=runs, text="nowhere"),
            "a speaker": Wanted(runs=runs, speaker="speaker-77"),
            "a state that is empty": Wanted(runs=runs, state="refer"),
            "waiting longest": Wanted(runs=runs, order="waiting"),
            "by deadline": Wanted(runs=runs, order="deadline"),
            "waiting longest, flagged": Wanted(runs=runs, order="waiting", flagged=True),
            "between days": Wanted(runs=runs, since="2026-05-01", until="2026-05-02"),
            "a platform, flagged": Wanted(runs=runs, platform="photo-app", flagged=True),
        }.items():
            numbers[f"{name}, ms"] = typical_ms(lambda wanted=wanted: queue_page(connection, wanted))
        numbers["counts, ms"] = typical_ms(lambda: counts(connection, runs))
        mine = [conversations.c.run_id.in_(runs)]
        numbers["service level, ms"] = typical_ms(lambda: service_level(connection, mine, now=datetime.now(UTC)))
        numbers["same speaker, ms"] = typical_ms(lambda: same_speaker(connection, 5000, runs))
        found = queue_row(connection, 99_000)
    assert found is not None
    row, first_row, _ = found
    with store.reading() as connection:
        numbers["similar, ms"] = typical_ms(lambda: similar(connection, row, runs))
    numbers["titles and sentences of a page, ms"] = typical_ms(
        lambda: [(title_of(run, other.summary_row), headline_of(run, other, "de")) for other in page.rows]
    )
    numbers["hints, ms"] = typical_ms(lambda: hint_from(run))
    numbers["alerts a day, ms"] = typical_ms(lambda: cut_for_budget(risks_of(run), budget=50, per_day=2000))
    rows = run.messages_at(first_row, row.messages)
    assert {message.conversation_id for message in rows} == {row.key.conversation_id}
    assert len(rows) == EACH
    numbers["messages of one, ms"] = typical_ms(lambda: run.messages_at(first_row, row.messages))
    numbers["one by its id, ms"] = typical_ms(lambda: list(run.read([row.key.conversation_id])))
    for name, value in (figures | numbers).items():
        record_property(name, round(value, 1))
        print(f"{name}: {value:.1f}")  # noqa: T201
    slow = {name: value for name, value in numbers.items() if value >= 200}
    assert slow == {}
    store.close()
