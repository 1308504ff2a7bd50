"""What the page shows, made from a run's results; nothing here knows HTML."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.notes import notes_of
from pipeline.results import Run, TextPolicy, stage_column
from pipeline.schema import KINDS

SHOWN_WHOLE = 200
"""A conversation of more messages is shown around its signs only."""

_AROUND = 5
_SIGNS = 40


@dataclass(frozen=True, slots=True)
class StageScore:
    """A stage of the taxonomy, by its place in it, with a probability; ``found`` where that reaches the stage's threshold."""

    index: int
    name: str
    probability: float
    found: bool


@dataclass(frozen=True, slots=True)
class MessageView:
    """One row of a timeline. ``day`` is set where a new day begins; ``alert``: the running risk first reached its threshold.

    ``pieces`` is the text cut up, each piece with its share of what carried the sign, 0 for most. ``reply_to`` is the position of
    the message that it answers.
    """

    position: int
    slot: str | None
    name: str | None
    kind: str
    day: str | None
    time: str | None
    text: str | None
    pieces: Sequence[tuple[str, float]]
    cues: Sequence[str]
    stages: Sequence[StageScore]
    risk: float
    source: str
    notes: Sequence[str]
    alert: bool
    reply_to: int | None

    @property
    def found(self) -> list[StageScore]:
        """The stages that reach their thresholds, the most probable first."""
        return sorted((stage for stage in self.stages if stage.found), key=lambda stage: -stage.probability)


@dataclass(frozen=True, slots=True)
class GapView:
    """Rows that are not shown, without a sign that is: from one position to another, both included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many rows it is."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class SpeakerView:
    """A speaker of a conversation: rows, the highest risk of the speaker's own messages, and in how many each stage was found."""

    slot: str
    name: str | None
    messages: int
    risk: float
    stages: Sequence[tuple[int, str, int]]


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation as the page shows it; ``risks`` is the running risk after each row, ``alert`` a position from 1."""

    number: int
    conversation_id: str
    title: str | None
    platform: str
    source: str
    first: str | None
    last: str | None
    messages: int
    speakers: Sequence[SpeakerView]
    risk: float
    flagged: bool
    alert: int | None
    alert_slot: str | None
    stages: Sequence[StageScore]
    risks: Sequence[float]
    signs: Mapping[int, Sequence[tuple[int, float]]]
    rows: Sequence[MessageView | GapView]


@dataclass(frozen=True, slots=True)
class RowView:
    """A conversation in the table of those that are not shown whole."""

    conversation_id: str
    platform: str
    source: str
    messages: int
    risk: float
    flagged: bool


@dataclass(frozen=True, slots=True)
class PageView:
    """The page: the conversations shown whole, those in the table, and how many are in neither."""

    conversations: Sequence[ConversationView]
    others: Sequence[RowView]
    left_out: int
    total: int
    messages: int
    flagged: int
    skipped: int
    threshold: float
    kinds: Sequence[tuple[str, int]]
    text: TextPolicy


def page_view(run: Run, *, whole: int, listed: int) -> PageView:
    """Return the page of a run: the ``whole`` riskiest conversations with their timelines, the next ``listed`` in a table."""
    rows = run.riskiest(whole + listed)
    first, rest = rows[:whole], rows[whole:]
    total = run.count()
    messages = dict(run.messages(row["conversation_id"] for row in first))
    threshold = run.thresholds.risk
    return PageView(
        conversations=[
            conversation_view(run, row, messages.get(row["conversation_id"], []), number) for number, row in enumerate(first, 1)
        ],
        others=[_listed(row, threshold) for row in rest],
        left_out=max(0, total - whole - listed),
        total=total,
        messages=run.record["counts"]["rows"],
        flagged=run.flagged(),
        skipped=run.skipped(),
        threshold=threshold,
        kinds=[(kind, run.record["counts"]["kinds"].get(kind, 0)) for kind in KINDS],
        text=run.record["settings"]["text"],
    )


def _listed(row: Mapping[str, Any], threshold: float) -> RowView:
    return RowView(
        conversation_id=row["conversation_id"],
        platform=row["platform"],
        source=row["source_file"] or "",
        messages=row["messages"],
        risk=row["risk"],
        flagged=row["risk"] >= threshold,
    )


def conversation_view(
    run: Run, row: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], number: int, *, shown_whole: int = SHOWN_WHOLE
) -> ConversationView:
    """Return a conversation as a page shows it, from its row and its messages' rows; ``number`` tells it from others there."""
    threshold = run.thresholds.risk
    alert = next((message for message in messages if message["risk"] >= threshold), None)
    views = _messages(run, messages, alert["position"] if alert else None)
    return ConversationView(
        number=number,
        conversation_id=row["conversation_id"],
        title=row["title"] if run.record["settings"]["text"] == "include" else None,
        platform=row["platform"],
        source=row["source_file"] or "",
        first=_moment(row["first_timestamp"]),
        last=_moment(row["last_timestamp"]),
        messages=row["messages"],
        speakers=_speakers(run, messages, views),
        risk=row["risk"],
        flagged=alert is not None,
        alert=alert["position"] if alert else None,
        alert_slot=alert["speaker_slot"] if alert else None,
        stages=_stages(run, row),
        risks=[message["risk"] for message in messages],
        signs={
            index: [(view.position, view.stages[index].probability) for view in views if view.stages and view.stages[index].found]
            for index in range(len(run.taxonomy.stages))
        },
        rows=_shown(views, shown_whole),
    )


def _stages(run: Run, row: Mapping[str, Any]) -> list[StageScore]:
    """Return the stages of a row of results; none where it has no probabilities."""
    found = []
    for index, stage in enumerate(run.taxonomy.stages):
        probability = row[stage_column(stage.key)]
        if probability is None:
            return []
        found.append(StageScore(index, stage.name, probability, probability >= run.thresholds.stages.get(stage.key, 1.0)))
    return found


def _messages(run: Run, messages: Sequence[Mapping[str, Any]], alert: int | None) -> list[MessageView]:
    verbatim = run.record["settings"]["text"] == "include"
    views = []
    before = None
    positions = {message["message_id"]: message["position"] for message in messages}
    for message in messages:
        meta = json.loads(message["meta"]) if message["meta"] else {}
        day, time = _day_and_time(message["timestamp"])
        views.append(
            MessageView(
                position=message["position"],
                slot=message["speaker_slot"],
                name=message["speaker"] if verbatim else None,
                kind=message["kind"],
                day=day if day != before else None,
                time=time,
                text=message["text"] if verbatim else None,
                pieces=_pieces(message["text"], message["words"]) if verbatim and message["text"] else (),
                cues=message["cues"] or (),
                stages=_stages(run, message),
                risk=message["risk"],
                source=_source(message),
                notes=notes_of(meta),
                alert=message["position"] == alert,
                reply_to=positions.get(str(meta.get("reply_to"))),
            )
        )
        before = day or before
    return views


def _pieces(text: str, words: Sequence[Mapping[str, Any]] | None) -> list[tuple[str, float]]:
    pieces = []
    after = 0
    for word in words or ():
        pieces += [(text[after : word["start"]], 0.0), (text[word["start"] : word["end"]], word["weight"])]
        after = word["end"]
    return [(piece, weight) for piece, weight in (*pieces, (text[after:], 0.0)) if piece]


def _source(message: Mapping[str, Any]) -> str:
    if message["source_line"] is not None:
        return f"{message['source_file']}:{message['source_line']}"
    if message["source_row"] is not None:
        return f"{message['source_file']}: record {message['source_row']}"
    return str(message["source_file"])


def _moment(timestamp: str | None) -> str | None:
    return timestamp[:16].replace("T", " ") if timestamp else None


def _day_and_time(timestamp: str | None) -> tuple[str | None, str | None]:
    """Cut an ISO 8601 time into its day and its minute."""
    return (timestamp[:10], timestamp[11:16]) if timestamp else (None, None)


def _speakers(run: Run, messages: Sequence[Mapping[str, Any]], views: Sequence[MessageView]) -> list[SpeakerView]:
    counts: Counter[str] = Counter()
    risks: dict[str, float] = {}
    names: dict[str, str | None] = {}
    found: dict[str, Counter[int]] = {}
    for message, view in zip(messages, views, strict=True):
        if view.slot is None:
            continue
        counts[view.slot] += 1
        names.setdefault(view.slot, view.name)
        risks[view.slot] = max(risks.get(view.slot, 0.0), message["speaker_risk"] or 0.0)
        found.setdefault(view.slot, Counter()).update(stage.index for stage in view.found)
    return [
        SpeakerView(
            slot=slot,
            name=names[slot],
            messages=counts[slot],
            risk=risks[slot],
            stages=[(index, run.taxonomy.stages[index].name, count) for index, count in sorted(found[slot].items())],
        )
        for slot in sorted(counts, key=lambda slot: (-risks[slot], slot))
    ]


def _shown(views: Sequence[MessageView], shown_whole: int) -> list[MessageView | GapView]:
    """Return the rows to show: all of a short conversation; of a long one those around the alert and the strongest signs."""
    if len(views) <= shown_whole:
        return list(views)
    signs = sorted((view for view in views if view.found), key=lambda view: -view.found[0].probability)[:_SIGNS]
    keep: set[int] = set(range(_AROUND))
    for index in [view.position - 1 for view in (*signs, *(view for view in views if view.alert))]:
        keep.update(range(max(0, index - _AROUND), min(len(views), index + _AROUND + 1)))
    return list(_with_gaps(views, sorted(keep)))


def _with_gaps(views: Sequence[MessageView], keep: Sequence[int]) -> Iterable[MessageView | GapView]:
    after = 0
    for index in keep:
        if index > after:
            yield GapView(views[after].position, views[index - 1].position)
        yield views[index]
        after = index + 1
    if after < len(views):
        yield GapView(views[after].position, views[-1].position)
