"""Cue phrases: found between the ends of words, in order, and as spaCy's matcher finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Stage, Taxonomy, load_settings
from pipeline.corpora.open import read_corpora
from pipeline.text.cues import CueMatcher
from pipeline.text.fold import fold


def matcher(**cues: tuple[str, ...]) -> CueMatcher:
    stages = tuple(
        Stage(key=key, name=key, definition="…", severity=number, cues={"en": phrases})
        for number, (key, phrases) in enumerate(cues.items(), start=1)
    )
    return CueMatcher(Taxonomy(name="t", version="1", stages=stages))


def found(cues: CueMatcher, text: str) -> list[str]:
    (one,) = cues.find([text])
    return [f"{cue.stage}: {cue.phrase}" for cue in one]


def test_phrases_that_overlap_are_all_found_in_order() -> None:
    cues = matcher(trust=("buy you", "buy you a drink", "you a"), secrecy=("a drink", "drink"))
    assert found(cues, "i buy you a drink") == [
        "trust: buy you",
        "trust: buy you a drink",
        "trust: you a",
        "secrecy: a drink",
        "secrecy: drink",
    ]
    assert found(cues, "i buy you a drinks") == ["trust: buy you", "trust: you a"]


def test_a_phrase_of_two_stages_is_a_cue_of_both_and_told_once() -> None:
    assert found(matcher(access=("asl",), approach=("asl", "ASL")), "asl asl") == ["access: asl", "approach: asl", "approach: ASL"]


@pytest.mark.parametrize(
    "text", ["asl", "asl?", "(asl)", "_asl_", "*asl*", "asl/", "x asl's", "'asl'", "asl🙂", "«asl»", "m-asl-f"]
)
def test_marks_end_a_word(text: str) -> None:
    assert found(matcher(access=("asl",)), text) == ["access: asl"]


@pytest.mark.parametrize("text", ["tasl", "asla", "asl2", "l'asl", "l’asl", "asl'll", "été_asli", "åasl"])
def test_a_phrase_is_never_a_part_of_a_word(text: str) -> None:
    assert found(matcher(access=("asl",)), text) == []


def test_a_sign_is_found_inside_a_run_of_signs_and_beside_a_word() -> None:
    cues = matcher(secrecy=("🤫", "shh 🤫", "c++"), access=("?!",))
    assert found(cues, "ok🤫🤫bye") == ["secrecy: 🤫"]
    assert found(cues, "shh 🤫") == ["secrecy: shh 🤫", "secrecy: 🤫"]
    assert found(cues, "what?!") == ["access: ?!"]
    assert found(cues, "in c++, yes") == ["secrecy: c++"]


def test_a_phrase_that_is_one_of_no_letters_or_of_pattern_signs_is_taken_literally() -> None:
    cues = matcher(access=("a.c", "[x", "\u200b"))
    assert found(cues, "abc") == []
    assert found(cues, "a.c and [x") == ["access: a.c", "access: [x"]


def test_no_cues_find_nothing() -> None:
    assert found(matcher(access=()), "asl") == []


def test_on_the_written_corpus_the_cues_are_those_of_spacys_matcher(root: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="compared with spaCy where it is installed")
    taxonomy = load_settings(root / "configs" / "taxonomy.toml", Taxonomy)
    conversations = read_corpora([root / "data" / "synthetic"], taxonomy)
    texts = sorted({fold(message.text) for conversation in conversations for message in conversation.messages})
    language = spacy.blank("xx")
    reference = spacy.matcher.PhraseMatcher(language.vocab, attr="ORTH")
    for stage in taxonomy.stages:
        for phrase in (phrase for phrases in stage.cues.values() for phrase in phrases):
            reference.add(f"{stage.key}: {phrase}", [language.make_doc(fold(phrase))])
    expected = []
    for document in language.pipe(texts):
        matches = sorted((start, end, key) for key, start, end in reference(document))
        expected.append(list(dict.fromkeys(language.vocab.strings[key] for *_, key in matches)))
    assert sum(map(bool, expected)) > 1000
    cues = CueMatcher(taxonomy).find(texts)
    assert [[f"{cue.stage}: {cue.phrase}" for cue in own] for own in cues] == expected
