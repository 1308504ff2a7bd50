"""The step that reads a block of one run: whole conversations in, `pipeline.link.parts.PARTS` out.

A block tells nothing of others, so blocks may be read anywhere and in any order: by one process, or by the workers of a cluster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import ResultsError
from pipeline.link.identifiers import Exports, identifier_kind, normal_contact
from pipeline.link.keys import Pseudonyms
from pipeline.link.parts import PARTS
from pipeline.link.rows import NEVER, Groups, Rows
from pipeline.link.settings import IndicatorSettings, LinkSettings
from pipeline.link.text_evidence import read_scripts, read_words
from pipeline.results import Run, TextPolicy
from pipeline.thresholds import Thresholds

SUMMARY = ("conversation_id", "platform", "title", "source_file", "messages", "risk", "fingerprint")
"""Columns of ``conversations.parquet`` that are read."""


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What the step must know of a run. With ``names`` it keeps names, titles and paths; ``model`` makes sentence vectors."""

    run: str
    path: str
    stages: tuple[str, ...]
    thresholds: Thresholds
    text: TextPolicy
    exports: Exports
    pseudonyms: Pseudonyms
    settings: LinkSettings
    indicators: tuple[IndicatorSettings, ...] = ()
    names: bool = False
    places: bool = False
    model: str | None = None

    @classmethod
    def of(
        cls,
        run: Run,
        pseudonyms: Pseudonyms,
        settings: LinkSettings,
        indicators: tuple[IndicatorSettings, ...],
        *,
        names: bool = False,
    ) -> RunContext:
        """Return what is known of an opened run."""
        return cls(
            run=run.id,
            path=str(run.path.resolve()),
            stages=run.taxonomy.keys,
            thresholds=run.thresholds,
            text=run.record["settings"]["text"],
            exports=Exports.of(run.record["inputs"]),
            pseudonyms=pseudonyms,
            settings=settings,
            indicators=indicators,
            names=names,
        )


@dataclass(frozen=True)
class Block:
    """A block as the step sees it; ``parts`` and ``conversations`` hold the digests by number."""

    rows: Rows
    context: RunContext
    mask: NDArray[np.int64]
    alert: NDArray[np.bool_]
    parts: Sequence[Mapping[str, Any]]
    conversations: Sequence[str]
    platforms: Sequence[str]
    _columns: dict[str, list[Any]] = field(default_factory=dict)

    def column(self, name: str) -> list[Any]:
        """Return a column of the scores as a list, made once."""
        if name not in self._columns:
            self._columns[name] = self.rows.values(name)
        return self._columns[name]

    def place(self, row: int) -> dict[str, Any]:
        """Return where a row stands."""
        return {
            "file": self.column("source_file")[row] if self.context.names else None,
            "line": self.column("source_line")[row],
            "row": self.column("source_row")[row],
        }

    def message(self, row: int) -> dict[str, Any]:
        """Return what all tables of messages hold of a row."""
        part = int(self.rows.part[row])
        return {
            "conversation": self.conversations[self.rows.conversation[row]],
            "account": self.parts[part]["account"] if part >= 0 else None,
            "position": self.column("position")[row],
            "time": _time(self.rows.time[row]),
            "mask": int(self.mask[row]),
            **self.place(row),
        }

    def target(self, row: int) -> str | None:
        """Return the account to which a row is written."""
        part = int(self.rows.target[row])
        return self.parts[part]["account"] if part >= 0 else None


def read_block(scores: pa.Table, conversations: pa.Table, first_row: int, context: RunContext) -> dict[str, pa.Table]:
    """Read a block: rows of ``scores.parquet``, and the rows of ``conversations.parquet`` from ``first_row`` that they belong to.

    Raises
    ------
    ResultsError
        When they do not belong together.
    """
    lengths: list[int] = conversations["messages"].to_pylist()
    if sum(lengths) != scores.num_rows:
        raise ResultsError("its files do not belong together", where=context.path, do="Score the exports again")
    rows = Rows.of(scores, lengths)
    whole = {name: conversations[name].to_pylist() for name in SUMMARY if name in conversations.column_names}
    whole.setdefault("fingerprint", [None] * len(lengths))  # runs of earlier versions have none
    exports = [context.exports.id_of(file) for file in whole["source_file"]]
    digests = [
        context.pseudonyms.digest("conversation", export, identity)
        for export, identity in zip(exports, whole["conversation_id"], strict=True)
    ]
    mask = rows.mask(context.stages, context.thresholds.stages)
    risk = rows.numbers("speaker_risk")
    groups = Groups(rows.part)
    kept = groups.keys >= 0  # rows without a speaker are a group of their own, the first
    highest = groups.highest(risk)[kept]
    alert = np.zeros(len(rows.part), bool)
    alert[rows.part >= 0] = (highest >= context.thresholds.risk)[rows.part[rows.part >= 0]]
    names = _names(rows)
    parts = [
        _who(names[part], slot, whole["platform"][number], exports[number], digests[number], context)
        for part, (slot, number) in enumerate(zip(rows.part_slot, rows.part_conversation.tolist(), strict=True))
    ]
    block = Block(rows, context, mask, alert, parts, digests, whole["platform"])
    tables = {
        "takes_part": _takes_part(block, groups, kept, highest),
        "writes_to": _writes_to(block, risk),
        "signs": [
            {**block.message(row), "target": block.target(row), "alert": bool(alert[row])}
            for row in np.flatnonzero((mask != 0) & rows.spoken).tolist()
        ],
        "conversations": _conversations(block, whole, exports, first_row),
        "scripts": read_scripts(block),
        **read_words(block),
    }
    return {name: pa.Table.from_pylist(tables[name], schema=schema) for name, schema in PARTS.items()}


def _names(rows: Rows) -> list[str | None]:
    """Return the speaker of each part: the first row that names one."""
    speakers = rows.table["speaker"].combine_chunks()
    named = np.asarray(speakers.is_valid(), bool) & (rows.part >= 0)
    groups = Groups(np.where(named, rows.part, -1))
    names: list[str | None] = [None] * len(rows.part_slot)
    for part, row in zip(groups.keys.tolist(), groups.first_row().tolist(), strict=True):
        if part >= 0:
            names[part] = speakers[row].as_py()
    return names


def _who(speaker: str | None, slot: str, platform: str, export: str, conversation: str, context: RunContext) -> dict[str, Any]:
    """Return an account: one of the export, or where the run kept no names, one of the conversation."""
    pseudonyms = context.pseudonyms
    common = {"platform": platform, "export": export, "slot": slot}
    if speaker is None:
        account = pseudonyms.digest("account", conversation, slot)
        return {"account": account, "identifier_kind": "slot", "speaker": None, "contact": None, "name": None, **common}
    verbatim = context.text == "include"
    sha256 = hashlib.sha256(speaker.encode("utf-8", "surrogatepass")).hexdigest() if verbatim else speaker
    kind = identifier_kind(speaker if verbatim else None, platform)
    return {
        "account": pseudonyms.digest("account", platform, export, sha256),
        "speaker": pseudonyms.speaker(sha256),
        "contact": pseudonyms.digest("contact", normal_contact(kind, speaker)) if verbatim and kind != "name" else None,
        "identifier_kind": kind,
        "name": speaker if verbatim and context.names else None,
        **common,
    }


def _time(value: Any) -> int | None:
    return None if value == NEVER else int(value)


def _takes_part(block: Block, groups: Groups, kept: NDArray[np.bool_], highest: NDArray[np.float64]) -> list[dict[str, Any]]:
    rows, spoken = block.rows, block.rows.spoken
    signs = spoken & (block.mask != 0)
    messages, signed = groups.count(spoken)[kept], groups.count(signs)[kept]
    bits = groups.bits(np.where(spoken, block.mask, 0))[kept]
    first, last = (times[kept] for times in groups.span(rows.time))
    starts, shown = groups.first_row()[kept], groups.first_row(signs)[kept]
    positions = block.column("position")
    return [
        {
            **who,
            "conversation": block.conversations[int(rows.part_conversation[part])],
            "messages": int(messages[part]),
            "signs": int(signed[part]),
            "mask": int(bits[part]),
            "risk": float(highest[part]),
            "alert": bool(highest[part] >= block.context.thresholds.risk),
            "first": _time(first[part]),
            "last": _time(last[part]),
            "first_sign": _time(rows.time[shown[part]]) if shown[part] >= 0 else None,
            "first_position": positions[shown[part]] if shown[part] >= 0 else None,
            "position": positions[starts[part]],
            **block.place(int(starts[part])),
        }
        for part, who in enumerate(block.parts)
        if messages[part] or who["speaker"] is not None  # what was forgotten leaves rows, and nobody who takes part
    ]


def _writes_to(block: Block, risk: NDArray[np.float64]) -> list[dict[str, Any]]:
    rows = block.rows
    written = np.flatnonzero(rows.spoken & (rows.target >= 0))
    if not len(written):
        return []
    count = len(block.parts)
    groups = Groups(rows.part[written] * count + rows.target[written])
    mask, time = block.mask[written], rows.time[written]
    messages, signs = groups.count(np.ones(len(written), bool)), groups.count(mask != 0)
    bits, highest, shown = groups.bits(mask), groups.highest(risk[written]), groups.first_row(mask != 0)
    first, last = groups.span(time)
    positions = block.column("position")
    return [
        {
            "conversation": block.conversations[int(rows.part_conversation[key // count])],
            "source": block.parts[key // count]["account"],
            "target": block.parts[key % count]["account"],
            "messages": int(messages[group]),
            "signs": int(signs[group]),
            "mask": int(bits[group]),
            "risk": float(highest[group]),
            "first": _time(first[group]),
            "last": _time(last[group]),
            "first_sign": _time(time[shown[group]]) if shown[group] >= 0 else None,
            "first_position": positions[int(written[shown[group]].item())] if shown[group] >= 0 else None,
        }
        for group, key in enumerate(groups.keys.tolist())
    ]


def _conversations(block: Block, whole: Mapping[str, list[Any]], exports: Sequence[str], first_row: int) -> list[dict[str, Any]]:
    rows, names = block.rows, block.context.names
    groups = Groups(rows.conversation)
    signs = rows.spoken & (block.mask != 0)
    messages, signed = groups.count(rows.spoken), groups.count(signs)
    bits = groups.bits(np.where(rows.spoken, block.mask, 0))
    first, last = groups.span(rows.time)
    sizes = np.bincount(rows.part_conversation, minlength=len(exports))
    place = {int(key): number for number, key in enumerate(groups.keys)}  # a conversation without rows is in no group
    table_rows = []
    for number, digest in enumerate(block.conversations):
        at = place.get(number)
        table_rows.append(
            {
                "conversation": digest,
                "run": block.context.run,
                "run_row": first_row + number,
                "platform": block.platforms[number],
                "export": exports[number],
                "accounts": int(sizes[number]),
                "messages": 0 if at is None else int(messages[at]),
                "signs": 0 if at is None else int(signed[at]),
                "mask": 0 if at is None else int(bits[at]),
                "risk": float(whole["risk"][number]),
                "alert": float(whole["risk"][number]) >= block.context.thresholds.risk,
                "first": None if at is None else _time(first[at]),
                "last": None if at is None else _time(last[at]),
                "fingerprint": whole["fingerprint"][number],
                "conversation_id": whole["conversation_id"][number] if names else None,
                "title": whole["title"][number] if names else None,
                "source_file": whole["source_file"][number] if names else None,
            }
        )
    return table_rows
