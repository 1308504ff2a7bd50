"""The out-of-vocabulary (OOV) rate: words not in the vocabulary of the baseline, or that an encoder splits into many pieces."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer

from pipeline.text.fold import fold
from pipeline.text.normalise import normalise

VOCABULARY = "vocabulary.json"
TOKENIZER = "tokenizer.json"

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_PIECES = 4
"""A word that is split into this many pieces was rare in the text that the tokenizer was trained on."""


def oov_rate(folder: Path, texts: Iterable[str]) -> float:
    """Return the share of words (each counted as often as it occurs) that are out of the vocabulary of the model in a folder."""
    encoder = (folder / TOKENIZER).is_file()
    spelt = fold if encoder else normalise
    words = Counter(word for text in texts for word in _WORD.findall(spelt(text)))
    if not words:
        return 0.0
    strange = _in_pieces(folder, words) if encoder else _not_listed(folder, words)
    return sum(words[word] for word in strange) / words.total()


def _not_listed(folder: Path, words: Iterable[str]) -> set[str]:
    known = set(json.loads((folder / VOCABULARY).read_text("utf-8"))["word"])
    return {word for word in words if word not in known}


def _in_pieces(folder: Path, words: Iterable[str]) -> set[str]:
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    unknown = {tokenizer.token_to_id(token) for token in ("[UNK]", "<unk>", "<UNK>")} - {None}
    listed = list(words)
    encoded = tokenizer.encode_batch(listed, add_special_tokens=False)
    return {
        word
        for word, encoding in zip(listed, encoded, strict=True)
        if len(encoding.ids) >= _PIECES or unknown.intersection(encoding.ids)
    }
