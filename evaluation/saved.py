"""Judged conversations on disk: one Parquet file, from which every figure and the report are computed again without the model.

A row a conversation, lists over its messages with words. Names of speakers are not kept: a letter a conversation, or a hash where
the corpus names people across conversations (which hides a name from a reader, not from who guesses it). ``text``
is there only where somebody asked for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evaluation.metrics import Judged
from evaluation.speakers import NAMED_CORPORA
from pipeline.digests import sha256_of_text
from pipeline.errors import ResultsError
from pipeline.thresholds import Thresholds

FORMAT = "safelight-judged/1"
SCORES = "scores.parquet"
METRICS = "metrics.json"
_KEY = b"safelight"


@dataclass(frozen=True)
class Saved:
    """What a model said of labelled conversations, where alerts began, and ``about``: model, data, settings, as JSON holds them."""

    judged: Sequence[Judged]
    thresholds: Thresholds
    about: Mapping[str, Any] = field(default_factory=dict)


def judged_schema(keys: Sequence[str]) -> pa.Schema:
    """Return the columns of a file of judged conversations."""
    numbers = pa.list_(pa.float32())
    return pa.schema(
        [
            ("conversation_id", pa.string()),
            ("grooming", pa.bool_()),
            ("groomers", pa.list_(pa.string())),
            ("attributes", pa.map_(pa.string(), pa.string())),
            ("message_id", pa.list_(pa.string())),
            ("speaker", pa.list_(pa.string())),
            ("text", pa.list_(pa.string())),
            ("flagged", pa.list_(pa.string())),
            ("risk", numbers),
            ("speaker_risk", numbers),
            *((f"stage_{key}", numbers) for key in keys),
            *((f"label_{key}", pa.list_(pa.int8())) for key in keys),
        ]
    )


def write_saved(saved: Saved, path: Path) -> None:
    """Write judged conversations to a Parquet file, with what they are about in its metadata."""
    keys = saved.thresholds.keys
    about = {"format": FORMAT, "risk": saved.thresholds.risk, "stages": dict(saved.thresholds.stages), "about": dict(saved.about)}
    schema = judged_schema(keys).with_metadata({_KEY: json.dumps(about, ensure_ascii=False).encode("utf-8")})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, len(saved.judged), 2048):
            rows = [_row(conversation, keys) for conversation in saved.judged[start : start + 2048]]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def read_saved(path: Path) -> Saved:
    """Read judged conversations from a Parquet file, or from the folder that holds it.

    Raises
    ------
    ResultsError
        When it cannot be read, or is not one of ours.
    """
    file = path / SCORES if path.is_dir() else path
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResultsError(f"cannot be read as saved scores ({type(error).__name__})", where=str(file), do=_DO) from error
    about = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    if about.get("format") != FORMAT:
        raise ResultsError("these are no saved scores of an evaluation", where=str(file), do=_DO)
    thresholds = Thresholds(risk=about["risk"], stages=about["stages"])
    missing = set(judged_schema(thresholds.keys).names) - set(table.column_names)
    if missing:
        raise ResultsError(f"the saved scores lack {', '.join(sorted(missing))}", where=str(file), do=_DO)
    judged = [_judged(row, thresholds.keys) for batch in table.to_batches(max_chunksize=2048) for row in batch.to_pylist()]
    return Saved(judged, thresholds, about["about"])


_DO = "Give the scores.parquet, or the folder, of a `safelight evaluate --out`"


def is_saved(path: Path) -> bool:
    """Tell the folder of an evaluation, or its scores, from a model folder."""
    return path.suffix == ".parquet" or (path / SCORES).is_file()


def _row(conversation: Judged, keys: Sequence[str]) -> dict[str, Any]:
    names = _names(conversation)
    labels = np.where(np.isnan(conversation.labels), -1, conversation.labels).astype(np.int8)
    return {
        "conversation_id": conversation.id,
        "grooming": conversation.grooming,
        "groomers": None if conversation.groomers is None else sorted(names.get(name, "?") for name in conversation.groomers),
        "attributes": list(conversation.attributes.items()),
        "message_id": list(conversation.messages),
        "speaker": [names[name] for name in conversation.speakers],
        "text": None if conversation.texts is None else list(conversation.texts),
        "flagged": None if conversation.flagged is None else sorted(conversation.flagged),
        "risk": conversation.risk.tolist(),
        "speaker_risk": conversation.speaker_risk.tolist(),
        **{f"stage_{key}": conversation.stages[:, column].tolist() for column, key in enumerate(keys)},
        **{
            f"label_{key}": [None if label < 0 else label for label in labels[:, column].tolist()]
            for column, key in enumerate(keys)
        },
    }


def _names(conversation: Judged) -> dict[str, str]:
    speakers = dict.fromkeys((*conversation.speakers, *sorted(conversation.groomers or ())))
    if conversation.attributes.get("corpus") in NAMED_CORPORA:
        return {name: sha256_of_text(name)[:16] for name in speakers}
    return {name: f"{chr(ord('A') + number % 26)}{number // 26 or ''}" for number, name in enumerate(speakers)}


def _judged(row: Mapping[str, Any], keys: Sequence[str]) -> Judged:
    count = len(row["risk"])
    labels = [[np.nan if label is None else label for label in row[f"label_{key}"]] for key in keys]
    stages = [row[f"stage_{key}"] for key in keys]
    return Judged(
        id=row["conversation_id"],
        grooming=row["grooming"],
        groomers=None if row["groomers"] is None else frozenset(row["groomers"]),
        speakers=tuple(row["speaker"]),
        labels=np.asarray(labels, np.float32).reshape(len(keys), count).T,
        stages=np.asarray(stages, np.float32).reshape(len(keys), count).T,
        speaker_risk=np.asarray(row["speaker_risk"], np.float32),
        risk=np.asarray(row["risk"], np.float32),
        attributes=dict(row["attributes"]),
        messages=tuple(row["message_id"]),
        texts=None if row["text"] is None else tuple(row["text"]),
        flagged=None if row["flagged"] is None else frozenset(row["flagged"]),
    )
