"""How far the two readers of a blind sample agree, by stage and in their decisions, and where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.agreement import Agreement, alpha_interval, krippendorff_alpha
from pipeline.review.samples import Reading

_SEED = 1


@dataclass(frozen=True, slots=True)
class StageAgreement:
    """Agreement on one stage, message by message: ``both`` marked it, or one ``alone`` did. ``interval`` is that of alpha."""

    agreement: Agreement
    both: int
    alone: int
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A conversation on which the two do not agree: in the decision, or in the stages that they saw in it at all."""

    conversation: int
    kinds: Mapping[str, str]
    only: Mapping[str, Sequence[str]]

    @property
    def in_decision(self) -> bool:
        """Whether the decisions differ."""
        return len(set(self.kinds.values())) > 1


@dataclass(frozen=True, slots=True)
class SampleAgreement:
    """What the conversations that both have read show. Those that only one has read are left out, and nothing of them is told."""

    read_by_both: int
    decisions: Agreement
    action: Agreement
    stages: Mapping[str, StageAgreement]
    disagreements: Sequence[Disagreement]


def sample_agreement(readings: Iterable[Reading], stages: Sequence[str], messages: Mapping[int, int]) -> SampleAgreement:
    """Compare the readings of a sample. ``messages``: how many each conversation has.

    ``action`` compares whether something was handed on (escalate, refer) or not; ``decisions`` the four kinds.
    """
    by_conversation: dict[int, list[Reading]] = {}
    for reading in readings:
        if reading.at is not None and reading.conversation in messages:
            by_conversation.setdefault(reading.conversation, []).append(reading)
    pairs = {number: (mine[0], mine[1]) for number, mine in by_conversation.items() if len(mine) > 1}
    return SampleAgreement(
        read_by_both=len(pairs),
        decisions=krippendorff_alpha([(first.kind, second.kind) for first, second in pairs.values()]),
        action=krippendorff_alpha(
            [tuple(reading.kind in ("escalate", "refer") for reading in pair) for pair in pairs.values()],
        ),
        stages={stage: _of_stage(stage, pairs, messages) for stage in stages},
        disagreements=[
            difference for number, pair in sorted(pairs.items()) if (difference := _disagreement(number, pair)) is not None
        ],
    )


def _of_stage(stage: str, pairs: Mapping[int, tuple[Reading, Reading]], messages: Mapping[int, int]) -> StageAgreement:
    tables = []
    for number, pair in pairs.items():
        first, second = ({position for position, marked in reading.marks.items() if stage in marked} for reading in pair)
        both, alone = len(first & second), len(first ^ second)
        tables.append((both, alone, messages[number] - both - alone))
    both, alone, neither = (sum(column) for column in zip(*tables, strict=True)) if tables else (0, 0, 0)
    units = [*[(True, True)] * both, *[(True, False)] * alone, *[(False, False)] * neither]
    return StageAgreement(krippendorff_alpha(units), both, alone, alpha_interval(tables, seed=_SEED))


def _disagreement(number: int, pair: tuple[Reading, Reading]) -> Disagreement | None:
    seen = {reading.reader: frozenset().union(*reading.marks.values()) for reading in pair}
    first, second = seen
    only = {first: sorted(seen[first] - seen[second]), second: sorted(seen[second] - seen[first])}
    difference = Disagreement(number, {reading.reader: reading.kind or "" for reading in pair}, only)
    return difference if difference.in_decision or any(only.values()) else None
