"""Runs of scored rows for tests and measurements of `safelight link`: no model reads them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import Taxonomy, load_settings
from pipeline.output import hashes_of
from pipeline.results import CONVERSATIONS, SCORES, conversations_schema, kept, scores_schema

ROOT = Path(__file__).parents[2]
TAXONOMY = load_settings(ROOT / "configs" / "taxonomy.toml", Taxonomy)
THRESHOLDS = {"risk": 0.7, "stages": dict.fromkeys(TAXONOMY.keys, 0.5)}
START = datetime(2024, 5, 3, 18, 0)
"""A Friday."""


@dataclass(frozen=True)
class Line:
    """A message: who, what, which stages, how many minutes after the start."""

    speaker: str | None
    text: str = "hello"
    stages: tuple[str, ...] = ()
    minute: int = 0
    kind: str = "message"
    reply_to: int | None = None


@dataclass(frozen=True)
class Talk:
    """A conversation of an export."""

    id: str
    lines: Sequence[Line]
    platform: str = "discord"
    file: str = "export.json"
    risky: frozenset[str] = field(default_factory=frozenset)


def groomed(actor: str, target: str, *, minute: int = 0, words: str = "", severe: bool = True) -> list[Line]:
    """Return lines by which one person shows stages toward another."""
    stages = ("secrecy", "approach") if severe else ("access", "trust")
    return [
        Line(actor, f"{words} first words to you about nothing much".strip(), stages[:1], minute),
        Line(target, "ok", (), minute + 1),
        Line(actor, f"other words of a sort, said to {target}", stages[1:], minute + 2),
        Line(target, "fine", (), minute + 3),
    ]


def write_run(folder: Path, talks: Sequence[Talk], *, text: str = "include") -> Path:
    """Write a finished run of these conversations; who shows a stage there reaches the alert threshold."""
    folder.mkdir(parents=True)
    scores, conversations = [], []
    for talk in talks:
        slots = {
            name: chr(65 + number) for number, name in enumerate(dict.fromkeys(line.speaker for line in talk.lines if line.speaker))
        }
        signs = {line.speaker for line in talk.lines if line.stages} | talk.risky
        highest = 0.9 if signs else 0.05
        for number, line in enumerate(talk.lines, 1):
            scores.append(
                {
                    "conversation_id": talk.id,
                    "message_id": f"{talk.id}-{number}",
                    "position": number,
                    "speaker_slot": slots.get(line.speaker or ""),
                    "speaker": kept(line.speaker, text),  # pyright: ignore[reportArgumentType]
                    "kind": line.kind,
                    "timestamp": (START + timedelta(minutes=line.minute)).isoformat(),
                    "text": kept(line.text, text),  # pyright: ignore[reportArgumentType]
                    **{f"stage_{key}": 0.9 if key in line.stages else 0.01 for key in TAXONOMY.keys},
                    "risk": highest,
                    "speaker_risk": (0.9 if line.speaker in signs else 0.05) if line.speaker else None,
                    "skipped": False,
                    "source_file": talk.file,
                    "source_line": number,
                    "meta": json.dumps({"reply_to": f"{talk.id}-{line.reply_to}"}) if line.reply_to and text == "include" else None,
                }
            )
        told = hashlib.sha256(json.dumps([(slots.get(line.speaker or ""), line.text) for line in talk.lines]).encode()).hexdigest()
        conversations.append(
            {
                "conversation_id": talk.id,
                "platform": talk.platform,
                "title": talk.id,
                "source_file": talk.file,
                "messages": len(talk.lines),
                "speakers": len(slots),
                "risk": highest,
                "skipped": False,
                "fingerprint": told[:32],
            }
        )
    pq.write_table(pa.Table.from_pylist(scores, schema=scores_schema(TAXONOMY.keys)), folder / SCORES)
    pq.write_table(pa.Table.from_pylist(conversations, schema=conversations_schema(TAXONOMY.keys)), folder / CONVERSATIONS)
    write_record(folder, sorted({(talk.file, talk.platform) for talk in talks}), text=text)
    return folder


def write_record(folder: Path, exports: Sequence[tuple[str, str]], *, text: str) -> None:
    """Write the other files of a run, whose exports have these names and formats."""
    (folder / "thresholds.json").write_text(json.dumps(THRESHOLDS), "utf-8")
    inputs = [{"file": file, "format": form, "sha256": hashlib.sha256(file.encode()).hexdigest()} for file, form in exports]
    record = {
        "format": "safelight-run/1",
        "started": "2024-06-01T00:00:00+00:00",
        "finished": f"2024-06-01T00:00:01+00:00 {folder.name}",
        "model": {"id": "0" * 12, "name": "none", "kind": "none", "metrics": {}},
        "versions": {"safelight": "0"},
        "taxonomy": TAXONOMY.model_dump(mode="json"),
        "inputs": inputs,
        "settings": {"text": text},
        "counts": {"conversations": 0, "rows": 0, "kinds": {}},
        "warnings": [],
        "files": hashes_of(folder, (SCORES, CONVERSATIONS)),
    }
    (folder / "run.json").write_text(json.dumps(record), "utf-8")
