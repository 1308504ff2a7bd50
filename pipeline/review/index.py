"""The index of a run in the store: a row a conversation, so that a queue of any length pages at once. Messages stay in Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, Row, delete, select, update

from pipeline.digests import sha256_of_text
from pipeline.errors import ResultsError
from pipeline.output import hashes_of
from pipeline.results import CONVERSATIONS, SCORES, THRESHOLDS, Run, ScoredConversation
from pipeline.review.audit import append
from pipeline.review.deadlines import set_deadlines
from pipeline.review.policy import read_policy
from pipeline.review.recorded import Recorded, index_digest, recorded
from pipeline.review.schema import conversation_speakers, conversation_stages, conversations, runs
from pipeline.review.store import Store

_ROWS_AT_ONCE = 5000


def open_in_store(store: Store, run: Run, *, actor: str) -> str:
    """Bring a run's conversations into the store, unless they are there; return the run's id. Decisions are never touched.

    Where only the threshold file changed, what is flagged is marked anew.

    Raises
    ------
    ResultsError
        When the run's files were changed or do not belong together, or the scores are not the ones that were decided on.
    """
    run_id = run.id
    hashes = hashes_of(run.path, (SCORES, CONVERSATIONS, THRESHOLDS))
    chosen = hashes[THRESHOLDS]
    with store.writing() as connection:
        known = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
        if known is not None:
            _require_same(run, known, {name: hashes[name] for name in (SCORES, CONVERSATIONS)})
        path = str(run.path.resolve())
        if known is None:
            run.require_unchanged({name: hashes[name] for name in (SCORES, CONVERSATIONS)})
            record = run.record
            values = {"text": record["settings"]["text"], "model": f"{record['model']['name']} {record['model']['id']}"}
            count = _import(connection, run, run_id, path=path, **_by_column(hashes), **values)
            row = connection.execute(select(runs).where(runs.c.id == run_id)).one()
            values = {name: value for name, value in row._mapping.items() if name != "id"}
            sets = {f"run/{run_id}": recorded(**values) | index_of(connection, run_id)}
            append(connection, actor, "open run", f"run:{run_id}", sets=sets, conversations=count, scores_sha256=hashes[SCORES])
            return run_id
        if known.path != path:
            connection.execute(update(runs).where(runs.c.id == run_id).values(path=path))
            append(connection, actor, "move run", f"run:{run_id}", sets={f"run/{run_id}": recorded(path=path)})
        if known.thresholds_sha256 != chosen:
            hashes = index_of(connection, run_id)
            connection.execute(update(runs).where(runs.c.id == run_id).values(thresholds_sha256=chosen))
            _mark_again(connection, run, run_id)
            append(
                connection,
                actor,
                "change thresholds",
                f"run:{run_id}",
                found={f"run/{run_id}": hashes},
                sets={f"run/{run_id}": recorded(thresholds_sha256=chosen) | index_of(connection, run_id)},
                thresholds_sha256=chosen,
            )
    return run_id


def index_of(connection: Connection, run_id: str) -> Recorded:
    """Return what the log holds of a run's index: its digest."""
    return {"index": index_digest(connection, run_id)}


def require_kept(connection: Connection, run: Run) -> None:
    """Compare a run's scores, conversations and thresholds with the hashes that the store keeps of them.

    Raises
    ------
    ResultsError
        When the store does not know the run, or a file of it was changed.
    """
    known = connection.execute(select(runs).where(runs.c.id == run.id)).one_or_none()
    if known is None:
        raise ResultsError("the store does not know this run", where=str(run.path), do="Open it once with `safelight review`")
    _require_same(run, known, hashes_of(run.path, (SCORES, CONVERSATIONS, THRESHOLDS)))


def _column(name: str) -> str:
    """Return the column that holds the hash of a file."""
    return f"{Path(name).stem}_sha256"


def _by_column(hashes: Mapping[str, str]) -> dict[str, str]:
    return {_column(name): digest for name, digest in hashes.items()}


def _require_same(run: Run, known: Row[Any], hashes: Mapping[str, str]) -> None:
    for name, digest in hashes.items():
        if known._mapping[_column(name)] not in (None, digest):
            raise ResultsError(
                f"{name} is not the one that this store has decisions on",
                where=str(run.path),
                do="Bring that one back; or, where `safelight purge` or `forget` was cut off, run it again"
                if name != THRESHOLDS
                else "Start `safelight review` once, which takes new thresholds into the audit log",
            )


def _import(connection: Connection, run: Run, run_id: str, **values: str) -> int:
    now = datetime.now(UTC)
    connection.execute(runs.insert().values(id=run_id, opened=now, conversations=0, **values))
    total = 0
    places = _places(run)
    new = {"state": "open", "awaiting": False, "changed": now}
    for scored in run.conversations_as_read(_ROWS_AT_ONCE):
        rows: list[dict[str, object]] = []
        for number, conversation in enumerate(scored, total):
            place = places.pop(conversation.conversation_id, None)
            if place is None and conversation.messages:
                raise ResultsError(f"{SCORES} and {CONVERSATIONS} do not belong together", where=str(run.path), do="Score again")
            rows.append(_values(run, conversation) | {"run_id": run_id, "first_row": place or 0, "summary_row": number, **new})
        if rows:
            made = connection.execute(
                conversations.insert().returning(conversations.c.number, sort_by_parameter_order=True), rows
            ).scalars()
            _insert_stages(connection, run, list(made), scored)
        total += len(scored)
    _insert_speakers(connection, run, run_id)
    _set_deadlines(connection, run_id)
    connection.execute(update(runs).where(runs.c.id == run_id).values(conversations=total))
    return total


def _values(run: Run, conversation: ScoredConversation) -> dict[str, object]:
    """Return the columns of a conversation that follow from its scores."""
    return {
        "conversation_id": conversation.conversation_id,
        "platform": conversation.platform,
        "messages": conversation.messages,
        "speakers": conversation.speakers,
        "last_at": conversation.last_timestamp or "",
        "risk": conversation.risk,
        **_marks(run, conversation),
    }


def _marks(run: Run, conversation: ScoredConversation) -> dict[str, object]:
    """Return the columns that depend on the thresholds: whether it is flagged, with which stages, and whether those are severe."""
    return {
        "flagged": conversation.is_alert(run.thresholds),
        "stages": json.dumps(_stages(run, conversation)),
        "severe": conversation.is_severe(run.thresholds, run.taxonomy),
    }


def _stages(run: Run, conversation: ScoredConversation) -> dict[str, float]:
    return {stage: round(probability, 4) for stage, probability in conversation.stages_over(run.thresholds).items()}


def _insert_stages(connection: Connection, run: Run, numbers: Sequence[int], scored: Sequence[ScoredConversation]) -> None:
    values = [
        {"stage": stage, "conversation": number, "probability": probability}
        for number, conversation in zip(numbers, scored, strict=True)
        for stage, probability in _stages(run, conversation).items()
    ]
    if values:
        connection.execute(conversation_stages.insert(), values)


def _places(run: Run) -> dict[str, int]:
    """Return where each conversation begins in the scores; each stands in one piece."""
    places: dict[str, int] = {}
    row, current = 0, None
    file = pq.ParquetFile(run.path / SCORES)
    for batch in file.iter_batches(columns=["conversation_id"], batch_size=1 << 16):
        encoded = pc.run_end_encode(batch.column(0))  # pyright: ignore[reportAttributeAccessIssue] - made at run time
        before = 0
        for value, end in zip(encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True):
            if value != current:
                if value in places:
                    raise ResultsError(f"{SCORES} has a conversation in pieces", where=str(run.path), do="Score again")
                places[value] = row + before
                current = value
            before = end
        row += batch.num_rows
    return places


def _insert_speakers(connection: Connection, run: Run, run_id: str) -> None:
    """Keep a digest of each speaker, so that one person's conversations are found without any name in the store."""
    policy = run.record["settings"]["text"]
    if policy == "omit":
        return
    columns = conversations.c
    query = select(columns.conversation_id, columns.number).where(columns.run_id == run_id)
    numbers = {row.conversation_id: row.number for row in connection.execute(query)}
    seen: set[tuple[str, str]] = set()
    for batch in pq.ParquetFile(run.path / SCORES).iter_batches(
        columns=["conversation_id", "speaker_slot", "speaker"], batch_size=1 << 16
    ):
        columns_ = batch.to_pydict()
        triples = dict.fromkeys(zip(columns_["conversation_id"], columns_["speaker_slot"], columns_["speaker"], strict=True))
        values = []
        for conversation_id, slot, speaker in triples:
            if slot is None or speaker is None or (conversation_id, slot) in seen:
                continue
            seen.add((conversation_id, slot))
            digest = speaker_digest(speaker) if policy == "include" else speaker
            values.append({"conversation": numbers[conversation_id], "slot": slot, "speaker": digest})
        if values:
            connection.execute(conversation_speakers.insert(), values)


def speaker_digest(speaker: str) -> str:
    """Return what the store holds of an export's own name or id of a speaker; `score --text hash` writes the same."""
    return sha256_of_text(speaker)


def _mark_again(connection: Connection, run: Run, run_id: str) -> None:
    columns = conversations.c
    ours = select(columns.number).where(columns.run_id == run_id)
    connection.execute(delete(conversation_stages).where(conversation_stages.c.conversation.in_(ours)))
    query = select(columns.summary_row, columns.number).where(columns.run_id == run_id)
    by_row = {row.summary_row: row.number for row in connection.execute(query)}
    total = 0
    for scored in run.conversations_as_read(_ROWS_AT_ONCE):
        kept = {by_row[row]: conversation for row, conversation in enumerate(scored, total) if row in by_row}
        for number, conversation in kept.items():
            connection.execute(update(conversations).where(columns.number == number).values(_marks(run, conversation)))
        _insert_stages(connection, run, list(kept), list(kept.values()))
        total += len(scored)
    _set_deadlines(connection, run_id)


def _set_deadlines(connection: Connection, run_id: str) -> None:
    hours = read_policy(connection)
    only = conversations.c.run_id == run_id
    set_deadlines(connection, severe=hours.hours_severe, flagged=hours.hours_flagged, only=only)


def place_again(connection: Connection, run: Run, run_id: str) -> Recorded:
    """Say anew where each conversation stands in the run's files, and what they hold of it, after those were rewritten.

    Returns what the log is to hold of the run.
    """
    columns = conversations.c
    places = _places(run)
    total = 0
    for scored in run.conversations_as_read(_ROWS_AT_ONCE):
        for row, conversation in enumerate(scored, total):
            values = {"summary_row": row, "first_row": places.get(conversation.conversation_id, 0), "risk": conversation.risk}
            values |= {"last_at": conversation.last_timestamp or "", **_marks(run, conversation)}
            wanted = (columns.run_id == run_id) & (columns.conversation_id == conversation.conversation_id)
            connection.execute(update(conversations).where(wanted).values(values))
        total += len(scored)
    _mark_again(connection, run, run_id)
    values = {"conversations": total, **_by_column(hashes_of(run.path, (SCORES, CONVERSATIONS)))}
    connection.execute(update(runs).where(runs.c.id == run_id).values(values))
    return recorded(**values) | index_of(connection, run_id)
