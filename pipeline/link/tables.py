"""The files that `safelight link` writes: a typed row of each. `pipeline.link.schemas` has the Arrow schemas.

===========================  =====================================================================================
``accounts.parquet``         a node an account, as one export shows it: `Account`
``conversations.parquet``    a node a conversation: `ConversationNode`
``edges.parquet``            who takes part in what, and who writes to whom: `Edge`
``identity_links.parquet``   two accounts that may be one person, with the reason: `IdentityLink`
``patterns.parquet``         what should be read together, strongest first: `Pattern`
``graph.graphml, .json``     accounts and conversations as a graph, with the same ids
``link.json``                runs with their hashes, settings, counts, warnings, timings
===========================  =====================================================================================

Accounts and conversations are named by keyed digests of 24 hex letters (HMAC-SHA-256). ``name``, ``title``, ``conversation_id`` and
``source_file`` are null unless the names were asked for. No file holds the text of a message.
Times are in UTC where the export has a zone, and as written where it has none; null where it has no times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow.parquet as pq

from pipeline.link.schemas import ACCOUNTS, CONVERSATIONS, EDGES, IDENTITY_LINKS, PATTERNS

IdentifierKind = Literal["platform_id", "number", "address", "handle", "name", "slot"]
"""What an export calls a speaker by.

``slot`` is a speaker of a run that kept no names: an account of one conversation, which nothing can link to another.
"""

EdgeKind = Literal["takes_part", "writes_to", "introduces"]
LinkReason = Literal[
    "same_platform_id",
    "same_number",
    "same_address",
    "same_handle",
    "same_name",
    "same_chat",
    "hand_over",
    "name_changed",
    "same_contact",
]
PatternKind = Literal["one_actor_many_targets", "one_target_many_actors", "same_script", "group"]
Role = Literal["actor", "target", "introducer", "sender", "receiver", "member", "broker"]

EDGE_KINDS: tuple[EdgeKind, ...] = get_args(EdgeKind)
LINK_REASONS: tuple[LinkReason, ...] = get_args(LinkReason)
TITLES: dict[str, str] = {
    "one_actor_many_targets": "One actor, many targets",
    "one_target_many_actors": "One target, several actors",
    "same_script": "The same script",
    "group": "A group",
}
"""What pages and commands call the kinds of pattern."""

PATTERN_KINDS: tuple[PatternKind, ...] = get_args(PatternKind)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is strong, or to be read first: its key, the number behind it, and a sentence without any name."""

    reason: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Where in a message's text something stands, in characters; ``end`` is left out."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReference:
    """A message that is evidence: ``position`` is its row in the conversation, from 1, as in the run's scores.

    ``export`` is the SHA-256 (16 letters) of the export, ``line`` or ``row`` the place in it. ``note`` says what the message is
    evidence of; ``spans`` mark what differs between the messages of a script, or the contact that is given.
    """

    conversation: str
    account: str
    position: int
    time: datetime | None = None
    stages: tuple[str, ...] = ()
    note: str | None = None
    spans: tuple[Span, ...] = ()
    export: str | None = None
    line: int | None = None
    row: int | None = None
    source_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account, as one export shows it.

    ``person`` is the lowest account of those that strong identity links join, itself where there are none: not a fact, only what
    patterns are searched over. ``speaker`` is a keyed digest of the export's own name or id, the same in every export.
    ``signs`` counts the messages with at least one stage over its threshold, ``alerts`` the conversations in which this speaker's
    risk reaches the alert threshold, ``targets`` the persons toward whom the account shows stages in those. ``risk`` is in [0, 1].
    ``community`` is null for an account with no edge to another. ``priority`` is in [0, 1]: what to read first, never a verdict.
    """

    account: str
    person: str
    speaker: str | None
    platform: str
    export: str
    identifier_kind: IdentifierKind
    name: str | None
    conversations: int
    messages: int
    signs: int
    alerts: int
    risk: float
    stages: tuple[str, ...]
    targets: int
    first: datetime | None
    last: datetime | None
    community: int | None
    priority: float
    priority_reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """An indicator of an indicator set (`configs/indicators/`), and how many messages of a conversation hold a phrase of it."""

    indicator: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationNode:
    """A conversation. ``run`` is `pipeline.results.Run.id`; ``run_row`` its row in that run's ``conversations.parquet``, from 0."""

    conversation: str
    run: str
    run_row: int
    platform: str
    export: str
    accounts: int
    messages: int
    signs: int
    risk: float
    alert: bool
    stages: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    first: datetime | None
    last: datetime | None
    conversation_id: str | None
    title: str | None
    source_file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A line of the graph.

    ``takes_part``: ``source`` is an account, ``target`` and ``conversation`` the conversation, ``slot`` the speaker's letter in it.
    ``writes_to``: both are accounts; in a group the one replied to, or else the one who spoke last before.
    ``introduces``: ``source`` tells ``target`` of a third person, or brings one; ``messages`` counts such messages.
    ``signs`` counts messages with a stage; ``first_sign`` is the time of the first, ``first_position`` its row. ``risk`` is the
    highest risk of the source in the conversation.
    """

    kind: EdgeKind
    source: str
    target: str
    conversation: str
    slot: str | None
    messages: int
    signs: int
    stages: tuple[str, ...]
    risk: float
    first: datetime | None
    last: datetime | None
    first_sign: datetime | None
    first_position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLink:
    """Two accounts that may be one person: evidence, never a fact. ``strength`` is in (0, 1].

    ``joined`` says that the strength reaches the setting ``join``, so that patterns are searched over both as one. ``text`` is the
    reason as a sentence, without names.
    """

    link: str
    source: str
    target: str
    reason: LinkReason
    strength: float
    joined: bool
    text: str
    evidence: tuple[MessageReference, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """An account of a pattern, and what it is in it."""

    account: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What should be read together. ``strength`` is in [0, 1]; ``unknown`` says what the data cannot tell.

    ``messages`` are the evidence, in the order in which they were sent as far as times are known.
    """

    pattern: str
    kind: PatternKind
    strength: float
    accounts: tuple[Part, ...]
    conversations: tuple[str, ...]
    reasons: tuple[Reason, ...]
    unknown: tuple[str, ...]
    messages: tuple[MessageReference, ...]
    first: datetime | None
    last: datetime | None


def read_accounts(folder: Path) -> Iterator[Account]:
    """Yield the accounts of a link run, in the order of the file: highest priority first."""
    for row in _rows(folder / ACCOUNTS):
        yield Account(**{**row, "stages": tuple(row["stages"]), "priority_reasons": _reasons(row["priority_reasons"])})


def read_conversations(folder: Path) -> Iterator[ConversationNode]:
    """Yield the conversations of a link run, by id."""
    for row in _rows(folder / CONVERSATIONS):
        indicators = tuple(Indicator(**item) for item in row["indicators"])
        yield ConversationNode(**{**row, "stages": tuple(row["stages"]), "indicators": indicators})


def read_edges(folder: Path) -> Iterator[Edge]:
    """Yield the edges of a link run, by kind, source, target and conversation."""
    for row in _rows(folder / EDGES):
        yield Edge(**{**row, "stages": tuple(row["stages"])})


def read_identity_links(folder: Path) -> Iterator[IdentityLink]:
    """Yield the identity links of a link run, strongest first."""
    for row in _rows(folder / IDENTITY_LINKS):
        yield IdentityLink(**{**row, "evidence": _references(row["evidence"])})


def read_patterns(folder: Path) -> Iterator[Pattern]:
    """Yield the patterns of a link run, strongest first."""
    for row in _rows(folder / PATTERNS):
        parts = tuple(Part(**part) for part in row["accounts"])
        changed = {
            "accounts": parts,
            "conversations": tuple(row["conversations"]),
            "reasons": _reasons(row["reasons"]),
            "unknown": tuple(row["unknown"]),
            "messages": _references(row["messages"]),
        }
        yield Pattern(**{**row, **changed})


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=8192):
            yield from batch.to_pylist()


def _reasons(rows: list[Mapping[str, Any]]) -> tuple[Reason, ...]:
    return tuple(Reason(**row) for row in rows)


def message_reference(row: Mapping[str, Any]) -> MessageReference:
    """Return a message reference of a plain row, as Arrow and DuckDB give it."""
    spans = tuple(Span(**span) for span in row["spans"] or ())
    return MessageReference(**{**row, "stages": tuple(row["stages"] or ()), "spans": spans})


def _references(rows: list[Mapping[str, Any]]) -> tuple[MessageReference, ...]:
    return tuple(map(message_reference, rows))
