"""What a previous run says of conversations that have not changed since, so that they need not be read again.

A reading depends on the words and on who said which alone, and a fingerprint of those stands in the results. So a reading with
the same fingerprint, by the same model, is what the model would say again, to the last bit. A conversation that has grown is read
whole: its running risk goes on from what was said before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pipeline.errors import ConfigError
from pipeline.model.base import Prediction
from pipeline.results import CONVERSATIONS, SCORES, RowReader, open_unchanged, stage_column


class Known(Mapping[str, Prediction]):
    """The readings of a previous run, by fingerprint; rows of its scores are read when they are asked for."""

    def __init__(self, path: Path, *, model_id: str, cascade: bool, runtime: str | None) -> None:
        """Open a run.

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
        self._scores = RowReader(path / SCORES, [*(stage_column(key) for key in self._keys), "risk", "speaker_risk"])

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, fingerprint: str) -> Prediction:
        start, end, skipped = self._places[fingerprint]
        rows = self._scores.rows(start, end)
        rows = rows.filter(rows["speaker_risk"].is_valid())
        stages = [rows[stage_column(key)].to_numpy() for key in self._keys]
        return Prediction(
            np.stack(stages, axis=1).astype(np.float32) if stages else np.zeros((rows.num_rows, 0), np.float32),
            rows["speaker_risk"].to_numpy().astype(np.float32),
            rows["risk"].to_numpy().astype(np.float32),
            skipped=bool(skipped),
        )
