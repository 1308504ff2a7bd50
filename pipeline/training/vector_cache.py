"""Keep the vectors of messages that a frozen network has read, so that the next training with it takes minutes.

A file holds hashes of messages and their vectors, no words. Vectors still give away much of what was said: keep the folder as
safe as the chats.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from pipeline.errors import ResultsError
from pipeline.model.encoder.message_tokens import Arrays, Network
from pipeline.output import new_file

_BLOCK = 20_000
"""Messages of a file: what an interrupted training loses at most."""

_DIGEST = 16


class VectorCache:
    """A network that runs each message once, ever: its vectors are kept in memory and in ``folder``.

    It takes about ``4 * width`` bytes a message, 1.5 KB with the shipped model. The folder must be of this network alone.
    """

    def __init__(self, network: Network, folder: Path) -> None:
        """Read what the folder holds.

        Raises
        ------
        ResultsError
            When a file in it is damaged.
        """
        self._network = network
        self._folder = folder
        self._rows: dict[bytes, int] = {}
        self._table = np.zeros((0, 0), np.float32)
        self._saved = 0
        for file in sorted(folder.glob("vectors-*.safetensors")):
            try:
                block = load_file(file)
                self._add([bytes(digest) for digest in block["digests"]], block["vectors"])
            except (SafetensorError, KeyError, ValueError) as error:
                raise ResultsError("the kept vectors are damaged", where=str(file), do="Delete the file") from error
        self._saved = len(self._rows)

    def __len__(self) -> int:
        """Return how many messages are kept."""
        return len(self._rows)

    def __call__(self, arrays: Arrays) -> NDArray[np.float32]:
        """Return the vectors of padded messages, of shape (messages, width), as the network does."""
        digests = [_digest(ids[: int(real.sum())]) for ids, real in zip(arrays["ids"], arrays["real"], strict=True)]
        missing = [row for row, digest in enumerate(digests) if digest not in self._rows]
        if missing:
            self._add([digests[row] for row in missing], self._network({name: array[missing] for name, array in arrays.items()}))
            if len(self._rows) - self._saved >= _BLOCK:
                self.save()
        return self._table[[self._rows[digest] for digest in digests]]

    def save(self) -> None:
        """Write the vectors that are new into a file of the folder."""
        digests = list(self._rows)[self._saved :]
        if not digests:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        files = sorted(self._folder.glob("vectors-*.safetensors"))
        number = int(files[-1].stem.split("-")[1]) + 1 if files else 0
        with new_file(self._folder / f"vectors-{number:05d}.safetensors", overwrite=False) as file:
            packed = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, _DIGEST)
            file.write_bytes(save({"digests": packed, "vectors": self._table[self._saved : len(self._rows)]}))
        self._saved = len(self._rows)

    def _add(self, digests: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        start, end = len(self._rows), len(self._rows) + len(digests)
        if end > len(self._table):
            grown = np.zeros((max(2 * len(self._table), end), vectors.shape[1]), np.float32)
            if start:
                grown[:start] = self._table[:start]
            self._table = grown
        for digest, vector in zip(digests, vectors, strict=True):
            row = self._rows.setdefault(digest, len(self._rows))
            self._table[row] = vector


def _digest(ids: NDArray[np.int64]) -> bytes:
    return hashlib.blake2b(ids.astype(np.int32).tobytes(), digest_size=_DIGEST).digest()
