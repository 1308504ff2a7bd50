"""Normalisation: one spelling for the model, in time linear in the length."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.normalise import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello\u200b  THERE\n", "hello there"),
        ("ｓｅｃｒｅｔ", "secret"),
        ("soooo cool", "soo cool"),
        ("see https://example.org/a?b=1 now", "see <link> now"),
        ("write to kim@example.org", "write to <email>"),
        ("ask @kim_92", "ask <handle>"),
        ("call +44 7700 900123 ok", "call <number> ok"),
        ("im 13, level 250", "im 13, level 250"),
        ("", ""),
    ],
)
def test_one_spelling(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text())
def test_normalising_twice_changes_no_more_than_marks(text: str) -> None:
    once = normalise(text)
    assert once == once.strip()
    assert "  " not in once


@pytest.mark.parametrize("text", ["a" * 200_000, "1 " * 100_000, "@" * 200_000, "a.b" * 70_000, "a@" * 100_000])
def test_a_very_long_message_takes_no_longer_than_its_length(text: str) -> None:
    start = time.perf_counter()
    normalise(text)
    assert time.perf_counter() - start < 2.0
