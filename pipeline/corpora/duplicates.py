"""Near-duplicate conversations, by MinHash over the words of their messages (Broder 1997)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.minhash import word_runs
from pipeline.errors import CorpusError

if TYPE_CHECKING:
    from datasketch import MinHash

LIKENESS = 0.5
"""The Jaccard likeness of two conversations' word triples from which they are called near-duplicates."""

_PERMUTATIONS = 128


def near_duplicates(
    conversations: Sequence[LabelledConversation], *, likeness: float = LIKENESS
) -> Iterator[tuple[str, str, float]]:
    """Yield ``(id, id, likeness)`` of every pair of conversations that are alike, each pair once.

    The likeness is an estimate of the Jaccard index over runs of three words, with an error of about 0.05.

    Raises
    ------
    CorpusError
        When the training extra is not installed.
    """
    try:
        from datasketch import MinHash, MinHashLSH
    except ModuleNotFoundError as error:
        raise CorpusError(
            "finding near-duplicates needs datasketch", do="Install it with: pip install 'safelight[train]'"
        ) from error
    index = MinHashLSH(threshold=likeness, num_perm=_PERMUTATIONS)
    hashes: dict[str, MinHash] = {}
    for conversation in conversations:
        shingles = word_runs(conversation)
        if not shingles:
            continue
        own = MinHash(num_perm=_PERMUTATIONS, seed=1)
        own.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in sorted(shingles)])
        for other in sorted(map(str, index.query(own))):
            if (alike := own.jaccard(hashes[other])) >= likeness:
                yield other, conversation.id, float(alike)
        index.insert(conversation.id, own)
        hashes[conversation.id] = own
