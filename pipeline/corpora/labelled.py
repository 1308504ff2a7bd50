"""The one labelled form that every corpus is read into."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Literal

from pipeline.errors import CorpusError
from pipeline.schema import Conversation, Message

UNDECIDABLE = "undecidable"
"""The attribute of a conversation of which a reader could not tell whether somebody grooms."""

WRITTEN = "written"
"""The attribute ``form`` of conversations from ``.chat`` and TOML files."""

Level = Literal["message", "speaker", "conversation", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledConversation:
    """A conversation with what its corpus says of it.

    ``stages`` holds, for each message, the stages its language carries, or ``None`` where the corpus does not label it.
    ``tells`` are the stages that the corpus could have labelled: another stage is *missing*, not absent; ``unsure`` names, by
    position from 0, stages that are missing on one message because its code stands for several. ``flagged`` are the positions that
    the corpus calls grooming without a stage, ``None`` where it does not say. ``groomers`` are the speakers that groom; empty:
    an ordinary conversation; ``None``: the corpus does not say who. ``grooming`` is its word on the whole conversation.
    ``group`` names the relatives of a conversation, which a split never separates; ``parents`` are the groups of those that
    it was derived from. ``attributes`` are what slices are cut by. ``ages`` maps speakers to age bands where the corpus says them:
    ``under-13``, ``13-15``, ``16-17`` or ``adult``.
    """

    conversation: Conversation
    stages: tuple[frozenset[str] | None, ...]
    tells: frozenset[str]
    groomers: frozenset[str] | None
    group: str
    parents: tuple[str, ...] = ()
    grooming: bool | None = None
    flagged: frozenset[int] | None = None
    unsure: Mapping[int, frozenset[str]] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    ages: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.messages) != len(self.stages):
            raise CorpusError(
                f"{len(self.stages)} labels for {len(self.messages)} messages in conversation {self.conversation.conversation_id}"
            )

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.conversation.conversation_id

    @property
    def relatives(self) -> frozenset[str]:
        """The groups that it belongs to, or was derived from: no split separates two that share one."""
        return frozenset((self.group, *self.parents))

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages, in order."""
        return tuple(self.conversation.load().messages)

    @property
    def is_grooming(self) -> bool | None:
        """Whether somebody grooms in it, or ``None`` where the corpus does not say."""
        return self.grooming if self.groomers is None else bool(self.groomers)

    @property
    def named_groomers(self) -> frozenset[str]:
        """The groomers whose names mean the same person in other conversations: not A and B of a written corpus."""
        written = self.attributes.get("form") == WRITTEN or self.attributes.get("corpus") == "safelight-written"
        return frozenset() if written else self.groomers or frozenset()

    @property
    def level(self) -> Level:
        """The finest level at which it is labelled."""
        if self.flagged is not None or any(stages is not None for stages in self.stages):
            return "message"
        if self.groomers is not None:
            return "speaker"
        return "none" if self.grooming is None else "conversation"

    @property
    def labelled_messages(self) -> tuple[Message, ...]:
        """The messages that have stage labels."""
        return tuple(compress(self.messages, (stages is not None for stages in self.stages)))

    def label(self, position: int, stage: str) -> bool | None:
        """Return whether the message at a position (from 0) carries a stage; ``None`` where the corpus cannot tell."""
        stages = self.stages[position]
        if stages is None or stage not in self.tells or stage in self.unsure.get(position, ()):
            return None
        return stage in stages

    def numbers(self, positions: Iterable[int], stages: Sequence[str]) -> list[list[float]]:
        """Return the labels at positions as numbers, a row a message: 1, 0, or NaN where the corpus cannot tell."""
        labels = ([self.label(position, stage) for stage in stages] for position in positions)
        return [[math.nan if label is None else float(label) for label in row] for row in labels]
