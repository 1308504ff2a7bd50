"""Back to training: decisions and corrected stages become labelled conversations.

A dismissal that holds says that nobody grooms; an escalation or referral that holds says that somebody does, and not who. Watch
says nothing yet: such a conversation is unlabelled, and is there only if messages of it were corrected. A message that no
reader corrected is unlabelled too, since agreeing in silence is not a label.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from evaluation.agreement import Agreement, krippendorff_alpha
from pipeline.corpora.labelled import LabelledConversation
from pipeline.digests import sha256_of_text
from pipeline.errors import ReviewError
from pipeline.results import Run
from pipeline.review.originals import read_originals
from pipeline.review.records import ConversationKey, Decision, StageCorrection
from pipeline.schema import Conversation, Message

_GROOMING = {"dismiss": False, "escalate": True, "refer": True}


@dataclass(frozen=True, slots=True)
class ReviewedCorpus:
    """Labelled conversations, and how far their readers agree.

    ``decisions`` compares what readers decided each by themselves; a second reader saw what the first decided, so that a
    confirmation is no second judgement. ``stages`` compares, for each message and stage, what readers corrected. ``one_reader``
    conversations were decided by one person.
    """

    conversations: Sequence[LabelledConversation]
    decisions: Agreement
    stages: Agreement
    one_reader: int
    undecided: int


def labels_from_review(
    runs: Iterable[Run], *, decisions: Sequence[Decision], corrections: Sequence[StageCorrection]
) -> ReviewedCorpus:
    """Return what the readers of the runs taught.

    Words come from the results, or where a run kept none, from the original exports.

    Raises
    ------
    ReviewError
        When a decided conversation is in none of the runs, or the exports are gone or changed.
    """
    opened = {run.id: run for run in runs}
    by_conversation: dict[ConversationKey, list[Decision]] = defaultdict(list)
    for decision in sorted(decisions, key=lambda decision: (decision.at, decision.id)):
        by_conversation[decision.key].append(decision)
    corrected: dict[ConversationKey, list[StageCorrection]] = defaultdict(list)
    for correction in corrections:
        corrected[correction.key].append(correction)
    keys = [*dict.fromkeys([*by_conversation, *corrected])]
    if lost := {key.run_id for key in keys} - opened.keys():
        raise ReviewError(
            f"decisions are on run(s) {', '.join(sorted(lost))}, which were not given",
            do="Name the folder of each reviewed run, with --run",
        )
    label_of = {key: holding for key in keys if (holding := _label(by_conversation[key])) is not None or corrected[key]}
    texts = _conversations(opened, label_of)
    shared = Counter(key.conversation_id for key in label_of)
    labelled = [
        _labelled(opened[key.run_id], key, texts[key], by_conversation[key], corrected[key], plain=shared[key.conversation_id] == 1)
        for key in label_of
    ]
    return ReviewedCorpus(
        conversations=labelled,
        decisions=krippendorff_alpha(_judgements(decided) for decided in by_conversation.values()),
        stages=_stage_agreement(opened, corrected),
        one_reader=sum(conversation.attributes["readers"] == "1" for conversation in labelled),
        undecided=len(keys) - len(label_of),
    )


def _label(decisions: Sequence[Decision]) -> bool | None:
    """Return whether somebody grooms by the decision that holds; nothing where none does, or it is to watch."""
    holding = next((decision for decision in reversed(decisions) if decision.holds), None)
    return None if holding is None else _GROOMING.get(holding.kind)


def _judgements(decisions: Sequence[Decision]) -> list[bool]:
    """Return each reader's own last judgement; what was taken back, or is to watch, is none."""
    last: dict[str, bool] = {}
    for decision in decisions:
        if decision.undone is None and decision.kind in _GROOMING:
            last[decision.reader] = _GROOMING[decision.kind]
    return list(last.values())


def _readers(decisions: Sequence[Decision]) -> int:
    """Return how many people stand behind the label: who decided so, and who confirmed it."""
    kept = [decision for decision in decisions if decision.undone is None]
    label = _label(decisions)
    behind = {name for d in kept if _GROOMING.get(d.kind) == label for name in (d.reader, d.second_reader) if name}
    return len(behind)


def _stage_agreement(runs: Mapping[str, Run], corrected: Mapping[ConversationKey, Sequence[StageCorrection]]) -> Agreement:
    units: list[list[bool]] = []
    for key, corrections in corrected.items():
        for by_reader in _by_message(corrections).values():
            units += [[stage in stages for stages in by_reader.values()] for stage in runs[key.run_id].taxonomy.keys]
    return krippendorff_alpha(units)


def _by_message(corrections: Iterable[StageCorrection]) -> Mapping[int, Mapping[str, tuple[str, ...]]]:
    """Return each reader's last correction of each message, by position from 1."""
    labels: dict[int, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for correction in sorted(corrections, key=lambda correction: correction.at):
        labels[correction.position][correction.reader] = correction.stages
    return labels


def _labelled(
    run: Run,
    key: ConversationKey,
    conversation: Conversation,
    decisions: Sequence[Decision],
    corrections: Sequence[StageCorrection],
    *,
    plain: bool,
) -> LabelledConversation:
    messages = tuple(conversation.messages)
    for correction in corrections:
        if not 1 <= correction.position <= len(messages) or messages[correction.position - 1].message_id != correction.message_id:
            raise ReviewError(
                f"a correction of message {correction.message_id} does not fit conversation {key.conversation_id}",
                do="Give the run that was reviewed",
            )
    stages: list[frozenset[str] | None] = [None] * len(messages)
    unsure: dict[int, frozenset[str]] = {}
    for position, by_reader in _by_message(corrections).items():
        votes = Counter(stage for given in by_reader.values() for stage in given)
        stages[position - 1] = frozenset(stage for stage, count in votes.items() if 2 * count > len(by_reader))
        if split := frozenset(stage for stage, count in votes.items() if 2 * count == len(by_reader)):
            unsure[position - 1] = split
    label = _label(decisions)
    readers = _readers(decisions) if label is not None else len({correction.reader for correction in corrections})
    holding = next((decision for decision in reversed(decisions) if decision.holds), None)
    identity = key.conversation_id if plain else f"{key.conversation_id}@{key.run_id}"
    return LabelledConversation(
        conversation=replace(_without_names(conversation), conversation_id=identity),
        stages=tuple(stages),
        tells=frozenset(run.taxonomy.keys) if corrections else frozenset(),
        groomers=frozenset() if label is False else None,
        grooming=label,
        group=identity,
        parents=_people(conversation),
        unsure=unsure,
        attributes={
            "corpus": "review",
            "licence": "not to be shared: real conversations",
            "decision": holding.kind if holding else "none",
            "reason": holding.reason if holding else "none",
            "readers": str(readers),
            "decided_by": "one reader" if readers == 1 else f"{readers} readers",
            "reviewed_run": key.run_id,
            "reviewed_model": str(run.record["model"]["id"]),
        },
    )


def _people(conversation: Conversation) -> tuple[str, ...]:
    """Return digests of the speakers, so that no split separates conversations of one person."""
    names = {message.speaker for message in conversation.messages if message.speaker}
    digests = (sha256_of_text(f"{conversation.platform}\n{name}") for name in names)
    return tuple(sorted(f"speaker-{digest[:16]}" for digest in digests))


def _without_names(conversation: Conversation) -> Conversation:
    """Return the conversation with speakers as slots: training needs to tell them apart, and never who they are."""
    slots: dict[str, str] = {}
    messages = tuple(
        replace(m, speaker=None if m.speaker is None else slots.setdefault(m.speaker, f"speaker-{len(slots) + 1}"), meta={})
        for m in conversation.messages
    )
    return replace(conversation, messages=messages, title=None, meta={})


def _conversations(runs: Mapping[str, Run], keys: Iterable[ConversationKey]) -> Mapping[ConversationKey, Conversation]:
    wanted: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        wanted[key.run_id].append(key.conversation_id)
    conversations: dict[ConversationKey, Conversation] = {}
    for run_id, ids in wanted.items():
        run = runs[run_id]
        kept = run.record["settings"]["text"] == "include"
        read = _from_results(run, ids) if kept else read_originals(run, ids)
        for identity in ids:
            if identity not in read:
                raise ReviewError(
                    f"run {run_id} has no conversation {identity}", where=str(run.path), do="Give the run that was reviewed"
                )
            conversations[ConversationKey(run_id, identity)] = read[identity]
    return conversations


def _from_results(run: Run, ids: Sequence[str]) -> Mapping[str, Conversation]:
    return {
        conversation.conversation_id: Conversation(
            conversation_id=conversation.conversation_id,
            platform=conversation.platform,
            messages=tuple(
                Message(
                    message_id=message.message_id,
                    speaker=message.speaker,
                    text=message.text or "",
                    kind=message.kind,
                    timestamp=datetime.fromisoformat(message.timestamp) if message.timestamp else None,
                    source=message.source,
                )
                for message in messages
            ),
        )
        for conversation, messages in run.read(ids)
    }
