"""The plug-in for Osprey, against a stand-in of its published interface: see tests/osprey_interface/README.md."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin

import pytest

pytest.importorskip("pluggy", reason="Osprey finds plug-ins with pluggy")

from osprey.engine.ast_validator.validation_context import ValidationContext
from osprey.engine.executor.execution_context import ExecutionContext
from osprey.engine.language_types.entities import EntityT
from osprey.engine.udf.arguments import ConstExpr
from osprey.engine.udf.base import UDFBase
from osprey.worker.adaptor.plugin_manager import plugin_manager
from osprey.worker.lib.osprey_shared.labels import LabelState, LabelStatus
from osprey.worker.lib.singletons import LABELS_PROVIDER
from osprey.worker.lib.storage.labels import LabelsProvider

from pipeline import load_model, read_export
from pipeline.errors import ConfigError, SafelightError, StateError
from pipeline.osprey import scorer as scorer_module
from pipeline.osprey.scorer import ConversationScorer, Kept, SharedModel
from pipeline.schema import Conversation, Message, Source
from pipeline.score import score_conversations

CONVERSATION = EntityT("Conversation", "c1")
LABEL = "safelight_state"


@pytest.fixture(scope="module")
def functions(root: Path) -> dict[str, type[UDFBase[Any, Any]]]:
    """The functions by name, as Osprey finds them: entry point, module, hook."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    (module,) = project["entry-points"]["osprey_plugin"].values()
    plugin: ModuleType = import_module(module)
    plugin_manager.register(plugin)
    plugin_manager.check_pending()
    (registered,) = plugin_manager.hook.register_udfs()
    plugin_manager.unregister(plugin)
    return {function.__name__: function for function in registered}


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> LabelsProvider:
    """The labels of a worker that has just been started."""
    provider = LabelsProvider()
    monkeypatch.setattr(LABELS_PROVIDER, "value", provider)
    return provider


def call(function: type[UDFBase[Any, Any]], message: Message, *, stage: str | None = None) -> Any:
    """Call a function from a place of its own, as each rule does."""
    fixed = {} if stage is None else {"stage": ConstExpr("stage", stage)}
    given = {"conversation": CONVERSATION, "message_id": message.message_id, "speaker": message.speaker, "text": message.text}
    arguments = function.types()[0]({**given, **fixed})  # type: ignore[attr-defined]
    return function(ValidationContext(), arguments).execute(ExecutionContext(), arguments)


def chat(root: Path) -> Conversation:
    (conversation,) = read_export(root / "data" / "samples" / "whatsapp-family.txt")
    return conversation


def messages(texts: Sequence[str]) -> Iterator[Message]:
    for number, text in enumerate(texts):
        yield Message(message_id=f"m{number}", speaker="ab"[number % 2], text=text, kind="message", source=Source("test"))


def test_osprey_can_use_the_types_of_every_function(functions: dict[str, type[UDFBase[Any, Any]]]) -> None:
    assert functions
    for function in functions.values():
        arguments, result = function.types()  # type: ignore[attr-defined]
        assert result in (float, bool)
        kinds = {get_origin(kind) or kind for kind in arguments.items().values()}
        assert kinds <= {str, EntityT, ConstExpr}
        assert function.__doc__


def test_backfill_equals_live(functions: dict[str, type[UDFBase[Any, Any]]], labels: LabelsProvider, root: Path) -> None:
    conversation = chat(root)
    said = [message for message in conversation.messages if message.speaker is not None and message.kind == "message"]
    whole = Conversation(conversation_id="c1", platform="test", messages=tuple(said))
    scores = score_conversations([whole], load_model().model)[0]
    stage = load_model().classes_[0]
    for message, score in zip(said, scores, strict=True):
        assert call(functions["SafelightRisk"], message) == score.risk
        assert call(functions["SafelightSpeakerRisk"], message) == (score.speaker_risk or 0.0)
        assert call(functions["SafelightStage"], message, stage=stage) == (score.stages or {stage: 0.0})[stage]
        assert call(functions["SafelightAlert"], message) == (score.risk >= load_model().thresholds.risk)


def test_a_message_is_counted_once_however_many_rules_ask_and_when_it_comes_again(
    functions: dict[str, type[UDFBase[Any, Any]]], labels: LabelsProvider
) -> None:
    first, second = messages(["how old are you anyway", "twelve"])
    call(functions["SafelightRisk"], first)
    risk = call(functions["SafelightRisk"], second)
    kept = labels.get_from_service(CONVERSATION)
    assert call(functions["SafelightRisk"], second) == risk
    assert labels.get_from_service(CONVERSATION) == kept


def test_all_call_sites_share_one_model(
    functions: dict[str, type[UDFBase[Any, Any]]], labels: LabelsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = import_module("pipeline.osprey.plugin")
    loads: list[Path] = []

    def counted(path: Path) -> Any:
        loads.append(path)
        return real(path)

    real = scorer_module.load_model
    monkeypatch.setattr(scorer_module, "load_model", counted)
    model = SharedModel()
    monkeypatch.setattr(plugin, "_scorer", ConversationScorer(model.stepper, plugin._label_store))
    for message in messages(["hi", "hello", "good game"]):
        for name in ("SafelightRisk", "SafelightAlert", "SafelightSpeakerRisk"):
            call(functions[name], message)
    assert len(loads) == 1


def test_what_the_label_keeps_holds_neither_words_nor_names(
    functions: dict[str, type[UDFBase[Any, Any]]], labels: LabelsProvider
) -> None:
    message = Message(message_id="m", speaker="walrusname", text="tangerine staircase", source=Source("test"))
    call(functions["SafelightRisk"], message)
    kept = repr(labels.get_from_service(CONVERSATION))
    assert "state" in kept
    assert not [word for word in ("walrusname", "tangerine", "staircase") if word in kept]


def test_an_unknown_stage_is_an_error_of_the_rule(functions: dict[str, type[UDFBase[Any, Any]]]) -> None:
    function, context = functions["SafelightStage"], ValidationContext()
    given = {"conversation": CONVERSATION, "message_id": "m", "speaker": "a", "text": "hi"}
    stage = ConstExpr("stage", "weather", argument_span="main.sml:3")
    function(context, function.types()[0]({**given, "stage": stage}))  # type: ignore[attr-defined]
    ((message, span, hint),) = context.errors
    assert (message, span) == ("unknown stage", "main.sml:3")
    assert load_model().classes_[0] in hint


def test_without_a_labels_service_the_error_says_so(
    functions: dict[str, type[UDFBase[Any, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LABELS_PROVIDER, "value", None)
    with pytest.raises(ConfigError, match="labels service"):
        call(functions["SafelightRisk"], next(messages(["hi"])))


@pytest.mark.parametrize("status", [LabelStatus.MANUALLY_ADDED, LabelStatus.MANUALLY_REMOVED])
def test_a_label_that_was_set_by_hand_is_named(
    status: LabelStatus, functions: dict[str, type[UDFBase[Any, Any]]], labels: LabelsProvider
) -> None:
    labels.stored.setdefault(CONVERSATION, labels.get_from_service(CONVERSATION)).labels[LABEL] = LabelState(status, {})
    with pytest.raises(StateError, match=f"label {LABEL} was set by hand"):
        call(functions["SafelightRisk"], next(messages(["hi"])))


@pytest.mark.parametrize(
    "damage",
    [{"state": "tangerine"}, {"score": "tangerine"}, {"score": "[]"}, {"score": '{"tangerine": 1}'}],
    ids=["state", "score", "no object", "another object"],
)
def test_a_damaged_state_is_refused_without_quoting_it(
    damage: dict[str, str], functions: dict[str, type[UDFBase[Any, Any]]], labels: LabelsProvider
) -> None:
    first, second = messages(["hi", "hello"])
    call(functions["SafelightRisk"], first)
    labels.stored[CONVERSATION].labels[LABEL].reasons["safelight"].features |= damage
    with pytest.raises(SafelightError) as raised:
        call(functions["SafelightRisk"], second)
    assert "tangerine" not in str(raised.value)


def test_the_state_of_another_model_is_refused(
    functions: dict[str, type[UDFBase[Any, Any]]], labels: LabelsProvider, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = import_module("pipeline.osprey.plugin")
    first, second = messages(["hi", "hello"])
    call(functions["SafelightRisk"], first)
    monkeypatch.setenv("SAFELIGHT_MODEL", str(tiny_model))
    monkeypatch.setattr(plugin, "_scorer", ConversationScorer(SharedModel().stepper, plugin._label_store))
    with pytest.raises(StateError, match="is of the model"):
        call(functions["SafelightRisk"], second)


class Racing:
    """A store in which another worker keeps a message of its own between a read and a replacement."""

    def __init__(self, shared: SharedModel, *, races: int) -> None:
        self.kept: Kept | None = None
        self._other = ConversationScorer[str](shared.stepper, lambda: self)
        self._races = races
        self._count = 0

    def read(self, conversation: str) -> Kept | None:
        return self.kept

    def replace(self, conversation: str, kept: Kept) -> Kept | None:
        if self._races:
            self._races -= 1
            self._count += 1
            races, self._races = self._races, 0
            text = "this stays our secret ok"
            message = Message(message_id=f"other {self._count}", speaker="b", text=text, source=Source("test"))
            self._other.score(conversation, conversation, message)
            self._races = races
        replaced, self.kept = self.kept, kept
        return replaced


def test_a_message_that_another_worker_scored_meanwhile_is_not_lost() -> None:
    shared = SharedModel()
    store = Racing(shared, races=1)
    (message,) = messages(["how old are you anyway"])
    score = ConversationScorer[str](shared.stepper, lambda: store).score("c", "c", message)
    assert store.kept is not None
    other = Message(message_id="other 1", speaker="b", text="this stays our secret ok", source=Source("test"))
    both = Conversation(conversation_id="c", platform="test", messages=(other, message))
    assert store.kept.score == score == score_conversations([both], load_model().model)[0][-1]


def test_workers_that_always_meet_are_told_so() -> None:
    shared = SharedModel()
    store = Racing(shared, races=99)
    with pytest.raises(StateError, match="several workers"):
        ConversationScorer[str](shared.stepper, lambda: store).score("c", "c", next(messages(["hi"])))
