"""A conversation scored message by message has the scores of a batch run, after every message, to the bit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import StateError
from pipeline.model.base import Model
from pipeline.model.load import load_model
from pipeline.schema import Conversation, Kind, Message, MessageScore, Source
from pipeline.score import score_conversations
from pipeline.stream.state import ConversationState
from pipeline.stream.step import Stepper

TEXTS = (
    "how old are you anyway",
    "this stays our secret ok",
    "dinner is ready at six",
    "i am twelve, in year seven",
    "are your parents home",
    "ok",
    "",
    "\ud800 half a pair",
    "This message was deleted",
    "bring the dog inside please " * 20,
)
KINDS: tuple[Kind, ...] = ("message", "message", "message", "message", "system", "media", "deleted")

rows = st.lists(
    st.tuples(
        st.sampled_from(["ana", "ben", "", "cleo", None]), st.sampled_from(KINDS), st.sampled_from(TEXTS) | st.text(max_size=30)
    ),
    max_size=16,
)
shared = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@cache
def loaded(path: Path) -> tuple[Stepper, Model]:
    folder, model = load_model(path)
    return Stepper(model, model_id=folder.id), model


def messages_of(said: Sequence[tuple[str | None, Kind, str]]) -> tuple[Message, ...]:
    return tuple(
        Message(message_id=f"m{number}", speaker=speaker, kind=kind, text=text, source=Source("test", row=number + 1))
        for number, (speaker, kind, text) in enumerate(said)
    )


def batch(model: Model, messages: Sequence[Message]) -> list[MessageScore]:
    return score_conversations([Conversation(conversation_id="c", platform="test", messages=tuple(messages))], model)[0]


def stream(stepper: Stepper, messages: Sequence[Message]) -> tuple[ConversationState, list[MessageScore]]:
    """Step through messages; the state is written and read back each time."""
    state, scores = stepper.start("c"), []
    for message in messages:
        state, score = stepper.step(ConversationState.from_json(state.to_json()), message)
        scores.append(score)
    return state, scores


@pytest.fixture(params=["baseline", "encoder", "default"])
def model_folder(request: pytest.FixtureRequest, root: Path) -> Path:
    if request.param == "default":
        return root / "models" / "default"
    return request.getfixturevalue("tiny_model" if request.param == "baseline" else "tiny_encoder_model")


@shared
@given(said=rows)
def test_the_scores_are_those_of_a_batch_run(model_folder: Path, said: list[tuple[str | None, Kind, str]]) -> None:
    stepper, model = loaded(model_folder)
    messages = messages_of(said)
    assert stream(stepper, messages)[1] == batch(model, messages)


@settings(shared, max_examples=3)
@given(said=rows)
def test_every_prefix_of_a_batch_run_has_the_scores_of_the_whole(
    model_folder: Path, said: list[tuple[str | None, Kind, str]]
) -> None:
    _, model = loaded(model_folder)
    messages = messages_of(said)
    whole = batch(model, messages)
    assert all(batch(model, messages[:end]) == whole[:end] for end in range(len(messages)))


def test_long_talk_in_the_default_model_has_the_scores_of_a_batch_run(root: Path) -> None:
    stepper, model = loaded(root / "models" / "default")
    generator = np.random.default_rng(7)
    picks = generator.integers(0, len(TEXTS), 150), generator.integers(0, 4, 150)
    messages = messages_of([("abcd"[who], "message", f"{TEXTS[what]} {who}") for what, who in zip(*picks, strict=True)])
    scores = stream(stepper, messages)[1]
    assert scores == batch(model, messages)
    assert max(score.risk for score in scores) > 0.05


def test_a_step_in_many_conversations_is_a_step_in_each(model_folder: Path) -> None:
    stepper, _ = loaded(model_folder)
    messages = messages_of([("ana", "message", text) for text in TEXTS])
    alone = [stepper.step(stepper.start(f"c{number}"), message) for number, message in enumerate(messages)]
    together = stepper.step_many([(stepper.start(f"c{number}"), message) for number, message in enumerate(messages)])
    assert [score for _, score in together] == [score for _, score in alone]
    assert [state.to_json() for state, _ in together] == [state.to_json() for state, _ in alone]


def test_a_step_leaves_the_state_that_it_was_given(model_folder: Path) -> None:
    stepper, _ = loaded(model_folder)
    first, *others = messages_of([("ana", "message", text) for text in TEXTS])
    state, _ = stepper.step(stepper.start("c"), first)
    before = state.to_json()
    for other in others:
        stepper.step(state, other)
    assert state.to_json() == before


def test_a_state_holds_neither_words_nor_names(model_folder: Path) -> None:
    stepper, _ = loaded(model_folder)
    said: list[tuple[str | None, Kind, str]] = [("zebediah", "message", "how old are you anyway zanzibar")] * 3
    state, _ = stream(stepper, messages_of(said))
    assert "zebediah" not in state.to_json()
    assert "zanzibar" not in state.to_json()


def test_a_state_does_not_grow_with_the_messages(model_folder: Path) -> None:
    stepper, _ = loaded(model_folder)
    talk = messages_of([("ab"[number % 2], "message", text) for number, text in enumerate(TEXTS * 3)])
    sizes = [len(stream(stepper, talk[:count])[0].to_json()) for count in (12, 30)]
    assert sizes[1] < sizes[0] * 1.2


def test_a_state_of_another_model_is_refused(tiny_model: Path, root: Path) -> None:
    own, other = loaded(tiny_model)[0], loaded(root / "models" / "default")[0]
    state, _ = own.step(own.start("c"), messages_of([("ana", "message", "ok")])[0])
    with pytest.raises(StateError, match="the state is of the model"):
        other.step(state, messages_of([("ana", "message", "ok")])[0])


def test_two_messages_of_one_conversation_in_one_step_are_refused(tiny_model: Path) -> None:
    stepper, _ = loaded(tiny_model)
    first, second = messages_of([("ana", "message", "ok"), ("ana", "message", "no")])
    with pytest.raises(StateError, match="one conversation"):
        stepper.step_many([(stepper.start("c"), first), (stepper.start("c"), second)])


@pytest.mark.parametrize(
    "change",
    [
        {"format": "safelight-state/0"},
        {"rows": -1},
        {"window": "not base64!"},
        {"window": "AAAA"},
        {"window": "AADAfwAAwH8="},
        {"window_speakers": [7]},
        {"youngest": 9},
        {"speakers": [{"key": "ana"}]},
        {"more": 1},
    ],
    ids=str,
)
def test_a_damaged_state_is_refused_without_quoting_it(change: dict[str, object], root: Path) -> None:
    stepper, _ = loaded(root / "models" / "default")
    state, _ = stream(stepper, messages_of([("ana", "message", "dinner"), ("ben", "message", "yes")]))
    content = json.loads(state.to_json()) | change
    with pytest.raises(StateError) as caught:
        ConversationState.from_json(json.dumps(content))
    assert "not base64" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "null", "[]", "{}", "\ud800", "{" * 5000])
def test_what_is_no_state_is_refused(content: str) -> None:
    with pytest.raises(StateError):
        ConversationState.from_json(content)


def test_a_state_that_does_not_fit_its_model_is_refused(root: Path) -> None:
    stepper, _ = loaded(root / "models" / "default")
    message = messages_of([("ana", "message", "dinner")])[0]
    state, _ = stepper.step(stepper.start("c"), message)
    content = json.loads(state.to_json())
    content["speakers"][0]["highest"] = [0.0]
    with pytest.raises(StateError, match="does not fit"):
        stepper.step(ConversationState.from_json(json.dumps(content)), message)
    content = json.loads(state.to_json()) | {"window": "AAAAAA=="}
    with pytest.raises(StateError, match="does not fit"):
        stepper.step(ConversationState.from_json(json.dumps(content)), message)
