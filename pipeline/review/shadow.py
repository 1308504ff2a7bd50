"""Shadow mode: a second model, or another threshold, beside the one that fills the queue. Readers never see it; a lead compares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from evaluation.intervals import newcombe
from pipeline.digests import sha256_of_text
from pipeline.errors import ReviewError
from pipeline.output import hashes_of
from pipeline.results import CONVERSATIONS, SCORES, THRESHOLDS, Run, open_run
from pipeline.review.audit import append
from pipeline.review.precision import Precision
from pipeline.review.schema import conversations
from pipeline.review.store import Store
from pipeline.review.work_schema import shadow_scores, shadows
from pipeline.thresholds import Thresholds, read_thresholds

_AT_ONCE = 5000
_columns = conversations.c
_HANDED_ON = ("escalate", "refer")


@dataclass(frozen=True, slots=True)
class Shadow:
    """A second model or threshold on a run: ``name`` is the model, or the file of thresholds."""

    id: int
    run_id: str
    name: str
    added: datetime
    threshold: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a shadow would have flagged beside what was flagged.

    ``cells``: (flagged, flagged by the shadow) -> (handed on, dismissed, not decided or watched). ``only_shadow`` are the first
    conversations that it alone flags, riskiest first. ``difference`` is the interval of the shadow's precision less the other.
    """

    cells: dict[tuple[bool, bool], tuple[int, int, int]]
    queue: Precision
    shadow: Precision
    difference: tuple[float, float]
    only_shadow: Sequence[int]
    missing: int


def add_shadow(store: Store, run: Run, path: Path, *, actor: str) -> int:
    """Bring a shadow into the store, unless it is there; return its number.

    ``path`` is the folder of another run on the same exports, or a threshold file for this run's own scores.

    Raises
    ------
    ReviewError
        When there is no conversation that both runs have.
    ResultsError
        When the other run was changed or is none.
    ConfigError
        When it is a threshold file that cannot be read.
    """
    other = open_run(path) if path.is_dir() else run
    limits = other.thresholds if path.is_dir() else read_thresholds(path)
    hashes = hashes_of(other.path, (SCORES, CONVERSATIONS, THRESHOLDS))
    if path.is_dir():
        other.require_unchanged({name: hashes[name] for name in (SCORES, CONVERSATIONS)})
    digest = sha256_of_text(f"{hashes[CONVERSATIONS]}\n{limits.model_dump_json()}")
    with store.writing() as connection:
        same = (shadows.c.run_id == run.id, shadows.c.digest == digest)
        known = connection.execute(select(shadows.c.id).where(*same)).scalar_one_or_none()
        if known is not None:
            return known
        model = other.record["model"]
        name = f"{model['name']} {model['id']}" if path.is_dir() else path.name
        values = {"run_id": run.id, "name": name, "digest": digest, "added": datetime.now(UTC), "threshold": limits.risk}
        made = connection.execute(shadows.insert().values(**values).returning(shadows.c.id)).scalar_one()
        count = 0
        for rows in _scores(connection, run, other, limits, made):
            connection.execute(shadow_scores.insert(), rows)
            count += len(rows)
        if not count:
            raise ReviewError(
                "the shadow has no conversation of the run",
                where=str(path),
                do="Give a run on the same exports, or a threshold file",
            )
        append(connection, actor, "add shadow", f"run:{run.id}", shadow=made, digest=digest, conversations=count)
    return made


def _scores(connection: Connection, run: Run, other: Run, limits: Thresholds, made: int) -> Iterator[list[dict[str, object]]]:
    query = select(_columns.conversation_id, _columns.number).where(_columns.run_id == run.id)
    numbers = {row.conversation_id: row.number for row in connection.execute(query)}
    for scored in other.conversations_as_read(_AT_ONCE):
        rows = [
            {"shadow": made, "conversation": number, "risk": each.risk, "flagged": each.is_alert(limits)}
            for each in scored
            if (number := numbers.get(each.conversation_id)) is not None
        ]
        if rows:
            yield rows


def all_shadows(connection: Connection, runs: Sequence[str]) -> list[Shadow]:
    """Return the shadows of runs, the newest first."""
    query = select(shadows).where(shadows.c.run_id.in_(runs)).order_by(shadows.c.id.desc())
    return [Shadow(row.id, row.run_id, row.name, row.added, row.threshold) for row in connection.execute(query)]


def compare(connection: Connection, shadow: Shadow, *, shown: int = 50) -> Comparison:
    """Compare a shadow with what was flagged, and with what readers decided since."""
    joined = shadow_scores.join(conversations)
    mine = shadow_scores.c.shadow == shadow.id
    group = (_columns.flagged, shadow_scores.c.flagged, _columns.state, _columns.awaiting)
    query = select(*group, func.count()).select_from(joined).where(mine).group_by(*group)
    cells = {(queue, other): [0, 0, 0] for queue in (True, False) for other in (True, False)}
    for queue, other, state, awaiting, count in connection.execute(query):
        place = 2 if awaiting else 0 if state in _HANDED_ON else 1 if state == "dismiss" else 2
        cells[bool(queue), bool(other)][place] += count
    alone = select(_columns.number).select_from(joined).where(mine, shadow_scores.c.flagged, ~_columns.flagged)
    alone = alone.order_by(shadow_scores.c.risk.desc(), _columns.number).limit(shown)
    queue_hits, queue_misses = _decided(cells, 0)
    other_hits, other_misses = _decided(cells, 1)
    total = select(func.count()).where(_columns.run_id == shadow.run_id)
    return Comparison(
        cells={key: (cell[0], cell[1], cell[2]) for key, cell in cells.items()},
        queue=Precision(queue_hits, queue_hits + queue_misses),
        shadow=Precision(other_hits, other_hits + other_misses),
        difference=newcombe(other_hits, other_hits + other_misses, queue_hits, queue_hits + queue_misses),
        only_shadow=list(connection.execute(alone).scalars()),
        missing=connection.execute(total).scalar_one() - sum(map(sum, cells.values())),
    )


def _decided(cells: dict[tuple[bool, bool], list[int]], side: int) -> tuple[int, int]:
    """Return of what one side flags how many were handed on, and how many dismissed."""
    flagged = [cell for key, cell in cells.items() if key[side]]
    return sum(cell[0] for cell in flagged), sum(cell[1] for cell in flagged)
