"""Results on disk: what their columns are, how they are read back, and how alerts follow from them.

A run is a folder: ``scores.parquet`` (a row a message), ``conversations.parquet`` (a row a conversation), ``thresholds.json``,
``run.json`` and ``report.html``. Scores are raw: no threshold has touched them. ``run.json`` holds the SHA-256 of every other file;
``deleted.json`` those of what was left after `safelight purge` or `forget`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.config import Taxonomy, validate_settings
from pipeline.errors import ResultsError
from pipeline.model.thresholds import Thresholds, read_thresholds
from pipeline.output import hashes_of, noted_hashes, private_file, require_unchanged, write_json

TextPolicy = Literal["include", "hash", "omit"]

SCORES = "scores.parquet"
CONVERSATIONS = "conversations.parquet"
RUN = "run.json"
THRESHOLDS = "thresholds.json"
REPORT = "report.html"
DELETED = "deleted.json"

_ROWS_AT_ONCE = 8192
"""Rows of scores that are looked through at once; Arrow's own 65,536 take 50 MiB more."""

_WORD = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("weight", pa.float32())])


def stage_column(stage: str) -> str:
    """Return the name of a stage's column."""
    return f"stage_{stage}"


def scores_schema(stages: Sequence[str]) -> pa.Schema:
    """Return the columns of ``scores.parquet``, sorted by conversation as read and by position.

    ``position`` counts rows from 1. ``timestamp`` is ISO 8601 text, because exports mix aware and naive times.
    ``speaker_slot`` is the anonymous letter of a speaker in the conversation; ``speaker`` and ``text`` are verbatim, a
    SHA-256, or null, as ``--text`` says. ``words`` are the stretches of the text that carried the strongest signs of a flagged
    conversation, in characters, with their shares; ``cues`` the indicators' phrases in them. ``meta`` is JSON, with ``include``
    alone. Probabilities are null on rows without words, and where ``skipped``: there the prefilter of a cascade alone read the
    conversation, and the risks are its own running estimates, too low for the network to read on.
    """
    return pa.schema(
        [
            ("conversation_id", pa.string()),
            ("message_id", pa.string()),
            ("position", pa.int32()),
            ("speaker_slot", pa.string()),
            ("speaker", pa.string()),
            ("kind", pa.string()),
            ("timestamp", pa.string()),
            ("text", pa.string()),
            *((stage_column(stage), pa.float32()) for stage in stages),
            ("risk", pa.float32()),
            ("speaker_risk", pa.float32()),
            ("words", pa.list_(_WORD)),
            ("cues", pa.list_(pa.string())),
            ("skipped", pa.bool_()),
            ("source_file", pa.string()),
            ("source_line", pa.int64()),
            ("source_row", pa.int64()),
            ("meta", pa.string()),
        ]
    )


def conversations_schema(stages: Sequence[str]) -> pa.Schema:
    """Return the columns of ``conversations.parquet``: a pure summary of the scores, in the order read.

    ``risk`` is the highest running risk, first reached at ``risk_position`` by ``risk_slot``; a stage column is the highest
    probability of any message, null where ``skipped``. ``fingerprint`` is a hash of what the model read, so that a later run knows
    what has changed.
    """
    return pa.schema(
        [
            ("conversation_id", pa.string()),
            ("platform", pa.string()),
            ("title", pa.string()),
            ("source_file", pa.string()),
            ("messages", pa.int32()),
            ("speakers", pa.int32()),
            ("first_timestamp", pa.string()),
            ("last_timestamp", pa.string()),
            ("risk", pa.float32()),
            ("risk_position", pa.int32()),
            ("risk_slot", pa.string()),
            *((stage_column(stage), pa.float32()) for stage in stages),
            ("skipped", pa.bool_()),
            ("fingerprint", pa.string()),
        ]
    )


def kept(value: str | None, policy: TextPolicy) -> str | None:
    """Return what the policy keeps of a text or a name."""
    if value is None or policy == "omit":
        return None
    return value if policy == "include" else hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Run:
    """A finished run, opened for reading."""

    path: Path
    record: Mapping[str, Any]
    taxonomy: Taxonomy
    thresholds: Thresholds

    def conversations(self) -> list[dict[str, Any]]:
        """Return the rows of ``conversations.parquet``, riskiest first."""
        return self._by_risk().to_pylist()

    def riskiest(self, most: int) -> list[dict[str, Any]]:
        """Return the first ``most`` of these rows, without making rows of the others."""
        return self._by_risk().slice(0, most).to_pylist()

    def count(self) -> int:
        """Return how many conversations there are."""
        return pq.read_metadata(self.path / CONVERSATIONS).num_rows

    def flagged(self) -> int:
        """Return how many conversations reach the threshold."""
        risks = pq.read_table(self.path / CONVERSATIONS, columns=["risk"])["risk"].to_numpy()
        return int((risks.astype(float) >= self.thresholds.risk).sum())

    def skipped(self) -> int:
        """Return how many conversations were read by the prefilter of a cascade alone; 0 in runs that know of none."""
        if "skipped" not in pq.read_schema(self.path / CONVERSATIONS).names:
            return 0
        return sum(filter(None, pq.read_table(self.path / CONVERSATIONS, columns=["skipped"])["skipped"].to_pylist()))

    def _by_risk(self) -> pa.Table:
        return pq.read_table(self.path / CONVERSATIONS).sort_by([("risk", "descending"), ("conversation_id", "ascending")])

    def messages(self, wanted: Iterable[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield ``(conversation_id, rows of scores.parquet)`` for the wanted conversations, in the order of the file."""
        current: str | None = None
        rows: list[dict[str, Any]] = []
        names = pa.array(sorted(set(wanted)), pa.string())
        for batch in pq.ParquetFile(self.path / SCORES).iter_batches(_ROWS_AT_ONCE):
            for row in batch.filter(ds.field("conversation_id").isin(names)).to_pylist():
                if row["conversation_id"] != current:
                    if current is not None:
                        yield current, rows
                    current, rows = row["conversation_id"], []
                rows.append(row)
        if current is not None:
            yield current, rows

    def rows_at(self, name: str, first: int, count: int) -> list[dict[str, Any]]:
        """Return ``count`` rows of a file of the run from row ``first`` (from 0); only the row groups that hold them are read."""
        with pq.ParquetFile(self.path / name) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = list(accumulate(sizes))
            groups = [
                g for g, (end, size) in enumerate(zip(ends, sizes, strict=True)) if end > first and end - size < first + count
            ]
            if not groups or count <= 0:
                return []
            return file.read_row_groups(groups).slice(first - ends[groups[0]] + sizes[groups[0]], count).to_pylist()

    @property
    def id(self) -> str:
        """What tells the run from every other: its record names inputs, model, settings and the time by their hashes."""
        return hashlib.sha256((self.path / RUN).read_bytes()).hexdigest()[:16]

    def require_unchanged(self, found: Mapping[str, str] | None = None) -> None:
        """Compare scores and conversations with the hashes noted when they were written, or when something was deleted of them.

        A run of an earlier Safelight has none, and passes. Who can change the run's own record passes too: what cannot be changed
        unseen is what the store of the review keeps (`pipeline.review.index.require_kept`). ``found`` are the files' hashes, where
        the caller has them.

        Raises
        ------
        ResultsError
            When one was changed.
        """
        deleted = self.path / DELETED
        do = "Score the exports again; or, where `safelight purge` or `forget` was cut off, run it again"
        noted = noted_hashes(deleted, do=do) if deleted.is_file() else self.record.get("files", {})
        require_unchanged(self.path, found or hashes_of(self.path, (SCORES, CONVERSATIONS)), noted, do=do)

    def note_deletion(self) -> None:
        """Note the hashes of the files after something was deleted of them."""
        write_json(private_file(self.path / DELETED), {"files": hashes_of(self.path, (SCORES, CONVERSATIONS, REPORT))})


def open_run(path: Path) -> Run:
    """Open the results of a run.

    Raises
    ------
    ResultsError
        When it is no run folder, or a file of it is missing or damaged.
    """
    for name in (RUN, THRESHOLDS, SCORES, CONVERSATIONS):
        if not (path / name).is_file():
            raise ResultsError(
                f"this is no finished run: it lacks {name}", where=str(path), do="Give the --out of a `safelight score`"
            )
    try:
        record = json.loads((path / RUN).read_text("utf-8"))
    except ValueError as error:
        raise ResultsError("the run is damaged", where=str(path), do="Score the exports again") from error
    return Run(
        path=path,
        record=record,
        taxonomy=validate_settings(record["taxonomy"], Taxonomy, where=str(path / RUN)),
        thresholds=read_thresholds(path / THRESHOLDS),
    )


def open_unchanged(path: Path) -> Run:
    """Open the results of a run whose files are still those that were written: see `Run.require_unchanged`.

    Raises
    ------
    ResultsError
        When it is no run folder, or a file of it is missing, damaged or was changed.
    """
    run = open_run(path)
    run.require_unchanged()
    return run
