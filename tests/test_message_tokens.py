"""Messages as tokens: the pieces of words are those of the text, and each message is padded as if it stood alone."""

from __future__ import annotations

from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers
from tokenizers.models import Unigram, WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, Metaspace
from tokenizers.processors import TemplateProcessing

from pipeline.model.encoder.message_tokens import MessageTokenizer, chunks, padded, rounded
from pipeline.text.fold import fold

ROOT = Path(__file__).parent.parent
LONG = 4096
KINDS = ("bert", "unigram", "shipped")
ODD = ["hey", "don't", "[A]", "日本", "é", "e\u0301", "…", "🙂", "\u2581", "<s>", "[SEP]", "\x08", ""]
TEXT = st.text(max_size=80) | st.lists(st.sampled_from(ODD)).map(" ".join)


@cache
def tokenizer_of(kind: str) -> Tokenizer:
    """Return a tiny tokenizer as BERT has one, or as XLM-R has one, or that of the model that ships."""
    if kind == "shipped":
        return Tokenizer.from_file(str(ROOT / "models" / "default" / "tokenizer.json"))
    words = ["hey", "don", "the", "日", "a"]
    letters = [chr(code) for code in range(33, 127)]
    if kind == "bert":
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *letters, *(f"##{letter}" for letter in letters)]
        tokenizer = Tokenizer(WordPiece({piece: number for number, piece in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]"))  # noqa: S106 - no password
        tokenizer.normalizer = BertNormalizer()  # pyright: ignore[reportAttributeAccessIssue]
        tokenizer.pre_tokenizer = BertPreTokenizer()  # pyright: ignore[reportAttributeAccessIssue]
        tokenizer.add_special_tokens(["[PAD]", "[CLS]", "[SEP]"])
        first, last = "[CLS]", "[SEP]"
    else:
        begun = ["\u2581", *(f"\u2581{word}" for word in words), *words, *letters]
        special = [(name, 0.0) for name in ("<s>", "<pad>", "</s>", "<unk>")]
        scores = [*special, *((piece, -float(len(piece) == 1) - 2.0) for piece in begun)]
        tokenizer = Tokenizer(Unigram(scores, unk_id=3, byte_fallback=False))
        tokenizer.add_special_tokens([name for name, _ in special])
        tokenizer.normalizer = normalizers.NFKC()  # pyright: ignore[reportAttributeAccessIssue]
        tokenizer.pre_tokenizer = Metaspace()  # pyright: ignore[reportAttributeAccessIssue]
        first, last = "<s>", "</s>"
    frame = [(name, tokenizer.token_to_id(name)) for name in (first, last)]
    tokenizer.post_processor = TemplateProcessing(single=f"{first} $A {last}", special_tokens=frame)  # pyright: ignore[reportAttributeAccessIssue]
    return tokenizer


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("kind", KINDS)
@given(text=TEXT)
def test_pieces_of_words_are_those_of_the_text(kind: str, text: str) -> None:
    tokenizer = tokenizer_of(kind)
    messages = MessageTokenizer(tokenizer, LONG)
    for _ in range(2):  # as cut, and as remembered
        assert messages.pieces([[("Ana", text)]]) == [[[messages.opening, *ids(tokenizer, fold(text))]]]


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_cut_once_and_remembered(kind: str) -> None:
    messages = MessageTokenizer(tokenizer_of(kind), LONG)
    (first, second), (third,) = messages.pieces([[("Ana", "hey the hey"), ("Ben", "hey")], [("Cem", "hey the hey")]])
    assert first == third
    assert first[: len(second)] == second
    assert messages._word.cache_info().misses == 2


@pytest.mark.parametrize("kind", KINDS)
def test_who_speaks_changes_no_token(kind: str) -> None:
    messages = MessageTokenizer(tokenizer_of(kind), LONG)
    assert messages.pieces([[("Ana", "hey"), ("[SEP] the", "hey")]])[0][0] == messages.pieces([[("hey", "hey"), ("", "hey")]])[0][1]


@pytest.mark.parametrize(("kind", "frame"), [("bert", ("[CLS]", "[SEP]")), ("unigram", ("<s>", "</s>"))])
def test_a_message_opens_and_closes_as_the_encoder_learned_it(kind: str, frame: tuple[str, str]) -> None:
    tokenizer = tokenizer_of(kind)
    messages = MessageTokenizer(tokenizer, LONG)
    assert (messages.opening, messages.closing) == tuple(map(tokenizer.token_to_id, frame))
    (own,) = messages.pieces([[("Ana", "hey the dog")]])
    assert padded(own, closing=messages.closing)["ids"].tolist() == [tokenizer.encode("hey the dog").ids]


@pytest.mark.parametrize("scheme", ["never", "first"])
def test_a_tokenizer_whose_spaces_matter_is_given_whole_texts(scheme: str) -> None:
    vocabulary = {"[UNK]": 0, "\u2581a": 2, "\u2581b": 3, "a": 4, "b": 5}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = Metaspace(prepend_scheme=scheme)  # pyright: ignore[reportAttributeAccessIssue]
    messages = MessageTokenizer(tokenizer, 32)
    assert messages.pieces([[("Ana", "a b")], []]) == [[[0, *ids(tokenizer, "a b")]], []]
    assert ids(tokenizer, "a b")[1] == 3, "the space is a part of the piece"


def test_a_tokenizer_that_does_not_cut_at_spaces_is_given_whole_texts() -> None:
    tokenizer = Tokenizer(Unigram([("<unk>", 0.0), ("\u2581a\u2581b", -1.0), ("\u2581a", -2.0), ("\u2581b", -2.0)], unk_id=0))
    tokenizer.pre_tokenizer = Metaspace(split=False)  # pyright: ignore[reportAttributeAccessIssue]
    assert MessageTokenizer(tokenizer, 32).pieces([[("Ana", "a b")]]) == [[[0, 1]]]


@given(st.integers(4, 40), st.integers(0, 200))
def test_a_long_message_is_cut_in_its_middle(room: int, words: int) -> None:
    tokenizer = tokenizer_of("bert")
    text = " ".join(("hey", "don", "the", "a")[number % 4] for number in range(words))
    messages = MessageTokenizer(tokenizer, room)
    ((message,),) = messages.pieces([[("Ana", text)]])
    assert len(padded([message], closing=messages.closing)["ids"][0]) == min(words + 2, room)
    whole, own = ids(tokenizer, fold(text)), message[1:]
    if words <= room - 2:
        assert own == whole
    else:
        tail = (room - 2) // 4
        assert own[: len(own) - tail] == whole[: len(own) - tail]
        assert own[len(own) - tail :] == whole[len(whole) - tail :]


def test_what_is_cut_away_is_not_tokenised() -> None:
    messages = MessageTokenizer(tokenizer_of("bert"), 8)
    ((message,),) = messages.pieces([[("Ana", "hey " * 100_000 + "the a")]])
    assert message[1:] == [*ids(tokenizer_of("bert"), "hey hey hey hey hey"), *ids(tokenizer_of("bert"), "a")]
    assert messages._word.cache_info().currsize < 10


@given(st.lists(st.integers(1, 64), max_size=200))
def test_chunks_hold_every_message_once_and_have_few_shapes(lengths: list[int]) -> None:
    found = chunks(lengths, tokens=256, step=16)
    assert sorted(chain.from_iterable(found)) == list(range(len(lengths)))
    for numbers in found:
        rows, tokens = padded([[7] * (lengths[number] - 1) for number in numbers], closing=9, step=16)["ids"].shape
        assert rows in {256 // tokens // part for part in (1, 2, 4, 8, 16)}
        assert {rounded(lengths[number], 16) for number in numbers} == {tokens}, "what one is padded to depends on itself alone"


@given(st.lists(st.integers(1, 64), max_size=200), st.integers(8, 256))
def test_chunks_without_a_step_keep_to_their_tokens(lengths: list[int], tokens: int) -> None:
    found = chunks(lengths, tokens=tokens)
    assert sorted(chain.from_iterable(found)) == list(range(len(lengths)))
    assert all(len(numbers) == 1 or len(numbers) * max(lengths[number] for number in numbers) <= tokens for numbers in found)
    widest = [max(lengths[number] for number in numbers) for numbers in found]
    assert widest == sorted(widest), "those of like length stand together"


@given(st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=20), min_size=1, max_size=8), st.sampled_from([1, 8]))
def test_padded_messages_are_closed_and_marked_where_they_are_real(messages: list[list[int]], step: int) -> None:
    arrays = padded(messages, closing=100, step=step)
    assert arrays["ids"].shape == arrays["real"].shape == (len(messages), rounded(max(map(len, messages)) + 1, step))
    for message, row, real in zip(messages, arrays["ids"], arrays["real"], strict=True):
        assert row[real == 1].tolist() == [*message, 100]
        assert real.tolist() == sorted(real.tolist(), reverse=True)
        assert not np.any(row[real == 0])
