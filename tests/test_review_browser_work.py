"""Practice, blind reading, queues and shadow models in Chromium, by keyboard alone; and what axe says of their pages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")
pytest.importorskip("playwright", reason="the review's pages are tested with it")

from helpers.chromium import DESKTOP, PHONE, Review, chromium, person, picture, serious
from helpers.reviewed import PLAIN, TURNED, Line
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from pipeline.config import Taxonomy
from pipeline.practice.cases import PracticeCase, read_practice
from pipeline.review.accounts import find_reader
from pipeline.review.attempts import keep_attempt
from pipeline.review.audit_head import note_head
from pipeline.review.samples import draw_sample
from pipeline.review.schema import conversations, runs
from pipeline.review.store import open_store

__all__ = ["chromium"]  # a fixture

QUIET = [("Sam", "dinner is ready", {"access": 0.6}, 0.93), ("Robin", "coming", {}, 0.93)]
CHATS: dict[str, Sequence[Line]] = {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": QUIET, "dm-4": TURNED}
SHADOW: dict[str, Sequence[Line]] = {"dm-1": TURNED, "dm-2": QUIET, "dm-3": PLAIN, "dm-4": TURNED}


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Iterator[Review]:
    started = Review(tmp_path_factory.mktemp("work"), taxonomy, CHATS, shadow=SHADOW)
    store = open_store(started.store)
    cases = read_practice()
    with store.writing() as connection:
        known = list(connection.execute(runs.select().with_only_columns(runs.c.id)).scalars())
        people = {name: find_reader(connection, name) for name in ("ana", "ben", "cy")}
        ben = people["ben"]
        assert ben is not None
        draw_sample(connection, "week 48", chosen=["cy", "ben"], count=3, source="flagged", runs=known, lead=ben)
        late = datetime.now(UTC) - timedelta(hours=3)
        connection.execute(update(conversations).where(conversations.c.number == 3).values(due=late))
        for name, key, kind in (
            ("ana", "en-01", "escalate"),
            ("ana", "en-02", "watch"),
            ("cy", "en-04", "refer"),
            ("ben", "de-02", "dismiss"),
        ):
            reader = people[name]
            assert reader is not None
            keep_attempt(connection, cases[key], marks={5: ["access"]}, decision=kind, reader=reader)
    note_head(store)
    store.close()
    yield started
    started.stop()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_case_is_practised_with_keys_alone(chromium: Browser, review: Review, size: dict[str, int]) -> None:
    page = person(chromium, review, "ben", viewport=size)
    page.goto(f"{review.address}/practice")
    page.locator("[data-next]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#decide")).to_be_visible()
    page.wait_for_load_state()  # the script that hears the keys is deferred
    case = read_practice()[page.url.rpartition("/")[2]]
    assert case.about not in page.content()
    _mark_with_keys(page, case)
    page.keyboard.press("1234"[["dismiss", "watch", "escalate", "refer"].index(case.answer[0])])
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Your decision is right")).to_be_visible()
    expect(page.get_by_text("you marked it")).to_have_count(0)
    expect(page.locator(".answer.missed")).to_have_count(0)
    assert page.complaints == []  # pyright: ignore[reportAttributeAccessIssue]
    page.context.close()


def _mark_with_keys(page: Page, case: PracticeCase) -> None:
    """Go down the rows with j; on each with signs open the stages with m, go to each with Tab, and close them with Escape."""
    order = page.locator("#m-1 .marks input").evaluate_all("inputs => inputs.map((input) => input.value)")
    for message in case.messages:
        page.keyboard.press("j")
        if not message.stages:
            continue
        page.keyboard.press("m")
        for stage in order:
            if stage in message.stages:
                page.keyboard.press("Space")
            page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Escape")
        position = case.messages.index(message) + 1
        expect(page.locator(f"#m-{position} .marked")).not_to_be_empty()


def test_a_sample_is_read_blind_with_keys_alone(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy")
    page.get_by_role("link", name="Blind reading 3").focus()
    page.keyboard.press("Enter")
    page.locator("[data-next]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#decide")).to_be_visible()
    page.wait_for_load_state()  # the script that hears the keys is deferred
    assert page.locator(".chip").count() == 0
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("[data-shown]")).to_have_count(1)
    assert page.locator("mark").count() == 0
    page.keyboard.press("m")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(page.locator(".marked").first).to_have_text("Access")
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("link", name="Blind reading 2")).to_be_visible()
    assert page.complaints == []  # pyright: ignore[reportAttributeAccessIssue]
    page.context.close()


def test_the_late_one_stands_first_by_deadline(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "ana")
    page.get_by_role("link", name="By deadline").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".queue li").first).to_contain_text("late: was due")
    expect(page.locator(".queue li")).to_have_count(3)
    page.get_by_role("link", name="All queues").focus()
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr").first).to_contain_text("Everything")
    expect(page.locator("tbody tr .late").first).to_have_text("1")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious_on_the_pages_of_the_work(
    chromium: Browser, review: Review, scheme: str, size: dict[str, int]
) -> None:
    pages = {
        "practice": "/practice",
        "practice-case": "/practice/fr-06",
        "practice-answer": "/practice/answers/2",
        "practice-team": "/practice/team",
        "queue-deadline": "/?order=deadline",
        "queues": "/queues",
        "samples": "/samples",
        "sample": "/samples/1",
        "shadow": "/shadow",
        "policy": "/policy",
        "verdict": "/audit/verdict",
    }
    kind = "phone" if size is PHONE else "desktop"
    for name, visits in {"ana": pages, "ben": {"blind-list": "/blind", "blind": "/blind/1"}}.items():
        page = person(chromium, review, name, viewport=size, color_scheme=scheme)
        for called, path in visits.items():
            page.goto(f"{review.address}{path}")
            if called in ("practice-case", "blind"):
                page.keyboard.press("j")
                page.keyboard.press("m")
            picture(page, f"{called}-{kind}-{scheme}")
            assert serious(page) == [], called
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{called} is {width} wide"
        assert page.complaints == []  # pyright: ignore[reportAttributeAccessIssue]
        page.context.close()


def test_the_command_serves_the_practice_alone(chromium: Browser, review: Review) -> None:
    store = review.folder / "practice.db"
    command = [sys.executable, "-m", "pipeline.cli.main", "practice", "--store", str(store), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        page = chromium.new_page()
        page.goto(address)
        expect(page.get_by_role("link", name="Read the next case")).to_be_visible()
        expect(page.get_by_role("link", name="Queue")).to_have_count(0)
        page.get_by_role("link", name="Read the next case").click()
        page.locator("[name=kind][value=dismiss]").check()
        page.get_by_role("button", name="Show the answer").click()
        expect(page.get_by_text("The next case")).to_be_visible()
        page.context.close()
    finally:
        process.terminate()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
    file = review.folder / "certificate.html"
    base = [sys.executable, "-m", "pipeline.cli.main", "practice", "--store", str(store)]
    subprocess.run([*base, "--certificate", str(file)], check=True, capture_output=True)
    assert "What me practised" in file.read_text("utf-8")
    output = subprocess.run([*base, "--team"], check=True, capture_output=True, text=True).stdout
    assert "1 readers, 1 first readings" in output
