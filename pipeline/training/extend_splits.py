"""Take the splits of an earlier model over to a corpus that has grown: nothing that it learned from is measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.split import Splits, join_families, short_hash
from pipeline.corpora.training import TrainingCorpus
from pipeline.errors import CorpusError
from pipeline.recipes import SplitSettings
from pipeline.training.dataset import PARTS, leave_out_duplicates, make_splits


def extend_splits(earlier: Splits, corpus: TrainingCorpus, settings: SplitSettings, *, seed: int) -> Splits:
    """Return splits of ``corpus`` in which every conversation that ``earlier`` knows stays in its part.

    A new conversation with a relative there, such as another scene of the same situation, joins its part; of several parts the
    training part. What else is new is split by the rule of `make_splits`; where it is too little for that, it is learned from.
    """
    known = {name: part for name, part in earlier.conversations.items() if part in PARTS}
    parts = {conversation.id: known[conversation.id] for conversation in corpus.all if conversation.id in known}
    for family in join_families(corpus.labelled, settings.together):
        if met := {known[conversation.id] for conversation in family if conversation.id in known}:
            first = min(met, key=PARTS.index)
            parts |= {conversation.id: first for conversation in family if conversation.id not in known}
    parts |= _split_rest(
        replace(corpus, labelled=_not_in(parts, corpus.labelled), ordinary=_not_in(parts, corpus.ordinary)), settings, seed
    )
    parts = leave_out_duplicates(parts, corpus.ordinary, fixed=known.keys())
    return Splits(
        seed=seed,
        shares={"train": settings.train, "validation": settings.validation, "test": settings.test},
        conversations=parts,
        hashes={conversation.id: short_hash(conversation) for conversation in corpus.all if conversation.id in parts},
    )


def _split_rest(rest: TrainingCorpus, settings: SplitSettings, seed: int) -> Mapping[str, str]:
    try:
        return make_splits(rest, settings, seed=seed).conversations
    except CorpusError:  # a part would be empty
        return {conversation.id: PARTS[0] for conversation in rest.all}


def _not_in(parts: Mapping[str, str], conversations: Sequence[LabelledConversation]) -> tuple[LabelledConversation, ...]:
    return tuple(conversation for conversation in conversations if conversation.id not in parts)
