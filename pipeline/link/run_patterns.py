"""Find the patterns of one run as `safelight link` does, in a temporary folder, and return the strongest as a page shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import load_settings
from pipeline.link.collect import collect
from pipeline.link.database import load_parts, open_database, rows_of
from pipeline.link.identities import find_links
from pipeline.link.keys import Pseudonyms
from pipeline.link.patterns import find_patterns
from pipeline.link.report import STRONGEST
from pipeline.link.settings import LinkSettings, read_indicators
from pipeline.link.step import RunContext
from pipeline.link.tables import TITLES, Pattern
from pipeline.package_data import config_path
from pipeline.report.page import PatternMessage, PatternPerson, PatternsView, PatternView
from pipeline.results import Run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "512MB"
_KEY = Pseudonyms(bytes(32))  # what it makes is gone with the temporary folder, and one key gives one order


def find_in_run(run: Run, work: Path) -> PatternsView:
    """Return the strongest patterns of a run, found in the folder ``work``.

    Raises
    ------
    ConfigError
        When the extra `link` is not installed.
    """
    settings = load_settings(config_path("link"), LinkSettings)
    # Those of stages that this run's model does not know are left out: nobody asked for them.
    indicators = tuple(item for item in read_indicators([config_path("group")]) if item.stage in run.taxonomy.keys)
    context = RunContext.of(run, _KEY, settings, indicators, names=True)
    with open_database(work, memory=MEMORY) as connection:
        collect([context], work / "parts", progress=lambda rows: None)
        load_parts(connection, work / "parts", run.taxonomy.keys)
        find_links(connection, settings, _KEY)
        patterns = find_patterns(connection, settings, run.taxonomy, _KEY, indicators)
        shown = patterns[:STRONGEST]
        ids = {row["conversation"]: row["conversation_id"] for row in rows_of(connection, "SELECT * FROM conversations")}
        places = _places(connection, {part.account for pattern in shown for part in pattern.accounts}, ids)
        persons = {row["account"]: row["person"] for row in rows_of(connection, "SELECT * FROM persons")}
    views = [_view(pattern, run, ids, places, persons) for pattern in shown]
    return PatternsView(views, len(patterns), None)


_Places = Mapping[str, Sequence[tuple[str, str]]]
"""Conversation id and speaker's letter, by account."""


def _places(connection: DuckDBPyConnection, accounts: set[str], ids: Mapping[str, str]) -> _Places:
    query = "SELECT account, conversation, slot FROM takes_part WHERE list_contains($accounts, account) ORDER BY conversation, slot"
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows_of(connection, query, {"accounts": sorted(accounts)}):
        places[row["account"]].append((ids[row["conversation"]], row["slot"]))
    return places


def _view(pattern: Pattern, run: Run, ids: Mapping[str, str], places: _Places, persons: Mapping[str, str]) -> PatternView:
    conversations = {ids[conversation] for conversation in pattern.conversations}
    people: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for part in pattern.accounts:
        inside = [place for place in places.get(part.account, ()) if place[0] in conversations]
        people.setdefault((part.role, persons[part.account]), []).extend(inside)
    slots = {(account, conversation): slot for account, several in places.items() for conversation, slot in several}
    numbers = {stage.key: (index, stage.name) for index, stage in enumerate(run.taxonomy.stages)}
    return PatternView(
        title=TITLES[pattern.kind],
        strength=pattern.strength,
        reasons=[reason.text for reason in pattern.reasons],
        unknown=pattern.unknown,
        people=[PatternPerson(role, sorted(set(several))) for (role, _), several in people.items() if several],
        conversations=len(conversations),
        messages=[
            PatternMessage(
                conversation_id=ids[message.conversation],
                position=message.position,
                slot=slots.get((message.account, ids[message.conversation])),
                time=message.time.strftime("%Y-%m-%d %H:%M") if message.time else None,
                stages=[numbers[stage] for stage in message.stages],
                note=message.note,
            )
            for message in pattern.messages
        ],
    )
