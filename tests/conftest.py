"""What several tests share: a tiny corpus and a model really trained on it, no downloads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from pipeline.config import Taxonomy, load_settings

if TYPE_CHECKING:
    from pipeline.review.store import Store

ROOT = Path(__file__).parent.parent

# A machine that others use too may be slow: that is no failure. The same examples are drawn each time, so that a change passes or
# fails for its own sake; `make check-all` draws new ones.
settings.register_profile("shared", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    """The stages that the project ships."""
    return load_settings(ROOT / "configs" / "taxonomy.toml", Taxonomy)


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of two stages, for a corpus of a few lines."""
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "taxonomy.toml").write_text(
        """
name = "tiny"
version = "1"
[[stages]]
key = "access"
name = "Access"
definition = "Asking who somebody is."
severity = 1
[[stages]]
key = "secrecy"
name = "Secrecy"
definition = "Hiding it."
severity = 2
""",
        "utf-8",
    )
    recipe = folder / "tiny.toml"
    recipe.write_text(
        'name = "tiny"\ntaxonomy = "taxonomy.toml"\nseed = 7\n[features]\nmin_messages = 1\nmax_char_features = 400\n'
        "[splits]\ntrain = 0.5\nvalidation = 0.25\ntest = 0.25\ntogether = []\nordinary_validation = 0\nordinary_test = 0\n",
        "utf-8",
    )
    return recipe


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve conversations, half of them with signs of two stages."""
    person = 'role = "x", age = "adult", gender = "unstated"'
    speakers = "{ A = { " + person + ", groomer = %s }, B = { " + person + " } }"
    blocks = []
    for number in range(6):
        blocks.append(
            f"""
[[conversation]]
id = "turned-{number}"
hard = false
situation = "situation-{number}"
platform = "game-chat"
language = "en"
region = "GB"
ending = "blocked"
speakers = {speakers % "true"}
messages = [
  ["B", "good game everyone {number}"],
  ["A", "how old are you anyway", "access"],
  ["B", "old enough to win level {number}"],
  ["A", "this stays our secret ok", "secrecy"],
  ["B", "no, bye"],
]
[[conversation]]
id = "plain-{number}"
hard = true
situation = "plain-{number}"
platform = "game-chat"
language = "en"
region = "GB"
ending = "ordinary"
speakers = {speakers % "false"}
messages = [
  ["A", "dinner is ready at {number}"],
  ["B", "coming in five minutes"],
  ["A", "bring the dog inside please"],
  ["B", "the dog is asleep on my homework"],
]
"""
        )
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "tiny.toml").write_text("".join(blocks), "utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, tiny_recipe: Path, tiny_corpus: Path) -> Path:
    """A model folder trained on the tiny corpus by the command's own function."""
    pytest.importorskip("sklearn", reason="training needs the train extra")
    from pipeline.training.train import train

    out = tmp_path_factory.mktemp("models") / "tiny"
    train(tiny_recipe, corpus=[tiny_corpus], out=out, track=False)
    return out


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of a few thousand weights with a word-piece vocabulary of its own, as a folder that `from_pretrained` opens."""
    pytest.importorskip("transformers", reason="training needs the train extra")
    import string

    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast  # pyright: ignore[reportAttributeAccessIssue]

    folder = tmp_path_factory.mktemp("encoder")
    words = ("how old are you anyway this stays our secret ok no bye good game dinner is ready the dog win level").split()  # noqa: SIM905
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        max_position_embeddings=128,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder_recipe(tiny_recipe: Path) -> Path:
    """A recipe that fine-tunes the tiny encoder in seconds."""
    recipe = tiny_recipe.parent / "tiny-encoder.toml"
    recipe.write_text(
        """
kind = "encoder"
name = "tiny-encoder"
encoder = "nowhere/tiny"
taxonomy = "taxonomy.toml"
seed = 7
message_tokens = 16
[heads]
hidden = 8
[training]
epochs = 40
patience = 40
batch = 4
learning_rate = 3e-3
head_learning_rate = 1e-2
[splits]
train = 0.5
validation = 0.25
test = 0.25
together = []
ordinary_validation = 0
ordinary_test = 0
""",
        "utf-8",
    )
    return recipe


@pytest.fixture(scope="session")
def tiny_encoder_model(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder_recipe: Path, tiny_encoder: Path, tiny_corpus: Path
) -> Path:
    """A model folder of the tiny encoder, trained, exported and quantised by the command's own function."""
    from pipeline.training.train import train

    out = tmp_path_factory.mktemp("models") / "tiny-encoder"
    train(tiny_encoder_recipe, corpus=[tiny_corpus], out=out, encoder_path=tiny_encoder, track=False)
    return out


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with an account of each role."""
    from helpers.reviewed import add_people

    from pipeline.review.store import open_store

    opened = open_store(tmp_path / "review.db")
    add_people(opened)
    yield opened
    opened.close()
