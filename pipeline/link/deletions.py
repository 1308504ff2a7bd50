"""Deletion reaches the graph: which link runs were made of a run, and what of them goes when something goes from the run.

A link run notes itself in each run that it read: ``linked.json`` holds where it lies and where its key is. `safelight purge` and
`forget` read that. A link folder that somebody moved is not found: its owner deletes in it with `pipeline.link.erase`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ResultsError
from pipeline.link.erase import accounts_of_speaker, forget_accounts
from pipeline.link.identifiers import Exports
from pipeline.link.keys import Pseudonyms, read_key
from pipeline.link.schemas import CONVERSATIONS, LINK, SCHEMAS
from pipeline.output import new_file, write_json
from pipeline.results import CONVERSATIONS as RUN_CONVERSATIONS
from pipeline.results import Run

LINKED = "linked.json"


@dataclass(frozen=True, slots=True, order=True)
class LinkPlace:
    """Where a link run lies, and its key."""

    path: str
    key: str


def note_link(run: Path, folder: Path, key: Path) -> None:
    """Note in a run that a link run was made of it.

    Raises
    ------
    ResultsError
        When the run's folder cannot be written.
    """
    place = LinkPlace(str(folder.resolve()), str(key.resolve()))
    with new_file(run / LINKED, overwrite=True) as beside:
        write_json(beside, [asdict(known) for known in sorted({*places_of(run), place})])


def places_of(run: Path) -> list[LinkPlace]:
    """Return the link runs that a run notes, those that are still there.

    Raises
    ------
    ResultsError
        When the note is damaged.
    """
    note = run / LINKED
    if not note.is_file():
        return []
    try:
        noted = [LinkPlace(**row) for row in json.loads(note.read_bytes())]
    except (ValueError, TypeError) as error:
        raise ResultsError("the note of link runs is damaged", where=str(note), do="Delete it, and link the runs again") from error
    return [place for place in noted if (Path(place.path) / LINK).is_file()]


def forget_in_links(runs: Iterable[Run], whole: Mapping[str, Collection[str]], speaker: str | None) -> int:
    """Take conversations, and what is held of one person, out of all link runs made of these runs; return how many link runs.

    ``whole`` are the ids of the conversations that go, by run id; ``speaker`` is the SHA-256 of the person's name or id. It must be
    called while the runs still hold the conversations. Doing it again changes nothing.

    Raises
    ------
    ConfigError
        When the key of a link run is not where it was: without it, nobody can be found in there.
    """
    touched: dict[LinkPlace, set[str]] = {}
    for run in runs:
        for place in places_of(run.path):
            digests = _digests(run, read_key(Path(place.key)))
            gone = {digest for digest, (identity, _) in digests.items() if identity in whole.get(run.id, ())}
            touched.setdefault(place, set()).update(gone)
    for place, conversations in touched.items():
        people = accounts_of_speaker(Path(place.path), speaker, read_key(Path(place.key))) if speaker else frozenset[str]()
        if people or conversations:
            forget_accounts(Path(place.path), people, conversations=conversations)
    return len(touched)


def note_rows_again(runs: Iterable[Run]) -> None:
    """Note anew in the link runs in which row of a run each conversation is, after conversations went from the run."""
    for run in runs:
        for place in places_of(run.path):
            digests = _digests(run, read_key(Path(place.key)))
            path = Path(place.path) / CONVERSATIONS
            rows = pq.read_table(path).to_pylist()
            for row in rows:
                if row["run"] == run.id and row["conversation"] in digests:
                    row["run_row"] = digests[row["conversation"]][1]
            with new_file(path, overwrite=True) as beside:
                pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMAS[CONVERSATIONS]), beside, compression="zstd")


def _digests(run: Run, pseudonyms: Pseudonyms) -> dict[str, tuple[str, int]]:
    """Return id and row of each conversation of a run, by its digest."""
    exports = Exports.of(run.record["inputs"])
    table = pq.read_table(run.path / RUN_CONVERSATIONS, columns=["conversation_id", "source_file"])
    names, files = (table[name].to_pylist() for name in ("conversation_id", "source_file"))
    return {
        pseudonyms.digest("conversation", exports.id_of(file), name): (name, row)
        for row, (name, file) in enumerate(zip(names, files, strict=True))
    }
