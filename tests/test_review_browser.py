"""The review in Debian's Chromium, the whole way, served by the command itself; and what axe says of each page."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")
pytest.importorskip("playwright", reason="the review's pages are tested with it")

from helpers.chromium import DESKTOP, PHONE, Review, chromium, person, picture, serious
from helpers.reviewed import PLAIN, TURNED
from playwright.sync_api import Browser, expect

from pipeline.config import Taxonomy

__all__ = ["chromium"]  # a fixture


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Iterator[Review]:
    long = [*PLAIN * 120, *TURNED, *PLAIN * 120]
    chats = {"dm-1": TURNED, "dm-2": PLAIN, "dm-3": TURNED, "dm-long": long}
    started = Review(tmp_path_factory.mktemp("review"), taxonomy, chats)
    yield started
    started.stop()


def test_the_whole_way_from_the_queue_to_the_referral_pack(chromium: Browser, review: Review) -> None:
    cy = person(chromium, review, "cy")
    expect(cy.locator(".queue li")).to_have_count(4)
    for key in ("j", "j", "k"):
        cy.keyboard.press(key)
    cy.keyboard.press("Enter")
    expect(cy.locator(".timeline")).to_be_visible()
    cy.goto(f"{review.address}/c/1")

    # Nothing is readable until it is asked for; the keys go from sign to sign.
    assert "mature" not in cy.content()
    cy.keyboard.press("n")
    cy.keyboard.press("n")
    cy.keyboard.press("Enter")
    expect(cy.locator("#c1-3")).to_contain_text("you are so mature for that")
    assert "secret" not in cy.locator(".timeline").inner_text()
    cy.keyboard.press("v")
    expect(cy.locator("#c1-3 .veiled-again")).to_have_count(1)

    # A correction, then a decision with the keys.
    cy.locator("#c1-3 .correct summary").click()
    cy.locator("#c1-3 .correct").get_by_label("Isolation").check()
    cy.locator("#c1-3 .correct").get_by_role("button", name="Keep").click()
    expect(cy.locator("#c1-3")).to_contain_text("You: Isolation, Deceptive trust")
    cy.locator("#c1-3").focus()
    cy.keyboard.press("4")
    expect(cy.locator("[name=kind][value=refer]")).to_be_checked()
    cy.locator("[name=reason-refer]").select_option("meeting")
    cy.get_by_label("In your words").fill("read from the beginning")
    cy.keyboard.press("Control+Enter")
    expect(cy.get_by_role("status")).to_contain_text("second reader")
    expect(cy.locator(".queue li")).to_have_count(3)

    # Its first reader cannot be its second.
    cy.goto(f"{review.address}/c/1")
    expect(cy.get_by_text("Waits for a second reader")).to_be_visible()
    expect(cy.get_by_role("button", name="I read it and agree")).to_have_count(0)

    # While cy looks at it, ben cannot decide; then ben reads it and agrees.
    ben = person(chromium, review, "ben")
    ben.get_by_role("link", name="Second reader 1").click()
    ben.locator(".queue a").first.click()
    expect(ben.get_by_text("cy works on this conversation now")).to_be_visible()
    expect(ben.get_by_role("button", name="I read it and agree")).to_have_count(0)
    cy.get_by_role("button", name="← Queue").click()
    expect(cy.locator(".queue")).to_be_visible()
    ben.reload()
    assert "refer" not in ben.locator(".current").inner_text()  # hidden until it is read
    for position in (1, 3, 5):
        ben.get_by_label(f"Show message {position}").click()
        expect(ben.locator(f"#c1-{position} .shown")).to_be_visible()
    expect(ben.locator("#c1-5")).to_contain_text("this stays our secret ok")
    ben.get_by_role("button", name="I have read them").click()
    expect(ben.locator(".current")).to_contain_text("refer, by cy")
    expect(ben.locator("#c1-5 .shown")).to_be_visible()
    ben.get_by_role("button", name="I read it and agree").click()
    expect(ben.get_by_text("ben read it too and agrees")).to_be_visible()

    if review.packs:
        with ben.expect_download() as waiting:
            ben.get_by_role("button", name="Make the pack").click()
        pack = review.folder / "pack.zip"
        waiting.value.save_as(pack)
        review.command("pack", "verify", str(pack), "--key", str(review.folder / "key.pem.pub"), store=False)
        with zipfile.ZipFile(pack) as members:
            decisions = json.loads(members.read("decisions.json"))
            assert [decision["kind"] for decision in decisions] == ["refer"]
            assert not [name for name in members.namelist() if b"Kestrel" in members.read(name)]

    ben.get_by_role("link", name="Audit").click()
    expect(ben.locator(".notice")).to_contain_text("Whole:")
    for page in (cy, ben):
        assert page.complaints == []  # pyright: ignore[reportAttributeAccessIssue]
        page.context.close()
    assert "none changed" in review.command("audit", "verify")


def test_a_form_without_a_reason_stays_and_so_does_what_was_revealed(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy")
    page.goto(f"{review.address}/c/3")
    page.get_by_label("Show message 3").click()
    expect(page.locator("#c3-3 .shown")).to_be_visible()
    page.locator("[name=kind][value=watch]").check()
    page.get_by_label("In your words").fill("what I thought of it")
    page.get_by_role("button", name="Keep the decision").click()
    expect(page.get_by_role("alert")).to_contain_text("no reason was chosen")
    expect(page.get_by_label("In your words")).to_have_value("what I thought of it")
    expect(page.locator("[name=kind][value=watch]")).to_be_checked()
    expect(page.locator("#c3-3 .shown")).to_be_visible()
    page.context.close()


def test_a_long_conversation_shows_what_it_left_out_when_asked(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy")
    page.goto(f"{review.address}/c/4")
    shown = page.locator(".message").count()
    assert shown < 100
    page.locator(".gap button").first.click()
    expect(page.locator("#c4-120")).to_be_visible()
    assert page.locator(".message").count() > shown + 100
    assert page.complaints == []  # pyright: ignore[reportAttributeAccessIssue]
    page.context.close()


def test_several_messages_are_revealed_at_once_and_words_are_found(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy")
    page.goto(f"{review.address}/c/3")
    page.locator("#c3-4").focus()
    page.locator("#several [name=which]").select_option("around")
    page.locator("#several [name=reason]").select_option("sign")
    page.locator("#c3-4").focus()
    page.get_by_role("button", name="Reveal", exact=True).click()
    expect(page.locator("[data-shown]")).to_have_count(6)
    expect(page.locator("#c3-5 .shown")).to_contain_text("this stays our secret ok")
    expect(page.locator("#several-said")).to_contain_text("6 messages revealed")
    page.get_by_label("find words").fill("mature")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("#found a")).to_have_text("3")
    assert page.complaints == []  # pyright: ignore[reportAttributeAccessIssue]
    page.context.close()


def test_on_a_phone_the_decision_stays_in_sight_and_opens_when_one_is_chosen(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy", viewport=PHONE)
    page.goto(f"{review.address}/c/4")
    expect(page.locator(".decision .kinds")).to_be_in_viewport()
    expect(page.get_by_label("In your words")).not_to_be_visible()
    page.locator(".kind-watch").click()
    expect(page.get_by_label("In your words")).to_be_visible()
    page.mouse.wheel(0, 4000)
    expect(page.locator(".decision")).to_be_in_viewport()
    page.context.close()


def test_numbers_are_shown_on_demand_and_the_slider_counts(chromium: Browser, review: Review) -> None:
    page = person(chromium, review, "cy")
    page.goto(f"{review.address}/c/3")
    expect(page.locator(".probability").first).not_to_be_visible()
    page.get_by_label("numbers").check()
    expect(page.locator(".probability").first).to_be_visible()
    page.goto(f"{review.address}/cuts?per_day=100")
    page.locator("#cut").focus()
    page.keyboard.press("Home")
    expect(page.locator("#cut-said")).to_contain_text("At 0.000: about 100.0 a day")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(
    chromium: Browser, review: Review, scheme: str, size: dict[str, int]
) -> None:
    """With SAFELIGHT_SCREENSHOTS naming a folder, a picture of each page is left there to be looked at."""
    page = person(chromium, review, "ana", viewport=size, color_scheme=scheme)
    pages = {
        "queue": "/",
        "case": "/c/3",
        "pause": "/pause",
        "tasks": "/tasks",
        "cuts": "/cuts",
        "me": "/me",
        "readers": "/readers",
        "audit": "/audit",
        "login": "/login",
    }
    for name, path in pages.items():
        page.goto(f"{review.address}{path}")
        if name == "case":
            page.get_by_label("Show message 3").click()
            page.get_by_label("Show message 5").click()
            expect(page.locator("[data-shown]")).to_have_count(2)
            page.keyboard.press("3")
        kind = "phone" if size is PHONE else "desktop"
        picture(page, f"{name}-{kind}-{scheme}")
        assert serious(page) == [], name
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} is {width} wide"
    page.context.close()
