"""The Python interface: what `from pipeline import …` gives. Its names and signatures are kept stable.

::

    from pipeline import load_model, read_export
    model = load_model()
    print(model.predict(read_export("chat.zip")).to_arrow())

Wherever a model is asked for, the name of a model that ships or the path of a model folder will do; see `pipeline.package_data`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.config import Taxonomy
from pipeline.errors import InputError
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.model.base import Model
from pipeline.model.encoder.runtime import DEFAULT_RUNTIME, Device, RuntimeName
from pipeline.model.explain import SIGNS
from pipeline.model.folder import ModelFolder
from pipeline.model.load import load_model as _load_model
from pipeline.package_data import config_path, model_path
from pipeline.predictions import Predictions, conversations_of
from pipeline.results import THRESHOLDS, Run, TextPolicy
from pipeline.schema import Conversation, Message, MessageScore
from pipeline.score import score as _score
from pipeline.scoring.chats import chat_table
from pipeline.scoring.core import Scorer, score_table
from pipeline.stream.state import ConversationState
from pipeline.stream.step import Stepper
from pipeline.thresholds import Thresholds, read_thresholds

if TYPE_CHECKING:
    from pipeline.evaluate import Evaluation

__all__ = ["LoadedModel", "evaluate", "load_model", "read_export", "score", "train"]

PathLike = str | Path
Leakage = Literal["refuse", "leave out", "allow"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to score."""

    folder: ModelFolder
    model: Model
    thresholds: Thresholds

    @property
    def id(self) -> str:
        """What tells the model from every other: a hash over all its files."""
        return self.folder.id

    @property
    def name(self) -> str:
        """The name of the recipe that trained it."""
        return self.folder.name

    @property
    def taxonomy(self) -> Taxonomy:
        """The stages, with their definitions."""
        return self.model.taxonomy

    @property
    def classes_(self) -> tuple[str, ...]:
        """The keys of the stages, in the order of the taxonomy."""
        return self.model.taxonomy.keys

    def predict(self, conversations: object) -> Predictions:
        """Score conversations: some of `read_export`, lists of ``(speaker, text)``, or a table of messages.

        The network reads every conversation: there is no cascade here. A conversation that cannot be scored is in ``failed``.

        Raises
        ------
        InputError
            When something else is given; see `pipeline.predictions.conversations_of`.
        """
        given = conversations_of(conversations)
        scored = score_table(chat_table(given, text="omit"), Scorer(self.model))
        for conversation_id, reason in scored.failed:
            logger.warning("conversation %r was not scored: %s", conversation_id, reason)
        counts = scored.conversations["messages"].to_pylist()
        return Predictions(scored.scores, counts, self.classes_, self.thresholds, scored.failed)

    def start(self, conversation_id: str) -> ConversationState:
        """Return the state of a conversation that nothing has been said in."""
        return self.stepper.start(conversation_id)

    def step(self, state: ConversationState, message: Message) -> tuple[ConversationState, MessageScore]:
        """Return the state after a message, and its score: that which `predict` gives for all messages so far.

        Raises
        ------
        StateError
            When the state is of another model.
        """
        return self.stepper.step(state, message)

    @cached_property
    def stepper(self) -> Stepper:
        """What scores message by message; its ``step_many`` does so in many conversations at once."""
        return Stepper(self.model, model_id=self.id)


def load_model(model: PathLike | None = None, *, device: Device = "cpu", runtime: RuntimeName = DEFAULT_RUNTIME) -> LoadedModel:
    """Load a model; without a name, the one that ``SAFELIGHT_MODEL`` names, or else the default one.

    Raises
    ------
    ModelFolderError
        When there is no such model, or its folder is incomplete or changed.
    ConfigError
        When the device or the runtime cannot be used.
    """
    folder, loaded = _load_model(model_path(model), device=device, runtime=runtime)
    return LoadedModel(folder, loaded, read_thresholds(folder.path / THRESHOLDS))


def read_export(
    paths: PathLike | Iterable[PathLike], *, options: ReadOptions | None = None, log: ReadLog | None = None
) -> Iterator[Conversation]:
    """Yield the conversations of chat exports, each with its messages in a tuple.

    What was noticed on the way is kept in ``log``. Without one, each file that failed and each warning is logged as a warning.

    Raises
    ------
    ExportError
        When there is nothing to read, or an export cannot be read whole.
    """
    kept = ReadLog() if log is None else log
    for conversation in read_conversations(_paths(paths), options or ReadOptions(), kept):
        yield conversation.load()
    if log is None:
        for unread in kept.failed:
            logger.warning("%s was not read: %s", unread.name, unread.reason)
        for warning in kept.warnings:
            logger.warning("%s", warning)


def score(
    paths: PathLike | Iterable[PathLike],
    *,
    out: PathLike,
    model: PathLike | None = None,
    options: ReadOptions | None = None,
    text: TextPolicy = "omit",
    thresholds: PathLike | None = None,
    cascade: bool | None = None,
    since: PathLike | None = None,
    patterns: bool = True,
    explain: int = SIGNS,
    overwrite: bool = False,
) -> Run:
    """Score exports of any size and write the run folder ``out``, as `safelight score` does; see `pipeline.score`.

    Raises
    ------
    SafelightError
        When an export, the model or the output cannot be read or written.
    """
    return _score(
        _paths(paths),
        model=model_path(model),
        out=Path(out),
        options=options,
        text=text,
        thresholds=_path(thresholds),
        cascade=cascade,
        since=_path(since),
        patterns=patterns,
        explain=explain,
        overwrite=overwrite,
    )


def train(
    config: PathLike,
    *,
    corpus: PathLike | Iterable[PathLike],
    out: PathLike,
    ordinary: PathLike | Iterable[PathLike] = (),
    splits: PathLike | None = None,
    encoder: PathLike | None = None,
    overrides: Iterable[str] = (),
    columns: Mapping[str, str] | None = None,
    track: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = logger.info,
) -> LoadedModel:
    """Train a recipe, given by its path or the name of one that ships, and return the model; see `pipeline.training.train`.

    Raises
    ------
    SafelightError
        When a file is not valid, the corpus is too small, or the extra `train` is not installed.
    """
    from pipeline.training.train import train as train_recipe

    if isinstance(overrides, str):
        raise InputError("overrides is a string, not a list of key=value", do=f"Give [{overrides!r}]")
    folder = train_recipe(
        config_path(config),
        corpus=_paths(corpus),
        ordinary=_paths(ordinary),
        out=Path(out),
        splits=_path(splits),
        encoder_path=_path(encoder),
        overrides=overrides,
        columns=columns or {},
        track=track,
        overwrite=overwrite,
        say=say,
    )
    return load_model(folder.path)


def evaluate(
    model: PathLike | None = None,
    *,
    corpus: PathLike | Iterable[PathLike],
    split: str = "test",
    ordinary: PathLike | Iterable[PathLike] = (),
    splits: PathLike | None = None,
    leakage: Leakage = "refuse",
    columns: Mapping[str, str] | None = None,
    out: PathLike | None = None,
    overwrite: bool = False,
) -> Evaluation:
    """Measure a model on a split of labelled corpora; see `pipeline.evaluate.evaluate`.

    Raises
    ------
    SafelightError
        When something cannot be read, the split is empty, or the model has met it in training.
    """
    from pipeline.evaluate import DatasetSelection
    from pipeline.evaluate import evaluate as evaluate_model
    from pipeline.evaluate.run import Settings

    selection = DatasetSelection(_paths(corpus), _paths(ordinary), _path(splits), split, leakage=leakage, columns=columns or {})
    return evaluate_model(model_path(model), selection, Settings(out=_path(out), overwrite=overwrite))


def _paths(given: PathLike | Iterable[PathLike]) -> Sequence[Path]:
    paths = [given] if isinstance(given, (str, Path)) else list(given)
    if wrong := [type(path).__name__ for path in paths if not isinstance(path, (str, Path))]:
        raise InputError(f"a path is a {wrong[0]}", do="Give paths as strings or as pathlib.Path")
    return [Path(path) for path in paths]


def _path(given: PathLike | None) -> Path | None:
    return None if given is None else Path(given)
