"""Explain a sign that its run did not explain, when somebody asks: with the model of the run, from the words of the message."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.errors import ReviewError, SafelightError
from pipeline.model.base import Model, Prediction
from pipeline.model.explain import Sign, explain_signs
from pipeline.model.folder import open_model_folder
from pipeline.model.load import load_model
from pipeline.model.scorable import utterances_of_rows
from pipeline.model.variant_reader import variant_reader
from pipeline.model.variants import CONTEXT, Conversations, Reworded
from pipeline.package_data import model_path
from pipeline.results import Run, ScoredMessage, WeightedSpan

_APART = 0.02
"""How far the probability of a stage may be from the run's: another runtime differs in the last digits, other words by more."""


class Explainer:
    """The model that says why a message is a sign; it is loaded when it is first asked. One question is answered at a time."""

    def __init__(self, model: Path | None = None) -> None:
        """Take the folder of the model, or the default one."""
        self._path = model
        self._loaded: tuple[str, Model] | None = None
        self._lock = threading.Lock()

    def explain(self, run: Run, messages: Sequence[ScoredMessage], position: int) -> ScoredMessage:
        """Return the message at a position, from 1, with the words that carry its strongest stage, and the indicators in them.

        ``messages`` are those of the conversation, with their words.

        Raises
        ------
        ReviewError
            When the message is no sign, the model is not that of the run, or what was scored is no longer what is there.
        """
        message = messages[position - 1]
        over = message.stages_over(run.thresholds)
        if not over:
            raise ReviewError("the message is over no threshold", do="Only signs can be explained")
        with self._lock:
            model = self._model_of(run)
            conversations, sign = _sign(run, messages, position, max(over, key=lambda stage: over[stage]))
            reader = variant_reader(conversations, model)
            lines = conversations[0][0]
            (read,) = reader.stages([Reworded(0, sign.number, lines[sign.number][1])])
            if abs(float(read[sign.stage]) - float(conversations[0][1].stages[sign.number, sign.stage])) > _APART:
                raise ReviewError("the conversation is not what was scored: something of it was deleted or has changed")
            (explanation,) = explain_signs(conversations, [sign], model, reader=reader)
        words = tuple(WeightedSpan(word.start, word.end, word.weight) for word in explanation.words)
        return replace(message, words=words, cues=explanation.cues)

    def _model_of(self, run: Run) -> Model:
        """Return the model, where it is the one that scored the run."""
        wanted = run.record["model"]
        try:
            if self._loaded is None:
                path = model_path(self._path)
                if (here := open_model_folder(path).id) != wanted["id"]:
                    raise _other(wanted["id"], here)
                folder, model = load_model(path)
                self._loaded = folder.id, model
        except ReviewError:
            raise
        except SafelightError as error:
            raise ReviewError(f"the model cannot be read: {error.what}", where=error.where, do=error.do) from error
        if self._loaded[0] != wanted["id"]:
            raise _other(wanted["id"], self._loaded[0])
        return self._loaded[1]


def _other(wanted: str, here: str) -> ReviewError:
    return ReviewError(
        f"the run was scored by the model {wanted}, and the model here is {here}", do="Start the review with --model and that model"
    )


def _sign(run: Run, messages: Sequence[ScoredMessage], position: int, stage: str) -> tuple[Conversations, Sign]:
    """Return the message with the few before it that count, as the model reads them and with what the run says of them."""
    rows = utterances_of_rows((message.speaker, message.kind, message.text) for message in messages[:position])
    read = [(messages[row], line) for row, line in rows][-CONTEXT - 1 :]
    if not read or read[-1][0].position != position or any(message.stages is None for message, _ in read):
        raise ReviewError("the conversation is not what was scored: something of it was deleted or has changed")
    keys = run.taxonomy.keys
    stages = np.asarray([[(message.stages or {})[key] for key in keys] for message, _ in read], np.float32)
    risk = np.asarray([message.risk for message, _ in read], np.float32)
    return [([line for _, line in read], Prediction(stages, risk, risk))], Sign(0, len(read) - 1, keys.index(stage))
