"""The checkpoint of a run: one part a batch, on disk, so that a run that was killed goes on where it stopped.

::

    .out.parts/            beside the folder that the run will be
      plan.json            of which model, settings and exports the parts are; another plan begins anew
      amount.json          how many messages and parts there will be, where they were counted
      0-3.scores.parquet, 0-3.conversations.parquet
      0-3.json             the part is whole: written last
      0.json               unit 0 has been read to its end: counts and warnings, or why it failed
      new.…/               the results while they are written
      finished.json        the results are whole, and about to be moved to their place

The folder is locked while a run works in it, and only its owner can read it.
Each file is written beside its place, synced, and renamed. The parts hold no more text than the results will.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import ResultsError, Unfinished
from pipeline.ingest import ReadLog
from pipeline.ingest.read import unique_id
from pipeline.ingest.units import Unit
from pipeline.output import clear_work, private_file, sha256_of
from pipeline.printable import printable
from pipeline.results import CONVERSATIONS, RUN, SCORES, conversations_schema, scores_schema
from pipeline.scoring.amount import Amount
from pipeline.scoring.core import Scored

_PLAN, _FINISHED, _AMOUNT = "plan.json", "finished.json", "amount.json"


def _unwritten(error: OSError, where: Path, *, more: str = "") -> Unfinished:
    return Unfinished(
        f"the results cannot be written ({error.strerror or error})",
        where=str(where),
        do=f"Make room and run the same again: what was scored is kept{more}",
    )


@dataclass(frozen=True)
class MergedRun:
    """The totals of a run after its parts were merged."""

    conversations: int
    kinds: Mapping[str, int]
    warnings: tuple[str, ...]
    failed: tuple[dict[str, str], ...]


class Checkpoint:
    """The work folder of a run, which holds its parts."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder = folder
        self._out = out
        self._done: dict[int, set[int]] = {}
        self._ended: set[int] = set()

    @classmethod
    @contextmanager
    def beside(cls, out: Path) -> Iterator[Checkpoint]:
        """Hold the parts of the run that will be ``out``, so that no second run writes to them or to it.

        Raises
        ------
        ResultsError
            When another run holds them, or they cannot be written.
        """
        folder = out.parent / f".{out.name}.parts"
        missing = [parent for parent in folder.parents if not parent.exists()]
        try:
            lock = _locked(folder, out)
            clear_work(folder, out)
        except OSError as error:
            raise ResultsError(f"cannot be written ({error.strerror})", where=str(out), do="Give another --out") from error
        try:
            yield cls(folder, out)
        finally:
            with suppress(OSError):
                for left in (folder, *missing):
                    left.rmdir()  # where it is empty
            os.close(lock)

    def begin(self, plan: Mapping[str, Any]) -> None:
        """Go on with the parts of this plan; those of another are thrown away."""
        content = _as_json(plan)
        file = self.folder / _PLAN
        if not (file.is_file() and file.read_bytes() == content):
            self.remove()
        self._write(_PLAN, lambda path: path.write_bytes(content))
        for path in self.folder.glob("*.json"):
            unit, dash, batch = path.stem.partition("-")
            if dash:
                self._done.setdefault(int(unit), set()).add(int(batch))
            elif path.name not in (_PLAN, _FINISHED, _AMOUNT):
                self._ended.add(int(unit))

    def finish(self, work: Path, plan: Mapping[str, Any]) -> None:
        """Note that the results in ``work`` are whole, before they are moved to their place."""
        record = {"run": sha256_of(work / RUN), "plan": hashlib.sha256(_as_json(plan)).hexdigest()}
        self._write(_FINISHED, lambda path: path.write_text(json.dumps(record), "utf-8"))

    def finished(self, plan: Mapping[str, Any] | None = None) -> bool:
        """Whether the results at the place of the run were made of these parts, by a run that was killed after it moved them there.

        With a plan: whether of that plan.
        """
        try:
            record = json.loads((self.folder / _FINISHED).read_bytes())
            same = record["run"] == sha256_of(self._out / RUN)
        except (OSError, ValueError):
            return False
        return same and (plan is None or record["plan"] == hashlib.sha256(_as_json(plan)).hexdigest())

    def done(self, unit: int) -> frozenset[int]:
        """Return the numbers of the batches of a unit whose parts are whole."""
        return frozenset(self._done.get(unit, ()))

    def ended(self, unit: int) -> bool:
        """Tell whether a unit has been read to its end and all its parts are whole."""
        if unit not in self._ended:
            return False
        return len(self.done(unit)) == json.loads((self.folder / f"{unit}.json").read_bytes())["batches"]

    def messages(self) -> int:
        """Return how many messages the parts hold."""
        return sum(json.loads(path.read_bytes())["messages"] for path in self.folder.glob("*-*.json"))

    def parts(self) -> int:
        """Return how many parts are whole."""
        return sum(map(len, self._done.values()))

    def amount(self) -> Amount | None:
        """Return what an earlier run of this plan counted; ``None`` where it did not."""
        try:
            return Amount(**json.loads((self.folder / _AMOUNT).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def note_amount(self, amount: Amount) -> None:
        """Keep what was counted, for a run that goes on.

        Raises
        ------
        Unfinished
            When it cannot be written.
        """
        self._write(_AMOUNT, lambda path: path.write_text(json.dumps(asdict(amount)), "utf-8"))

    def put(self, unit: int, batch: int, scored: Scored) -> None:
        """Keep the scores of a batch.

        Raises
        ------
        Unfinished
            When they cannot be written: the disk is full, for one.
        """
        name = f"{unit}-{batch}"
        self._write(f"{name}.scores.parquet", lambda path: pq.write_table(scored.scores, path, compression="zstd"))
        self._write(f"{name}.conversations.parquet", lambda path: pq.write_table(scored.conversations, path, compression="zstd"))
        record = {"messages": scored.scores.num_rows, "failed": [list(pair) for pair in scored.failed]}
        self._write(f"{name}.json", lambda path: path.write_text(json.dumps(record), "utf-8"))
        self._done.setdefault(unit, set()).add(batch)

    def end(self, unit: int, batches: int, log: ReadLog, *, failed: str | None = None) -> None:
        """Write down that a unit has been read: to its end, or that it ``failed``; then its parts are thrown away."""
        warnings = [[warning.where, warning.what] for warning in log.warnings]
        if failed is not None:
            for batch in self._done.pop(unit, ()):
                for kind in ("json", "scores.parquet", "conversations.parquet"):
                    (self.folder / f"{unit}-{batch}.{kind}").unlink(missing_ok=True)
            batches = 0
        record = {"batches": batches, "kinds": dict(log.kinds) if failed is None else {}, "warnings": warnings, "failed": failed}
        self._write(f"{unit}.json", lambda path: path.write_text(json.dumps(record), "utf-8"))
        self._ended.add(unit)

    def _write(self, name: str, write: Callable[[Path], object]) -> None:
        part = self.folder / f"{name}.part"
        try:
            write(private_file(part))
            with part.open("rb") as stream:
                os.fsync(stream.fileno())
            part.replace(self.folder / name)
        except OSError as error:
            raise _unwritten(error, self.folder, more=", and it goes on from there") from error

    def join(self, into: Path, units: list[Unit], log: ReadLog, stages: tuple[str, ...]) -> MergedRun:
        """Write the parts as one run, in the order of the units; a conversation id met before gets a suffix.

        Raises
        ------
        Unfinished
            When it cannot be written. The parts stay.
        """
        try:
            return self._join(into, units, log, stages)
        except OSError as error:
            raise _unwritten(error, into.parent) from error

    def _join(self, into: Path, units: list[Unit], log: ReadLog, stages: tuple[str, ...]) -> MergedRun:
        kinds: Counter[str] = Counter()
        failed: list[dict[str, str]] = []
        seen: dict[str, int] = {}
        count = 0
        with (
            pq.ParquetWriter(private_file(into / SCORES), scores_schema(stages), compression="zstd") as scores_file,
            pq.ParquetWriter(
                private_file(into / CONVERSATIONS), conversations_schema(stages), compression="zstd"
            ) as conversations_file,
        ):
            for number, unit in enumerate(units):
                record = json.loads((self.folder / f"{number}.json").read_bytes())
                kinds.update(record["kinds"])
                for where, what in record["warnings"]:
                    log.warn(where, what)
                if record["failed"] is not None:
                    failed.append({"export": unit.name, "reason": record["failed"]})
                for name, scores, conversations in self._parts(number, record["batches"]):
                    ids = conversations["conversation_id"].to_pylist()
                    identities = [unique_id(identity, seen, unit.name, log) for identity in ids]
                    if identities != ids:
                        scores, conversations = _renamed(scores, conversations, identities)
                    scores_file.write_table(scores)
                    conversations_file.write_table(conversations)
                    count += len(ids)
                    noted = json.loads((self.folder / f"{name}.json").read_bytes())["failed"]
                    failed.extend({"export": unit.name, "conversation": identity, "reason": reason} for identity, reason in noted)
        return MergedRun(count, kinds, tuple(map(str, log.warnings)), tuple(failed))

    def _parts(self, unit: int, batches: int) -> Iterator[tuple[str, pa.Table, pa.Table]]:
        for batch in range(batches):
            name = f"{unit}-{batch}"
            tables = [pq.read_table(self.folder / f"{name}.{kind}.parquet") for kind in ("scores", "conversations")]
            yield name, tables[0], tables[1]

    def remove(self) -> None:
        """Throw the parts away; what tells that the run is finished goes last."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _FINISHED:
                path.unlink(missing_ok=True)
        (self.folder / _FINISHED).unlink(missing_ok=True)
        self._done.clear()
        self._ended.clear()


def _locked(folder: Path, out: Path) -> int:
    """Make the folder where there is none, and lock it for this process; a run that is killed loses the lock with its life."""
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = os.open(folder, os.O_RDONLY)
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise ResultsError(
                "another run writes there now", where=str(out), do="Wait for its end, or give another --out"
            ) from None
        except OSError as error:
            logging.getLogger(__name__).warning("%s: a second run would not be noticed (%s)", printable(str(out)), error.strerror)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), folder.stat()):
                return lock
        os.close(lock)  # whoever held it has just removed it


def _as_json(plan: Mapping[str, Any]) -> bytes:
    return json.dumps(plan, indent=1, sort_keys=True).encode()


def _renamed(scores: pa.Table, conversations: pa.Table, ids: list[str]) -> tuple[pa.Table, pa.Table]:
    counts = conversations["messages"].to_pylist()
    rows = pa.array([number for number, count in enumerate(counts) for _ in range(count)], pa.int32())
    names = pa.array(ids, pa.string())
    return (
        scores.set_column(0, scores.schema.field(0), pc.take(names, rows)),
        conversations.set_column(0, conversations.schema.field(0), names),
    )
