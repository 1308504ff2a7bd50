"""The scoring core: a table of whole conversations in, a table of their scores out. Every engine calls it and nothing else.

What comes out of a conversation depends on that conversation and the model alone, whatever else is in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.model.base import Model, Prediction, Utterance
from pipeline.model.explain import SIGNS, Explanation, explain
from pipeline.model.risk_jumps import Jump, jumps
from pipeline.model.scorable import utterances_of_rows
from pipeline.model.variant_reader import variant_reader
from pipeline.results import TextPolicy, conversations_schema, kept, scores_schema, stage_column
from pipeline.scoring.fingerprint import fingerprint
from pipeline.scoring.sentences import sentence_of
from pipeline.scoring.since import Reading, Reasons
from pipeline.thresholds import Thresholds

DAMAGE = (RuntimeError, ValueError, OverflowError, MemoryError)
"""What a conversation that cannot be scored may raise, in the tokenizer, the runtime or the tables."""


@dataclass(frozen=True)
class Scorer:
    """A model, and what is kept of its readings.

    Of each conversation that ``thresholds`` flag, the ``explain`` strongest signs and the jumps of the risk are explained; nothing
    is without ``thresholds``, or with 0.
    """

    model: Model
    text: TextPolicy = "omit"
    thresholds: Thresholds | None = None
    cascade: bool = False
    explain: int = SIGNS

    @property
    def explains(self) -> bool:
        """Whether anything is explained."""
        return self.thresholds is not None and self.explain > 0


@dataclass(frozen=True)
class Scored:
    """The scores of some conversations: a row a message, a row a conversation, and what could not be scored, with its reason."""

    scores: pa.Table
    conversations: pa.Table
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Talk:
    """A conversation's columns; ``rows`` are the numbers of its messages with words, ``lines`` those as the model reads them."""

    id: str
    columns: Mapping[str, list[Any]]
    rows: list[int]
    lines: list[Utterance]
    platform: str | None
    title: str | None
    known: Reading | None = None


def score_table(chats: pa.Table, scorer: Scorer) -> Scored:
    """Score a table of `CHATS`."""
    return prepare_table(chats, scorer)()


def prepare_table(chats: pa.Table, scorer: Scorer, known: Mapping[str, Reading] | None = None) -> Callable[[], Scored]:
    """Do what needs no network and return the rest; ``known`` are readings from a previous run, by fingerprint.

    A conversation that cannot be scored is left out of the scores and named in ``failed``: the others are then read one by one.
    """
    talks = [_talk(chats, row, known or {}) for row in range(chats.num_rows)]
    try:
        finish = _prepare(talks, scorer)
    except DAMAGE:
        return lambda: _one_by_one(talks, scorer)

    def scored() -> Scored:
        try:
            return finish()
        except DAMAGE:
            return _one_by_one(talks, scorer)

    return scored


def _one_by_one(talks: Sequence[Talk], scorer: Scorer) -> Scored:
    parts: list[Scored] = []
    failed: list[tuple[str, str]] = []
    for talk in talks:
        try:
            parts.append(_prepare([talk], scorer)())
        except DAMAGE as error:
            failed.append((talk.id, type(error).__name__))
    empty = _prepare([], scorer)()
    scores = pa.concat_tables([empty.scores, *(part.scores for part in parts)])
    return Scored(scores, pa.concat_tables([empty.conversations, *(part.conversations for part in parts)]), tuple(failed))


def _talk(chats: pa.Table, row: int, known: Mapping[str, Reading]) -> Talk:
    messages = chats["messages"][row].values
    names = [field.name for field in messages.type]
    columns = {name: messages.field(number).to_pylist() for number, name in enumerate(names)}
    read = utterances_of_rows(zip(columns["speaker"], columns["kind"], columns["text"], strict=True))
    rows, lines = [number for number, _ in read], [line for _, line in read]
    previous = known.get(fingerprint(lines)) if known else None
    if previous is not None and len(previous.prediction.risk) != len(lines):  # what somebody said was deleted of that run
        previous = None
    return Talk(
        str(chats["conversation_id"][row]),
        columns,
        rows,
        lines,
        chats["platform"][row].as_py(),
        chats["title"][row].as_py(),
        previous,
    )


def _prepare(talks: Sequence[Talk], scorer: Scorer) -> Callable[[], Scored]:
    unread = [talk for talk in talks if talk.known is None]
    keep = {"keep_vectors": True} if scorer.explains else {}
    finish = scorer.model.prepare([talk.lines for talk in unread], cascade=scorer.cascade, **keep)

    def scored() -> Scored:
        fresh = iter(finish())
        predictions = [talk.known.prediction if talk.known else next(fresh) for talk in talks]
        return _tables(talks, predictions, _reasons(talks, predictions, scorer), scorer)

    return scored


def _reasons(talks: Sequence[Talk], predictions: Sequence[Prediction], scorer: Scorer) -> list[Reasons]:
    """Return what explains each conversation: as a previous run has it, or computed."""
    if scorer.thresholds is None or not scorer.explain:
        return [Reasons({}, ()) for _ in talks]
    kept = [talk.known.reasons if talk.known else None for talk in talks]
    pairs = [(talk.lines, read) for talk, read, known in zip(talks, predictions, kept, strict=True) if known is None]
    reader = variant_reader(pairs, scorer.model)
    signs = explain(pairs, scorer.model, scorer.thresholds, most=scorer.explain, reader=reader)
    computed = map(Reasons, signs, jumps(pairs, scorer.model, scorer.thresholds, reader=reader))
    return [known if known is not None else next(computed) for known in kept]


def _tables(talks: Sequence[Talk], predictions: Sequence[Prediction], reasons: Sequence[Reasons], scorer: Scorer) -> Scored:
    keys = scorer.model.taxonomy.keys
    schema = scores_schema(keys)
    columns: dict[str, list[Any]] = {field.name: [] for field in schema}
    numbers: dict[str, list[NDArray[np.float32]]] = {name: [] for name in (*map(stage_column, keys), "risk", "speaker_risk")}
    summaries: list[dict[str, Any]] = []
    for talk, prediction, explained in zip(talks, predictions, reasons, strict=True):
        count = len(talk.columns["kind"])
        slots = _slots(talk.columns["speaker"])
        risk = _running(prediction.risk, talk.rows, count)
        stages = np.full((count, len(keys)), np.nan, np.float32)
        stages[talk.rows] = prediction.stages
        speaker_risk = np.full(count, np.nan, np.float32)
        speaker_risk[talk.rows] = prediction.speaker_risk
        for name, column in zip(map(stage_column, keys), stages.T, strict=True):
            numbers[name].append(column)
        numbers["risk"].append(risk)
        numbers["speaker_risk"].append(speaker_risk)
        columns["conversation_id"] += [talk.id] * count
        columns["position"] += range(1, count + 1)
        columns["speaker_slot"] += slots
        columns["words"] += _words(talk.rows, explained.signs, count)
        columns["cues"] += _cues(talk.rows, explained.signs, count)
        columns["skipped"] += [prediction.skipped] * count
        for name in ("message_id", "kind", "timestamp", "source_file", "source_line", "source_row"):
            columns[name] += talk.columns[name]
        for name in ("speaker", "text"):
            values = talk.columns[name]
            columns[name] += [None] * count if scorer.text == "omit" else [kept(value, scorer.text) for value in values]
        columns["meta"] += talk.columns["meta"] if scorer.text == "include" else [None] * count
        facts, summary = sentence_of(
            talk.lines, talk.rows, slots, stages, speaker_risk, risk, taxonomy=scorer.model.taxonomy, thresholds=scorer.thresholds
        )
        columns["facts"] += facts
        columns["why"] += _why(talk.rows, explained.jumps, count)
        summaries.append(_summary(talk, prediction, risk, slots, keys, scorer.text) | summary)
    arrays = [
        pa.array(np.concatenate(numbers[field.name]) if talks else [], field.type, from_pandas=True)
        if field.name in numbers
        else pa.array(columns[field.name], field.type)
        for field in schema
    ]
    return Scored(pa.Table.from_arrays(arrays, schema=schema), pa.Table.from_pylist(summaries, schema=conversations_schema(keys)))


def _running(risk: NDArray[np.float32], rows: Sequence[int], count: int) -> NDArray[np.float32]:
    """Return the risk after every row: that after the last message with words so far, 0 before there is one."""
    said = np.zeros(count, np.intp)
    said[list(rows)] = 1
    return np.concatenate([np.zeros(1, np.float32), risk])[np.cumsum(said)]


def _slots(speakers: Sequence[str | None]) -> list[str | None]:
    slots: dict[str, str] = {}
    return [None if name is None else slots.get(name) or slots.setdefault(name, slot_name(len(slots))) for name in speakers]


def slot_name(number: int) -> str:
    """Return the anonymous letter of the speaker that spoke as ``number``-th (from 0): A to Z, AA, AB and so on."""
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _words(rows: Sequence[int], why: Mapping[int, Explanation], count: int) -> list[Any]:
    words: list[Any] = [None] * count
    for number, reason in why.items():
        words[rows[number]] = [{"start": word.start, "end": word.end, "weight": word.weight} for word in reason.words]
    return words


def _cues(rows: Sequence[int], why: Mapping[int, Explanation], count: int) -> list[Any]:
    cues: list[Any] = [None] * count
    for number, reason in why.items():
        cues[rows[number]] = list(reason.cues)
    return cues


def _why(rows: Sequence[int], risen: Sequence[Jump], count: int) -> list[str | None]:
    reasons: list[str | None] = [None] * count
    positions = [row + 1 for row in rows]
    for jump in risen:
        reasons[rows[jump.number]] = jump.as_json(positions)
    return reasons


def _summary(
    talk: Talk,
    prediction: Prediction,
    risk: NDArray[np.float32],
    slots: Sequence[str | None],
    keys: Sequence[str],
    text: TextPolicy,
) -> dict[str, Any]:
    """Return the conversation's row: its highest risk, who reached it and where, and the highest probability of each stage."""
    peak = int(np.argmax(risk)) if len(risk) else 0
    risen = len(risk) > 0 and risk[peak] > 0
    highest = prediction.stages.max(axis=0) if len(prediction.stages) else np.zeros(len(keys), np.float32)
    times = [time for time in talk.columns["timestamp"] if time]
    return {
        "conversation_id": talk.id,
        "platform": talk.platform,
        "title": kept(talk.title, text),
        "source_file": talk.columns["source_file"][0] if len(risk) else None,
        "messages": len(risk),
        "speakers": len(set(slots) - {None}),
        "first_timestamp": times[0] if times else None,
        "last_timestamp": times[-1] if times else None,
        "risk": float(risk[peak]) if len(risk) else 0.0,
        "risk_position": peak + 1 if risen else None,
        "risk_slot": slots[peak] if risen else None,
        **{stage_column(key): None if prediction.skipped else float(highest[column]) for column, key in enumerate(keys)},
        "skipped": prediction.skipped,
        "fingerprint": fingerprint(talk.lines),
    }
