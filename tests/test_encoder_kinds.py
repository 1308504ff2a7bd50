"""Encoders of many kinds keep to the block-causal mask, or are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="training needs the train extra")

from transformers import AutoConfig, AutoModel

from pipeline.config import EncoderRecipe, load_settings
from pipeline.errors import ConfigError
from pipeline.model.training.fit_encoder import open_encoder

SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
}
MODERN = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
KINDS: dict[str, dict[str, Any]] = {
    "roberta": {"pad_token_id": 0},
    "xlm-roberta": {"pad_token_id": 0},
    "modernbert": MODERN | {"local_attention": 8, "global_attn_every_n_layers": 2},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48},
    "electra": {"embedding_size": 32},
    "mpnet": {"pad_token_id": 0},
}


def _saved(kind: str, tiny_encoder: Path, folder: Path) -> Path:
    """Save an encoder of a kind, not trained, with the tiny tokenizer."""
    config = AutoConfig.for_model(kind, **(SIZE | {"vocab_size": 400} | KINDS.get(kind, {})))
    AutoModel.from_config(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tiny_encoder / name).read_bytes())
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_it_keeps_to_the_mask(kind: str, tiny_encoder: Path, tiny_encoder_recipe: Path, tmp_path: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    start = open_encoder(recipe, path=_saved(kind, tiny_encoder, tmp_path))
    assert start.width == 32
    assert start.encoding.windows([[("A", "good game")]])


def test_one_that_does_not_is_refused(tiny_encoder: Path, tiny_encoder_recipe: Path, tmp_path: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    with pytest.raises(ConfigError, match="does not keep to a block-causal mask"):
        open_encoder(recipe, path=_saved("deberta-v2", tiny_encoder, tmp_path))


def test_windows_larger_than_the_encoder_reads_are_refused(tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe, overrides=["windows.tokens=512"])
    with pytest.raises(ConfigError, match="windows of 512 tokens"):
        open_encoder(recipe, path=tiny_encoder)


def test_more_frozen_layers_than_there_are_is_an_error(tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe, overrides=["training.frozen_layers=9"])
    with pytest.raises(ConfigError, match="frozen_layers is 9"):
        open_encoder(recipe, path=tiny_encoder)


@pytest.mark.parametrize("name", ["default", "tiny", "pan12", "large", "multilingual"])
def test_every_recipe_is_valid(name: str, root: Path) -> None:
    recipe = load_settings(root / "configs" / f"{name}.toml", EncoderRecipe)
    assert recipe.name == name
    assert (root / "configs" / recipe.taxonomy).is_file()
    if recipe.composition:
        assert (root / "configs" / recipe.composition).is_file()
