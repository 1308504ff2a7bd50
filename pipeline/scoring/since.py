"""What a previous run says of conversations that have not changed since, so that they need not be read again.

A reading depends on the words and on who said which alone, and a fingerprint of those stands in the results. So a reading with
the same fingerprint, by the same model, is what the model would say again, to the last bit. A conversation that has grown is read
whole: its running risk goes on from what was said before. What explains a flagged one is copied too, where the same thresholds, the
same number of signs and the same version of Safelight would give it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import __version__
from pipeline.errors import ConfigError
from pipeline.model.base import Prediction
from pipeline.model.explain import Explanation, Word, signs_of
from pipeline.model.risk_jumps import Jump
from pipeline.results import CONVERSATIONS, SCORES, RowReader, Run, open_unchanged, stage_column
from pipeline.results.run import DELETED
from pipeline.thresholds import Thresholds

_REASONS = ["position", "words", "cues", "why"]


@dataclass(frozen=True)
class Reasons:
    """What explains a conversation: its signs by the number of their message from 0, and the jumps of its risk."""

    signs: Mapping[int, Explanation]
    jumps: Sequence[Jump]


@dataclass(frozen=True)
class Reading:
    """What a previous run says of a conversation; ``reasons`` are ``None`` where this run may explain it otherwise."""

    prediction: Prediction
    reasons: Reasons | None


class Known(Mapping[str, Reading]):
    """The readings of a previous run, by fingerprint; rows of its scores are read when they are asked for."""

    def __init__(
        self, path: Path, *, model_id: str, cascade: bool, runtime: str | None, thresholds: Thresholds, explain: int
    ) -> None:
        """Open a run, for one with these ``thresholds`` that explains so many signs.

        Raises
        ------
        ConfigError
            When it is of another model, was read with another cascade setting or by another runtime, or is from before there were
            fingerprints.
        ResultsError
            When it is no run, or was changed.
        """
        run = open_unchanged(path)
        if run.record["model"]["id"] != model_id:
            raise ConfigError(
                "the previous run is of another model", where=str(path), do="Score everything, without --since, or name that model"
            )
        if "fingerprint" not in pq.read_schema(path / CONVERSATIONS).names:
            raise ConfigError("the previous run has no fingerprints", where=str(path), do="Score everything once, without --since")
        if bool(run.record["settings"].get("cascade")) != cascade:
            raise ConfigError("the previous run used another cascade setting", where=str(path), do="Give the same --cascade")
        if run.record["settings"].get("runtime") != runtime:
            raise ConfigError(
                f"the previous run was read by {run.record['settings'].get('runtime')}, this one is by {runtime}",
                where=str(path),
                do="Score everything, without --since, or give the same --runtime",
            )
        table = pq.read_table(path / CONVERSATIONS, columns=["fingerprint", "messages", "skipped"])
        ends = np.cumsum(table["messages"].to_numpy())
        starts = ends - table["messages"].to_numpy()
        places = zip(table["fingerprint"].to_pylist(), starts.tolist(), ends.tolist(), table["skipped"].to_pylist(), strict=True)
        self._places = {name: (start, end, skipped) for name, start, end, skipped in places}
        self._keys = run.taxonomy.keys
        self._thresholds = thresholds
        self._explains_alike = _explains_alike(run, thresholds, explain)
        columns = [*(stage_column(key) for key in self._keys), "risk", "speaker_risk"]
        self._scores = RowReader(path / SCORES, columns + _REASONS if self._explains_alike else columns)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, fingerprint: str) -> Reading:
        start, end, skipped = self._places[fingerprint]
        rows = self._scores.rows(start, end)
        rows = rows.filter(rows["speaker_risk"].is_valid())
        stages = [rows[stage_column(key)].to_numpy() for key in self._keys]
        prediction = Prediction(
            np.stack(stages, axis=1).astype(np.float32) if stages else np.zeros((rows.num_rows, 0), np.float32),
            rows["speaker_risk"].to_numpy().astype(np.float32),
            rows["risk"].to_numpy().astype(np.float32),
            skipped=bool(skipped),
        )
        return Reading(prediction, self._reasons(rows, prediction) if self._explains_alike else None)

    def _reasons(self, rows: pa.Table, prediction: Prediction) -> Reasons:
        """Return what the rows of the messages with words hold of reasons."""
        stages = {number: self._keys[stage] for _, number, stage in signs_of(prediction, self._keys, self._thresholds)}
        words, cues = rows["words"].to_pylist(), rows["cues"].to_pylist()
        signs = {
            number: Explanation(stages[number], tuple(Word(**word) for word in row), tuple(cues[number]))
            for number, row in enumerate(words)
            if row is not None
        }
        positions = rows["position"].to_pylist()
        why = enumerate(rows["why"].to_pylist())
        return Reasons(signs, [Jump.from_json(text, number, positions) for number, text in why if text is not None])


def _explains_alike(run: Run, thresholds: Thresholds, explain: int) -> bool:
    """Return whether the previous run explained what this one would explain, by the same code, and nothing was deleted of it."""
    same_version = run.record["versions"]["safelight"] == __version__
    same_settings = run.record["settings"].get("explain") == explain and run.thresholds == thresholds
    return same_version and same_settings and not (run.path / DELETED).is_file()
