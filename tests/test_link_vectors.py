"""The same script in other words: found of one person with a model, never over persons, and not without a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("duckdb", reason="the extra link")

from helpers.link_runs import linked, names, of_kind
from helpers.linked import ROOT, Line, Talk
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.link.tables import read_conversations
from pipeline.link.vectors import cosine, groups_by_meaning, load_vectors, vector_from, vectors_of

MODEL = ROOT / "models" / "default"
REWORDED = [
    "i got you that phone so you owe me, just come out tonight for an hour",
    "remember who paid for your phone, you owe me one so come meet me for an hour tonight",
    "after i bought you that phone the least you can do is come out for an hour this evening",
]
OTHERS = [
    "you owe me five pounds for the lunch yesterday, you can pay me back tomorrow",
    "can you pick up the milk on your way home, mum said we have run out again",
    "training is moved to thursday at six because the pitch is booked by the school",
]


def talks(texts: list[str], *, actors: list[str]) -> list[Talk]:
    return [
        Talk(f"c{n}", [Line(actor, text, ("coercion",), n), Line(f"800{n}001", f"reply {n}", (), n)])
        for n, (text, actor) in enumerate(zip(texts, actors, strict=True))
    ]


def test_one_person_who_says_the_same_in_other_words_has_a_script_with_the_words_marked(tmp_path: Path) -> None:
    sent = talks(REWORDED, actors=["9001001"] * 3)
    assert of_kind(linked(tmp_path / "words", sent), "same_script") == []
    folder = linked(tmp_path / "vectors", sent, model=MODEL)
    (pattern,) = of_kind(folder, "same_script")
    assert len(pattern.conversations) == 3
    (meaning,) = [reason for reason in pattern.reasons if reason.reason == "meaning"]
    assert meaning.value >= 0.8
    known = names(folder)
    assert {known[part.account] for part in pattern.accounts if part.role == "sender"} == {"9001001@discord"}
    ids = {node.conversation: node.conversation_id for node in read_conversations(folder)}
    texts = {f"c{n}": text for n, text in enumerate(REWORDED)}
    marked = {
        texts[str(ids[message.conversation])][span.start : span.end] for message in pattern.messages for span in message.spans
    }
    assert {"remember", "bought"} <= marked
    assert "phone" not in marked
    for path in folder.iterdir():
        assert b"remember" not in path.read_bytes(), path.name


def test_several_persons_and_ordinary_messages_of_one_make_no_script(tmp_path: Path) -> None:
    apart = talks(REWORDED, actors=["9001001", "9001002", "9001003"])
    assert of_kind(linked(tmp_path / "persons", apart, model=MODEL), "same_script") == []
    plain = talks(OTHERS, actors=["9001001"] * 3)
    assert of_kind(linked(tmp_path / "plain", plain, model=MODEL), "same_script") == []


def test_a_message_has_one_vector_whatever_is_read_with_it() -> None:
    alone, together = vectors_of(REWORDED[:1], str(MODEL))[0], vectors_of(REWORDED + OTHERS, str(MODEL))[0]
    assert alone == together
    assert cosine(vector_from(alone), vector_from(together)) == pytest.approx(1, abs=1e-3)
    assert cosine(vector_from(alone), None) == 0.0


def test_a_model_without_vectors_is_refused(tiny_model: Path) -> None:
    with pytest.raises(ConfigError, match="no sentence vectors"):
        load_vectors(str(tiny_model))


@given(places=st.lists(st.tuples(st.sampled_from("pq"), st.integers(0, 3)), min_size=1, max_size=12))
def test_groups_are_joined_within_a_person_alone_and_each_has_a_home(places: list[tuple[str, int]]) -> None:
    directions = np.eye(4, dtype=np.float16)
    rows = [(person, number, directions[way]) for number, (person, way) in enumerate(places)]
    homes = groups_by_meaning(rows, 0.85)
    assert set(homes) == set(range(len(rows)))
    for number, home in homes.items():
        assert home <= number
        assert places[home] == places[number]
    assert len(set(homes.values())) == len(set(places))
