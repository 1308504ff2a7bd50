"""The one labelled form that every corpus is read into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress

from pipeline.errors import CorpusError
from pipeline.schema import Conversation, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledConversation:
    """A conversation with what its corpus says of it.

    ``stages`` holds, for each message, the stages its language carries, or ``None`` where the corpus does not label messages.
    ``tells`` are the stages that the corpus could have labelled: another stage is *missing*, not absent. ``groomers`` are the
    speakers that groom; empty: an ordinary conversation; ``None``: the corpus does not say. ``group`` names the relatives of a
    conversation, which a split never separates. ``attributes`` are what slices are cut by: language, situation, ages.
    """

    conversation: Conversation
    stages: tuple[frozenset[str] | None, ...]
    tells: frozenset[str]
    groomers: frozenset[str] | None
    group: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.messages) != len(self.stages):
            raise CorpusError(
                f"{len(self.stages)} labels for {len(self.messages)} messages in conversation {self.conversation.conversation_id}"
            )

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages, in order."""
        return tuple(self.conversation.load().messages)

    @property
    def is_grooming(self) -> bool | None:
        """Whether somebody grooms in it, or ``None`` where the corpus does not say."""
        return None if self.groomers is None else bool(self.groomers)

    @property
    def labelled_messages(self) -> tuple[Message, ...]:
        """The messages that have stage labels."""
        return tuple(compress(self.messages, (stages is not None for stages in self.stages)))
