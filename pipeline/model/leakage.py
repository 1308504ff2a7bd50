"""Find test conversations that a model was trained on, by hashes in its folder.

``learned.safetensors`` holds no words: 64 bits of the SHA-256 of each conversation's words, of each groomer's name in corpora that
name them, of a sample of the longer messages (which give away an excerpt), and a sketch of each conversation's runs of words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.minhash import PERMUTATIONS, estimate_jaccard, hash64, hashes64, plain_words, sketch_of
from pipeline.corpora.split import load_splits, short_hash
from pipeline.errors import ModelFolderError
from pipeline.model.folder import ModelFolder
from pipeline.text.normalise import normalise

LEARNED = "learned.safetensors"
FORMAT = "safelight-learned/1"
SPLITS = "splits.json"

LIKENESS = 0.5
"""From this estimated Jaccard likeness of runs of three words, a conversation is called a near-duplicate."""

MOST_SKETCHES = 3000
"""Conversations whose sketches are kept: those with grooming first, then the longest. A folder stays small on a huge corpus."""

_MOST_MESSAGES = 12_000
_LONG = 30
_EXCERPT = 0.5
_EXCERPT_MESSAGES = 3
_LEARNED_PARTS = ("train", "validation")


@dataclass(frozen=True)
class Leakage:
    """Ids of conversations that a model was trained on, by how that is known. ``unchecked`` says what could not be checked."""

    same: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    unchecked: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """Every one of them, once."""
        return tuple(dict.fromkeys((*self.same, *self.speakers, *self.alike)))

    def __str__(self) -> str:
        counts = (
            (self.same, "learned from themselves"),
            (self.speakers, "with a groomer it learned from"),
            (self.alike, "near-duplicates or excerpts"),
        )
        return ", ".join(f"{len(ids)} {what}" for ids, what in counts if ids)


def save_training_hashes(folder: Path, conversations: Sequence[LabelledConversation]) -> None:
    """Write into a model folder, before it is sealed, hashes of what the model was trained and tuned on."""
    ordered = sorted(
        conversations, key=lambda conversation: (not conversation.is_grooming, -len(conversation.messages), conversation.id)
    )
    sketches = [signature for conversation in ordered[:MOST_SKETCHES] if (signature := sketch_of(conversation)) is not None]
    long = np.concatenate([np.zeros(0, np.uint64), *(_long_messages(conversation) for conversation in conversations)])
    values, homes = np.unique(long, return_counts=True)
    long = values[homes == 1]  # a message of several conversations is a stock phrase, and no sign of an excerpt
    # The lowest hashes are a fair sample, and a test conversation's hashes up to the same height are the ones to look for.
    kept = long[:_MOST_MESSAGES]
    highest = int(kept[-1]) if len(long) > len(kept) else int(np.iinfo(np.uint64).max)
    tensors: dict[str, NDArray[np.generic]] = {
        "conversations": hashes64(plain_words(conversation) for conversation in conversations),
        "speakers": hashes64(name for conversation in conversations for name in conversation.named_groomers),
        "messages": kept,
        "sketches": np.stack(sketches) if sketches else np.zeros((0, PERMUTATIONS), np.uint16),
    }
    about = {"format": FORMAT, "conversations": str(len(conversations)), "messages_up_to": str(highest)}
    (folder / LEARNED).write_bytes(save(tensors, metadata=about))


def find_leakage(folder: ModelFolder, conversations: Sequence[LabelledConversation]) -> Leakage:
    """Compare conversations with those that the model in a folder was trained on.

    An older folder has its splits at best; then only identical conversations are found.

    Raises
    ------
    ModelFolderError
        When the file is damaged.
    """
    if (folder.path / LEARNED).is_file():
        return _by_hashes(folder.path / LEARNED, conversations)
    if (folder.path / SPLITS).is_file():
        splits = load_splits(folder.path / SPLITS)
        learned = {splits.hashes[name] for name, part in splits.conversations.items() if part in _LEARNED_PARTS}
        same = tuple(conversation.id for conversation in conversations if short_hash(conversation) in learned)
        return Leakage(same, unchecked="speakers, near-duplicates and excerpts: the model folder holds only its splits")
    return Leakage(unchecked="any of them: the model folder says nothing of what it learned from")


def _by_hashes(path: Path, conversations: Sequence[LabelledConversation]) -> Leakage:
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
            held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise ModelFolderError("the file is damaged", where=str(path), do="Get the model folder again") from error
    if about.get("format") != FORMAT:
        raise ModelFolderError(f"the file is not of the format {FORMAT}", where=str(path), do="Use a matching Safelight")
    known, speakers = set(held["conversations"].tolist()), set(held["speakers"].tolist())
    same = [conversation.id for conversation in conversations if hash64(plain_words(conversation)) in known]
    named = [
        conversation.id for conversation in conversations if any(hash64(name) in speakers for name in conversation.named_groomers)
    ]
    near = _near(conversations, held["sketches"]) | _excerpts(conversations, held["messages"], int(about["messages_up_to"]))
    rest = near - set(same)
    total, sketched = int(about["conversations"]), len(held["sketches"])
    unchecked = f"near-duplicates of all but {sketched:,} of the {total:,} conversations" if total > MOST_SKETCHES else ""
    return Leakage(
        tuple(same), tuple(named), tuple(conversation.id for conversation in conversations if conversation.id in rest), unchecked
    )


def _near(conversations: Sequence[LabelledConversation], known: NDArray[np.uint16]) -> set[str]:
    sketched = [
        (conversation.id, signature) for conversation in conversations if (signature := sketch_of(conversation)) is not None
    ]
    if not sketched:
        return set()
    likeness = estimate_jaccard(np.stack([signature for _, signature in sketched]), known)
    return {name for (name, _), value in zip(sketched, likeness.tolist(), strict=True) if value >= LIKENESS}


def _excerpts(conversations: Sequence[LabelledConversation], known: NDArray[np.uint64], highest: int) -> set[str]:
    """Find conversations half of whose longer messages are in the training data."""
    excerpts = set()
    for conversation in conversations:
        hashes = _long_messages(conversation)
        hashes = hashes[hashes <= np.uint64(highest)]
        met = int(np.isin(hashes, known).sum())
        if met >= _EXCERPT_MESSAGES and met >= _EXCERPT * len(hashes):
            excerpts.add(conversation.id)
    return excerpts


def _long_messages(conversation: LabelledConversation) -> NDArray[np.uint64]:
    return hashes64(text for message in conversation.messages if len(text := normalise(message.text)) >= _LONG)
