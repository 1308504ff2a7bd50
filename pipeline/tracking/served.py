"""The model behind MLflow: ``mlflow models serve`` and ``spark_udf`` load this file, and it loads a model folder. No pickles.

A table of whole conversations in, ``conversation_id, message_id, speaker, text`` in order; the scores of `safelight score` out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from pipeline.model.load import load_model
from pipeline.results import stage_column
from pipeline.schema import Conversation, Message, Source
from pipeline.score import score_conversations

COLUMNS = ("conversation_id", "message_id", "speaker", "text")


class ServedModel(PythonModel):
    """A model folder as an MLflow model."""

    def load_context(self, context: Any) -> None:
        """Load the folder that was logged as the artifact ``folder``."""
        _, self._model = load_model(Path(context.artifacts["folder"]))

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return a row a message, in the order given: ids, the probability of each stage, the running risk, the speaker's."""
        del context, params
        rows = model_input.reset_index(drop=True)
        row_of: dict[int, dict[str, Any]] = {}
        groups = [(str(name), part) for name, part in rows.groupby("conversation_id", sort=False)]
        scored = score_conversations([_conversation(name, part) for name, part in groups], self._model)
        for (name, part), scores in zip(groups, scored, strict=True):
            for number, score in zip(part.index, scores, strict=True):
                stages = {stage_column(stage): value for stage, value in (score.stages or {}).items()}
                row_of[int(number)] = {
                    "conversation_id": name,
                    "message_id": score.message_id,
                    **{stage_column(stage): None for stage in self._model.taxonomy.keys},
                    **stages,
                    "risk": score.risk,
                    "speaker_risk": score.speaker_risk,
                }
        return pd.DataFrame([row_of[number] for number in range(len(rows))])


def _conversation(name: str, part: pd.DataFrame) -> Conversation:
    messages = tuple(
        Message(
            message_id=str(message_id),
            speaker=None if pd.isna(speaker) else str(speaker),
            text="" if pd.isna(text) else str(text),
            source=Source("served", row=int(number) + 1),
        )
        for number, message_id, speaker, text in zip(part.index, part["message_id"], part["speaker"], part["text"], strict=True)
    )
    return Conversation(conversation_id=name, platform="served", messages=messages)


set_model(ServedModel())
