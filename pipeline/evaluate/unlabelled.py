"""Compare exports that nobody labelled with the calibration data of a model, to say whether its measured figures apply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.drift import Finding, Profile, drift
from pipeline.errors import ExportError
from pipeline.evaluate.record import made
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.model.base import Model
from pipeline.model.drift_profile import compute_drift_profile, load_drift_profile
from pipeline.model.load import load_model
from pipeline.model.scorable import utterances
from pipeline.output import new_file, write_json
from pipeline.results import THRESHOLDS
from pipeline.schema import Message
from pipeline.thresholds import read_thresholds

_BATCH = 64


@dataclass(frozen=True)
class Drift:
    """The profile of the exports, and where it is unlike that of the calibration split."""

    seen: Profile
    findings: tuple[Finding, ...]


def evaluate_unlabelled(
    paths: Sequence[Path],
    *,
    model: Path,
    options: ReadOptions,
    thresholds: Path | None = None,
    out: Path | None = None,
    overwrite: bool = False,
) -> Drift:
    """Score exports and compare them with what the model was calibrated on; write the comparison as JSON to ``out`` if given.

    Raises
    ------
    SafelightError
        When the exports or the model cannot be read, or the model keeps no profile.
    """
    folder, loaded = load_model(model)
    reference = load_drift_profile(folder.path)
    limits = read_thresholds(thresholds or folder.path / THRESHOLDS)
    seen = compute_drift_profile(folder.path, _read(paths, options, loaded), threshold=limits.risk)
    if not seen.conversations:
        raise ExportError("there is no conversation with words in the exports", do="Give others")
    result = Drift(seen, tuple(drift(reference, seen)))
    if out is not None:
        record = {
            "format": "safelight-drift/1",
            **made(),
            "model": {"id": folder.id, "name": folder.name},
            "findings": [
                {"name": finding.name, "reference": finding.reference, "seen": finding.seen, "warning": finding.warning}
                for finding in result.findings
            ],
            "reference": reference.as_json(),
            "seen": seen.as_json(),
        }
        with new_file(out, overwrite=overwrite) as file:
            write_json(file, record)
    return result


def _read(paths: Sequence[Path], options: ReadOptions, model: Model) -> Iterator[tuple[tuple[Message, ...], float]]:
    """Yield each conversation's messages with words, and its highest risk."""
    batch: list[tuple[Message, ...]] = []
    for conversation in read_conversations(paths, options, ReadLog()):
        batch.append(tuple(conversation.load().messages))
        if len(batch) == _BATCH:
            yield from _risks(batch, model)
            batch = []
    yield from _risks(batch, model)


def _risks(batch: Sequence[tuple[Message, ...]], model: Model) -> Iterator[tuple[tuple[Message, ...], float]]:
    predictions = model.predict([[line for _, line in utterances(messages)] for messages in batch])
    for messages, prediction in zip(batch, predictions, strict=True):
        yield messages, float(prediction.risk.max()) if len(prediction.risk) else 0.0
