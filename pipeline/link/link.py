"""Link finished runs: who takes part in what over all of them, who may be one person, and what should be read together."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline import __version__
from pipeline.config import load_settings
from pipeline.errors import ResultsError
from pipeline.link.account_facts import account_priorities
from pipeline.link.collect import Engine, collect
from pipeline.link.database import MEMORY, load_parts, open_database, rows_of
from pipeline.link.deletions import note_link
from pipeline.link.graph import write_graph
from pipeline.link.groups import all_communities
from pipeline.link.identifiers import Exports
from pipeline.link.identities import find_links
from pipeline.link.keys import key_for, key_place, read_key
from pipeline.link.patterns import find_patterns
from pipeline.link.report import write_report
from pipeline.link.schemas import GRAPH_JSON, GRAPHML, LINK, REPORT, SCHEMAS
from pipeline.link.settings import LinkSettings, read_indicators, require_stages
from pipeline.link.step import RunContext
from pipeline.link.tables import Pattern
from pipeline.link.vectors import load_vectors
from pipeline.link.write import write_tables
from pipeline.output import hashes_of, new_folder, write_json
from pipeline.package_data import config_path
from pipeline.results import Run, open_unchanged

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMAT = "safelight-link/1"
SETTINGS = "link"
INDICATORS = ("group",)
"""The indicators that are looked for where none are named: `pipeline.package_data` finds them."""

_LIBRARIES = ("duckdb", "rustworkx", "graspologic-native", "pyarrow", "numpy")


@dataclass
class Timings:
    """Seconds by step, in their order."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Note how long the block takes."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


@dataclass(frozen=True)
class Linked:
    """What a link run found: its folder and what ``link.json`` holds."""

    path: Path
    record: dict[str, Any]


def link(
    runs: Sequence[Path],
    out: Path,
    *,
    config: Path | str = SETTINGS,
    indicators: Sequence[Path | str] | None = None,
    overrides: Sequence[str] = (),
    key: Path | None = None,
    names: Literal["include", "omit"] = "omit",
    places: bool = True,
    model: Path | None = None,
    engine: Engine = "local",
    memory: str = MEMORY,
    overwrite: bool = False,
    progress: Callable[[int], None] = lambda rows: None,
) -> Linked:
    """Link the runs and write the folder ``out``, which appears when all is done.

    Parameters
    ----------
    runs
        Folders of `safelight score`. One that is given twice is read once; the order does not matter.
    config, indicators, overrides
        The settings, the sets of indicators (paths, or names of files that ship), and ``a.b=value`` on top of the settings.
    key
        The file with the key of the pseudonyms; without it the one beside ``out``, made where there is none.
    names
        Whether names, titles and paths go into the output, where the runs kept them.
    places
        Whether places are looked for, by the spaCy pipelines that are installed.
    model
        A model folder of the kind encoder, whose sentence vectors find what one person says in other words.
    memory
        What DuckDB may take; the rest goes to disk.

    Raises
    ------
    ConfigError
        When a setting or the key is not valid, or a library of the extra ``link`` is missing.
    ResultsError
        When a run is not whole or was changed, runs have different stages, or ``out`` cannot be written.
    """
    started = datetime.now(UTC)
    settings = load_settings(config_path(config), LinkSettings, overrides=overrides)
    known = read_indicators([config_path(path) for path in indicators or INDICATORS])
    opened = _open(runs)
    taxonomy = opened[0].taxonomy
    require_stages(known, taxonomy)
    vectors = str(model.resolve()) if model is not None else None
    if vectors is not None:
        load_vectors(vectors)
    timings = Timings()
    with new_folder(out, overwrite=overwrite, marker=LINK) as folder, tempfile.TemporaryDirectory(dir=folder) as work:
        pseudonyms = key_for(out) if key is None else read_key(key)
        find_places = places and find_spec("spacy") is not None
        wanted = {"names": names == "include", "places": find_places, "model": vectors}
        contexts = [replace(RunContext.of(run, pseudonyms, settings, known), **wanted) for run in opened]
        with timings.step("read"):
            collect(contexts, Path(work) / "parts", engine=engine, progress=progress)
        with open_database(Path(work), memory=memory) as connection:
            with timings.step("join"):
                load_parts(connection, Path(work) / "parts", taxonomy.keys)
            with timings.step("identities"):
                find_links(connection, settings, pseudonyms)
            with timings.step("patterns"):
                patterns = find_patterns(connection, settings, taxonomy, pseudonyms, known)
            with timings.step("communities"):
                communities = all_communities(connection, settings)
            with timings.step("write"):
                first = account_priorities(connection, settings, taxonomy)
                write_tables(connection, folder, communities=communities, priorities=first, patterns=patterns)
            counts = _counts(connection, patterns)
        with timings.step("graph"):
            write_graph(folder)
        record = {
            "format": FORMAT,
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {"safelight": __version__, **{name: version(name) for name in _LIBRARIES}},
            "runs": [_told(run, names=names == "include") for run in opened],
            "settings": {
                **settings.model_dump(mode="json"),
                "names": names,
                "indicators": [item.key for item in known],
                "vectors": vectors is not None,
            },
            "counts": counts,
            "warnings": _warnings(opened, find_places=find_places),
            "seconds": timings.seconds,
            "stages": {stage.key: stage.name for stage in taxonomy.stages},
            "files": hashes_of(folder, (*SCHEMAS, GRAPHML, GRAPH_JSON)),
        }
        write_json(folder / LINK, record)
        write_report(folder, folder / REPORT)
    for run in opened:
        note_link(run.path, out, key or key_place(out))
    return Linked(out, {**record, "key": None if key else str(key_place(out))})


def _open(paths: Sequence[Path]) -> list[Run]:
    """Open the runs, each once, by id: so their order does not matter."""
    runs = {run.id: run for run in map(open_unchanged, paths)}
    if not runs:
        raise ResultsError("no run was given", do="Give the --out of a `safelight score`")
    opened = [runs[identity] for identity in sorted(runs)]
    for run in opened[1:]:
        if run.taxonomy.keys != opened[0].taxonomy.keys:
            raise ResultsError(
                "its stages are not those of the other runs",
                where=str(run.path),
                do="Score all exports with models of one taxonomy",
            )
    return opened


def _told(run: Run, *, names: bool) -> dict[str, Any]:
    """Return what is noted of a run; its path only with names, which stand in paths too."""
    about = {
        "run": run.id,
        "text": run.record["settings"]["text"],
        "finished": run.record["finished"],
        "model": run.record["model"]["id"],
        "threshold": run.thresholds.risk,
        "files": dict(run.record.get("files", {})),
        "exports": sorted(set(Exports.of(run.record["inputs"]).ids.values())),
    }
    return {**about, "path": str(run.path)} if names else about


def _warnings(runs: Sequence[Run], *, find_places: bool) -> list[str]:
    policies = [run.record["settings"]["text"] for run in runs]
    warnings = []
    if omitted := policies.count("omit"):
        warnings.append(
            f"{omitted} of {len(runs)} runs kept no names: their speakers cannot be told to be one person over conversations. "
            "Score again with --text hash, or --text include"
        )
    if hashed := policies.count("hash"):
        warnings.append(
            f"{hashed} of {len(runs)} runs kept hashes of the text: introductions, hand-overs, indicators and near-equal messages "
            "are not found in them, equal messages are"
        )
    if "include" in policies and not find_places:
        warnings.append("spaCy is not installed, or was not wanted: places and times that come again are not looked for")
    return warnings


def _counts(connection: DuckDBPyConnection, patterns: Sequence[Pattern]) -> dict[str, Any]:
    (row,) = rows_of(
        connection,
        "SELECT (SELECT count(*) FROM accounts) AS accounts, (SELECT count(DISTINCT person) FROM persons) AS persons, "
        "(SELECT count(*) FROM conversations) AS conversations, (SELECT coalesce(sum(messages), 0)::BIGINT FROM conversations) AS "
        "messages, (SELECT count(*) FROM links) AS identity_links, (SELECT count(*) FROM links WHERE joined) AS joined_links, "
        "(SELECT count(DISTINCT export) FROM conversations) AS exports",
    )
    kinds = sorted({pattern.kind for pattern in patterns})
    return {**row, "patterns": {kind: sum(pattern.kind == kind for pattern in patterns) for kind in kinds}}
