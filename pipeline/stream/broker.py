"""What a worker needs of a broker. Another broker is one file with a class of these methods, as `redis_streams` is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.schema import Message, MessageScore


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the stream: its place there, its conversation, and the message, or why it cannot be read."""

    id: str
    conversation_id: str
    message: Message | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of an entry."""

    entry: Entry
    score: MessageScore


@dataclass(frozen=True, slots=True)
class Failed:
    """An entry that has no score, and why; never its text."""

    entry: Entry
    reason: str


class LeaseLost(Exception):
    """Another worker works on the stream now: what this one was about to commit was not committed."""


class Broker(Protocol):
    """A stream of messages, a place for states, and a place for scores.

    One worker at a time holds the stream, so that the messages of a conversation are read in order. All that a worker has made of
    some entries is committed in one transaction, or not at all: then the same entries are read again. So each is scored once in
    effect, whenever a worker dies.
    """

    def acquire(self, model: str) -> bool:
        """Hold the stream for a while, if nobody else does; each later call of any method prolongs it.

        Raises
        ------
        StateError
            When the states that lie there are of another model.
        """
        ...

    def read(self, most: int) -> Sequence[Entry]:
        """Return the next entries that are not committed, in order; first those that a worker read and did not commit.

        Waits a little where there are none.

        Raises
        ------
        LeaseLost
            When another worker holds the stream.
        """
        ...

    def states(self, conversations: Sequence[str]) -> Mapping[str, str]:
        """Return the states of these conversations, as JSON; none of a conversation that begins."""
        ...

    def commit(self, states: Mapping[str, str], scored: Sequence[Scored], failed: Sequence[Failed]) -> None:
        """Keep states and scores, and mark the entries as done, all in one transaction.

        Raises
        ------
        LeaseLost
            When another worker holds the stream; nothing was kept.
        """
        ...

    def release(self) -> None:
        """Let another worker have the stream at once."""
        ...
