"""Words that come out odd are put together again for the model, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.fold import fold


@pytest.mark.parametrize(
    ("odd", "read"),
    [
        ("sесrеt plan", "secret plan"),
        ("s e c r e t ok", "secret ok"),
        ("d.e.l.e.t.e this", "delete this"),
        ("h3ll0 th3re", "hello there"),
        ("se\u200bcret", "secret"),
        ("SECRET!!!", "secret!!!"),
        ("ｓｅｃｒｅｔ", "secret"),
    ],
)
def test_odd_words_are_read_as_words(odd: str, read: str) -> None:
    assert fold(odd) == read


@pytest.mark.parametrize(
    "plain", ["im 12yo", "at 5pm", "b4 i go", "Привет как дела", "γειά σου", "level 12", "a b", "1st of may", "4k tv"]
)
def test_numbers_short_words_and_other_alphabets_stay(plain: str) -> None:
    assert fold(plain) == plain.casefold()


@given(st.text(max_size=80))
def test_any_text_can_be_folded(text: str) -> None:
    assert fold(text) == fold(text)
    assert len(fold(text)) <= 20 * len(text) + 20


def test_a_very_long_message_costs_its_length() -> None:
    assert len(fold("a1 " * 300_000)) > 100_000
