"""What several tests share: a tiny corpus and a model really trained on it, no downloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Taxonomy, load_settings

ROOT = Path(__file__).parent.parent


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
        'name = "tiny"\ntaxonomy = "taxonomy.toml"\nseed = 7\nfolds = 2\n[features]\nmin_messages = 1\nmax_char_features = 400\n',
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
situation = "situation-{number % 2}"
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
situation = "plain"
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
    from pipeline.train import train

    out = tmp_path_factory.mktemp("models") / "tiny"
    train(tiny_recipe, corpus=[tiny_corpus], out=out)
    return out
