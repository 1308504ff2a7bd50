"""What the pages and commands show of a case: conversations once each, accounts, links, patterns, the time line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from pipeline.link.priority import AccountFacts, Ranked, account_priority, after_decisions
from pipeline.review.case_schema import (
    case_links,
    case_patterns,
    case_priorities,
    case_runs,
    cases,
    conversation_accounts,
    conversation_sources,
)
from pipeline.review.cases.cases import Shared, require_case, runs_of, shared_with
from pipeline.review.cases.identities import Judgement, judgements, persons
from pipeline.review.cases.notes import Note, notes_of
from pipeline.review.cases.ranking import SETTINGS, rank_cases, stored
from pipeline.review.schema import conversations, runs

_BEST_TEXT = {"include": 0, "hash": 1, "omit": 2}


@dataclass(frozen=True, slots=True)
class CaseConversation:
    """A conversation of a case. ``copies`` are its other numbers, where it is in several runs; times are of the export."""

    number: int
    run_id: str
    conversation_id: str
    platform: str
    messages: int
    risk: float
    flagged: bool
    awaiting: bool
    state: str
    stages: Mapping[str, float]
    first_at: str
    last_at: str
    accounts: Mapping[str, int]
    copies: Sequence[int] = ()

    @property
    def undecided(self) -> bool:
        """Whether no decision on it holds yet."""
        return self.awaiting or self.state == "open"


@dataclass(frozen=True, slots=True)
class CaseAccount:
    """An account of a case: what it is told by is its number alone. ``person``: all accounts that people joined with it."""

    number: int
    platform: str
    conversations: Sequence[CaseConversation]
    first_at: str
    last_at: str
    priority: float
    reasons: Sequence[str]
    person: Sequence[int]

    @property
    def flagged(self) -> int:
        """In how many flagged conversations it writes."""
        return sum(conversation.flagged for conversation in self.conversations)


@dataclass(frozen=True, slots=True)
class LinkView:
    """Why two accounts may be one person: evidence, never a fact."""

    source: int
    target: int
    reason: str
    strength: float
    words: str
    evidence: Sequence[Mapping[str, Any]]
    judgement: Judgement | None

    def other(self, account: int) -> int:
        """Return the account at the other end."""
        return self.target if account == self.source else self.source


@dataclass(frozen=True, slots=True)
class PatternView:
    """What should be read together."""

    kind: str
    strength: float
    accounts: Sequence[tuple[int, str]]
    conversations: Sequence[int]
    reasons: Sequence[str]
    unknown: Sequence[str]


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case. ``conversations`` by risk, ``accounts`` by priority, both highest first; ``linked``: the runs in its links."""

    name: str
    runs: Sequence[tuple[str, str]]
    conversations: Sequence[CaseConversation]
    accounts: Sequence[CaseAccount]
    links: Sequence[LinkView]
    patterns: Sequence[PatternView]
    judgements: Sequence[Judgement]
    notes: Sequence[Note]
    shared: Sequence[Shared]
    ranked: Ranked
    linked: frozenset[str]
    _accounts: dict[int, CaseAccount] = field(default_factory=dict)

    def account(self, number: int) -> CaseAccount | None:
        """Return an account of the case, or nothing."""
        if not self._accounts:
            self._accounts.update({account.number: account for account in self.accounts})
        return self._accounts.get(number)

    def may_be(self, number: int) -> list[int]:
        """Return the accounts that strong links say may be the same person, and of which nobody said yet whether they are."""
        strong = (link for link in self.links if link.strength >= SETTINGS.join and link.judgement is None)
        return sorted({link.other(number) for link in strong if number in (link.source, link.target)})

    @property
    def not_linked(self) -> int:
        """How many runs came after the links were made; where there are no links, none."""
        return sum(run_id not in self.linked for run_id, _ in self.runs) if self.linked else 0

    @property
    def timeline(self) -> list[CaseConversation]:
        """The conversations by when they begin; those without times last."""
        return sorted(
            self.conversations,
            key=lambda conversation: (not conversation.first_at, conversation.first_at, conversation.last_at, conversation.number),
        )


def case_view(connection: Connection, case: str) -> CaseView:
    """Return all that the store holds of a case.

    Raises
    ------
    ReviewError
        When there is none.
    """
    require_case(connection, case)
    shown = _conversations(connection, case)
    made = judgements(connection, case)
    accounts = _accounts(connection, case, shown, persons(made))
    links = _links(connection, case, made)
    patterns = _patterns(connection, case, shown)
    about = (runs_of(connection, case), shown, accounts, links, patterns, made)
    beside = (
        notes_of(connection, case),
        shared_with(connection, case),
        rank_cases(connection)[case],
        frozenset(linked_runs(connection, case)),
    )
    return CaseView(case, *about, *beside)


def _conversations(connection: Connection, case: str) -> list[CaseConversation]:
    """Return the conversations, one that is in several runs once: from the run that kept most, then by the run's id."""
    query = (
        select(conversations, conversation_sources.c.content, conversation_sources.c.first_at, runs.c.text)
        .add_columns(conversation_sources.c.last_at.label("ended"))
        .join(conversation_sources, conversation_sources.c.conversation == conversations.c.number)
        .join(case_runs, case_runs.c.run_id == conversations.c.run_id)
        .join(runs, runs.c.id == conversations.c.run_id)
        .where(case_runs.c.case_name == case)
    )
    by_content: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        by_content.setdefault(row.content, []).append(row)
    slots: dict[int, dict[str, int]] = {}
    speaking = (
        select(conversation_accounts)
        .join(conversation_sources, conversation_sources.c.conversation == conversation_accounts.c.conversation)
        .join(case_runs, case_runs.c.run_id == conversation_sources.c.run_id)
        .where(case_runs.c.case_name == case)
        .order_by(conversation_accounts.c.slot)
    )
    for row in connection.execute(speaking):
        slots.setdefault(row.conversation, {})[row.slot] = row.account
    views = []
    for copies in by_content.values():
        first, *others = sorted(copies, key=lambda row: (_BEST_TEXT.get(row.text, 3), row.run_id))
        views.append(
            CaseConversation(
                first.number,
                first.run_id,
                first.conversation_id,
                first.platform,
                first.messages,
                first.risk,
                first.flagged,
                first.awaiting,
                first.state,
                json.loads(first.stages),
                first.first_at,
                first.ended,
                slots.get(first.number, {}),
                sorted(row.number for row in others),
            )
        )
    return sorted(views, key=lambda row: (-row.risk, row.first_at, row.conversation_id))


def _accounts(
    connection: Connection,
    case: str,
    shown: Sequence[CaseConversation],
    joined: Mapping[int, frozenset[int]],
) -> list[CaseAccount]:
    by_account: dict[int, list[CaseConversation]] = {}
    for conversation in shown:
        for account in conversation.accounts.values():
            by_account.setdefault(account, []).append(conversation)
    query = select(case_priorities).where(case_priorities.c.case_name == case)
    priorities = {row.account: stored(row.priority, row.reasons) for row in connection.execute(query)}
    linked = linked_runs(connection, case)
    accounts = []
    for number, theirs in by_account.items():
        ranked = _ranked(priorities.get(number), theirs, linked={accounts.run_id for accounts in theirs} <= linked)
        times = [time for conversation in theirs for time in (conversation.first_at, conversation.last_at) if time]
        accounts.append(
            CaseAccount(
                number,
                theirs[0].platform,
                sorted(theirs, key=lambda conversation: (not conversation.first_at, conversation.first_at)),
                min(times, default=""),
                max(times, default=""),
                ranked.priority,
                [reason.text for reason in ranked.reasons],
                sorted(joined.get(number, ())),
            )
        )
    return sorted(accounts, key=lambda account: (-account.priority, -account.flagged, account.number))


def linked_runs(connection: Connection, case: str) -> set[str]:
    """Return the runs of a case that its links were made of."""
    evidence = connection.execute(select(cases.c.evidence).where(cases.c.name == case)).scalar_one()
    return set(json.loads(evidence).get("runs", ()))


def _ranked(known: Ranked | None, theirs: Sequence[CaseConversation], *, linked: bool) -> Ranked:
    """Return the priority of an account: as the links say, or before there are any, of its flagged conversations."""
    flagged = [conversation for conversation in theirs if conversation.flagged]
    highest = max((conversation.risk for conversation in flagged), default=0.0)
    ranked = known or (Ranked() if linked else account_priority(AccountFacts(risk=None, flagged_risk=highest), SETTINGS))
    return after_decisions(ranked, flagged=len(flagged), undecided=sum(conversation.undecided for conversation in flagged))


def _links(connection: Connection, case: str, made: Sequence[Judgement]) -> list[LinkView]:
    by_pair = {(judgement.source, judgement.target): judgement for judgement in made}
    query = select(case_links).where(case_links.c.case_name == case)
    rows = sorted(connection.execute(query), key=lambda row: (-row.strength, row.source, row.target, row.reason))
    return [
        LinkView(
            row.source,
            row.target,
            row.reason,
            row.strength,
            row.words,
            json.loads(row.evidence),
            by_pair.get((row.source, row.target)),
        )
        for row in rows
    ]


def _patterns(connection: Connection, case: str, shown: Sequence[CaseConversation]) -> list[PatternView]:
    once = {copy: conversation.number for conversation in shown for copy in conversation.copies}
    query = select(case_patterns).where(case_patterns.c.case_name == case)
    views = []
    for row in sorted(connection.execute(query), key=lambda row: (-row.strength, row.kind, row.pattern)):
        content = json.loads(row.content)
        of_pattern: list[int] = content["conversations"]
        numbers = list(dict.fromkeys(once.get(number, number) for number in of_pattern))
        accounts = [(account, role) for account, role in content["accounts"]]
        reasons = [reason["text"] for reason in content["reasons"]]
        views.append(PatternView(row.kind, row.strength, accounts, numbers, reasons, content["unknown"]))
    return views
