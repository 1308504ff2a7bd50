"""Severity and content of a flagged conversation: who asks what of whom, by rule from the scored rows, nothing generated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.alerts import first_alert, stages_over
from pipeline.config import Taxonomy
from pipeline.thresholds import Thresholds

LEVELS = ("low", "medium", "high", "imminent")
"""How urgent a flagged conversation is, the least first."""

BELONGS: Mapping[str, frozenset[str]] = {
    "trust": frozenset({"offer"}),
    "risk_assessment": frozenset({"from"}),
    "secrecy": frozenset({"from"}),
    "desensitisation": frozenset({"how"}),
    "coercion": frozenset({"press"}),
    "approach": frozenset({"how", "day", "hour", "place"}),
}
"""Stage -> the kinds of facts that its sentence may name. Stages of another taxonomy name none."""

URGENT: Mapping[str, frozenset[str]] = {"approach": frozenset({"day", "hour", "place"}), "coercion": frozenset({"press"})}
"""Stage -> the kinds of facts that make it imminent: a time or a place, a threat, a countdown."""

_NOT_OF = frozenset({("desensitisation", "how:meet"), ("desensitisation", "how:call"), ("approach", "how:picture")})

_MOST = 8
"""Messages that a sentence names."""


class Row(Protocol):
    """What is asked of a scored row; `pipeline.results.ScoredMessage` has it."""

    @property
    def position(self) -> int:
        """The place in the conversation, from 1."""
        ...

    @property
    def speaker_slot(self) -> str | None:
        """The letter of the speaker."""
        ...

    @property
    def stages(self) -> Mapping[str, float] | None:
        """Stage -> probability."""
        ...

    @property
    def facts(self) -> Sequence[str]:
        """What the message names: see `pipeline.summaries.facts`."""
        ...

    @property
    def risk(self) -> float:
        """The running risk of the conversation."""
        ...

    @property
    def speaker_risk(self) -> float | None:
        """That of the speaker."""
        ...


@dataclass(frozen=True, slots=True)
class Clause:
    """A stage that was found, the facts that its messages name, and the positions of those that the sentence stands on."""

    stage: str
    facts: tuple[str, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A flagged conversation in short.

    ``actor`` is the speaker of the highest risk, ``target`` who it is directed at: the other of two, or of more the one who says an
    age, else nobody. ``age`` is what the target says, at ``age_position``. ``others`` are further speakers with signs.
    """

    level: str
    actor: str | None
    target: str | None
    age: int | None
    age_position: int | None
    clauses: tuple[Clause, ...]
    others: tuple[str, ...]

    @property
    def positions(self) -> list[int]:
        """The messages that it stands on, in order."""
        named = {position for clause in self.clauses for position in clause.positions[:2]}
        if self.age_position is not None:
            named.add(self.age_position)
        return sorted(named)[:_MOST]

    def as_json(self) -> str:
        """Return it as text for a column."""
        clauses = [[clause.stage, list(clause.facts), list(clause.positions)] for clause in self.clauses]
        about = [self.level, self.actor, self.target, self.age, self.age_position, clauses, list(self.others)]
        return json.dumps(about, separators=(",", ":"))


def read_summary(text: str) -> Summary:
    """Read what `Summary.as_json` wrote."""
    level, actor, target, age, age_position, clauses, others = json.loads(text)
    read = tuple(Clause(stage, tuple(facts), tuple(positions)) for stage, facts, positions in clauses)
    return Summary(level, actor, target, age, age_position, read, tuple(others))


def summarise(rows: Sequence[Row], taxonomy: Taxonomy, thresholds: Thresholds) -> Summary | None:
    """Return the summary of a conversation from all its rows, in order; nothing where it is not flagged."""
    if first_alert([row.risk for row in rows], thresholds.risk) is None:
        return None
    actor = _riskiest(rows)
    target, age = _target(rows, actor)
    signs = [(row, stages_over(row.stages, thresholds.stages)) for row in rows]
    actor_rows = [(row, signs_of_row) for row, signs_of_row in signs if row.speaker_slot == actor]
    clauses = tuple(clause for stage in taxonomy.keys if (clause := _clause(stage, actor_rows)) is not None)
    others = sorted(
        {row.speaker_slot for row, signs_of_row in signs if signs_of_row and row.speaker_slot not in (actor, None)}, key=_slot_order
    )
    level = _level(clauses, actor_rows, taxonomy)
    said, at = age or (None, None)
    return Summary(level, actor, target, said, at, clauses, tuple(slot for slot in others if slot))


def _slot_order(slot: str | None) -> tuple[int, str]:
    return len(slot or ""), slot or ""


def _riskiest(rows: Iterable[Row]) -> str | None:
    highest: dict[str, float] = {}
    for row in rows:
        if row.speaker_slot is not None:
            highest[row.speaker_slot] = max(highest.get(row.speaker_slot, 0.0), row.speaker_risk or 0.0)
    return max(highest, key=lambda slot: highest[slot], default=None)


def _target(rows: Sequence[Row], actor: str | None) -> tuple[str | None, tuple[int, int] | None]:
    """Return who the actor writes to, and the age that they say they are with its position."""
    others = list(dict.fromkeys(row.speaker_slot for row in rows if row.speaker_slot not in (actor, None)))
    said = {slot: _said_age(rows, slot) for slot in others}
    aged = [slot for slot in others if said[slot] is not None]
    target = others[0] if len(others) == 1 else aged[0] if len(aged) == 1 else None
    return target, said[target] if target is not None else None


def _said_age(rows: Iterable[Row], slot: str | None) -> tuple[int, int] | None:
    for row in rows:
        for fact in row.facts if row.speaker_slot == slot else ():
            if fact.startswith("age:"):
                return int(fact.removeprefix("age:")), row.position
    return None


def _clause(stage: str, actor_rows: Sequence[tuple[Row, Mapping[str, float]]]) -> Clause | None:
    """Return what a stage's messages name, those with facts first, then the surest."""
    carrying = [(row, signs_of_row[stage], _facts(stage, row)) for row, signs_of_row in actor_rows if stage in signs_of_row]
    if not carrying:
        return None
    carrying.sort(key=lambda sign: (not _is_urgent(stage, sign[2]), not sign[2], -sign[1], sign[0].position))
    named = carrying[0][2]
    return Clause(stage, named, tuple(row.position for row, _, facts in carrying if facts == named or not facts)[:_MOST])


def _facts(stage: str, row: Row) -> tuple[str, ...]:
    kinds = BELONGS.get(stage, frozenset())
    return tuple(fact for fact in row.facts if fact.partition(":")[0] in kinds and (stage, fact) not in _NOT_OF)


def _is_urgent(stage: str, facts: Iterable[str]) -> bool:
    return any(fact.partition(":")[0] in URGENT.get(stage, frozenset()) for fact in facts)


def _level(clauses: Sequence[Clause], actor_rows: Sequence[tuple[Row, Mapping[str, float]]], taxonomy: Taxonomy) -> str:
    """Return how urgent it is: imminent by what is named, else by the most severe stage and how many there are."""
    if any(_is_urgent(stage, _facts(stage, row)) for row, signs_of_row in actor_rows for stage in signs_of_row):
        return "imminent"
    if any(clause.stage in taxonomy.severe for clause in clauses):
        return "high"
    return "medium" if len(clauses) > 1 else "low"
