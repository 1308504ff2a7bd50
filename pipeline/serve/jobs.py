"""What the model does for several requests at once. A request that cannot be answered spoils no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.alerts import first_alert
from pipeline.errors import SafelightError, StateError
from pipeline.model.base import Model
from pipeline.results import ScoredMessage, scored_messages
from pipeline.schema import Message, MessageScore
from pipeline.scoring.chats import chat_table
from pipeline.scoring.core import DAMAGE, Scorer, score_table
from pipeline.serve.wire import ConversationOut, ScoreOut, ScoreRequest, ScoreResponse, StepRequest, StepResponse
from pipeline.stream.state import ConversationState
from pipeline.stream.step import Stepper

Request = ScoreRequest | StepRequest


@dataclass
class _Stepping:
    state: ConversationState
    messages: list[Message]
    scores: list[MessageScore]


class Answerer:
    """A loaded model that answers requests. ``threshold`` is the risk from which on a conversation is an alert."""

    def __init__(self, model: Model, *, model_id: str, threshold: float) -> None:
        self._scorer = Scorer(model)
        self._stepper = Stepper(model, model_id=model_id)
        self._stages = model.taxonomy.keys
        self._threshold = threshold
        self.model = self._stepper.model

    def answer(self, requests: Sequence[Request]) -> list[object]:
        """Return, for each request, its answer or the exception that stands for it."""
        answers: dict[int, object] = {}
        scoring = {place: request for place, request in enumerate(requests) if isinstance(request, ScoreRequest)}
        stepping = {place: request for place, request in enumerate(requests) if isinstance(request, StepRequest)}
        try:
            answers |= dict(zip(scoring, self._score(list(scoring.values())), strict=True)) if scoring else {}
        except DAMAGE as error:
            answers |= dict.fromkeys(scoring, _unanswered(error))
        answers |= self._steps(stepping)
        return [answers[place] for place in range(len(requests))]

    def _score(self, requests: Sequence[ScoreRequest]) -> list[ScoreResponse]:
        given = [(place, conversation) for place, request in enumerate(requests) for conversation in request.conversations]
        # Two requests may use one id: here a conversation is called by its number.
        chats = [
            replace(given_conversation.conversation(), conversation_id=str(number))
            for number, (_, given_conversation) in enumerate(given)
        ]
        scored = score_table(chat_table(chats, text="omit"), self._scorer)
        scores: dict[str, list[ScoredMessage]] = {name: [] for name in scored.conversations["conversation_id"].to_pylist()}
        for row in scored_messages(scored.scores, self._stages):
            scores[row.conversation_id].append(row)
        answers: list[list[ConversationOut]] = [[] for _ in requests]
        failed: list[list[str]] = [[] for _ in requests]
        for number, (place, conversation) in enumerate(given):
            rows = scores.get(str(number))
            if rows is None:
                failed[place].append(conversation.conversation_id)
                continue
            risks = [row.risk for row in rows]
            answers[place].append(
                ConversationOut(
                    conversation_id=conversation.conversation_id,
                    risk=max(risks, default=0.0),
                    first_alert=first_alert(risks, self._threshold),
                    scores=[ScoreOut.of(row) for row in rows],
                )
            )
        return [
            ScoreResponse(model=self.model, threshold=self._threshold, conversations=given_conversation, failed=bad)
            for given_conversation, bad in zip(answers, failed, strict=True)
        ]

    def _steps(self, requests: dict[int, StepRequest]) -> dict[int, object]:
        answers: dict[int, object] = {}
        work: dict[int, _Stepping] = {}
        for place, request in requests.items():
            try:
                work[place] = self._begun(request)
            except StateError as error:
                answers[place] = error
        while current := {place: stepping for place, stepping in work.items() if stepping.messages}:
            together: dict[str, int] = {}
            for place, stepping in current.items():
                together.setdefault(stepping.state.conversation_id, place)  # of one conversation, one at a time
            places = list(together.values())
            try:
                steps = self._stepper.step_many([(work[place].state, work[place].messages[0]) for place in places])
            except DAMAGE as error:
                if len(places) == 1:
                    answers[places[0]] = _unanswered(error)
                    work[places[0]].messages.clear()
                else:
                    for place in places:  # one by one, so that the others are answered
                        answers |= self._alone(place, work[place])
                continue
            for place, (state, score) in zip(places, steps, strict=True):
                work[place].state = state
                work[place].scores.append(score)
                del work[place].messages[0]
        for place, stepping in work.items():
            if place not in answers:
                answers[place] = self._response(stepping)
        return answers

    def _alone(self, place: int, stepping: _Stepping) -> dict[int, object]:
        while stepping.messages:
            try:
                stepping.state, score = self._stepper.step(stepping.state, stepping.messages.pop(0))
            except DAMAGE as error:
                stepping.messages.clear()
                return {place: _unanswered(error)}
            stepping.scores.append(score)
        return {place: self._response(stepping)}

    def _begun(self, request: StepRequest) -> _Stepping:
        state = self._stepper.start(request.conversation_id)
        if request.state is not None:
            state = ConversationState.from_json(request.state)
            self._stepper.check(state)
            if state.conversation_id != request.conversation_id:
                raise StateError("the state is of another conversation", do="Send the state that came with its last messages")
        messages = [message.message(state.rows + number) for number, message in enumerate(request.messages, 1)]
        return _Stepping(state, messages, [])

    def _response(self, stepping: _Stepping) -> StepResponse:
        return StepResponse(
            model=self.model,
            threshold=self._threshold,
            state=stepping.state.to_json(),
            scores=[ScoreOut.of(score) for score in stepping.scores],
        )


def _unanswered(error: BaseException) -> SafelightError:
    return SafelightError(f"the request cannot be scored ({type(error).__name__})", do="Send its conversations one by one")
