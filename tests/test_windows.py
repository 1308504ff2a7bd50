"""Windows hold every message once, in order, with what came before as context, and never depend on what comes after."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Metaspace

from pipeline.model.windows import Encoding, Packing, Window, chunks, mark, pack, padded
from pipeline.text.fold import fold

ROOT = Path(__file__).parent.parent

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
        for place, number in zip(window.marks, window.messages, strict=True):
            block = window.blocks[place]
            own = [i for i, b in zip(window.ids, window.blocks, strict=True) if b == block]
            assert own == messages[number]
            assert window.ids[place] == messages[number][0]


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


@pytest.fixture(scope="module")
def shipped() -> tuple[Tokenizer, Encoding]:
    tokenizer = Tokenizer.from_file(str(ROOT / "models" / "default" / "tokenizer.json"))
    return tokenizer, Encoding(tokenizer, Packing(tokens=4096, carried=0.1, message_tokens=2048, slots=2))


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["hey", "don't", "[A]", "[SEP]", "日本", "é", "e\u0301", "…", "🙂"])).map(" ".join)
)
def test_pieces_of_words_are_those_of_the_text(shipped: tuple[Tokenizer, Encoding], text: str) -> None:
    tokenizer, encoding = shipped
    whole = tokenizer.encode(fold(text), add_special_tokens=False).ids
    for _ in range(2):  # as cut, and as remembered
        assert encoding.pieces([[("Ana", text)]]) == [[[tokenizer.token_to_id(mark(0)), *whole]]]


def test_a_tokenizer_that_reads_spaces_is_given_whole_texts() -> None:
    vocabulary = {"[UNK]": 0, mark(0): 1, "\u2581a": 2, "\u2581b": 3, "a": 4, "b": 5}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = Metaspace(prepend_scheme="never")  # pyright: ignore[reportAttributeAccessIssue]
    encoding = Encoding(tokenizer, Packing(tokens=64, carried=0.1, message_tokens=32, slots=1))
    assert encoding.pieces([[("Ana", "a b")], []]) == [[[1, 4, 3]], []]


@given(st.lists(st.integers(1, 64), max_size=200))
def test_chunks_hold_every_window_once_and_have_few_shapes(lengths: list[int]) -> None:
    windows = [Window((7,) * length, (1,) * length, (0,), (0,)) for length in lengths]
    found = chunks(windows, tokens=256, step=16)
    assert sorted(chain.from_iterable(found)) == list(range(len(windows)))
    for numbers in found:
        rows, tokens = padded([windows[number] for number in numbers], step=16)["ids"].shape
        assert rows in {256 // tokens // part for part in (1, 2, 4, 8, 16)}
        assert {-(-lengths[number] // 16) * 16 for number in numbers} == {tokens}
