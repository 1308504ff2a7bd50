"""One message further: a state and a message in, the state after it and the message's score out.

A step does for one message what `EncoderModel.predict` and `BaselineModel.predict` do for all of a conversation, with the same
functions, so that the scores are those of a batch run without a cascade, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StateError
from pipeline.ingest.columns import well_formed
from pipeline.ingest.own_words import is_scorable, own_words
from pipeline.model.base import Model, Utterance
from pipeline.model.encoder.context_head import CONTEXT, in_context
from pipeline.model.encoder.encoder import DECIMALS, EncoderModel
from pipeline.model.ngram.baseline import BaselineModel
from pipeline.model.risk_head import RiskHead, evidence, strongest_mean
from pipeline.schema import Message, MessageScore
from pipeline.scoring.core import slot_name
from pipeline.stream.state import ConversationState, SpeakerState, speaker_key

Floats = NDArray[np.float32]


class Reader(Protocol):
    """How one kind of model reads a message that comes after others."""

    @property
    def risk(self) -> RiskHead:
        """The risk head."""
        ...

    @property
    def decimals(self) -> int | None:
        """Places that a risk is rounded to, if it is."""
        ...

    def vectors(self, lines: Sequence[Utterance]) -> Sequence[Floats]:
        """Return the vector of each message, of shape (width,), from its words alone."""
        ...

    def probabilities(self, window: Floats, speakers: Sequence[int]) -> tuple[Floats, float | None]:
        """Return the stages of the last message of a window, and how likely somebody under 18 wrote it, where that is estimated."""
        ...


@dataclass(frozen=True)
class EncoderReader:
    """A message of an encoder is read with the vectors of the few before it."""

    model: EncoderModel
    decimals: int | None = DECIMALS

    @property
    def risk(self) -> RiskHead:
        """The risk head."""
        return self.model.risk

    def vectors(self, lines: Sequence[Utterance]) -> Sequence[Floats]:
        """Return the vectors of the network, which reads each text once."""
        pieces = self.model.tokenizer.pieces([list(lines)])
        return list(self.model.vectors(pieces)[0])

    def probabilities(self, window: Floats, speakers: Sequence[int]) -> tuple[Floats, float | None]:
        """Return what the context head reads in the window."""
        seen = in_context(window, [str(speaker) for speaker in speakers])[-1:]
        stages, child = self.model.probabilities(self.model.head.logits_in_context(seen))
        return stages[0], float(child[0])


@dataclass(frozen=True)
class BaselineReader:
    """A message of the baseline is read alone: its vector is its stages."""

    model: BaselineModel
    decimals: int | None = None

    @property
    def risk(self) -> RiskHead:
        """The risk head."""
        return self.model.risk_head

    def vectors(self, lines: Sequence[Utterance]) -> Sequence[Floats]:
        """Return the probabilities of the stages."""
        return list(self.model.stage_probabilities([text for _, text in lines]).astype(np.float32))

    def probabilities(self, window: Floats, speakers: Sequence[int]) -> tuple[Floats, float | None]:
        """Return those of the last message."""
        return window[-1], None


class Stepper:
    """A loaded model that scores conversations message by message.

    Raises
    ------
    StateError
        When models of this kind cannot.
    """

    def __init__(self, model: Model, *, model_id: str) -> None:
        if isinstance(model, EncoderModel):
            self._reader: Reader = EncoderReader(model)
            self._context = CONTEXT
        elif isinstance(model, BaselineModel):
            self._reader = BaselineReader(model)
            self._context = 0
        else:
            raise StateError(f"a {type(model).__name__} does not score message by message", do="Score whole conversations")
        self._keys = model.taxonomy.keys
        self.model = f"{model_id}/{model.runtime}" if model.runtime else model_id

    def start(self, conversation_id: str) -> ConversationState:
        """Return the state of a conversation that nothing has been said in."""
        return ConversationState(self.model, conversation_id, 0, (), (), np.zeros((0, 0), np.float32))

    def step(self, state: ConversationState, message: Message) -> tuple[ConversationState, MessageScore]:
        """Return the state after a message, and the message's score: that of a batch run over all messages so far.

        Raises
        ------
        StateError
            When the state is of another model.
        """
        return self.step_many([(state, message)])[0]

    def step_many(self, pairs: Sequence[tuple[ConversationState, Message]]) -> list[tuple[ConversationState, MessageScore]]:
        """Do a step in each of several conversations: the network reads all messages at once. No two may be of one conversation.

        Raises
        ------
        StateError
            When a state is of another model, or there are two messages of one conversation.
        """
        for state, _ in pairs:
            self.check(state)
        if len({state.conversation_id for state, _ in pairs}) < len(pairs):
            raise StateError("two messages of one conversation in one step", do="Give the second with the state after the first")
        lines = {number: line for number, (_, message) in enumerate(pairs) if (line := _utterance(message)) is not None}
        vectors = dict(zip(lines, self._reader.vectors(list(lines.values())) if lines else (), strict=True))
        return [self._step(state, message, vectors.get(number)) for number, (state, message) in enumerate(pairs)]

    def check(self, state: ConversationState) -> None:
        """Raise `StateError` when a state is of another model."""
        if state.model != self.model:
            raise StateError(
                f"the state is of the model {state.model}, not of {self.model}",
                do="Use the model that began the conversation, or begin it anew with all its messages",
            )
        stages = {len(speaker.highest) for speaker in state.speakers} | {len(speaker.gathered) for speaker in state.speakers}
        widths = {state.window.shape[1]} if len(state.window) else set()
        if not stages <= {0, len(self._keys)} or not widths <= {self._width()}:
            raise StateError("the state does not fit its model", do="Begin the conversation anew, and give all its messages again")

    def _width(self) -> int:
        if isinstance(self._reader, EncoderReader):
            return self._reader.model.head.linear.shape[1] // 4
        return len(self._keys)

    def _step(self, state: ConversationState, message: Message, vector: Floats | None) -> tuple[ConversationState, MessageScore]:
        state, slot = _with_speaker(state, message.speaker)
        state = replace(state, rows=state.rows + 1)
        stages = None
        if vector is not None and slot is not None:
            state, values = self._read(state, slot, vector)
            stages = dict(zip(self._keys, values.tolist(), strict=True))
        return state, MessageScore(
            conversation_id=state.conversation_id,
            message_id=message.message_id,
            position=state.rows,
            speaker_slot=None if slot is None else slot_name(slot),
            kind=message.kind,
            stages=stages,
            risk=max((speaker.risk for speaker in state.speakers), default=0.0),
            speaker_risk=state.speakers[slot].risk if stages is not None and slot is not None else None,
        )

    def _read(self, state: ConversationState, slot: int, vector: Floats) -> tuple[ConversationState, Floats]:
        window = np.concatenate([state.window, vector[None]]) if len(state.window) else vector[None]
        window_speakers = (*state.window_speakers, slot)
        stages, child = self._reader.probabilities(window, window_speakers)
        state, adult, young = _with_age(state, slot, child)
        head, speaker = self._reader.risk, state.speakers[slot]
        speaker_evidence = evidence(stages)
        highest = np.maximum(speaker.highest or 0.0, speaker_evidence)
        gathered = np.asarray(speaker.gathered or 0.0) + np.maximum(speaker_evidence - head.floors, 0.0)
        risk = head.probability(head.signs(highest[None], gathered[None]), np.asarray([adult]), np.asarray([young]))
        if self._reader.decimals is not None:
            risk = np.round(risk, self._reader.decimals)
        speaker = speaker.model_copy(
            update={"highest": tuple(highest.tolist()), "gathered": tuple(gathered.tolist()), "risk": float(risk[0])}
        )
        kept = slice(max(0, len(window) - self._context), None) if self._context else slice(0, 0)
        return (
            replace(
                state,
                speakers=(*state.speakers[:slot], speaker, *state.speakers[slot + 1 :]),
                window=window[kept],
                window_speakers=window_speakers[kept],
            ),
            stages,
        )


def _utterance(message: Message) -> Utterance | None:
    """Return the message as a model reads it, or ``None`` where it has no words of a speaker."""
    text = well_formed(message.text)
    if message.speaker is None or not is_scorable(message.speaker, message.kind, text):
        return None
    return message.speaker, own_words(message.kind, text)


def _with_speaker(state: ConversationState, speaker: str | None) -> tuple[ConversationState, int | None]:
    """Return the state with a speaker in it, and the speaker's place."""
    if speaker is None:
        return state, None
    key = speaker_key(state.conversation_id, well_formed(speaker))
    for place, known in enumerate(state.speakers):
        if known.key == key:
            return state, place
    return replace(state, speakers=(*state.speakers, SpeakerState(key=key))), len(state.speakers)


def _with_age(state: ConversationState, slot: int, child: float | None) -> tuple[ConversationState, float, float]:
    """Return the state, how grown the speaker seems, and how young the others; see `pipeline.model.risk_head.running_ages`."""
    if child is None:
        return state, 0.0, 0.0
    speaker = state.speakers[slot]
    adult_heap, child_heap = list(speaker.adult), list(speaker.child)
    grown, mean = strongest_mean(adult_heap, 1.0 - child), strongest_mean(child_heap, child)
    youngest, first, second = state.youngest, state.first_child, state.second_child
    if slot == youngest:
        first = mean
    elif mean > first:
        youngest, first, second = slot, mean, first
    else:
        second = max(second, mean)
    speaker = speaker.model_copy(update={"adult": tuple(adult_heap), "child": tuple(child_heap)})
    state = replace(
        state,
        speakers=(*state.speakers[:slot], speaker, *state.speakers[slot + 1 :]),
        youngest=youngest,
        first_child=first,
        second_child=second,
    )
    return state, grown, second if slot == youngest else first
