"""Score the messages of a stream as they come, each once in effect, with any broker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from pipeline.errors import StateError
from pipeline.scoring.core import DAMAGE
from pipeline.stream.broker import Broker, Entry, Failed, LeaseLost, Scored
from pipeline.stream.state import ConversationState
from pipeline.stream.step import Stepper

logger = logging.getLogger(__name__)

BATCH = 256
"""Entries that are read, scored and committed together."""

_WAIT_SECONDS = 0.2


class Worker:
    """A model and a broker. Several workers may run on one stream: one works, the others stand by."""

    def __init__(self, stepper: Stepper, broker: Broker, *, batch: int = BATCH) -> None:
        self._stepper = stepper
        self._broker = broker
        self._batch = batch

    def run(self, *, stop: Callable[[], bool], done: Callable[[int, int], None] = lambda scored, failed: None) -> None:
        """Work until ``stop`` says so, which is asked between batches. ``done`` is told how many were scored, and how many failed.

        Raises
        ------
        StateError
            When the states of the stream are of another model.
        """
        try:
            while not stop():
                if not self._broker.acquire(self._stepper.model):
                    time.sleep(_WAIT_SECONDS)
                    continue
                try:
                    while not stop():
                        done(*self.work_once())
                except LeaseLost:
                    logger.warning("another worker took the stream over; this one stands by")
        finally:
            self._broker.release()

    def work_once(self) -> tuple[int, int]:
        """Read some entries, score them and commit; return how many were scored and how many failed."""
        entries = self._broker.read(self._batch)
        if not entries:
            return 0, 0
        names = list(dict.fromkeys(entry.conversation_id for entry in entries if entry.message is not None))
        states = {name: ConversationState.from_json(content) for name, content in self._broker.states(names).items()}
        failed = [Failed(entry, entry.problem) for entry in entries if entry.message is None]
        scored: list[Scored] = []
        for together in _rounds([entry for entry in entries if entry.message is not None]):
            self._step(together, states, scored, failed)
        places = {entry.id: place for place, entry in enumerate(entries)}
        scored.sort(key=lambda score: places[score.entry.id])
        changed = {score.entry.conversation_id for score in scored}
        self._broker.commit({name: states[name].to_json() for name in changed}, scored, failed)
        return len(scored), len(failed)

    def _step(
        self, entries: Sequence[Entry], states: dict[str, ConversationState], scored: list[Scored], failed: list[Failed]
    ) -> None:
        pairs = []
        for entry in entries:
            state = states.get(entry.conversation_id) or self._stepper.start(entry.conversation_id)
            if state.conversation_id != entry.conversation_id:
                raise StateError("a state is of another conversation than its key says", do="Delete the states, and start anew")
            if entry.message is not None:
                pairs.append((state, entry.message))
        try:
            steps = self._stepper.step_many(pairs)
        except DAMAGE as error:
            if len(entries) == 1:
                failed.append(Failed(entries[0], type(error).__name__))
                return
            for entry in entries:  # one by one, so that the others are scored
                self._step([entry], states, scored, failed)
            return
        for entry, (state, score) in zip(entries, steps, strict=True):
            states[entry.conversation_id] = state
            scored.append(Scored(entry, score))


def _rounds(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the entries in rounds: the first of each conversation, then the second of each, and so on."""
    rounds: list[list[Entry]] = []
    count: dict[str, int] = {}
    for entry in entries:
        number = count.get(entry.conversation_id, 0)
        count[entry.conversation_id] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(entry)
    return rounds
