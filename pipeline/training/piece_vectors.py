"""A vector for each word piece: what an encoder makes of the piece alone, in few dimensions (after Model2Vec).

Words of like meaning lie near one another, also those that no corpus here has: a few hundred conversations cannot teach that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from pipeline.training.open_encoder import Start

WIDTH = 64
"""Dimensions that are kept, of an encoder that has more."""

_RARE = 1e-3
"""A piece that makes up this share of ordinary chat counts half as much as a rare one."""

_BATCH = 512
_STEPS = 127


@dataclass(frozen=True)
class PieceVectors:
    """Vectors of shape (pieces, width), whole numbers of ``unit``, before it is known how frequent the pieces are."""

    whole: NDArray[np.int8]
    unit: float

    def damped(self, counts: NDArray[np.int64]) -> PieceVectors:
        """Return them with those of pieces that are frequent in ordinary chat shortened; ``counts`` of shape (pieces,)."""
        shares = counts / max(int(counts.sum()), 1)
        return _whole(self.whole * (self.unit * _RARE / (_RARE + shares))[:, None])


def piece_vectors(start: Start) -> PieceVectors:
    """Return the vectors of all pieces of an encoder that is not trained yet: the mean of its last layer, by its main axes."""
    encoder = start.encoder
    frame = start.backend.encode("").ids  # what the encoder wants around a text
    pieces = torch.arange(start.backend.get_vocab_size())
    training = encoder.training
    encoder.eval()
    vectors = []
    with torch.inference_mode():
        for batch in pieces.split(_BATCH):
            around = [torch.full_like(batch, number) for number in frame]
            ids = torch.stack([*around[:1], batch, *around[1:]], dim=1).to(encoder.device)
            states = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            vectors.append(torch.nn.functional.normalize(states.mean(dim=1), dim=1).float().cpu().numpy())
    encoder.train(training)
    states = np.concatenate(vectors).astype(np.float64)
    axes = PCA(min(WIDTH, *states.shape), svd_solver="covariance_eigh").fit_transform(states)
    return _whole(axes / np.sqrt((axes**2).mean()))


def _whole(vectors: NDArray[np.float64]) -> PieceVectors:
    unit = float(np.abs(vectors).max() / _STEPS) or 1.0
    return PieceVectors(np.round(vectors / unit).astype(np.int8), unit)
