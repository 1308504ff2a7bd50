"""Groups: communities of all accounts, and the groups among whom several show stages.

Communities come from Leiden (Traag et al. 2019; graspologic-native, MIT: igraph is under the GPL, networkx has Louvain alone).
A group is a connected part of a smaller graph: who shows stages toward whom, and who brings whom in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.link.actors import SHOWN, roles_of
from pipeline.link.database import rows_of
from pipeline.link.keys import Pseudonyms
from pipeline.link.settings import IndicatorSettings, LinkSettings
from pipeline.link.strength import combined, further, make_pattern
from pipeline.link.tables import MessageReference, Pattern, Reason, Role, message_reference

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WHOLE = 50
"""A connected part of more persons is cut into its communities: one busy account must not make one group of all."""

_ALL_EDGES = """
SELECT least(a.person, b.person) AS one, greatest(a.person, b.person) AS other, sum(ln(1 + messages) + signs) AS weight
FROM writes_to JOIN persons AS a ON a.account = source JOIN persons AS b ON b.account = target
WHERE a.person <> b.person AND messages > 0
GROUP BY ALL ORDER BY ALL
"""

_CONCERN = """
WITH concern AS (
    SELECT actor AS one, target AS other, signs AS weight FROM toward
    UNION ALL
    SELECT introducer, target, 1 FROM introductions WHERE introducer IN (SELECT actor FROM toward) AND target IS NOT NULL
    UNION ALL
    SELECT introducer, introduced, 1 FROM introductions
    WHERE introducer IN (SELECT actor FROM toward) AND introduced IS NOT NULL
    UNION ALL
    SELECT a.person, b.person, messages FROM writes_to
    JOIN persons AS a ON a.account = source JOIN persons AS b ON b.account = target
    WHERE a.person IN (SELECT actor FROM toward) AND b.person IN (SELECT actor FROM toward)
)
SELECT least(one, other) AS one, greatest(one, other) AS other, sum(weight)::DOUBLE AS weight
FROM concern WHERE one <> other GROUP BY ALL ORDER BY ALL
"""

_CUES = """
SELECT persons.person, indicators.indicator, indicators.conversation, reference(indicators, indicators.indicator, NULL) AS evidence
FROM indicators JOIN persons USING (account)
WHERE persons.person IN (SELECT actor FROM toward)
ORDER BY ALL
"""

_PLACES = """
SELECT persons.person, places.kind, places.place, places.conversation,
    reference(places, CASE places.kind WHEN 'time' THEN 'a day or time that comes again' ELSE 'a place that comes again' END,
        span(places.start, places.end)) AS evidence
FROM places JOIN persons USING (account)
WHERE persons.person IN (SELECT actor FROM toward)
ORDER BY ALL
"""

_DAYS = """
SELECT persons.person, dayname(make_timestamp(signs.time)) AS day, signs.conversation
FROM signs JOIN persons USING (account)
WHERE signs.alert AND signs.time IS NOT NULL AND signs.mask & $severe <> 0 AND persons.person IN (SELECT actor FROM toward)
ORDER BY ALL
"""

_Edges = Sequence[tuple[str, str, float]]


@dataclass(frozen=True)
class Evidence:
    """What the persons of all groups said, by person."""

    cues: Mapping[str, list[dict[str, Any]]]
    places: Mapping[str, list[dict[str, Any]]]
    days: Mapping[str, list[dict[str, Any]]]
    introductions: Mapping[str, list[dict[str, Any]]]
    toward: Mapping[str, list[dict[str, Any]]]


def communities_of(edges: _Edges, *, seed: int) -> dict[str, int]:
    """Return the community of each node by Leiden, the largest first; equal edges give equal communities.

    Raises
    ------
    ConfigError
        When the library is not installed.
    """
    try:
        from graspologic_native import leiden  # pyright: ignore[reportAttributeAccessIssue] - compiled
    except ModuleNotFoundError as error:
        raise ConfigError(
            "`safelight link` needs graspologic-native", do="Install it with: pip install 'safelight[link]'"
        ) from error
    if not edges:
        return {}
    _, membership = leiden(list(edges), seed=seed, iterations=3)
    members: dict[int, list[str]] = defaultdict(list)
    for node, community in membership.items():
        members[community].append(node)
    ordered = sorted(members.values(), key=lambda nodes: (-len(nodes), min(nodes)))
    return {node: number for number, nodes in enumerate(ordered) for node in nodes}


def all_communities(connection: DuckDBPyConnection, settings: LinkSettings) -> dict[str, int]:
    """Return the community of every person who writes to another, or is written to."""
    edges = [(row["one"], row["other"], row["weight"]) for row in rows_of(connection, _ALL_EDGES)]
    return communities_of(edges, seed=settings.seed)


def group_patterns(
    connection: DuckDBPyConnection,
    settings: LinkSettings,
    severe: int,
    pseudonyms: Pseudonyms,
    indicators: Sequence[IndicatorSettings],
) -> list[Pattern]:
    """Return the groups in which several persons show stages, with the indicators, places and days that they share."""
    edges = [(row["one"], row["other"], row["weight"]) for row in rows_of(connection, _CONCERN)]
    evidence = Evidence(
        cues=_by(rows_of(connection, _CUES), "person"),
        places=_by(rows_of(connection, _PLACES), "person"),
        days=_by(rows_of(connection, _DAYS, {"severe": severe}), "person"),
        introductions=_by(rows_of(connection, "SELECT * FROM introductions ORDER BY ALL"), "introducer"),
        toward=_by(rows_of(connection, "SELECT * FROM toward ORDER BY ALL"), "actor"),
    )
    accounts = _by(
        rows_of(
            connection,
            "SELECT person, account FROM persons WHERE person IN (SELECT actor FROM toward UNION ALL "
            "SELECT target FROM toward) ORDER BY ALL",
        ),
        "person",
    )
    listed = {person: [row["account"] for row in rows] for person, rows in accounts.items()}
    names = {indicator.key: indicator.name for indicator in indicators}
    patterns = []
    for members in _parts(edges, seed=settings.seed):
        pattern = _group(members, edges, evidence, settings, names, listed, pseudonyms)
        if pattern is not None:
            patterns.append(pattern)
    return patterns


def _by(rows: Iterable[dict[str, Any]], key: str) -> Mapping[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row[key]].append(row)
    return grouped


def _parts(edges: _Edges, *, seed: int) -> list[list[str]]:
    """Return the connected parts of a graph, the large ones cut into their communities."""
    import rustworkx

    names = sorted({name for account, other, _ in edges for name in (account, other)})
    number = {name: index for index, name in enumerate(names)}
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from_no_data([(number[account], number[other]) for account, other, _ in edges])
    parts: list[list[str]] = []
    for members in rustworkx.connected_components(graph):
        inside = {names[index] for index in members}
        if len(inside) <= WHOLE:
            parts.append(sorted(inside))
            continue
        communities: dict[int, list[str]] = defaultdict(list)
        for name, community in communities_of([edge for edge in edges if edge[0] in inside], seed=seed).items():
            communities[community].append(name)
        parts += [sorted(several) for several in communities.values()]
    return sorted(parts)


def _brokers(members: Sequence[str], edges: _Edges) -> list[str]:
    """Return who stands between the others: the highest betweenness, where the group would fall apart without them."""
    import rustworkx

    number = {name: index for index, name in enumerate(members)}
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(list(members))
    graph.add_edges_from_no_data(
        [(number[account], number[other]) for account, other, _ in edges if account in number and other in number]
    )
    cut = rustworkx.articulation_points(graph)
    between = rustworkx.graph_betweenness_centrality(graph)
    highest = max((between[index] for index in cut), default=0.0)
    return [members[index] for index in sorted(cut) if between[index] == highest]


def _group(
    members: Sequence[str],
    edges: _Edges,
    evidence: Evidence,
    settings: LinkSettings,
    names: Mapping[str, str],
    accounts: Mapping[str, Sequence[str]],
    pseudonyms: Pseudonyms,
) -> Pattern | None:
    actors = [person for person in members if evidence.toward.get(person)]
    cues = [row for person in actors for row in evidence.cues.get(person, ())]
    kinds = Counter(row["indicator"] for row in cues)
    if len(members) < settings.group_persons or len(actors) < settings.group_actors or len(kinds) < settings.group_indicators:
        return None
    weights = settings.weights
    listed_kinds = ", ".join(names[kind].lower() for kind in sorted(kinds))
    reasons = [
        Reason("actors", len(actors), f"{len(actors)} of {len(members)} persons show stages toward others."),
        Reason("indicators", len(kinds), f"Phrases of {listed_kinds}."),
    ]
    shares = [further(len(actors), weights.another), *[weights.indicator] * len(kinds)]
    introductions = [row for person in actors for row in evidence.introductions.get(person, ())]
    if introductions:
        reasons.append(Reason("introduced", len(introductions), "They speak of friends, or ask to bring some."))
        shares.append(weights.introduced)
    places, times = (_recurring(actors, evidence, kind) for kind in ("place", "time"))
    if places:
        reasons.append(Reason("places", len({row["place"] for row in places}), "Two of them name one place."))
        shares.append(weights.recurring)
    if times:
        reasons.append(Reason("times", len({row["place"] for row in times}), "Two of them name one weekday or time of day."))
        shares.append(weights.recurring)
    day, share, conversations = _recurring_day(actors, evidence)
    if day is not None:
        reasons.append(Reason("weekday", round(share, 2), f"Severe stages in {conversations} conversations fall on a {day}."))
        shares.append(weights.recurring)
    brokers = _brokers(members, edges)
    if brokers:
        reasons.append(Reason("brokers", len(brokers), "Without the broker the group falls apart."))
    roles: dict[str, Role] = dict.fromkeys(members, "member")
    roles.update(dict.fromkeys(actors, "actor"))
    roles.update(dict.fromkeys(brokers, "broker"))
    unknown = [SHOWN, "Families, teams and friends use these phrases too.", "Who planned what does not show in messages."]
    return make_pattern(
        "group",
        pseudonyms,
        strength=combined(shares),
        roles=roles_of(roles, accounts),
        conversations=[
            *(name for person in actors for row in evidence.toward[person] for name in row["conversations"]),
            *(row["conversation"] for row in (*cues, *introductions)),
        ],
        reasons=reasons,
        unknown=unknown,
        messages=_first_of_each(cues, "indicator")
        + _first_of_each([*places, *times], "place")
        + _first_of_each(introductions, "introducer"),
    )


def _recurring(actors: Sequence[str], evidence: Evidence, kind: str) -> list[dict[str, Any]]:
    """Return where several actors name one place, or one day or time; a time in three conversations: many people say "Friday"."""
    said: dict[str, set[str]] = defaultdict(set)
    inside: dict[str, set[str]] = defaultdict(set)
    rows = [row for person in actors for row in evidence.places.get(person, ()) if row["kind"] == kind]
    for row in rows:
        said[row["place"]].add(row["person"])
        inside[row["place"]].add(row["conversation"])
    least = 3 if kind == "time" else 1
    return [row for row in rows if len(said[row["place"]]) > 1 and len(inside[row["place"]]) >= least]


def _recurring_day(actors: Sequence[str], evidence: Evidence) -> tuple[str | None, float, int]:
    """Return the weekday on which at least half of the severe messages of several actors fall, in three conversations or more."""
    rows = [row for person in actors for row in evidence.days.get(person, ())]
    if not rows:
        return None, 0.0, 0
    (day, count), *_ = sorted(Counter(row["day"] for row in rows).items(), key=lambda item: (-item[1], item[0]))
    there = [row for row in rows if row["day"] == day]
    conversations = len({row["conversation"] for row in there})
    enough = count * 2 >= len(rows) and conversations > 2 and len({row["person"] for row in there}) > 1
    return (day if enough else None), count / len(rows), conversations


def _first_of_each(rows: Sequence[Mapping[str, Any]], key: str) -> list[MessageReference]:
    """Return the first three messages of each kind of evidence."""
    seen: Counter[str] = Counter()
    references = []
    for row in rows:
        seen[row[key]] += 1
        if seen[row[key]] <= 3:
            references.append(message_reference(row["evidence"]))
    return references
