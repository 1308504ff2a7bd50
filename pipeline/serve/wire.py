"""What requests and answers hold, with their limits. Unknown fields are refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.results import ScoredMessage
from pipeline.schema import Conversation, Kind, Message, MessageScore, Source

MOST_CONVERSATIONS = 256
MOST_MESSAGES = 8192
"""Messages of one request, in all its conversations."""

MOST_STEPS = 256
MOST_CHARACTERS = 65_536
"""Characters of one message."""

MOST_STATE = 16 * 1024 * 1024

Id = Annotated[str, Field(min_length=1, max_length=512)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MessageIn(_Wire):
    """A message. ``speaker`` is what the platform calls its author, always the same; null for rows of the platform itself."""

    message_id: Id
    speaker: Annotated[str, Field(max_length=512)] | None
    text: Annotated[str, Field(max_length=MOST_CHARACTERS)]
    kind: Kind = "message"

    def message(self, row: int) -> Message:
        """Return it as scoring reads it; ``row`` counts from 1."""
        return Message(
            message_id=self.message_id, speaker=self.speaker, text=self.text, kind=self.kind, source=Source("request", row=row)
        )


class ConversationIn(_Wire):
    """A whole conversation, its messages in order."""

    conversation_id: Id
    messages: Annotated[tuple[MessageIn, ...], Field(max_length=MOST_MESSAGES)]

    def conversation(self) -> Conversation:
        """Return it as scoring reads it."""
        messages = tuple(message.message(row) for row, message in enumerate(self.messages, 1))
        return Conversation(conversation_id=self.conversation_id, platform="request", messages=messages)


class ScoreRequest(_Wire):
    """Whole conversations to score; their ids differ."""

    conversations: Annotated[tuple[ConversationIn, ...], Field(min_length=1, max_length=MOST_CONVERSATIONS)]

    @model_validator(mode="after")
    def _bounded(self) -> ScoreRequest:
        if self.size > MOST_MESSAGES:
            raise ValueError(f"more than {MOST_MESSAGES} messages in one request")
        if len({conversation.conversation_id for conversation in self.conversations}) < len(self.conversations):
            raise ValueError("two conversations have the same id")
        return self

    @property
    def size(self) -> int:
        """How many messages it holds."""
        return sum(len(conversation.messages) for conversation in self.conversations)


class StepRequest(_Wire):
    """The next messages of one conversation. ``state`` is what the last answer gave, null at the beginning."""

    conversation_id: Id
    state: Annotated[str, Field(max_length=MOST_STATE)] | None = None
    messages: Annotated[tuple[MessageIn, ...], Field(min_length=1, max_length=MOST_STEPS)]


class ScoreOut(_Wire):
    """The score of a message. ``stages`` is null where it has no words; ``speaker_slot`` is an anonymous letter."""

    message_id: str
    position: int
    speaker_slot: str | None
    stages: dict[str, float] | None
    risk: float
    speaker_risk: float | None

    @classmethod
    def of(cls, score: MessageScore | ScoredMessage) -> ScoreOut:
        """Return a score as it is answered."""
        return cls(
            message_id=score.message_id,
            position=score.position,
            speaker_slot=score.speaker_slot,
            stages=None if score.stages is None else dict(score.stages),
            risk=score.risk,
            speaker_risk=score.speaker_risk,
        )


class ConversationOut(_Wire):
    """The scores of a conversation; ``first_alert`` is the position at which the risk first reaches the threshold."""

    conversation_id: str
    risk: float
    first_alert: int | None
    scores: list[ScoreOut]


class ScoreResponse(_Wire):
    """The scored conversations, and the ids of those that could not be scored."""

    model: str
    threshold: float
    conversations: list[ConversationOut]
    failed: list[str]


class StepResponse(_Wire):
    """The scores of the messages, and the state to send with the next ones."""

    model: str
    threshold: float
    state: str
    scores: list[ScoreOut]


class Health(_Wire):
    """Whether requests are answered, and by what."""

    status: str
    model: str
    version: str


class Problem(_Wire):
    """What is wrong with a request; never its content."""

    detail: str
