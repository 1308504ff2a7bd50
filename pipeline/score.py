"""Score chat exports: exports and a model in, a folder of results out.

::

    safelight score chat.txt exports/ --model models/default --out out/
"""

from __future__ import annotations

import json
import logging
import platform as system
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import __version__
from pipeline.errors import ResultsError
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.inspect import Inspection, inspect_exports
from pipeline.model.explain import Explanation, explain
from pipeline.model.folder import ModelFolder
from pipeline.model.load import load_model
from pipeline.model.reading import Model, Reading
from pipeline.model.spoken import has_words
from pipeline.model.thresholds import Thresholds, read_thresholds
from pipeline.output import check_place, new_folder, write_json
from pipeline.results import (
    CONVERSATIONS,
    RUN,
    SCORES,
    THRESHOLDS,
    Run,
    TextPolicy,
    conversations_schema,
    kept,
    open_run,
    scores_schema,
    stage_column,
)
from pipeline.schema import Conversation, ConversationScore, Message, MessageScore

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 4096
"""Messages scored and written together; a longer conversation is a batch of its own."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: messages scored, of how many."""

    done: int
    total: int


def score(
    paths: Sequence[Path],
    *,
    model: Path,
    out: Path,
    options: ReadOptions | None = None,
    text: TextPolicy = "omit",
    thresholds: Path | None = None,
    overwrite: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Run:
    """Score every conversation at ``paths`` and write the run folder ``out`` in one rename.

    The exports are read twice: once whole, so that damage anywhere is an error before anything is scored, and the total is
    known; then to score.

    Raises
    ------
    SafelightError
        When an export, the model or the output cannot be read or written. Nothing is left behind then.
    """
    options = options or ReadOptions()
    check_place(out, overwrite=overwrite, marker=RUN)
    folder, loaded = load_model(model)
    chosen = read_thresholds(thresholds or folder.path / THRESHOLDS)
    started = datetime.now(UTC)
    inspection = inspect_exports(paths, options)
    with new_folder(out, overwrite=overwrite, marker=RUN) as work:
        write_json(work / THRESHOLDS, chosen.model_dump(mode="json"))
        _write_scores(read_conversations(paths, options, ReadLog()), loaded, chosen, work, text, inspection.messages, progress)
        write_json(work / RUN, _record(folder, loaded, inspection, options, text, started))
        from pipeline.report.build import write_report

        write_report(open_run(work), work / "report.html")
    return open_run(out)


def _write_scores(
    conversations: Iterable[Conversation],
    model: Model,
    thresholds: Thresholds,
    work: Path,
    text: TextPolicy,
    total: int,
    progress: Callable[[Progress], None],
) -> None:
    stages = model.taxonomy.keys
    done = 0
    progress(Progress(0, total))
    try:
        with (
            pq.ParquetWriter(work / SCORES, scores_schema(stages), compression="zstd") as scores_file,
            pq.ParquetWriter(work / CONVERSATIONS, conversations_schema(stages), compression="zstd") as conversations_file,
        ):
            for batch in _batches(conversations):
                rows: list[dict[str, Any]] = []
                summaries: list[dict[str, Any]] = []
                for conversation, scores in zip(batch, score_conversations(batch, model), strict=True):
                    messages = tuple(conversation.messages)
                    reasons = explain(messages, scores, model, thresholds)
                    rows.extend(
                        _message_row(message, score, text, reasons.get(score.position))
                        for message, score in zip(messages, scores, strict=True)
                    )
                    summaries.append(
                        _conversation_row(conversation, messages, summarise(conversation.conversation_id, scores, stages), text)
                    )
                scores_file.write_table(pa.Table.from_pylist(rows, schema=scores_schema(stages)))
                conversations_file.write_table(pa.Table.from_pylist(summaries, schema=conversations_schema(stages)))
                done += len(rows)
                progress(Progress(done, total))
    except OSError as error:
        raise ResultsError(f"the results cannot be written ({error.strerror or error})", where=str(work.parent)) from error


def _batches(conversations: Iterable[Conversation]) -> Iterator[list[Conversation]]:
    batch: list[Conversation] = []
    size = 0
    for conversation in conversations:
        loaded = conversation.load()
        batch.append(loaded)
        size += len(tuple(loaded.messages))
        if size >= BATCH_MESSAGES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def score_conversations(batch: Sequence[Conversation], model: Model) -> list[list[MessageScore]]:
    """Return the scores of every row of each conversation, in order. A batch's scores do not depend on what else is in it."""
    spoken = [[(str(m.speaker), m.text) for m in conversation.messages if has_words(m)] for conversation in batch]
    readings = model.read(spoken)
    return [_rows(conversation, reading, model.taxonomy.keys) for conversation, reading in zip(batch, readings, strict=True)]


def _rows(conversation: Conversation, reading: Reading, keys: Sequence[str]) -> list[MessageScore]:
    slots: dict[str, str] = {}
    scores = []
    told = zip(reading.stages.tolist(), reading.speaker_risk.tolist(), reading.risk.tolist(), strict=True)
    risk = 0.0
    for position, message in enumerate(conversation.messages, 1):
        slot = None if message.speaker is None else slots.setdefault(message.speaker, slot_name(len(slots)))
        stages, speaker_risk = None, None
        if has_words(message):
            found, speaker_risk, risk = next(told)
            stages = dict(zip(keys, found, strict=True))
        scores.append(
            MessageScore(
                conversation_id=conversation.conversation_id,
                message_id=message.message_id,
                position=position,
                speaker_slot=slot,
                kind=message.kind,
                stages=stages,
                risk=risk,
                speaker_risk=speaker_risk,
            )
        )
    return scores


def slot_name(number: int) -> str:
    """Return the anonymous letter of the speaker that spoke as ``number``-th (from 0): A … Z, AA, AB …"""
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def summarise(conversation_id: str, scores: Sequence[MessageScore], stages: Sequence[str]) -> ConversationScore:
    """Return the conversation's row: its highest risk, who reached it and where, and the highest probability of each stage."""
    peak = max(scores, key=lambda score: (score.risk, -score.position), default=None)
    risen = peak if peak is not None and peak.risk > 0 else None
    return ConversationScore(
        conversation_id=conversation_id,
        messages=len(scores),
        speakers=len({score.speaker_slot for score in scores} - {None}),
        risk=peak.risk if peak else 0.0,
        risk_position=risen.position if risen else None,
        risk_slot=risen.speaker_slot if risen else None,
        stages={stage: max((score.stages[stage] for score in scores if score.stages), default=0.0) for stage in stages},
    )


def _message_row(message: Message, score: MessageScore, text: TextPolicy, reason: Explanation | None) -> dict[str, Any]:
    return {
        "conversation_id": score.conversation_id,
        "message_id": score.message_id,
        "position": score.position,
        "speaker_slot": score.speaker_slot,
        "speaker": kept(message.speaker, text),
        "kind": score.kind,
        "timestamp": message.timestamp.isoformat() if message.timestamp else None,
        "text": kept(message.text, text),
        **{stage_column(stage): probability for stage, probability in (score.stages or {}).items()},
        "risk": score.risk,
        "speaker_risk": score.speaker_risk,
        "words": [{"start": word.start, "end": word.end, "weight": word.weight} for word in reason.words] if reason else None,
        "cues": list(reason.cues) if reason else None,
        "source_file": message.source.file,
        "source_line": message.source.line,
        "source_row": message.source.row,
        "meta": json.dumps(message.meta, ensure_ascii=False, default=str) if message.meta and text == "include" else None,
    }


def _conversation_row(
    conversation: Conversation, messages: Sequence[Message], score: ConversationScore, text: TextPolicy
) -> dict[str, Any]:
    times = [message.timestamp.isoformat() for message in messages if message.timestamp]
    return {
        "conversation_id": score.conversation_id,
        "platform": conversation.platform,
        "title": kept(conversation.title, text),
        "source_file": messages[0].source.file if messages else None,
        "messages": score.messages,
        "speakers": score.speakers,
        "first_timestamp": times[0] if times else None,
        "last_timestamp": times[-1] if times else None,
        "risk": score.risk,
        "risk_position": score.risk_position,
        "risk_slot": score.risk_slot,
        **{stage_column(stage): probability for stage, probability in score.stages.items()},
    }


def _record(
    folder: ModelFolder,
    model: Model,
    inspection: Inspection,
    options: ReadOptions,
    text: TextPolicy,
    started: datetime,
) -> dict[str, Any]:
    metrics = folder.json("metrics.json")
    return {
        "format": "safelight-run/1",
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "safelight": __version__,
            "python": system.python_version(),
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
            "platform": sys.platform,
        },
        "model": {"id": folder.id, "name": folder.name, "kind": folder.kind, "files": dict(folder.hashes), "metrics": metrics},
        "inputs": [{"file": export.name, "format": export.format, "sha256": export.sha256} for export in inspection.exports],
        "settings": {
            "text": text,
            "format": options.format,
            "date_order": options.date_order,
            "timezone": str(options.timezone) if options.timezone else None,
            "columns": dict(options.columns),
            "max_member_bytes": options.max_member_bytes,
        },
        "counts": {
            "conversations": inspection.conversations,
            "rows": inspection.messages,
            "kinds": dict(inspection.kinds),
        },
        "warnings": [str(warning) for warning in inspection.warnings],
        "taxonomy": model.taxonomy.model_dump(mode="json"),
    }
