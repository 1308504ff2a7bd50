"""What is read first: every reason is named, another reason never lowers a priority, age and decisions do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.priority import AccountFacts, CaseFacts, Ranked, account_priority, after_decisions, case_priority
from pipeline.link.settings import LinkSettings
from pipeline.link.tables import Reason

SETTINGS = LinkSettings()
PLAIN = AccountFacts(risk=0.8)
SHARE = st.floats(0.01, 1)
FACTS = st.builds(
    AccountFacts,
    risk=SHARE,
    targets=st.integers(0, 9),
    severe=st.lists(st.sampled_from(["Coercion", "Approach"]), max_size=2, unique=True),
    meeting=st.lists(st.just("Approach"), max_size=1),
    days_to_next=st.none() | st.floats(0, 400),
    days_old=st.none() | st.floats(0, 4000),
)


def keys(ranked: Ranked) -> list[str]:
    return [reason.reason for reason in ranked.reasons]


def test_several_targets_severe_stages_a_meeting_and_speed_each_come_first_with_their_reason() -> None:
    before = account_priority(PLAIN, SETTINGS)
    assert keys(before) == ["alert"]
    changes: list[tuple[str, dict[str, Any]]] = [
        ("targets", {"targets": 3}),
        ("severe", {"severe": ["Coercion"]}),
        ("meeting", {"meeting": ["Approach"]}),
        ("speed", {"days_to_next": 2.0}),
    ]
    for reason, change in changes:
        after = account_priority(replace(PLAIN, **change), SETTINGS)
        assert after.priority > before.priority, reason
        assert keys(after) == ["alert", reason]


@given(facts=FACTS, more=st.integers(1, 5))
def test_another_reason_never_lowers_a_priority_and_an_older_account_is_never_earlier(facts: AccountFacts, more: int) -> None:
    ranked = account_priority(facts, SETTINGS)
    assert 0 < ranked.priority <= 1
    assert len(set(keys(ranked))) == len(ranked.reasons)
    assert account_priority(replace(facts, targets=facts.targets + more), SETTINGS).priority >= ranked.priority
    assert account_priority(replace(facts, severe=["Coercion", "Approach"]), SETTINGS).priority >= ranked.priority
    if facts.days_old is not None:
        older = account_priority(replace(facts, days_old=facts.days_old + more * 30), SETTINGS)
        assert older.priority <= ranked.priority
        assert older.priority >= 0.49 * account_priority(replace(facts, days_old=None), SETTINGS).priority


def test_where_nobody_knows_whose_the_signs_are_the_reason_says_so_and_weighs_less() -> None:
    ranked = account_priority(AccountFacts(risk=None, flagged_risk=0.9), SETTINGS)
    assert "whose signs these are was not linked yet" in ranked.reasons[0].text
    assert ranked.priority < account_priority(AccountFacts(risk=0.9), SETTINGS).priority
    assert account_priority(AccountFacts(risk=None), SETTINGS) == Ranked()


def test_no_reason_is_a_verdict_or_holds_a_name() -> None:
    facts = AccountFacts(risk=0.9, targets=4, severe=["Approach"], meeting=["Approach"], days_to_next=1.0, days_old=0.0)
    words = " ".join(reason.text for reason in account_priority(facts, SETTINGS).reasons).lower()
    for word in ("groomer", "offender", "guilty", "predator", "suspect", "victim"):
        assert word not in words


def test_a_case_is_ranked_by_its_first_account_its_patterns_and_what_waits() -> None:
    first = account_priority(replace(PLAIN, targets=3, days_old=2.0), SETTINGS)
    plain = CaseFacts(first=first, flagged=2, undecided=2)
    ranked = case_priority(plain, SETTINGS)
    assert keys(ranked) == ["account", "undecided"]
    assert "Shows stages toward 3 persons." in ranked.reasons[0].text
    assert ranked.priority > first.priority
    more = case_priority(replace(plain, patterns=2, pattern=0.9), SETTINGS)
    assert more.priority > ranked.priority
    assert "2 patterns, the strongest of strength 0.90." in [reason.text for reason in more.reasons]
    old = case_priority(replace(plain, days_old=365.0), SETTINGS)
    assert old.priority < ranked.priority
    assert case_priority(CaseFacts(), SETTINGS) == Ranked()


def test_what_is_decided_is_read_after_what_waits() -> None:
    waiting = CaseFacts(first=account_priority(PLAIN, SETTINGS), flagged=2, undecided=1)
    done = case_priority(replace(waiting, undecided=0), SETTINGS)
    assert done.priority < case_priority(waiting, SETTINGS).priority
    assert keys(done)[-1] == "decided"
    nothing = Ranked()
    assert after_decisions(nothing, flagged=1, undecided=0) == nothing


@pytest.mark.parametrize(("days", "words"), [(0.2, "on the day of the newest message"), (40.0, "40 days before")])
def test_the_age_is_named(days: float, words: str) -> None:
    ranked = account_priority(replace(PLAIN, days_old=days), SETTINGS)
    assert words in ranked.reasons[-1].text
    assert ranked.reasons[-1] == Reason("recent", days, ranked.reasons[-1].text)
