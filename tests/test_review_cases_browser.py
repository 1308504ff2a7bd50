"""The pages of cases and accounts in Debian's Chromium: by keyboard alone, and what axe says of each, on a screen and a phone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")
pytest.importorskip("playwright", reason="the review's pages are tested with it")
pytest.importorskip("duckdb", reason="links need the extra link")

from axe_playwright_python.sync_playwright import Axe
from helpers.chromium import DESKTOP, PHONE, Review, chromium, person
from helpers.reviewed import PLAIN, TURNED, make_run
from playwright.sync_api import Browser, Page, expect

from pipeline.config import Taxonomy
from pipeline.output import write_json
from pipeline.results import RUN

__all__ = ["chromium"]  # a fixture

_TABS = 200


class CaseReview(Review):
    """A review with two cases: one of two runs with links between them, and one of the second run, which is not open here."""

    def __init__(self, folder: Path, taxonomy: Taxonomy) -> None:
        long = [*PLAIN * 120, *TURNED, *PLAIN * 120]
        super().__init__(folder, taxonomy, {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": TURNED, "dm-long": long})
        other = make_run(folder / "other", taxonomy, {"dm-5": TURNED, "dm-6": PLAIN})
        record = json.loads((other / RUN).read_text("utf-8"))
        record["inputs"][0]["sha256"] = "b" * 64
        record["started"] = "2026-11-24T11:00:00+00:00"
        write_json(other / RUN, record)
        runs = [str(folder / "run"), str(other)]
        links = str(folder / "links")
        self.command("link", *runs, "--out", links, "--no-places", store=False)
        self.command("case", "add", "C-1", *runs)
        self.command("case", "add", "C-1", "--links", links)
        self.command("case", "add", "C-2", str(other))


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Iterator[CaseReview]:
    started = CaseReview(tmp_path_factory.mktemp("cases"), taxonomy)
    yield started
    started.stop()


def tab_to(page: Page, name: str, *, inside: str = "body") -> None:
    """Press Tab until what has the focus is called so, and stands inside an element."""
    called = "e.getAttribute('aria-label') || e.textContent.trim() || e.name"
    for _ in range(_TABS):
        page.keyboard.press("Tab")
        if (
            page.evaluate(
                f"(inside => {{ const e = document.activeElement; return e.closest(inside) ? {called} : null; }})", inside
            )
            == name
        ):
            return
    pytest.fail(f"no Tab leads to {name}")


def opened(page: Page, review: Review, case: str) -> None:
    """Open a case for a purpose, unless it is open already."""
    page.goto(f"{review.address}/cases/{case}")
    if page.get_by_label("What do you open it for?").count():
        page.get_by_label("What do you open it for?").fill("weekly check")
        page.get_by_role("button", name="Open the case").click()
        expect(page.locator("#accounts")).to_be_visible()


def test_a_case_is_opened_and_two_accounts_are_said_to_be_one_person_by_keyboard_alone(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy")
    tab_to(page, "Cases")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cases")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("C-1")  # it has links and more that waits: it is read first
    tab_to(page, "C-1")
    page.keyboard.press("Enter")
    expect(page.get_by_label("What do you open it for?")).to_be_visible()
    tab_to(page, "purpose")
    page.keyboard.type("weekly check")
    page.keyboard.press("Enter")
    expect(page.locator("#accounts")).to_be_visible()

    # The drawing is walked through as its table is.
    number = str(page.locator("svg.graph a").first.text_content()).strip()
    tab_to(page, number, inside="svg.graph")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(number.capitalize())
    assert "Kestrel" not in page.content()

    page.go_back()
    button = page.get_by_role("button", name="One person: accounts").first
    called = str(button.get_attribute("aria-label"))
    tab_to(page, called)
    page.keyboard.press("Enter")
    expect(page.locator(".case-head")).to_contain_text("Said to be one person")
    expect(page.locator("th", has_text="as account")).to_be_visible()
    tab_to(page, called.replace("One person:", "Take back:"))
    page.keyboard.press("Enter")
    expect(page.locator(".case-head")).not_to_contain_text("Said to be one person")
    assert page.complaints == []  # pyright: ignore[reportAttributeAccessIssue]
    page.context.close()


def test_the_drawing_and_the_tables_say_the_same_and_what_is_not_open_is_no_link(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy")
    opened(page, review, "C-1")
    drawn = set(page.locator("svg.graph a").evaluate_all("all => all.map(a => a.getAttribute('href'))"))
    listed = set(page.locator("table a").evaluate_all("all => all.map(a => a.getAttribute('href'))"))
    assert drawn
    assert drawn <= listed
    for address in sorted(drawn):
        answer = page.request.get(f"{review.address}{address}")
        assert answer.status == 200, address
    expect(page.locator("svg.graph g title").first).to_have_text("its run is not open in this review")
    page.context.close()


def test_what_is_in_two_cases_is_seen_on_every_page_that_shows_it(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy")
    opened(page, review, "C-2")
    expect(page.locator(".case-head")).to_contain_text("Also in case C-1: 2 conversations, 4 accounts")
    page.locator("a[href*='/account/']").first.click()
    expect(page.locator(".case-head")).to_contain_text("Also in case C-1")
    page.goto(f"{review.address}/c/1")
    expect(page.locator(".case-head")).to_contain_text("in case C-1")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious_on_the_pages_of_cases(
    chromium: Browser, review: Review, scheme: str, size: dict[str, int]
) -> None:
    """With SAFELIGHT_SCREENSHOTS naming a folder, a picture of each page is left there to be looked at."""
    page = person(chromium, review, "ana", viewport=size, color_scheme=scheme)
    pages = {"cases": "/cases", "purpose": "/cases/C-1", "overview": "/cases/C-1", "account": "/cases/C-1/account/1"}
    for name, path in pages.items():
        page.goto(f"{review.address}{path}")
        if name == "overview":
            opened(page, review, "C-1")
            page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        if folder := os.environ.get("SAFELIGHT_SCREENSHOTS"):
            kind = "phone" if size is PHONE else "desktop"
            page.screenshot(path=Path(folder) / f"{name}-{kind}-{scheme}.png", full_page=True)
        serious = [
            (violation["id"], [node["target"] for node in violation["nodes"]][:5], violation["nodes"][0]["failureSummary"])
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == [], name
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} is {width} wide"
    page.context.close()
