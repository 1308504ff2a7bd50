"""Score a message with the state of its conversation, which lies with the conversation's labels."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from pipeline.config import Taxonomy, validate_settings
from pipeline.errors import StateError
from pipeline.model.folder import ModelFolder, open_model_folder
from pipeline.model.load import load_model
from pipeline.package_data import model_path
from pipeline.results import THRESHOLDS
from pipeline.schema import Message, MessageScore
from pipeline.stream.state import ConversationState
from pipeline.stream.step import Stepper
from pipeline.thresholds import read_thresholds

ATTEMPTS = 4
"""How often a message is scored again because another worker changed the state meanwhile."""

_LOCKS = 64
EntityT = TypeVar("EntityT")
ContraEntityT = TypeVar("ContraEntityT", contravariant=True)


@dataclass(frozen=True)
class Kept:
    """What is kept of a conversation: the state after its last message as JSON, that message's id, and its score."""

    state: str
    message_id: str
    score: MessageScore

    def to_strings(self) -> dict[str, str]:
        """Return it as strings by name, as a label keeps them."""
        return {"state": self.state, "message_id": self.message_id, "score": json.dumps(asdict(self.score))}

    @classmethod
    def from_strings(cls, strings: dict[str, str]) -> Kept:
        """Read what `to_strings` returned.

        Raises
        ------
        StateError
            When it is damaged.
        """
        try:
            return cls(strings["state"], strings["message_id"], MessageScore(**json.loads(strings["score"])))
        except (KeyError, TypeError, ValueError):
            raise StateError(
                "what is kept of the conversation is damaged", do="Remove the label, and give the conversation's messages again"
            ) from None  # the cause quotes what it was given


class Store(Protocol[ContraEntityT]):
    """Where the states lie."""

    def read(self, conversation: ContraEntityT) -> Kept | None:
        """Return what is kept of a conversation."""
        ...

    def replace(self, conversation: ContraEntityT, kept: Kept) -> Kept | None:
        """Keep this, and return what it replaced, in one transaction."""
        ...


class SharedModel:
    """The model of a process, which ``SAFELIGHT_MODEL`` names: loaded when it is first asked for, once for all rules."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @cached_property
    def folder(self) -> ModelFolder:
        """The folder of the model."""
        return open_model_folder(model_path())

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The keys of the stages; the network is not loaded for them."""
        return validate_settings(self.folder.json("labels.json"), Taxonomy, where=str(self.folder.path)).keys

    @cached_property
    def alert_from(self) -> float:
        """The risk from which on a conversation is an alert."""
        return read_thresholds(self.folder.path / THRESHOLDS).risk

    def stepper(self) -> Stepper:
        """Return what scores message by message."""
        with self._lock:
            return self._stepper

    @cached_property
    def _stepper(self) -> Stepper:
        _, model = load_model(self.folder.path)
        return Stepper(model, model_id=self.folder.id)


class ConversationScorer(Generic[EntityT]):
    """Scores each message once, whichever rules ask for it and however often."""

    def __init__(self, stepper: Callable[[], Stepper], store: Callable[[], Store[EntityT]]) -> None:
        self._stepper = stepper
        self._store = store
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def score(self, conversation: EntityT, conversation_id: str, message: Message) -> MessageScore:
        """Return the score of a conversation's next message, or again that of its last one.

        Raises
        ------
        StateError
            When the state is of another model or damaged, or other workers go on with the conversation at the same time.
        """
        store, stepper = self._store(), self._stepper()
        with self._locks[hash(conversation) % _LOCKS]:
            there = before = store.read(conversation)
            for _ in range(ATTEMPTS):
                if before is not None and before.message_id == message.message_id:
                    if before is there:
                        return before.score
                    after = before
                else:
                    state = stepper.start(conversation_id) if before is None else ConversationState.from_json(before.state)
                    state, score = stepper.step(state, message)
                    after = Kept(state.to_json(), message.message_id, score)
                replaced = store.replace(conversation, after)
                if replaced == there:
                    return after.score
                there, before = after, replaced  # another worker was quicker: go on from its state
        raise StateError(
            "several workers score one conversation at the same time",
            do="Give all messages of a conversation to one worker, in order",
        )
