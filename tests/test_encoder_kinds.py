"""Encoders of many kinds make a vector of a message, and padding changes none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="training needs the train extra")

import torch
from transformers import AutoConfig, AutoModel

from pipeline.config import load_settings
from pipeline.errors import ConfigError
from pipeline.model.encoder.message_tokens import padded
from pipeline.model.encoder.network import SCALE, MessageNetwork
from pipeline.recipes import EncoderRecipe
from pipeline.training.open_encoder import open_encoder

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
    "deberta-v2": {},
}


def _saved(kind: str, tiny_encoder: Path, folder: Path) -> Path:
    """Save an encoder of a kind, not trained, with the tiny tokenizer."""
    config = AutoConfig.for_model(kind, **(SIZE | {"vocab_size": 400} | KINDS.get(kind, {})))
    AutoModel.from_config(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tiny_encoder / name).read_bytes())
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_message_is_padded_to_changes_nothing(
    kind: str, tiny_encoder: Path, tiny_encoder_recipe: Path, tmp_path: Path
) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    start = open_encoder(recipe, path=_saved(kind, tiny_encoder, tmp_path))
    assert start.width == 32
    network = MessageNetwork(start.encoder).eval()
    short, long = start.tokenizer.pieces([[("A", "good game"), ("A", "how old are you anyway this stays our secret")]])[0]

    def vectors(messages: list[list[int]], step: int = 1) -> torch.Tensor:
        arrays = padded(messages, closing=start.tokenizer.closing, step=step)
        with torch.inference_mode():
            return network(torch.from_numpy(arrays["ids"]), torch.from_numpy(arrays["real"]))

    alone, other = vectors([short])[0], vectors([long])[0]
    for found in (vectors([short, long]), vectors([short, long], 16)):
        assert torch.allclose(found[0], alone, atol=1e-4)
        assert torch.allclose(found[1], other, atol=1e-4)
    assert torch.linalg.norm(alone).item() == pytest.approx(SCALE, rel=1e-4)
    assert not torch.allclose(alone, other, atol=1e-2)


def test_messages_larger_than_the_encoder_reads_are_refused(tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe, overrides=["message_tokens=512"])
    with pytest.raises(ConfigError, match="messages of 512 tokens"):
        open_encoder(recipe, path=tiny_encoder)


@pytest.mark.parametrize("frozen", [0, 1])
def test_frozen_layers_and_embeddings_do_not_learn(frozen: int, tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    overrides = [f"training.frozen_layers={frozen}"]
    learns = {
        name
        for name, weight in open_encoder(
            load_settings(tiny_encoder_recipe, EncoderRecipe, overrides=overrides), path=tiny_encoder
        ).encoder.named_parameters()
        if weight.requires_grad
    }
    assert "embeddings.word_embeddings.weight" not in learns
    assert any("layer.1." in name for name in learns)
    assert any("layer.0." in name for name in learns) == (frozen == 0)
    assert ("embeddings.position_embeddings.weight" in learns) == (frozen == 0)
    free = load_settings(tiny_encoder_recipe, EncoderRecipe, overrides=["training.frozen_embeddings=false"])
    assert all(weight.requires_grad for weight in open_encoder(free, path=tiny_encoder).encoder.parameters())


def test_more_frozen_layers_than_there_are_is_an_error(tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe, overrides=["training.frozen_layers=9"])
    with pytest.raises(ConfigError, match="frozen_layers is 9"):
        open_encoder(recipe, path=tiny_encoder)


def test_the_first_layers_are_kept(tiny_encoder: Path, tiny_encoder_recipe: Path) -> None:
    recipe = load_settings(tiny_encoder_recipe, EncoderRecipe)
    whole, first = (open_encoder(recipe.model_copy(update={"layers": layers}), path=tiny_encoder).encoder for layers in (None, 1))
    assert (len(whole.encoder.layer), len(first.encoder.layer), first.config.num_hidden_layers) == (2, 1, 1)
    assert torch.equal(first.encoder.layer[0].output.dense.weight, whole.encoder.layer[0].output.dense.weight)
    with pytest.raises(ConfigError, match="layers is 3"):
        open_encoder(recipe.model_copy(update={"layers": 3}), path=tiny_encoder)


@pytest.mark.parametrize("name", ["default", "tiny", "pan12", "large", "multilingual"])
def test_every_recipe_is_valid(name: str, root: Path) -> None:
    recipe = load_settings(root / "configs" / f"{name}.toml", EncoderRecipe)
    assert recipe.name == name
    assert (root / "configs" / recipe.taxonomy).is_file()
    if recipe.composition:
        assert (root / "configs" / recipe.composition).is_file()
