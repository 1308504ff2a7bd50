"""Windows hold every message once, in order, with what came before as context, and never depend on what comes after."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.windows import Packing, Window, pack

PACKING = Packing(tokens=20, carried=0.4, message_tokens=8, slots=3)
MESSAGES = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=8), min_size=0, max_size=40)


def _messages(window: Window, count: int) -> list[list[int]]:
    return [[i for i, b in zip(window.ids, window.blocks, strict=True) if b == block] for block in range(1, count + 1)]


@given(MESSAGES)
def test_every_message_is_read_once_and_in_order(messages: list[list[int]]) -> None:
    windows = list(pack(messages, PACKING))
    assert [number for window in windows for number in window.messages] == list(range(len(messages)))
    for window in windows:
        assert len(window.ids) == len(window.blocks) <= PACKING.tokens
        for mark, number in zip(window.marks, window.messages, strict=True):
            block = window.blocks[mark]
            own = [i for i, b in zip(window.ids, window.blocks, strict=True) if b == block]
            assert own == messages[number]
            assert window.ids[mark] == messages[number][0]


@given(MESSAGES)
def test_context_is_what_stood_just_before(messages: list[list[int]]) -> None:
    for window in pack(messages, PACKING):
        first = window.messages[0]
        context = window.blocks[window.marks[0]] - 1
        held = _messages(window, context)
        assert held == messages[first - context : first]
        assert sum(map(len, held)) <= PACKING.carried * PACKING.tokens


@given(MESSAGES, st.integers(0, 40))
def test_what_comes_later_changes_nothing(messages: list[list[int]], cut: int) -> None:
    whole, part = list(pack(messages, PACKING)), list(pack(messages[:cut], PACKING))
    for early, late in zip(part, whole, strict=False):
        assert late.ids[: len(early.ids)] == early.ids
        assert late.blocks[: len(early.ids)] == early.blocks
        assert late.marks[: len(early.marks)] == early.marks
