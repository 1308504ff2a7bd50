"""Look at a labelled corpus before it is trained on: what is in it, and what is wrong with it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.config import Taxonomy
from pipeline.corpora.duplicates import near_duplicates
from pipeline.corpora.labelled import UNDECIDABLE, LabelledConversation

_SHOWN = 5
RARE = 10
"""A stage on fewer messages than this is too rare to be learned or measured."""


@dataclass(frozen=True, slots=True)
class CorpusCheck:
    """What a corpus holds. ``problems`` should be mended; ``notes`` should be known."""

    conversations: int
    messages: int
    lengths: tuple[int, float, int]
    levels: Mapping[str, int]
    grooming: Mapping[str, int]
    stages: Mapping[str, int]
    attributes: Mapping[str, Mapping[str, int]]
    problems: Sequence[str]
    notes: Sequence[str]


def check_corpus(
    conversations: Sequence[LabelledConversation], taxonomy: Taxonomy, *, splits: Mapping[str, str] | None = None
) -> CorpusCheck:
    """Count and check; ``splits`` maps conversation ids to splits, which relatives and speakers must not cross."""
    lengths = [len(conversation.messages) for conversation in conversations] or [0]
    stages = Counter(stage for c in conversations for labels in c.stages if labels for stage in labels)
    labelled_stages = {stage for c in conversations for stage in c.tells}
    problems = [*_empty(conversations), *_label_problems(conversations), *_duplicates(conversations)]
    if splits is not None:
        problems += _crossings(conversations, splits)
    notes = [
        *(
            f"stage {stage} stands on {stages[stage]} message(s) only"
            for stage in taxonomy.keys
            if stage in labelled_stages and stages[stage] < RARE
        ),
        *(f"stage {stage} is told by no part of the corpus" for stage in taxonomy.keys if stage not in labelled_stages),
        *_undecidable(conversations),
        *_unlicensed(conversations),
        *_one_sided(conversations),
        *_repeated_texts(conversations),
    ]
    names = sorted({name for conversation in conversations for name in conversation.attributes})
    return CorpusCheck(
        conversations=len(conversations),
        messages=sum(lengths),
        lengths=(min(lengths), statistics.median(lengths), max(lengths)),
        levels=Counter(conversation.level for conversation in conversations),
        grooming=Counter(_word(conversation.is_grooming) for conversation in conversations),
        stages={stage: stages[stage] for stage in taxonomy.keys},
        attributes={name: Counter(c.attributes.get(name, "unstated") for c in conversations) for name in names},
        problems=problems,
        notes=notes,
    )


def _word(grooming: bool | None) -> str:
    return "unstated" if grooming is None else "grooming" if grooming else "ordinary"


def _empty(conversations: Iterable[LabelledConversation]) -> list[str]:
    empty = [c.id for c in conversations if not any(message.text.strip() for message in c.messages)]
    return [_listed("conversation(s) without words", empty)] if empty else []


def _one_sided(conversations: Iterable[LabelledConversation]) -> list[str]:
    alone = [c.id for c in conversations if len({message.speaker for message in c.messages if message.speaker}) == 1]
    return [_listed("conversation(s) with one speaker", alone)] if alone else []


def _undecidable(conversations: Iterable[LabelledConversation]) -> list[str]:
    ids = [c.id for c in conversations if UNDECIDABLE in c.attributes]
    return [_listed("conversation(s) that nobody could decide, which no loss and no figure uses", ids)] if ids else []


def _unlicensed(conversations: Iterable[LabelledConversation]) -> list[str]:
    count = sum("licence" not in c.attributes for c in conversations)
    return (
        [f"{count} conversation(s) state no licence: see that you may use them, and write it in a column `licence`"]
        if count
        else []
    )


def _label_problems(conversations: Sequence[LabelledConversation]) -> list[str]:
    """Find labels that contradict each other."""
    problems: dict[str, list[str]] = {"stages in a conversation that is called ordinary": [], "a groomer who writes nothing": []}
    problems |= {"stages on a message of who is no groomer": [], "no label at all": []}
    for conversation in conversations:
        groomers = conversation.groomers
        carrying = [m.speaker for m, stages in zip(conversation.messages, conversation.stages, strict=True) if stages]
        if carrying and conversation.is_grooming is False:
            problems["stages in a conversation that is called ordinary"].append(conversation.id)
        elif carrying and groomers and any(speaker not in groomers for speaker in carrying):
            problems["stages on a message of who is no groomer"].append(conversation.id)
        if groomers and groomers - {message.speaker for message in conversation.messages}:
            problems["a groomer who writes nothing"].append(conversation.id)
        if conversation.level == "none" and UNDECIDABLE not in conversation.attributes:
            problems["no label at all"].append(conversation.id)
    return [_listed(f"conversation(s) with {what}", ids) for what, ids in problems.items() if ids]


def _duplicates(conversations: Sequence[LabelledConversation]) -> list[str]:
    relatives = {conversation.id: conversation.relatives for conversation in conversations}
    near_pairs = near_duplicates(conversations)
    pairs = [f"{a} ~ {b} ({alike:.2f})" for a, b, alike in near_pairs if relatives[a].isdisjoint(relatives[b])]
    return [_listed("pair(s) of near-duplicates that are no relatives", pairs)] if pairs else []


def _crossings(conversations: Sequence[LabelledConversation], splits: Mapping[str, str]) -> list[str]:
    """Find relatives and groomers that stand in several splits, and conversations in none."""
    groups: dict[str, set[str]] = {}
    speakers: dict[str, set[str]] = {}
    lost = []
    for conversation in conversations:
        split = splits.get(conversation.id)
        if split is None:
            lost.append(conversation.id)
            continue
        for group in conversation.relatives:
            groups.setdefault(group, set()).add(split)
        for speaker in conversation.named_groomers:
            speakers.setdefault(speaker, set()).add(split)
    crossings = []
    for what, members in (("group(s) of relatives", groups), ("groomer(s)", speakers)):
        if crossing := [name for name, where in members.items() if len(where) > 1]:
            crossings.append(_listed(f"{what} in several splits", crossing))
    return [*crossings, *([_listed("conversation(s) in no split", lost)] if lost else [])]


def _repeated_texts(conversations: Sequence[LabelledConversation]) -> list[str]:
    """Tell how often longer messages stand in several conversations; never which words they are."""
    homes: dict[str, set[str]] = {}
    for conversation in conversations:
        for message in conversation.messages:
            if len(message.text) >= 25:
                homes.setdefault(message.text.casefold(), set()).add(conversation.group)
    repeated = sum(len(groups) > 1 for groups in homes.values())
    return [f"{repeated} message text(s) of 25 characters or more stand in several groups of conversations"] if repeated else []


def _listed(what: str, items: Sequence[str]) -> str:
    shown = ", ".join(items[:_SHOWN]) + (", …" if len(items) > _SHOWN else "")
    return f"{len(items)} {what}: {shown}"
