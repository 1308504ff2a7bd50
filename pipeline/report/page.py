"""What a page shows of a run, of its conversations and of their messages: types alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.results import TextPolicy


@dataclass(frozen=True, slots=True)
class StageScore:
    """A stage of the taxonomy, by its place in it, with a probability.

    ``found``: it reaches the stage's threshold, and is a sign. ``hint``: it does not, and is several times the stage's mean.
    """

    index: int
    name: str
    probability: float
    found: bool
    hint: bool = False


@dataclass(frozen=True, slots=True)
class WhyView:
    """Why the running risk rose at a message, and what it would be without the words, or without earlier messages (by position).

    ``computed``: the model was asked; else the last three say nothing.
    """

    before: float
    after: float
    stages: Sequence[StageScore]
    computed: bool
    without_words: float | None
    leans_on: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class MessageView:
    """One row of a timeline. ``day`` is set where a new day begins; ``alert``: the running risk first reached its threshold.

    ``pieces`` is the text cut up, each piece with its share of what carried the sign, 0 for most. ``reply_to`` is the position of
    the message that it answers. ``peak`` is the highest running risk so far, and ``fell`` why the risk is lower than at the message
    before. ``later`` says how long nobody wrote before it, where that is long. ``explained``: the words that carried it are known.
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
    why: WhyView | None
    peak: float
    fell: str | None
    later: str | None
    explained: bool

    @property
    def hints(self) -> list[StageScore]:
        """The stages that are weak hints, the most probable first."""
        return sorted((stage for stage in self.stages if stage.hint), key=lambda stage: -stage.probability)

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
    """A conversation as the page shows it; ``risks`` is the running risk after each row, ``alert`` a position from 1.

    Of a flagged one ``severity`` is how urgent it is, ``urgency`` the word for that, ``sentence`` what its signs say.
    """

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
    severity: str | None
    urgency: str | None
    sentence: str | None
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
class PatternPerson:
    """Somebody in a pattern: the role, and the letters of the speaker as ``(conversation_id, letter)``."""

    role: str
    places: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PatternMessage:
    """A message that is evidence of a pattern; ``stages`` are place in the taxonomy and name."""

    conversation_id: str
    position: int
    slot: str | None
    time: str | None
    stages: Sequence[tuple[int, str]]
    note: str | None


@dataclass(frozen=True, slots=True)
class PatternView:
    """What several conversations should be read together for."""

    title: str
    strength: float
    reasons: Sequence[str]
    unknown: Sequence[str]
    people: Sequence[PatternPerson]
    conversations: int
    messages: Sequence[PatternMessage]


@dataclass(frozen=True, slots=True)
class PatternsView:
    """The strongest patterns, of how many; ``missing`` says why none were looked for."""

    patterns: Sequence[PatternView]
    total: int
    missing: str | None


NO_PATTERNS = PatternsView((), 0, None)


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
