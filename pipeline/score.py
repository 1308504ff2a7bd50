"""Score chat exports: exports and a model in, a folder of results out.

::

    safelight score chat.txt exports/ --model models/default --out out/
"""

from __future__ import annotations

import platform as system
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from pipeline import __version__
from pipeline.errors import ConfigError, ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.read import merge_units, open_units
from pipeline.ingest.units import Unit
from pipeline.model.base import Model
from pipeline.model.encoder.runtime import DEFAULT_RUNTIME, Device, RuntimeName
from pipeline.model.explain import SIGNS
from pipeline.model.folder import ModelFolder
from pipeline.model.load import load_model
from pipeline.output import check_place, hashes_of, new_folder, write_json
from pipeline.results import (
    CONVERSATIONS,
    REPORT,
    RUN,
    SCORES,
    THRESHOLDS,
    Run,
    ScoredMessage,
    TextPolicy,
    open_run,
    scored_messages,
)
from pipeline.schema import Conversation, MessageScore
from pipeline.scoring.amount import Amount, count_units
from pipeline.scoring.batches import BATCH_MESSAGES
from pipeline.scoring.chats import chat_table
from pipeline.scoring.checkpoint import Checkpoint, MergedRun
from pipeline.scoring.core import Scorer, score_table, slot_name
from pipeline.scoring.engines.local import first_error, score_units
from pipeline.scoring.progress import PartCounter, Progress
from pipeline.scoring.since import Known
from pipeline.thresholds import Thresholds, read_thresholds

__all__ = ["Engine", "Progress", "score", "score_conversations", "slot_name"]

Engine = Literal["local", "ray"]


def score(
    paths: Sequence[Path],
    *,
    model: Path,
    out: Path,
    options: ReadOptions | None = None,
    text: TextPolicy = "omit",
    thresholds: Path | None = None,
    cascade: bool | None = None,
    since: Path | None = None,
    explain: int = SIGNS,
    engine: Engine = "local",
    device: Device = "cpu",
    runtime: RuntimeName = DEFAULT_RUNTIME,
    patterns: bool = True,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Score every conversation at ``paths`` and write the run folder ``out`` in one rename.

    A chat that stands in several exports is scored as one conversation, as ``options.merge`` says. Which they are is found before
    anything is scored, on the machine that starts the run, whatever the engine.
    What is done is kept beside ``out`` as it is done: a run that was killed goes on when it is run again, to the same bytes. Of
    several exports a damaged one is left out and named in ``failed`` of the record, and so is a conversation that cannot be
    scored, and a file that may hold a chat and is none we know; ``passed_over`` names every other file that was not read.
    ``cascade`` ``None`` means: where the model has one whose measured loss of recall is small enough. ``since`` is a
    previous run, whose unchanged conversations are not read by the model again. Where ``progress`` is given, the exports are read
    once more beforehand (on Ray they are not), so that it has a total. ``patterns``: whether the report shows what several
    conversations should be read together for, where the extra ``link`` is installed. The ``explain`` strongest signs of a flagged
    conversation, and the jumps of its risk, get their words and reasons; with 0 nothing does.

    Raises
    ------
    Unfinished
        When the disk is full; what was scored is kept.
    ResultsError
        When another run writes to ``out``, or there are results already.
    SafelightError
        When an export, the model or the output cannot be read or written. Nothing is left behind then.
    """
    options = options or ReadOptions()
    if explain < 0:
        raise ConfigError("--explain is a number from 0 on", do="Give for example --explain 3")
    if since is not None and engine != "local":
        raise ConfigError("--since is for the local engine", do="Leave --engine out, or score everything")
    with Checkpoint.beside(out) as checkpoint:
        if not checkpoint.finished():
            check_place(out, overwrite=overwrite, marker=RUN)
        folder, loaded = load_model(model, device=device, runtime=runtime)
        chosen = read_thresholds(thresholds or folder.path / THRESHOLDS)
        cascading = _cascade(loaded, chosen, cascade, model)
        known = (
            Known(since, model_id=folder.id, cascade=cascading, runtime=loaded.runtime, thresholds=chosen, explain=explain)
            if since is not None
            else None
        )
        started = datetime.now(UTC)
        log = ReadLog()
        tell = progress or (lambda _: None)
        tell(Progress("reading"))
        units = list(merge_units(list(open_units(paths, options, log)), options, log))
        settings = _settings(options, text, cascading, loaded.runtime, explain)
        scorer = Scorer(loaded, text, chosen, cascading, explain)
        plan = _plan(folder, chosen, settings, units, log)
        if checkpoint.finished(plan):  # a run of the same was killed after it had moved its results to their place
            checkpoint.remove()
            return open_run(out)
        check_place(out, overwrite=overwrite, marker=RUN)
        checkpoint.begin(plan)
        amount = _amount(units, options, checkpoint, tell) if progress and engine == "local" else None
        counted = PartCounter(tell, checkpoint.messages(), checkpoint.parts(), amount)
        try:
            if engine == "ray":
                from pipeline.scoring.engines.ray_engine import score_units as score_on_ray

                score_on_ray(units, model, device, scorer, checkpoint, options, runtime=runtime, progress=counted)
            else:
                score_units(units, scorer, checkpoint, options, known=known, progress=counted)
            counted.tell("writing")
            with new_folder(out, overwrite=overwrite, marker=RUN, inside=checkpoint.folder) as work:
                merged = checkpoint.join(work, units, log, loaded.taxonomy.keys)
                if (error := first_error(merged.failed, units)) is not None:
                    raise error
                write_json(work / THRESHOLDS, chosen.model_dump(mode="json"))
                record = _record(folder, loaded, log, merged, settings, started, since) | {"patterns": patterns}
                write_json(work / RUN, record)
                from pipeline.link.strongest import strongest_patterns
                from pipeline.report.build import write_report

                scored = open_run(work)
                write_report(scored, work / REPORT, patterns=strongest_patterns(scored))
                write_json(work / RUN, record | {"files": hashes_of(work, (SCORES, CONVERSATIONS, THRESHOLDS, REPORT))})
                checkpoint.finish(work, plan)
        except ExportError:
            checkpoint.remove()
            raise
        checkpoint.remove()
        counted.end()
    return open_run(out)


def _amount(units: Sequence[Unit], options: ReadOptions, checkpoint: Checkpoint, tell: Callable[[Progress], None]) -> Amount:
    amount = checkpoint.amount()
    if amount is None:
        amount = count_units(units, options, lambda done, total: tell(Progress("counting", done, total)))
        checkpoint.note_amount(amount)
    return amount


def _cascade(model: Model, thresholds: Thresholds, wanted: bool | None, path: Path) -> bool:
    """Decide whether the prefilter may skip conversations.

    Raises
    ------
    ConfigError
        When it is wanted and the model has none, or was made for a higher threshold than this one.
    """
    if wanted is False:
        return False
    first = model.prefilter
    if first is None:
        if wanted:
            raise ConfigError("--cascade: the model has no prefilter", where=str(path), do="Score without it")
        return False
    fits = thresholds.risk >= first.figures["threshold"]
    if wanted and not fits:
        raise ConfigError(
            f"--cascade: the prefilter was made for alerts from {first.figures['threshold']} on, not from {thresholds.risk}",
            do="Score with --no-cascade",
        )
    return fits and (wanted or first.keeps_recall)


def score_conversations(batch: Sequence[Conversation], model: Model) -> list[list[MessageScore]]:
    """Return the scores of every row of each conversation, in order. A batch's scores do not depend on what else is in it."""
    scored = score_table(chat_table(batch, text="omit"), Scorer(model))
    rows = iter(scored_messages(scored.scores, model.taxonomy.keys))
    return [[_message_score(next(rows)) for _ in range(count)] for count in scored.conversations["messages"].to_pylist()]


def _message_score(message: ScoredMessage) -> MessageScore:
    return MessageScore(
        conversation_id=message.conversation_id,
        message_id=message.message_id,
        position=message.position,
        speaker_slot=message.speaker_slot,
        kind=message.kind,
        stages=message.stages,
        risk=message.risk,
        speaker_risk=message.speaker_risk,
    )


def _settings(options: ReadOptions, text: TextPolicy, cascade: bool, runtime: str | None, explain: int) -> dict[str, Any]:
    return {
        "text": text,
        "cascade": cascade,
        "runtime": runtime,
        "explain": explain,
        "format": options.format,
        "date_order": options.date_order,
        "timezone": str(options.timezone) if options.timezone else None,
        "columns": dict(options.columns),
        "max_member_bytes": options.max_member_bytes,
        "merge": options.merge,
        "follow_links": options.follow_links,
    }


def _plan(
    folder: ModelFolder, thresholds: Thresholds, settings: Mapping[str, Any], units: Sequence[Unit], log: ReadLog
) -> dict[str, Any]:
    """Return what parts must have in common to be of one run."""
    return {
        "safelight": __version__,
        "model": folder.id,
        "thresholds": thresholds.model_dump(mode="json"),
        "settings": dict(settings),
        "batch_messages": BATCH_MESSAGES,
        "exports": [[unit.name, unit.format, unit.sha256] for unit in units],
        "merged": list(log.merged),
    }


def _record(
    folder: ModelFolder,
    model: Model,
    log: ReadLog,
    merged: MergedRun,
    settings: Mapping[str, Any],
    started: datetime,
    since: Path | None,
) -> dict[str, Any]:
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
        "model": {
            "id": folder.id,
            "name": folder.name,
            "kind": folder.kind,
            "files": dict(folder.hashes),
            "metrics": folder.json("metrics.json"),
        },
        "inputs": [{"file": export.name, "format": export.format, "sha256": export.sha256} for export in log.exports],
        "settings": dict(settings),
        "since": str(since) if since is not None else None,
        "counts": {
            "conversations": merged.conversations,
            "rows": sum(merged.kinds.values()),
            "kinds": dict(merged.kinds),
        },
        "merged": list(log.merged),
        "failed": [*({"export": unread.name, "reason": unread.reason} for unread in log.failed), *merged.failed],
        "passed_over": [{"file": unread.name, "reason": unread.reason} for unread in log.passed_over],
        "warnings": list(merged.warnings),
        "taxonomy": model.taxonomy.model_dump(mode="json"),
    }
