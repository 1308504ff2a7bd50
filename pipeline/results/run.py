"""A finished run, opened for reading: its conversations, its messages, and whether its files are still what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config import Taxonomy, validate_settings
from pipeline.errors import ResultsError
from pipeline.output import hashes_of, noted_hashes, private_file, require_unchanged, write_json
from pipeline.results.lookup import Places, RowReader
from pipeline.results.rows import ScoredConversation, ScoredMessage, scored_conversations, scored_messages
from pipeline.thresholds import Thresholds, read_thresholds

SCORES = "scores.parquet"
CONVERSATIONS = "conversations.parquet"
RUN = "run.json"
THRESHOLDS = "thresholds.json"
REPORT = "report.html"
DELETED = "deleted.json"

_BY_RISK = [("risk", "descending"), ("conversation_id", "ascending")]


@dataclass(frozen=True)
class Run:
    """A finished run, opened for reading."""

    path: Path
    record: Mapping[str, Any]
    taxonomy: Taxonomy
    thresholds: Thresholds

    def conversations(self) -> list[ScoredConversation]:
        """Return all conversations, riskiest first."""
        return scored_conversations(self._by_risk(), self.taxonomy.keys)

    def riskiest(self, most: int) -> list[ScoredConversation]:
        """Return the first ``most`` of them; of the others only risk and id are read."""
        if self.count() == 0:  # of a table without rows Arrow's function returns nothing that Python can hold
            return []
        order = pq.read_table(self.path / CONVERSATIONS, columns=["risk", "conversation_id"])
        # Arrow makes its functions at run time.
        chosen = pc.select_k_unstable(order, k=most, sort_keys=_BY_RISK)  # pyright: ignore[reportAttributeAccessIssue]
        rows = chosen.to_numpy()
        with RowReader(self.path / CONVERSATIONS) as conversations:
            places = {int(row): conversations.rows(int(row), int(row) + 1) for row in np.sort(rows)}
        return [scored_conversations(places[int(row)], self.taxonomy.keys)[0] for row in rows]

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
        skipped = pq.read_table(self.path / CONVERSATIONS, columns=["skipped"])["skipped"]
        return int(pc.sum(skipped).as_py() or 0)  # pyright: ignore[reportAttributeAccessIssue]

    def _by_risk(self) -> pa.Table:
        return pq.read_table(self.path / CONVERSATIONS).sort_by(_BY_RISK)

    def read(self, wanted: Iterable[str]) -> Iterator[tuple[ScoredConversation, list[ScoredMessage]]]:
        """Yield the wanted conversations with their messages, in the order of the files; ids that the run has not are left out.

        Raises
        ------
        ResultsError
            When the files do not belong together.
        """
        places = Places(self.path / CONVERSATIONS).find(wanted)
        with RowReader(self.path / CONVERSATIONS) as conversations, RowReader(self.path / SCORES) as scores:
            for conversation_id, place in places.items():
                (conversation,) = scored_conversations(conversations.rows(place.row, place.row + 1), self.taxonomy.keys)
                messages = scored_messages(scores.rows(place.first, place.stop), self.taxonomy.keys)
                whole = len(messages) == conversation.messages
                if not whole or any(message.conversation_id != conversation_id for message in messages):
                    raise ResultsError(
                        f"{SCORES} and {CONVERSATIONS} do not belong together", where=str(self.path), do="Score the exports again"
                    )
                yield conversation, messages

    def messages_at(self, first: int, count: int) -> list[ScoredMessage]:
        """Return the messages from row ``first`` (from 0) of the scores; fewer where the file ends before."""
        with RowReader(self.path / SCORES) as scores:
            return scored_messages(scores.rows(first, first + count), self.taxonomy.keys)

    def conversations_at(self, first: int, count: int) -> list[ScoredConversation]:
        """Return the conversations from row ``first`` (from 0) of the conversations; fewer where the file ends before."""
        with RowReader(self.path / CONVERSATIONS) as conversations:
            return scored_conversations(conversations.rows(first, first + count), self.taxonomy.keys)

    def conversations_as_read(self, at_once: int) -> Iterator[list[ScoredConversation]]:
        """Yield the conversations in the order of the file, ``at_once`` in a list."""
        with pq.ParquetFile(self.path / CONVERSATIONS) as file:
            for batch in file.iter_batches(batch_size=at_once):
                yield scored_conversations(batch, self.taxonomy.keys)

    @property
    def id(self) -> str:
        """What tells the run from every other: its record names inputs, model, settings and the time by their hashes."""
        return hashlib.sha256((self.path / RUN).read_bytes()).hexdigest()[:16]

    def require_unchanged(self, current: Mapping[str, str] | None = None) -> None:
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
        require_unchanged(self.path, current or hashes_of(self.path, (SCORES, CONVERSATIONS)), noted, do=do)

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
