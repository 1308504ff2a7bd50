"""The review as a person has it: the command that serves it, Debian's Chromium, somebody who has logged in, and axe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import update

from helpers.reviewed import PASSWORD, Line, absent, add_people, free_port, make_run
from pipeline.config import Taxonomy
from pipeline.review.audit_head import note_head
from pipeline.review.schema import readers
from pipeline.review.store import open_store

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser."""
    program = shutil.which("chromium")
    if program is None:
        absent("Chromium is not installed: apt-get install chromium")
    expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


class Review:
    """The command, running, and its store."""

    def __init__(
        self,
        folder: Path,
        taxonomy: Taxonomy,
        conversations: dict[str, Sequence[Line]],
        *,
        shadow: dict[str, Sequence[Line]] | None = None,
    ) -> None:
        self.store = str(folder / "review.db")
        self.folder = folder
        run = make_run(folder / "run", taxonomy, conversations)
        store = open_store(self.store)
        add_people(store)
        note_head(store)
        store.close()
        options = []
        self.packs = find_spec("pipeline.review.pack") is not None
        if self.packs:
            self.command("pack", "key", str(folder / "key.pem"), store=False)
            options = ["--pack-key", str(folder / "key.pem")]
        if shadow is not None:
            options += ["--shadow", str(make_run(folder / "shadow", taxonomy, shadow))]
        self.address = f"http://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        command = [sys.executable, "-m", "pipeline.cli.main", "review", str(run), "--store", self.store, "--port", port, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.strip() == self.address, line

    def command(self, *arguments: str, store: bool = True) -> str:
        where = ["--store", self.store] if store else []
        command = [sys.executable, "-m", "pipeline.cli.main", *arguments, *where]
        environment = os.environ | {"SAFELIGHT_PASSWORD": PASSWORD}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rest(self) -> None:
        """Let everybody's work begin anew: no page of a test is a pause that is due because of the tests before it."""
        store = open_store(self.store)
        with store.writing() as connection:
            connection.execute(update(readers).values(cases_in_row=0, working_since=None))
        store.close()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:  # a page that a failed test left open
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def person(browser: Browser, review: Review, name: str, **options: Any) -> Page:
    """Return a page of somebody who has logged in; whatever the console complains of fails the test at once."""
    context: BrowserContext = browser.new_context(**{"viewport": DESKTOP, **options})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.complaints = []  # pyright: ignore[reportAttributeAccessIssue]
    page.on("pageerror", lambda error: page.complaints.append(str(error)))  # pyright: ignore[reportAttributeAccessIssue]
    page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)  # pyright: ignore[reportAttributeAccessIssue]
    page.on("request", lambda request: page.complaints.append(request.url) if not request.url.startswith(review.address) else None)  # pyright: ignore[reportAttributeAccessIssue]
    review.rest()
    page.goto(f"{review.address}/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".queue")).to_be_visible()
    page.wait_for_load_state()  # the list is there before the deferred script that hears the keys
    return page


def serious(page: Page) -> list[tuple[str, list[str], str]]:
    """Return what axe finds on a page that is serious or worse."""
    return [
        (violation["id"], [node["target"] for node in violation["nodes"]][:5], violation["nodes"][0]["failureSummary"])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def picture(page: Page, name: str) -> None:
    """Leave a picture of a page in the folder that SAFELIGHT_SCREENSHOTS names, to be looked at."""
    if folder := os.environ.get("SAFELIGHT_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
