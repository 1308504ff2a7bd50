"""Sentence embeddings from a frozen encoder: the mean of a message's token vectors, scaled to length 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from pipeline.errors import ConfigError
from pipeline.text.fold import fold

_BATCH = 64
_TOKENS = 64


def load_sentence_embedder(path: Path) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """Return a function from texts to embeddings, of shape (texts, width).

    Raises
    ------
    ConfigError
        When no encoder lies there.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        encoder = AutoModel.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise ConfigError("no encoder can be loaded from here", where=str(path), do="Give the folder of one: --encoder") from error
    encoder.eval()

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        pooled = np.zeros((len(texts), encoder.config.hidden_size), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                batch = tokenizer(
                    [fold(texts[row]) for row in rows], padding=True, truncation=True, max_length=_TOKENS, return_tensors="pt"
                )
                states = encoder(**batch).last_hidden_state
                mask = batch["attention_mask"][:, :, None].to(states.dtype)
                mean = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
                pooled[rows] = torch.nn.functional.normalize(mean, dim=1).float().numpy()
        return pooled

    return embed
