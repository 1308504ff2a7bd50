"""The state of a conversation between two messages: what the scores of later ones depend on, and no words.

It holds the vectors of the last messages, which the context head reads, and of each speaker the evidence so far. Speakers are
hashes of their names and the conversation's id. A vector says what a message was about: keep a state as you keep the scores.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import StateError
from pipeline.model.encoder.context_head import CONTEXT
from pipeline.model.risk_head import STRONGEST

FORMAT = "safelight-state/1"
MOST_SPEAKERS = 10_000
"""Speakers of one conversation that a state may hold: a state is read from outside."""

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Evidence = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Strongest = Annotated[tuple[Probability, ...], Field(max_length=STRONGEST)]
"""The strongest values so far, as a heap: the smallest first."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpeakerState(_Strict):
    """The evidence of a speaker: per stage the highest and the sum above the floor; the ages guessed; the risk now.

    ``key`` is the hash of the name. ``highest`` and ``gathered`` are empty until the speaker has written words.
    """

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    highest: tuple[Evidence, ...] = ()
    gathered: tuple[Evidence, ...] = ()
    adult: Strongest = ()
    child: Strongest = ()
    risk: Probability = 0.0


class _Stored(_Strict):
    format: Literal["safelight-state/1"]
    model: str
    conversation_id: str
    rows: Annotated[int, Field(ge=0)]
    speakers: Annotated[tuple[SpeakerState, ...], Field(max_length=MOST_SPEAKERS)]
    youngest: Annotated[int, Field(ge=-1)]
    first_child: Probability
    second_child: Probability
    window_speakers: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=CONTEXT)]
    window: str


@dataclass(frozen=True)
class ConversationState:
    """What is kept of a conversation after some of its messages. Immutable: a step returns a new one.

    ``model`` names the model and what runs it. ``rows`` counts the messages of any kind. ``speakers`` are in the order in which
    they began. ``window`` of shape (at most `CONTEXT`, width) holds the vectors of the last messages with words, and
    ``window_speakers`` who wrote them, as places in ``speakers``. ``youngest`` is the speaker who seems youngest, -1 before there
    is one; ``first_child`` and ``second_child`` say how young that one seems, and the next.
    """

    model: str
    conversation_id: str
    rows: int
    speakers: tuple[SpeakerState, ...]
    window_speakers: tuple[int, ...]
    window: NDArray[np.float32]
    youngest: int = -1
    first_child: float = 0.0
    second_child: float = 0.0

    def to_json(self) -> str:
        """Return the state as JSON; its size depends on the model's width and the number of speakers alone."""
        return _Stored(
            format=FORMAT,
            model=self.model,
            conversation_id=self.conversation_id,
            rows=self.rows,
            speakers=self.speakers,
            youngest=self.youngest,
            first_child=self.first_child,
            second_child=self.second_child,
            window_speakers=self.window_speakers,
            window=base64.b64encode(self.window.astype("<f4").tobytes()).decode("ascii"),
        ).model_dump_json()

    @classmethod
    def from_json(cls, content: str | bytes) -> ConversationState:
        """Read what `to_json` wrote.

        Raises
        ------
        StateError
            When it is no state, of another version, or damaged.
        """
        try:
            stored = _Stored.model_validate_json(content)
            numbers = np.frombuffer(base64.b64decode(stored.window, validate=True), "<f4").astype(np.float32)
        except (ValidationError, binascii.Error, ValueError) as error:
            fields_wrong = (
                [problem["loc"][0] for problem in error.errors() if problem["loc"]] if isinstance(error, ValidationError) else []
            )
            places = [place for place in _Stored.model_fields if place in fields_wrong]
            raise StateError(
                f"this is no state of the format {FORMAT}" + (f" ({', '.join(places)})" if places else ""),
                do="Begin the conversation anew, and give all its messages again",
            ) from None  # the cause quotes what it was given
        count, present = len(stored.window_speakers), len(stored.speakers)
        whole = len(numbers) % count == 0 if count else not len(numbers)
        if not whole or not np.isfinite(numbers).all() or max((*stored.window_speakers, stored.youngest), default=-1) >= present:
            raise StateError("the state is damaged", do="Begin the conversation anew, and give all its messages again")
        return cls(
            model=stored.model,
            conversation_id=stored.conversation_id,
            rows=stored.rows,
            speakers=stored.speakers,
            window_speakers=stored.window_speakers,
            window=numbers.reshape(count, -1) if count else numbers.reshape(0, 0),
            youngest=stored.youngest,
            first_child=stored.first_child,
            second_child=stored.second_child,
        )


def speaker_key(conversation_id: str, speaker: str) -> str:
    """Return what a state calls a speaker: the same in all of a conversation, and another one in the next."""
    salt = hashlib.sha256(conversation_id.encode("utf-8", "surrogatepass")).digest()
    return hashlib.blake2b(speaker.encode("utf-8", "surrogatepass"), digest_size=16, key=salt).hexdigest()
