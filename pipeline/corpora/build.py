"""Build a training corpus: splits, composed variety for the training split, one table a split, and a card.

::

    safelight corpus build --corpus data/synthetic --splits splits.json --config configs/composition.toml --out corpus/

Only parents of the training split are composed from; what the other splits hold stays as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.config import Taxonomy
from pipeline.corpora.about import CorpusDescription
from pipeline.corpora.augment.compose import Composition, compose
from pipeline.corpora.card import corpus_card
from pipeline.corpora.check import check_corpus
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.split import Splits
from pipeline.errors import CorpusError
from pipeline.output import new_folder, write_json

MARKER = "splits.json"
TRAINING = "train"


def build_corpus(
    conversations: Sequence[LabelledConversation],
    splits: Splits,
    composition: Composition,
    *,
    taxonomy: Taxonomy,
    ordinary: Sequence[LabelledConversation] = (),
    sources: Sequence[CorpusDescription] = (),
    out: Path,
    overwrite: bool = False,
) -> Mapping[str, int]:
    """Write ``<split>.jsonl`` for each split, ``CARD.md`` and ``splits.json`` into a folder; return the conversations a split.

    Ordinary chats are fillers for the training split, and stand in it themselves.

    Raises
    ------
    CorpusError
        When the splits have none named ``train``.
    ResultsError
        When the folder cannot be written.
    """
    if TRAINING not in splits.shares:
        raise CorpusError(f"no split is named `{TRAINING}`", do="Name one so: only it is composed from")
    parts = {name: [c for c in conversations if splits.conversations[c.id] == name] for name in splits.shares}
    parents = parts[TRAINING]
    parts[TRAINING] = [*parents, *compose(parents, ordinary, composition), *ordinary]
    with new_folder(out, overwrite=overwrite, marker=MARKER) as folder:
        for name, part in parts.items():
            write_labelled(part, folder / f"{name}.jsonl")
        write_json(folder / MARKER, splits.model_dump(mode="json"))
        checks = {name: check_corpus(part, taxonomy) for name, part in parts.items()}
        (folder / "CARD.md").write_text(corpus_card(checks, taxonomy, composition, sources=sources), "utf-8")
    return {name: len(part) for name, part in parts.items()}


def write_labelled(conversations: Iterable[LabelledConversation], file: Path) -> None:
    """Write conversations as a labelled table of JSON Lines, which `pipeline.corpora.readers.tables` reads back."""
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for conversation in conversations:
            about = {**conversation.attributes, "group": conversation.group, "tells": sorted(conversation.tells)}
            if conversation.parents:
                about["parents"] = list(conversation.parents)
            if conversation.grooming is not None:
                about["grooming"] = conversation.grooming
            for position in range(len(conversation.messages)):
                row = _row(conversation, position) | about
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                about = {}


def _row(conversation: LabelledConversation, position: int) -> dict[str, Any]:
    message, stages = conversation.messages[position], conversation.stages[position]
    row: dict[str, Any] = {
        "conversation_id": conversation.id,
        "message_id": message.message_id,
        "speaker": message.speaker,
        "timestamp": message.timestamp.isoformat() if message.timestamp else None,
        "text": message.text,
        "platform": conversation.conversation.platform,
    }
    if message.kind != "message":
        row["kind"] = message.kind
    if stages is not None:
        row["stages"] = sorted(stages)
    if conversation.groomers is not None and message.speaker is not None:
        row["groomer"] = message.speaker in conversation.groomers
    if conversation.flagged is not None:
        row["flagged"] = position in conversation.flagged
    if unsure := conversation.unsure.get(position):
        row["unsure"] = sorted(unsure)
    return row
