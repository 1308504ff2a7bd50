"""The second factor of accounts, what an admin sets for everybody, and the alarm on reveals."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from helpers.browsing import Browser
from helpers.reviewed import PASSWORD, PLAIN, TURNED, make_run
from pyotp.totp import TOTP
from sqlalchemy import text

from pipeline.config import Taxonomy
from pipeline.errors import ReviewError
from pipeline.review.accounts import log_in
from pipeline.review.audit import entries, verify
from pipeline.review.policy import ALARM, Policy, read_policy, set_policy
from pipeline.review.second_factor import reset_factor
from pipeline.review.serve import prepare
from pipeline.review.store import Store
from pipeline.review.web.app_state import AppState


@pytest.fixture
def app_state(store: Store, taxonomy: Taxonomy, tmp_path: Path) -> AppState:
    run = make_run(tmp_path / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN})
    return prepare(store, [run], single_user=False, secure=False)


def actions(store: Store) -> list[str]:
    with store.reading() as connection:
        return [entry.action for entry in entries(connection)]


def enrol(browser: Browser) -> tuple[str, list[str]]:
    """Enrol as a person does, and return the secret and the recovery codes."""
    page = browser.get("/me/factor").text
    assert "<svg" in page
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found
    assert found[1] in browser.get("/me/factor").text  # a page that is loaded again shows the same secret
    answer = browser.post("/me/factor", code=at(found[1], 0))
    assert answer.status_code == 200, answer.text
    return found[1], re.findall(r"<code>([0-9a-f]{8}-[0-9a-f]{8})</code>", answer.text)


def at(secret: str, steps: int) -> str:
    return TOTP(secret).at(time.time() + 30 * steps)


def test_a_code_is_asked_for_serves_once_and_a_recovery_code_too(
    app_state: AppState, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # a slow machine may not pass into the next step
    secret, recovery = enrol(Browser(app_state, "cy"))
    assert len(set(recovery)) == 10

    def enters(code: str) -> bool:
        return log_in(store, "cy", PASSWORD, address="192.0.2.1", code=code) is not None

    assert not enters("")
    assert not enters(at(secret, 0))  # it was taken when the factor was set
    assert not enters("000000 ")
    fresh = at(secret, 1)
    assert enters(f" {fresh[:3]} {fresh[3:]}")
    assert not enters(fresh)
    with store.writing() as connection:
        connection.execute(text("DELETE FROM failures"))
    assert enters(recovery[3].upper())
    assert not enters(recovery[3])
    assert not enters(at(secret, -40))
    assert enters(recovery[4])
    assert log_in(store, "ben", PASSWORD, address="192.0.2.1") is not None  # no second factor, no code
    assert actions(store).count("use recovery code") == 2
    assert verify(store).problems == []


def test_wrong_codes_count_as_failed_log_ins(app_state: AppState, store: Store) -> None:
    secret, _ = enrol(Browser(app_state, "cy"))
    for _ in range(5):
        assert log_in(store, "cy", PASSWORD, address="192.0.2.1", code="123") is None
    with pytest.raises(ReviewError, match="too many"):
        log_in(store, "cy", PASSWORD, address="192.0.2.1", code=at(secret, 1))


def test_a_wrong_code_sets_no_second_factor_and_one_who_has_one_sets_no_other(app_state: AppState, store: Store) -> None:
    browser = Browser(app_state, "cy")
    browser.get("/me/factor")
    assert browser.post("/me/factor", code="12345").status_code == 422
    assert "set second factor" not in actions(store)
    secret, _ = enrol(browser)
    assert "has a second factor" in browser.get("/me/factor").text
    assert browser.post("/me/factor", code=at(secret, 1)).status_code == 422


def test_beyond_this_machine_a_lead_does_nothing_before_the_second_factor_and_a_reader_may(
    app_state: AppState, store: Store
) -> None:
    app_state.reachable = True
    lead = Browser(app_state)
    assert lead.post("/login", name="ben", password=PASSWORD).status_code == 303
    for path in ("/", "/c/1", "/audit", "/me", "/pause"):
        answer = lead.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/me/factor"), path
    found = re.search(r'name="csrf" value="([^"]+)"', lead.get("/me/factor").text)
    assert found
    lead.token = found[1]
    assert lead.post("/c/1/decide", kind="dismiss", reason="friends").headers["location"] == "/me/factor"
    assert "decide" not in actions(store)
    enrol(lead)
    assert lead.get("/").status_code == 200
    assert Browser(app_state, "cy").get("/").status_code == 200


def test_an_admin_takes_a_second_factor_away_and_the_person_is_logged_out(app_state: AppState, store: Store) -> None:
    person, admin = Browser(app_state, "cy"), Browser(app_state, "ana")
    enrol(person)
    assert "take the second factor away" in admin.get("/readers").text
    assert admin.post("/readers/cy", role="reader", active="on", reset_factor="on").status_code == 303
    assert person.get("/").headers["location"].startswith("/login")
    assert log_in(store, "cy", PASSWORD, address="192.0.2.1") is not None
    with pytest.raises(ReviewError, match="no account cy with"), store.writing() as connection:
        reset_factor(connection, "cy", actor="cli")
    assert verify(store).problems == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE readers SET factor = NULL WHERE name = 'cy'",
        "UPDATE readers SET recovery = '[]' WHERE name = 'cy'",
        "UPDATE policy SET reveals_an_hour = 9000",
        "DELETE FROM policy",
    ],
)
def test_what_is_changed_behind_the_logs_back_is_found(change: str, app_state: AppState, store: Store) -> None:
    enrol(Browser(app_state, "cy"))
    with store.writing() as connection:
        set_policy(connection, Policy(grey=True), actor="ana")
    assert verify(store).problems == []
    with store.writing() as connection:
        connection.execute(text(change))
    assert verify(store).problems


def test_what_an_admin_sets_holds_for_everybody_and_a_reader_can_only_be_stricter(app_state: AppState, store: Store) -> None:
    admin, reader = Browser(app_state, "ana"), Browser(app_state, "cy")
    settings = {"pause_minutes": "20", "pause_cases": "3", "reveals_an_hour": "50", "hours_severe": "2", "hours_flagged": "12"}
    assert admin.post("/policy", content_free="on", **settings).status_code == 303
    assert reader.post("/c/1/reveal/1").status_code == 403
    reader.post("/me", pause_minutes="100", pause_cases="40", shortcuts="on")
    page = reader.get("/me").text
    assert 'name="pause_minutes" min="5" max="20" value="20"' in page
    assert "(set for everybody)" in page
    assert "content-free" in reader.get("/").text
    reader.post("/me", pause_minutes="7", pause_cases="1", shortcuts="on")
    assert 'value="7"' in reader.get("/me").text
    assert admin.post("/policy", **settings).status_code == 303
    assert reader.post("/c/1/reveal/1").status_code == 200
    assert "set policy" in actions(store)
    for page in ("/policy", "/readers"):
        assert reader.get(page).status_code == 403
    assert reader.post("/policy", **settings).status_code == 403
    assert verify(store).problems == []


@pytest.mark.parametrize(
    "wrong", [{"pause_minutes": "0"}, {"pause_cases": "x"}, {"reveals_an_hour": "99999"}, {"pause_minutes": ""}]
)
def test_a_policy_of_senseless_numbers_is_refused(wrong: dict[str, str], app_state: AppState, store: Store) -> None:
    settings = {"pause_minutes": "20", "pause_cases": "3", "reveals_an_hour": "50", "hours_severe": "2", "hours_flagged": "12"}
    assert Browser(app_state, "ana").post("/policy", **(settings | wrong)).status_code == 400
    with store.reading() as connection:
        assert read_policy(connection) == Policy()


def test_who_reveals_much_in_an_hour_raises_one_alarm_in_the_log_and_for_the_admin(app_state: AppState, store: Store) -> None:
    with store.writing() as connection:
        set_policy(connection, Policy(reveals_an_hour=4), actor="ana")
    reader, admin = Browser(app_state, "cy"), Browser(app_state, "ana")
    for position in (1, 2, 3, 4):
        reader.post(f"/c/1/reveal/{position}")
    assert ALARM not in actions(store)
    assert "Many words were revealed" not in admin.get("/readers").text
    reader.post("/c/1/name/A")
    reader.post("/c/1/reveal/5")
    assert actions(store).count(ALARM) == 1
    page = admin.get("/readers").text
    assert "Many words were revealed" in page
    assert "revealed in the last hour: 6" in page
    assert verify(store).problems == []
