"""Walk through 20 cases as one reader in Chromium, and count clicks, key presses and seconds a case, by three ways of working.

::

    PYTHONPATH=tests python tests/bench_review_walk.py --cases 20

``one by one``: a click reveals each message, and the queue comes after each decision, as the review was at first.
``mouse``: all signs and what is around them are revealed at once, and the next case follows. ``keys``: the same without a mouse.
The seconds are those of the pages and of a machine that reads nothing: what a way of working adds to reading.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from helpers.chromium import ARGUMENTS, Review, person
from helpers.reviewed import PLAIN, TURNED, Line
from playwright.sync_api import Page, expect, sync_playwright

from pipeline.config import Taxonomy, load_settings

ROOT = Path(__file__).parent.parent


@dataclass
class Hand:
    """A hand on the mouse and the keys of a page, which counts."""

    page: Page
    clicks: int = 0
    keys: int = 0
    seconds: list[float] = field(default_factory=list)

    def click(self, selector: str) -> None:
        """Click on something."""
        self.page.locator(selector).first.click()
        self.clicks += 1

    def choose(self, selector: str, value: str) -> None:
        """Choose from a list: one click opens it, one chooses."""
        self.page.locator(selector).first.select_option(value)
        self.clicks += 2

    def press(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self.page.keyboard.press(key)
        self.keys += len(keys)


def one_by_one(hand: Hand) -> None:
    """Open a case from the queue, reveal its messages one by one, decide, and go back to the queue."""
    hand.click(".queue a")
    for position in (39, 40, 41, 42, 43, 44, 45, 46):
        hand.click(f".message:has([data-position='{position}']) .veil")
        expect(hand.page.locator(f".message[id$='-{position}'] .shown")).to_be_visible()
    _decide_by_mouse(hand, "button:text('Keep the decision')")
    expect(hand.page.locator(".tabs").first).to_be_visible()


def mouse(hand: Hand) -> None:
    """Reveal all that is shown around the signs, decide, and go on with the next case."""
    if hand.page.locator(".queue").count():
        hand.click(".queue a")
    hand.choose("#several [name=which]", "all")
    hand.choose("#several [name=reason]", "decide")
    hand.click("#several button")
    expect(hand.page.locator("#several-said [role=status]")).to_be_visible()
    _decide_by_mouse(hand, "button[name=go]")


def _decide_by_mouse(hand: Hand, keep: str) -> None:
    before = hand.page.url
    hand.click(".kind-dismiss")
    hand.choose("[name=reason-dismiss]", "friends")
    hand.click(keep)
    hand.page.wait_for_url(lambda url: url != before)
    hand.page.wait_for_load_state()


def keys(hand: Hand) -> None:
    """Go from sign to sign, reveal each, decide, and go on with the next case, without a mouse."""
    if hand.page.locator(".queue").count():
        hand.press("j", "Enter")
        hand.page.wait_for_url(lambda url: "/c/" in url)
        hand.page.wait_for_load_state()
    before = hand.page.url
    for shown in (1, 2, 3):
        hand.press("n", "Enter")
        expect(hand.page.locator("[data-shown]")).to_have_count(shown)
    hand.press("1", "f")
    hand.press("Control+Shift+Enter")
    hand.page.wait_for_url(lambda url: url != before)
    hand.page.wait_for_load_state()


WAYS: dict[str, Callable[[Hand], None]] = {"one by one": one_by_one, "mouse": mouse, "keys": keys}


def walk(cases: int, folder: Path) -> dict[str, Hand]:
    """Walk through the cases in each way of working."""
    taxonomy = load_settings(ROOT / "configs" / "taxonomy.toml", Taxonomy)
    lines: Sequence[Line] = [*PLAIN * 20, *TURNED, *PLAIN * 20]
    hands = {}
    program = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for name, way in WAYS.items():
            review = Review(folder / name.replace(" ", "-"), taxonomy, {f"dm-{number}": lines for number in range(cases)})
            try:
                hands[name] = hand = Hand(person(browser, review, "cy"))
                for number in range(cases):
                    if number % 4 == 3:
                        review.rest()  # pauses are good, and not what is measured
                    begun = time.perf_counter()
                    way(hand)
                    hand.seconds.append(time.perf_counter() - begun)
            finally:
                review.stop()
        browser.close()
    return hands


def main() -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hands = walk(arguments.cases, Path(folder))
    print("| way of working | clicks a case | keys a case | seconds a case, median |\n|---|---|---|---|")
    for name, hand in hands.items():
        seconds = statistics.median(hand.seconds)
        print(f"| {name} | {hand.clicks / arguments.cases:.1f} | {hand.keys / arguments.cases:.1f} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
