"""Open an encoder as it is before training: by its name on the Hugging Face hub, or from a folder."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast, set_seed
from transformers.utils.logging import disable_progress_bar

from pipeline.errors import ConfigError
from pipeline.model.encoder.message_tokens import MessageTokenizer
from pipeline.recipes import EncoderRecipe, TrainingSettings


@dataclass(frozen=True)
class Start:
    """An encoder before training: its tokenizer, how messages become tokens, the network; ``special`` are ids that are no words."""

    backend: Tokenizer
    tokenizer: MessageTokenizer
    encoder: Any
    width: int
    special: frozenset[int]
    mask_id: int | None = None


def open_encoder(recipe: EncoderRecipe, *, path: Path | None = None) -> Start:
    """Load the encoder of a recipe, from the hub by its name, or from ``path``.

    Raises
    ------
    ConfigError
        When it cannot be had, or has no fast tokenizer.
    """
    set_seed(recipe.seed)
    if not sys.stderr.isatty():
        disable_progress_bar()
    name = str(path or recipe.encoder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        encoder = _load(name)
        _keep_layers(encoder, recipe.layers)
        _set_dropout(encoder, recipe.heads.encoder_dropout)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the encoder {name} cannot be loaded ({type(error).__name__})",
            do="Check the name and the network, or say where it lies with --encoder PATH",
        ) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ConfigError(f"the encoder {name} has no fast tokenizer", do="Choose one that has a tokenizer.json")
    positions = getattr(encoder.config, "max_position_embeddings", recipe.message_tokens) - _positions_left_out(encoder)
    if recipe.message_tokens > positions:
        raise ConfigError(
            f"messages of {recipe.message_tokens} tokens, but {name} reads {positions}", do="Set message_tokens lower"
        )
    _freeze(encoder, recipe.training)
    if recipe.training.lora_rank:
        encoder = _with_lora(encoder, recipe)
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_padding()
    backend.no_truncation()
    hidden: Any = tokenizer.mask_token_id if tokenizer.mask_token_id is not None else tokenizer.unk_token_id
    return Start(
        backend,
        MessageTokenizer(backend, recipe.message_tokens),
        encoder,
        int(encoder.config.hidden_size),
        frozenset(tokenizer.all_special_ids),
        hidden,
    )


def _load(name: str) -> Any:
    """Load an encoder, with the faster attention where its kind has it."""
    try:
        return AutoModel.from_pretrained(name, attn_implementation="sdpa")
    except ValueError:
        return AutoModel.from_pretrained(name, attn_implementation="eager")


def _positions_left_out(encoder: nn.Module) -> int:
    """Return how many positions are no token's: a RoBERTa begins to count after its padding."""
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return 0 if padding is None else int(padding) + 1


def _layers(encoder: nn.Module) -> nn.ModuleList:
    return next((module for module in encoder.modules() if isinstance(module, nn.ModuleList)), nn.ModuleList())


def _keep_layers(encoder: Any, layers: int | None) -> None:
    """Keep the first layers of an encoder, and note their number where its kind has a name for it."""
    stack = _layers(encoder)
    if layers is None or layers == len(stack):
        return
    if layers > len(stack):
        raise ConfigError(f"layers is {layers}", do=f"The encoder has {len(stack)}")
    del stack[layers:]
    for name in ("num_hidden_layers", "n_layers"):
        if hasattr(encoder.config, name):
            setattr(encoder.config, name, layers)


def _set_dropout(encoder: nn.Module, rate: float) -> None:
    """Set every dropout of the encoder; its attention keeps the rate under a name of its own."""
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
        for name in ("dropout_prob", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, rate)


def _freeze(encoder: nn.Module, settings: TrainingSettings) -> None:
    if settings.frozen_embeddings:
        encoder.get_input_embeddings().requires_grad_(False)  # type: ignore[operator]
    if not settings.frozen_layers:
        return
    stack = _layers(encoder)
    if len(stack) < settings.frozen_layers:
        raise ConfigError(f"training.frozen_layers is {settings.frozen_layers}", do=f"The encoder has {len(stack)}")
    if getattr(encoder, "embeddings", None) is not None:
        encoder.embeddings.requires_grad_(False)  # type: ignore[operator]
    for layer in stack[: settings.frozen_layers]:
        layer.requires_grad_(False)


def _with_lora(encoder: Any, recipe: EncoderRecipe) -> Any:
    from peft import LoraConfig, get_peft_model

    rank = recipe.training.lora_rank
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules="all-linear", modules_to_save=[])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT asks the encoder by a name that Transformers renamed
        return get_peft_model(encoder, settings)
