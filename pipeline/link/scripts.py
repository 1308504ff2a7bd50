"""The same script: near-equal messages in several conversations, and where they differ.

Words are compared as keyed numbers, so no text is needed here. Candidates share a band of a MinHash sketch; then the words are
compared in order. Where a model made sentence vectors, what one person says in other words is joined too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipeline.corpora.minhash import band_keys, hashes64, sketch
from pipeline.link.actors import SHOWN
from pipeline.link.database import rows_of
from pipeline.link.keys import Pseudonyms
from pipeline.link.settings import LinkSettings
from pipeline.link.strength import combined, further, make_pattern
from pipeline.link.tables import MessageReference, Pattern, Reason, Role, Span, message_reference
from pipeline.link.vectors import Vector, cosine, groups_by_meaning, vector_from

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NEAR = """
SELECT persons.person, scripts.words, scripts.starts, scripts.ends, scripts.vector, scripts.mask,
    reference(scripts, NULL, NULL) AS evidence
FROM scripts JOIN persons USING (account)
WHERE NOT scripts.exact
ORDER BY scripts.conversation, scripts.position
"""

_EXACT = """
WITH again AS (
    SELECT persons.person, scripts.words[1] AS text
    FROM scripts JOIN persons USING (account)
    WHERE scripts.exact GROUP BY ALL HAVING count(DISTINCT scripts.conversation) >= $least
)
SELECT persons.person, scripts.words, scripts.starts, scripts.ends, scripts.vector, scripts.mask,
    reference(scripts, NULL, NULL) AS evidence
FROM scripts JOIN persons USING (account) JOIN again ON again.person = persons.person AND again.text = scripts.words[1]
WHERE scripts.exact
ORDER BY scripts.conversation, scripts.position
"""
"""Copies of one hash by one person: a hash does not tell how long a text is, and many people write the same short ones."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that may be a copy; ``spans`` are where its words stand."""

    person: str
    words: tuple[int, ...]
    spans: tuple[Span, ...]
    mask: int
    evidence: MessageReference
    vector: Vector | None = None


def same_scripts(connection: DuckDBPyConnection, settings: LinkSettings, severe: int, pseudonyms: Pseudonyms) -> list[Pattern]:
    """Return the scripts: messages alike in at least ``script_conversations`` conversations."""
    near = [_candidate(row) for row in rows_of(connection, _NEAR)]
    clusters = reworded(list(alike(near, settings.script_likeness)), settings.script_cosine)
    exact: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for row in rows_of(connection, _EXACT, {"least": settings.script_conversations}):
        candidate = _candidate(row)
        exact[candidate.person, candidate.words[0]].append(candidate)
    patterns = []
    for cluster, hashed in [*((cluster, False) for cluster in clusters), *((cluster, True) for cluster in exact.values())]:
        if len({member.evidence.conversation for member in cluster}) >= settings.script_conversations:
            patterns.append(_pattern(connection, cluster, settings, severe, pseudonyms, hashed=hashed))
    return patterns


def _candidate(row: dict[str, Any]) -> Candidate:
    spans = tuple(Span(start, end) for start, end in zip(row["starts"], row["ends"], strict=True))
    return Candidate(
        row["person"], tuple(row["words"]), spans, row["mask"], message_reference(row["evidence"]), vector_from(row["vector"])
    )


def reworded(groups: Sequence[list[Candidate]], least: float) -> list[list[Candidate]]:
    """Join groups in which one person says the same in other words: whose vectors have at least this cosine."""
    rows = [
        (candidate.person, number, candidate.vector)
        for number, group in enumerate(groups)
        for candidate in group
        if candidate.vector is not None
    ]
    homes = groups_by_meaning(rows, least)
    joined: dict[int, list[Candidate]] = defaultdict(list)
    for number, group in enumerate(groups):
        joined[homes.get(number, number)] += group
    return list(joined.values())


def alike(candidates: Sequence[Candidate], likeness: float) -> Iterator[list[Candidate]]:
    """Yield groups of messages alike to one another; each message is in one group, alone where no other is like it.

    The first of each group in order is the one to which the others are compared, so that the order of runs does not matter.
    """
    ordered = sorted(candidates, key=lambda member: (member.words, member.evidence.conversation, member.evidence.position))
    homes: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    groups: dict[int, list[Candidate]] = {}
    for number, candidate in enumerate(ordered):
        bands = _bands(candidate.words)
        likest = max(
            ((likeness_of(ordered[first].words, candidate.words), -first) for first in {n for band in bands for n in homes[band]}),
            default=(0.0, 0),
        )
        if likest[0] >= likeness:
            groups[-likest[1]].append(candidate)
        else:
            groups[number] = [candidate]
            for band in bands:
                homes[band].append(number)
    yield from groups.values()


def likeness_of(first: Sequence[int], other: Sequence[int]) -> float:
    """Return the share of words, in [0, 1], that stand in both in the same order."""
    return SequenceMatcher(None, first, other, autojunk=False).ratio()


def _bands(words: Sequence[int]) -> list[tuple[int, bytes]]:
    minima = sketch(hashes64([*map(str, words), *(f"{word} {following}" for word, following in pairwise(words))]))
    return [] if minima is None else list(enumerate(band_keys(minima)))


def _differing(cluster: Sequence[Candidate]) -> list[MessageReference]:
    """Return the messages with the words marked that are not in the others: names and places, as a rule."""
    first = cluster[0]
    differing: set[int] = set()
    marked = []
    for other in cluster[1:]:
        changes = [
            code for code in SequenceMatcher(None, first.words, other.words, autojunk=False).get_opcodes() if code[0] != "equal"
        ]
        differing.update(word for _, start, end, _, _ in changes for word in range(start, end))
        marked.append(_marked(other, (word for _, _, _, start, end in changes for word in range(start, end))))
    return [_marked(first, sorted(differing)), *marked]


def _marked(candidate: Candidate, words: Iterable[int]) -> MessageReference:
    spans = tuple(candidate.spans[word] for word in words) if candidate.spans else ()
    return replace(candidate.evidence, spans=spans, note="the marked words differ" if spans else "a copy")


def _pattern(
    connection: DuckDBPyConnection,
    cluster: Sequence[Candidate],
    settings: LinkSettings,
    severe: int,
    pseudonyms: Pseudonyms,
    *,
    hashed: bool,
) -> Pattern:
    weights = settings.weights
    conversations = {candidate.evidence.conversation for candidate in cluster}
    senders = {candidate.person for candidate in cluster}
    shared = min(likeness_of(cluster[0].words, candidate.words) for candidate in cluster)
    likeness = min(_likeness(cluster[0], candidate, settings) for candidate in cluster)
    reasons = [
        Reason("conversations", len(conversations), f"Sent in {len(conversations)} conversations."),
        Reason("likeness", round(shared, 2), f"The least alike share {shared:.0%} of their words.".replace("%", " %")),
    ]
    if likeness > shared:
        text = "Some say the same in other words, by the model's sentence vectors."
        reasons.append(Reason("meaning", round(likeness, 2), text))
    shares = [further(len(conversations), weights.another) * likeness]
    if any(candidate.mask & severe for candidate in cluster):
        reasons.append(
            Reason("severe", sum(bool(candidate.mask & severe) for candidate in cluster), "The words carry a severe stage.")
        )
        shares.append(weights.severe)
    if len(senders) > 1:
        reasons.append(Reason("senders", len(senders), f"{len(senders)} persons send it."))
        shares.append(weights.acquainted)
    roles: dict[str, Role] = dict.fromkeys(_receivers(connection, cluster), "receiver")
    roles |= {candidate.evidence.account: "sender" for candidate in cluster}
    unknown = [SHOWN, "Whether the words were copied or are a common phrase is not known."]
    if hashed:
        unknown.append("The run kept hashes of the text: only exact copies are found, and their length is not known.")
    return make_pattern(
        "same_script",
        pseudonyms,
        strength=combined(shares),
        roles=roles,
        conversations=conversations,
        reasons=reasons,
        unknown=unknown,
        messages=_differing(cluster),
        about=str(min(candidate.words for candidate in cluster)),
    )


def _likeness(first: Candidate, other: Candidate, settings: LinkSettings) -> float:
    """Return how alike two messages of a script are: by their words, or where those differ by their vectors."""
    shared = likeness_of(first.words, other.words)
    return shared if shared >= settings.script_likeness else max(shared, cosine(first.vector, other.vector))


def _receivers(connection: DuckDBPyConnection, cluster: Sequence[Candidate]) -> list[str]:
    senders = sorted({candidate.evidence.account for candidate in cluster})
    query = (
        "SELECT DISTINCT target FROM writes_to WHERE list_contains(?, conversation) AND list_contains(?, source) ORDER BY target"
    )
    rows = rows_of(connection, query, [sorted({candidate.evidence.conversation for candidate in cluster}), senders])
    return [row["target"] for row in rows]
