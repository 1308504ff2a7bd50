"""Training the heads again on the frozen network of a model folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the train extra")

from pipeline.config import Taxonomy, load_settings
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.open import read_corpora
from pipeline.corpora.split import load_splits
from pipeline.corpora.training import TrainingCorpus
from pipeline.errors import ConfigError, ResultsError
from pipeline.model.encoder.message_tokens import Arrays
from pipeline.model.load import load_model
from pipeline.recipes import SplitSettings
from pipeline.training.dataset import make_splits
from pipeline.training.extend_splits import extend_splits
from pipeline.training.train import train
from pipeline.training.vector_cache import VectorCache


@pytest.fixture(scope="module")
def refitted(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder_recipe: Path, tiny_encoder_model: Path, tiny_corpus: Path
) -> Path:
    out = tmp_path_factory.mktemp("heads") / "model"
    train(tiny_encoder_recipe, corpus=[tiny_corpus], out=out, start=tiny_encoder_model, track=False)
    return out


def test_the_network_stays_and_the_heads_are_new(refitted: Path, tiny_encoder_model: Path) -> None:
    before, after = (load_model(path)[0].hashes for path in (tiny_encoder_model, refitted))
    assert after["encoder.onnx"] == before["encoder.onnx"]
    assert after["tokenizer.json"] == before["tokenizer.json"]
    assert after["model.safetensors"] != before["model.safetensors"]


def test_the_refitted_model_tells_a_sign_from_talk(refitted: Path) -> None:
    _, model = load_model(refitted)
    bad, good = model.predict([[("A", "how old are you anyway"), ("A", "this stays our secret ok")], [("A", "dinner is ready")]])
    assert bad.risk[-1] > good.risk[-1]


def test_the_card_names_the_model_whose_network_it_is(refitted: Path, tiny_encoder_model: Path) -> None:
    origin, _ = load_model(tiny_encoder_model)
    assert f"network of the model {origin.name} (id {origin.id})" in " ".join(
        (refitted / "MODEL_CARD.md").read_text("utf-8").split()
    )
    assert json.loads((refitted / "metrics.json").read_text("utf-8"))["network_of"] == {"name": origin.name, "id": origin.id}


def test_nothing_changes_its_part(refitted: Path, tiny_encoder_model: Path) -> None:
    before, after = (load_splits(path / "splits.json") for path in (tiny_encoder_model, refitted))
    assert after.conversations == before.conversations


def test_with_the_own_head_alone_only_calibration_and_thresholds_are_new(
    tmp_path: Path, tiny_encoder_recipe: Path, tiny_encoder_model: Path, tiny_corpus: Path
) -> None:
    train(
        tiny_encoder_recipe,
        corpus=[tiny_corpus],
        out=tmp_path / "model",
        start=tiny_encoder_model,
        overrides=["refit.own=1.0", "refit.epochs=1"],
        track=False,
    )
    before, after = (load_model(path)[0].hashes for path in (tiny_encoder_model, tmp_path / "model"))
    assert after["model.safetensors"] == before["model.safetensors"]


def test_stages_may_be_others(tmp_path: Path, tiny_encoder_recipe: Path, tiny_encoder_model: Path, tiny_corpus: Path) -> None:
    shutil.copy(tiny_encoder_recipe, tmp_path / "recipe.toml")
    taxonomy = (tiny_encoder_recipe.parent / "taxonomy.toml").read_text("utf-8")
    third = '[[stages]]\nkey = "approach"\nname = "Approach"\ndefinition = "Meeting."\nseverity = 3\n'
    (tmp_path / "taxonomy.toml").write_text(taxonomy + third, "utf-8")
    train(tmp_path / "recipe.toml", corpus=[tiny_corpus], out=tmp_path / "model", start=tiny_encoder_model, track=False)
    _, model = load_model(tmp_path / "model")
    assert model.predict([[("A", "how old are you anyway")]])[0].stages.shape == (1, 3)


def test_vectors_are_kept_for_the_next_training(
    tmp_path: Path, tiny_encoder_recipe: Path, tiny_encoder_model: Path, tiny_corpus: Path
) -> None:
    said: list[str] = []
    files: list[list[Path]] = []
    for _ in range(2):
        train(
            tiny_encoder_recipe,
            corpus=[tiny_corpus],
            out=tmp_path / "model",
            start=tiny_encoder_model,
            track=False,
            overwrite=True,
            say=said.append,
        )
        files.append(sorted((tmp_path / "model.training").rglob("vectors-*.safetensors")))
    kept = [line for line in said if line.endswith("vectors kept")]
    assert " 0 vectors kept" in kept[0]
    assert " 0 vectors kept" not in kept[1]
    assert files[0]
    assert files[1] == files[0], "the second made none"


def test_a_network_of_other_tokens_is_refused(
    tmp_path: Path, tiny_encoder_recipe: Path, tiny_encoder_model: Path, tiny_corpus: Path
) -> None:
    with pytest.raises(ConfigError, match="--set message_tokens=16"):
        train(
            tiny_encoder_recipe,
            corpus=[tiny_corpus],
            out=tmp_path / "model",
            start=tiny_encoder_model,
            overrides=["message_tokens=24"],
            track=False,
        )


def test_a_baseline_has_no_network_to_keep(tmp_path: Path, tiny_recipe: Path, tiny_encoder_model: Path, tiny_corpus: Path) -> None:
    with pytest.raises(ConfigError, match="recipe of an encoder"):
        train(tiny_recipe, corpus=[tiny_corpus], out=tmp_path / "model", start=tiny_encoder_model, track=False)


def _arrays(*messages: list[int]) -> Arrays:
    width = max(map(len, messages))
    ids = np.asarray([message + [0] * (width - len(message)) for message in messages], np.int64)
    return {"ids": ids, "real": np.asarray([[1] * len(m) + [0] * (width - len(m)) for m in messages], np.int64)}


def test_a_cache_runs_each_message_once_and_gives_what_the_network_gives(tmp_path: Path) -> None:
    asked: list[int] = []

    def network(arrays: Arrays) -> np.ndarray:
        asked.append(len(arrays["ids"]))
        return np.stack([(arrays["ids"] * arrays["real"]).sum(axis=1), arrays["real"].sum(axis=1)], axis=1).astype(np.float32)

    cache = VectorCache(network, tmp_path)
    first = cache(_arrays([1, 2], [5], [1, 2]))
    assert first.tolist() == [[3, 2], [5, 1], [3, 2]]
    cache.save()
    assert cache(_arrays([5], [1, 2, 3])).tolist() == [[5, 1], [6, 3]], "padding is no part of a message"
    cache.save()
    again = VectorCache(network, tmp_path)
    assert again(_arrays([1, 2, 3], [1, 2], [5])).tolist() == [[6, 3], [3, 2], [5, 1]]
    assert asked == [3, 1]
    assert len(again) == 3


def test_a_damaged_cache_says_which_file(tmp_path: Path) -> None:
    (tmp_path / "vectors-00000.safetensors").write_bytes(b"nothing")
    with pytest.raises(ResultsError, match="vectors-00000"):
        VectorCache(lambda arrays: np.zeros((0, 2), np.float32), tmp_path)


def test_new_scenes_of_a_known_situation_join_its_part(tiny_corpus: Path, tiny_encoder_recipe: Path) -> None:
    taxonomy = load_settings(tiny_encoder_recipe.parent / "taxonomy.toml", Taxonomy)
    old = tuple(read_corpora([tiny_corpus], taxonomy))
    settings = SplitSettings(train=0.5, validation=0.25, test=0.25, together=("situation",))
    earlier = make_splits(TrainingCorpus(old, ()), settings, seed=1)
    new = tuple(_renamed(conversation, "new-" + conversation.id) for conversation in old)
    extended = extend_splits(earlier, TrainingCorpus((*new, *old), ()), settings, seed=2)
    assert set(earlier.conversations.values()) == {"train", "validation", "test"}
    assert {name: extended.conversations[name] for name in earlier.conversations} == dict(earlier.conversations)
    for conversation in old:
        assert extended.conversations["new-" + conversation.id] == earlier.conversations[conversation.id]


def test_what_is_too_little_to_split_is_learned_from(tiny_corpus: Path, tiny_encoder_recipe: Path) -> None:
    taxonomy = load_settings(tiny_encoder_recipe.parent / "taxonomy.toml", Taxonomy)
    first, *rest = read_corpora([tiny_corpus], taxonomy)
    settings = SplitSettings(train=0.5, validation=0.25, test=0.25, together=("situation",))
    earlier = make_splits(TrainingCorpus(tuple(rest), ()), settings, seed=1)
    extended = extend_splits(earlier, TrainingCorpus((first, *rest), ()), settings, seed=1)
    assert extended.conversations == {**earlier.conversations, first.id: "train"}


def test_an_ordinary_chat_like_a_known_one_of_another_part_is_left_out(
    tiny_corpus: Path, tiny_encoder_recipe: Path, tmp_path: Path
) -> None:
    taxonomy = load_settings(tiny_encoder_recipe.parent / "taxonomy.toml", Taxonomy)
    labelled = tuple(read_corpora([tiny_corpus], taxonomy))
    chats = tuple(
        replace(conversation, group=f"chat-{conversation.id}") for conversation in labelled if not conversation.is_grooming
    )
    settings = SplitSettings(train=0.4, validation=0.3, test=0.3, together=(), ordinary_validation=2, ordinary_test=2)
    grooming = tuple(conversation for conversation in labelled if conversation.is_grooming)
    earlier = make_splits(TrainingCorpus(grooming, chats[:1]), settings, seed=1)
    held = earlier.model_copy(update={"conversations": {**earlier.conversations, chats[0].id: "test"}})
    twin = _renamed(chats[0], "twin")
    extended = extend_splits(held, TrainingCorpus(grooming, (chats[0], twin)), settings, seed=1)
    assert extended.conversations[chats[0].id] == "test"
    assert "twin" not in extended.conversations


def _renamed(conversation: LabelledConversation, name: str) -> LabelledConversation:
    return replace(conversation, conversation=replace(conversation.conversation, conversation_id=name), group=name)
