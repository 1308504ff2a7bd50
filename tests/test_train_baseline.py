"""The baseline: trained for real on a tiny corpus; scikit-learn and our scorer agree; nothing looks ahead."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Taxonomy, load_settings
from pipeline.corpora.training import read_training_corpus
from pipeline.errors import CorpusError, ModelFolderError
from pipeline.model.folder import open_model_folder, seal_model_folder
from pipeline.model.load import load_model
from pipeline.model.ngram.baseline import load_baseline
from pipeline.model.ngram.ngrams import char_analyser, word_analyser
from pipeline.recipes import BaselineRecipe
from pipeline.schema import Conversation, Message, Source
from pipeline.score import score_conversations
from pipeline.training.train import train

sklearn_text = pytest.importorskip("sklearn.feature_extraction.text")


def _conversation(lines: list[tuple[str, str]], name: str = "c") -> Conversation:
    messages = tuple(
        Message(message_id=str(number), speaker=speaker, text=text, source=Source("x", row=number))
        for number, (speaker, text) in enumerate(lines, 1)
    )
    return Conversation(conversation_id=name, platform="test", messages=messages)


def test_the_signs_of_training_are_found_in_words_that_it_never_saw(tiny_model: Path) -> None:
    model = load_baseline(open_model_folder(tiny_model))
    asked, told, plain = model.stage_probabilities(["how old are you then", "keep this secret ok", "dinner in five minutes"])
    access, secrecy = model.taxonomy.keys.index("access"), model.taxonomy.keys.index("secrecy")
    assert asked[access] > 3 * plain[access]
    assert told[secrecy] > 3 * plain[secrecy]


def test_the_one_who_asks_is_the_risk_and_not_the_one_who_answers(tiny_model: Path) -> None:
    _, model = load_model(tiny_model)
    lines = [
        ("Kim", "good game everyone"),
        ("Pat", "how old are you anyway"),
        ("Kim", "no"),
        ("Pat", "our secret ok"),
        ("Kim", "bye"),
    ]
    scores = score_conversations([_conversation(lines)], model)[0]
    assert scores[3].speaker_slot == "B"
    assert scores[3].speaker_risk is not None
    assert scores[4].speaker_risk is not None
    assert scores[3].speaker_risk > scores[4].speaker_risk + 0.2


def test_our_features_are_those_of_scikit_learn(tiny_corpus: Path, tiny_model: Path) -> None:
    model = load_baseline(open_model_folder(tiny_model))
    texts = ["how old are you", "", "🙂 🙂 zzz", "our our our secret", "dinner at 5, bring the dog"]
    for block, analyser in zip(model.stages.blocks, (word_analyser((1, 2)), char_analyser((2, 5))), strict=True):
        theirs = sklearn_text.TfidfVectorizer(analyzer=analyser, vocabulary=list(block.vocabulary), sublinear_tf=True)
        theirs.idf_ = block.idf
        rows, columns, values = block.rows(texts)
        ours = np.zeros((len(texts), len(block.vocabulary)))
        ours[rows, columns] = values
        np.testing.assert_allclose(ours, theirs.transform(texts).toarray(), atol=1e-6)


words = st.sampled_from(["how old are you", "our secret", "dinner", "the dog", "ok", "", "no", "game"])
chats = st.lists(st.tuples(st.sampled_from("ABC"), words), min_size=1, max_size=20)


@given(lines=chats, data=st.data())
@settings(max_examples=60)
def test_nothing_looks_ahead(tiny_model: Path, lines: list[tuple[str, str]], data: st.DataObject) -> None:
    _, model = load_model(tiny_model)
    cut = data.draw(st.integers(1, len(lines)))
    whole = score_conversations([_conversation(lines)], model)[0]
    start = score_conversations([_conversation(lines[:cut])], model)[0]
    assert whole[:cut] == start


@given(batch=st.lists(chats, min_size=1, max_size=5))
@settings(max_examples=30)
def test_a_conversation_scores_the_same_whatever_is_in_its_batch(tiny_model: Path, batch: list[list[tuple[str, str]]]) -> None:
    _, model = load_model(tiny_model)
    conversations = [_conversation(lines, str(number)) for number, lines in enumerate(batch)]
    together = score_conversations(conversations, model)
    assert together == [score_conversations([conversation], model)[0] for conversation in conversations]


def test_training_twice_gives_the_same_weights(tiny_recipe: Path, tiny_corpus: Path, tiny_model: Path, tmp_path: Path) -> None:
    again = train(tiny_recipe, corpus=[tiny_corpus], out=tmp_path / "again", track=False)
    first, _ = load_model(tiny_model)
    for name in ("model.safetensors", "vocabulary.json", "calibration.json", "thresholds.json"):
        assert again.hashes[name] == first.hashes[name]


def test_figures_are_of_conversations_that_were_held_out(tiny_model: Path) -> None:
    metrics = json.loads((tiny_model / "metrics.json").read_text())
    splits = json.loads((tiny_model / "splits.json").read_text())["conversations"]
    held_out = [name for name, part in splits.items() if part == "test"]
    assert metrics["corpus"]["labelled_conversations"] + metrics["corpus"]["validation_conversations"] + len(held_out) == 12
    grooming = sum("turned" in name for name in held_out)
    assert metrics["conversations"]["grooming"] == {"conversations": grooming, "flagged": grooming}
    assert metrics["conversations"]["roc_auc"] == 1.0
    card = (tiny_model / "MODEL_CARD.md").read_text()
    assert "must not be used for" in card
    assert "before int8" not in card
    assert "reads each message **alone**" in card.replace("It reads", "reads")


def test_a_stage_that_no_message_of_the_training_part_has_is_a_clear_error(
    tiny_recipe: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "tiny.toml").write_text((tiny_corpus / "tiny.toml").read_text("utf-8").replace(', "secrecy"]', "]"))
    with pytest.raises(CorpusError, match="with and without the stage secrecy"):
        train(tiny_recipe, corpus=[tmp_path / "corpus"], out=tmp_path / "m", track=False)
    assert not (tmp_path / "m").exists()


def test_a_baseline_of_an_earlier_version_is_refused_with_what_to_do(tiny_model: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(tiny_model, tmp_path / "old"))
    (old / "risk.json").unlink()
    seal_model_folder(old, kind="ngram-linear", name="old")
    with pytest.raises(ModelFolderError, match="earlier version"):
        load_model(old)


def test_ordinary_chat_is_a_seeded_sample_of_the_size_asked_for(
    tiny_corpus: Path, tiny_recipe: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    chat = tmp_path / "chat.jsonl"
    chat.write_text(
        "".join(
            json.dumps({"conversation_id": f"c{number}", "speaker": "A", "timestamp": None, "text": f"hello {number}"}) + "\n"
            for number in range(50)
        )
    )
    tiny = load_settings(tiny_recipe.parent / "taxonomy.toml", Taxonomy)
    samples = [
        [
            c.conversation.conversation_id
            for c in read_training_corpus([tiny_corpus], [chat], taxonomy=tiny, seed=seed, max_ordinary=10).ordinary
        ]
        for seed in (1, 1, 2)
    ]
    assert len(samples[0]) == 10
    assert samples[0] == samples[1] != samples[2]


def test_the_shipped_recipe_is_valid(root: Path) -> None:
    recipe = load_settings(root / "configs" / "baseline.toml", BaselineRecipe)
    assert (root / "configs" / recipe.taxonomy).is_file()
