"""The drift profile: what a model's scores looked like on its calibration split, saved in its folder. It holds no words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from evaluation.drift import FORMAT, Profile, profile, read_profile
from pipeline.corpora.labelled import LabelledConversation
from pipeline.errors import ModelFolderError
from pipeline.model.oov import oov_rate
from pipeline.model.scorable import utterances
from pipeline.output import write_json
from pipeline.schema import Message
from pipeline.text.language import language_of

REFERENCE = "reference.json"


def compute_drift_profile(folder: Path, conversations: Iterable[tuple[Sequence[Message], float]], *, threshold: float) -> Profile:
    """Return the drift profile of conversations, each given as its messages and its highest risk."""
    risks, messages, languages = [], [], []
    texts: list[str] = []
    for stage_scores, risk in conversations:
        words = [text for _, (_, text) in utterances(stage_scores)]
        if not words:
            continue
        risks.append(risk)
        messages.append(len(words))
        languages.append(language_of(words))
        texts += words
    characters = [len(text) for text in texts]
    return profile(risks, messages, characters, languages, unfamiliar=oov_rate(folder, texts), threshold=threshold)


def save_drift_profile(
    folder: Path, conversations: Sequence[LabelledConversation], peaks: Sequence[float], *, threshold: float
) -> None:
    """Write into a model folder, before it is sealed, the profile of the ordinary conversations that it was calibrated on.

    ``peaks`` are the highest risks, one a conversation. Real exports are nearly all ordinary, so grooming ones are left out.
    """
    ordinary = [
        (conversation.messages, peak)
        for conversation, peak in zip(conversations, peaks, strict=True)
        if conversation.is_grooming is False
    ]
    write_json(folder / REFERENCE, compute_drift_profile(folder, ordinary, threshold=threshold).as_json())


def load_drift_profile(folder: Path) -> Profile:
    """Read the profile that a model folder keeps.

    Raises
    ------
    ModelFolderError
        When there is none, or it is not one of ours.
    """
    path = folder / REFERENCE
    if not path.is_file():
        raise ModelFolderError("the model has no drift profile", where=str(path), do="Train it with this version")
    content = json.loads(path.read_text("utf-8"))
    if content.get("format") != FORMAT:
        raise ModelFolderError(f"the profile is not of the format {FORMAT}", where=str(path), do="Use a matching Safelight")
    return read_profile(content)
