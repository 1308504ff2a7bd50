"""The benchmark of transfer: a second written set, ordinary chat by source, and what real exports do to both.

::

    safelight evaluate transfer models/default --written data/transfer --ordinary chats.jsonl.gz --out transfer
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from evaluation.transfer import TransferScores, transfer_figures
from evaluation.transfer_table import transfer_table
from pipeline.config import Taxonomy
from pipeline.corpora.evenings import evenings, typed
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.open import read_corpora
from pipeline.corpora.training import sample_ordinary
from pipeline.errors import ConfigError, CorpusError, SafelightError
from pipeline.evaluate.plain_models import LengthModel
from pipeline.model.card import TRANSFER, write_encoder_card
from pipeline.model.encoder import KIND
from pipeline.model.folder import ModelFolder, seal_model_folder
from pipeline.model.learned import find_leakage
from pipeline.model.load import load_model
from pipeline.model.reading import Reader
from pipeline.model.spoken import has_words
from pipeline.model.thresholds import read_thresholds
from pipeline.model.training.judging import judge
from pipeline.output import new_folder, write_json
from pipeline.results import THRESHOLDS
from pipeline.schema import Message

BEFORE = (0, 5, 20, 60, 300)
"""Ordinary messages that stand before a grooming conversation."""

LENGTHS = (60, 300, 2000)
"""Messages that ordinary chats are joined to."""

JOINED_MESSAGES = 60_000
"""Messages that are joined, of each length."""

SEGMENT_SOURCES = 1500
"""Ordinary chats that segments are cut from."""

SEGMENT = (15, 40)
"""Messages of a segment, at least and at most."""

NEVER = 2.0
"""A threshold that no risk reaches, for readers that have none: their ranking alone is told."""

SOURCE_SUFFIXES = (".gz", ".jsonl", ".json", ".csv", ".parquet")


@dataclass(frozen=True)
class TransferSets:
    """The conversations of the benchmark; see `evaluation.transfer.TransferScores`."""

    written: Sequence[LabelledConversation]
    sources: Mapping[str, Sequence[LabelledConversation]]
    joined: Mapping[int, Sequence[LabelledConversation]]
    after: Mapping[int, Sequence[LabelledConversation]]
    segments: Sequence[LabelledConversation]
    one_side: Sequence[LabelledConversation]


def make_transfer_sets(
    written: Sequence[Path],
    ordinary: Sequence[Path],
    *,
    taxonomy: Taxonomy,
    most: int = 2000,
    seed: int = 0,
    model: ModelFolder | None = None,
) -> TransferSets:
    """Read the sets; ``most`` conversations of each source of ordinary chat, a seeded sample without what ``model`` learned from.

    Raises
    ------
    CorpusError
        When the written set holds no grooming or no ordinary conversation, two sources have one name, or the model learned from the
        written set.
    """
    own = [one for one in read_corpora(written, taxonomy) if one.is_grooming is not None]
    grooming = [one for one in own if one.is_grooming]
    if not grooming or len(grooming) == len(own):
        raise CorpusError("the written set needs conversations of both kinds", where=", ".join(map(str, written)))
    names = [source_name(path) for path in ordinary]
    if len(set(names)) < len(names):
        raise CorpusError("two sources of ordinary chat have one name", do="Rename a file")
    if model is not None and (met := find_leakage(model, own)).ids:
        raise CorpusError(f"the model learned from {len(met.ids)} conversation(s) of the written set", do="Give another set")
    sources = {
        name: _not_learned(sample_ordinary([path], taxonomy=taxonomy, seed=seed, max_ordinary=most), model)
        for name, path in zip(names, ordinary, strict=True)
    }
    chats = [chat for name in names for chat in sources[name]]
    return TransferSets(
        written=own,
        sources=sources,
        joined={
            length: list(evenings(chats, seed=seed, most=JOINED_MESSAGES // length, messages=length)) for length in LENGTHS if chats
        },
        after={before: list(after_ordinary(grooming, chats, before, seed=seed)) for before in BEFORE} if chats else {},
        segments=[part for one in (*own, *_some(chats, SEGMENT_SOURCES, seed=seed)) for part in segments(one, seed=seed)],
        one_side=[side for one in own if (side := one_side(one)) is not None],
    )


def _not_learned(chats: Sequence[LabelledConversation], model: ModelFolder | None) -> list[LabelledConversation]:
    if model is None:
        return list(chats)
    met = set(find_leakage(model, chats).ids)
    return [chat for chat in chats if chat.id not in met]


def _some(chats: Sequence[LabelledConversation], count: int, *, seed: int) -> list[LabelledConversation]:
    order = list(chats)
    random.Random(seed).shuffle(order)  # noqa: S311 - a sample, no secret
    return order[:count]


def source_name(path: Path) -> str:
    """Return the name of a source: that of its file without its endings."""
    name = path.name
    while Path(name).suffix in SOURCE_SUFFIXES:
        name = Path(name).stem
    return name if name != "dataset" else path.parent.name


def score_transfer(sets: TransferSets, model: Reader, *, say: Callable[[str], None]) -> TransferScores:
    """Return what a model says of the sets."""

    def scored(name: str, conversations: Sequence[LabelledConversation]) -> Any:
        say(f"{name}: {len(conversations):,} conversations")
        return judge(conversations, model)

    return TransferScores(
        written=scored("written", sets.written),
        sources={name: scored(name, own) for name, own in sets.sources.items()},
        joined={length: scored(f"joined to {length}", own) for length, own in sets.joined.items()},
        after={before: scored(f"after {before}", own) for before, own in sets.after.items()},
        segments=scored("segments", sets.segments),
        one_side=scored("one side", sets.one_side),
    )


def measure_transfer(sets: TransferSets, model: Reader, threshold: float, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the figures of a model on the sets, as JSON can hold them."""
    return transfer_figures(score_transfer(sets, model, say=say), threshold, model.taxonomy.keys)


def evaluate_transfer(
    model: Path,
    written: Sequence[Path],
    ordinary: Sequence[Path],
    *,
    thresholds: Path | None = None,
    most: int = 2000,
    seed: int = 0,
    beside: Sequence[Path] = (),
    plain: Sequence[Path] = (),
    out: Path | None = None,
    overwrite: bool = False,
    keep: bool = False,
    say: Callable[[str], None],
) -> str:
    """Return the table of a model on the benchmark, beside what other runs of it saved; with ``out`` keep figures and table.

    With ``keep`` the model's card leads with the table. With ``plain``, corpora to learn from, readers that know no words stand
    beside it: what they reach tells nothing about meaning.

    Raises
    ------
    SafelightError
        When the model, a corpus or a saved figure cannot be read.
    """
    folder, loaded = load_model(model)
    limits = read_thresholds(thresholds or folder.path / THRESHOLDS)
    others = {name: figures for path in beside for name, figures in _saved(path).items()}
    sets = make_transfer_sets(written, ordinary, taxonomy=loaded.taxonomy, most=most, seed=seed, model=folder)
    columns = {folder.path.name: measure_transfer(sets, loaded, limits.risk, say=say), **others}
    if plain:
        readers = _plain_readers(list(read_corpora(plain, loaded.taxonomy)), loaded.taxonomy)
        columns |= {name: measure_transfer(sets, reader, NEVER, say=say) for name, reader in readers.items()}
    table = transfer_table(columns)
    if keep:
        keep_transfer(folder, columns)
    if out is not None:
        with new_folder(out, overwrite=overwrite, marker=TRANSFER) as place:
            write_json(place / TRANSFER, columns)
            (place / "transfer.md").write_text(table, "utf-8")
    return table


def _plain_readers(learned: Sequence[LabelledConversation], taxonomy: Taxonomy) -> dict[str, Reader]:
    try:
        from pipeline.evaluate.fit_surface import fit_surface
    except ModuleNotFoundError as error:
        raise SafelightError(f"--plain needs {error.name}", do="Install it with: pip install 'safelight[train]'") from error
    return {"surface features": fit_surface(learned, taxonomy), "length alone": LengthModel(taxonomy)}


def keep_transfer(folder: ModelFolder, columns: Mapping[str, Any]) -> None:
    """Write the figures into a model folder, let its card lead with them, and seal it again.

    Raises
    ------
    ConfigError
        When the model is no encoder, whose card alone has a place for them.
    """
    if folder.kind != KIND:
        raise ConfigError(f"the card of a model of the kind {folder.kind} has no place for this", do="Leave out --keep")
    write_json(folder.path / TRANSFER, columns)
    write_encoder_card(folder.path)
    seal_model_folder(folder.path, kind=folder.kind, name=folder.name)


def _saved(path: Path) -> dict[str, Any]:
    file = path / TRANSFER if path.is_dir() else path
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=str(file), do="Check the path") from error
    except ValueError as error:
        raise ConfigError("not a JSON file", where=str(file), do="Make it with `safelight evaluate transfer --out`") from error


def after_ordinary(
    grooming: Sequence[LabelledConversation], chats: Sequence[LabelledConversation], before: int, *, seed: int
) -> Iterator[LabelledConversation]:
    """Yield the conversations after ``before`` ordinary messages of the same two speakers."""
    order = list(chats)
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, no secret
    talk = cycle([message for chat in order for message in typed(chat)])
    for one in grooming:
        names = list(dict.fromkeys(str(message.speaker) for message in one.messages if message.speaker))
        cast = dict(zip("AB", names * 2, strict=False))
        first = tuple(
            replace(message, speaker=cast[str(message.speaker)], message_id=f"before-{number}")
            for number, message in enumerate(islice(talk, before))
        )
        yield _changed(one, (*first, *one.messages), ((frozenset(),) * before + one.stages), f"after-{before}")


def segments(one: LabelledConversation, *, seed: int) -> Iterator[LabelledConversation]:
    """Yield windows of a conversation: cut anywhere, one speaker for all, and bursts of one speaker as one line.

    A window of a grooming conversation that holds no labelled sign is left out: nobody could tell.
    """
    chance = random.Random(f"{seed}/{one.id}")  # noqa: S311 - a cut, no secret
    rows = [(message, stages) for message, stages in zip(one.messages, one.stages, strict=True) if has_words(message)]
    start = number = 0
    while start < len(rows):
        size = chance.randint(*SEGMENT)
        part = rows[start : start + size]
        start += size
        number += 1
        if len(part) < SEGMENT[0] // 2 or (one.is_grooming and not any(stages for _, stages in part)):
            continue
        messages, labels = _lines(part)
        groomers = frozenset({"?"}) if one.is_grooming else one.groomers
        yield replace(_changed(one, messages, labels, f"segment-{number}"), groomers=groomers, ages={})


def _lines(rows: Sequence[tuple[Message, frozenset[str] | None]]) -> tuple[tuple[Message, ...], tuple[frozenset[str] | None, ...]]:
    messages: list[Message] = []
    labels: list[frozenset[str] | None] = []
    last = None
    for message, stages in rows:
        if message.speaker == last:
            messages[-1] = replace(messages[-1], text=f"{messages[-1].text} {message.text}")
            labels[-1] = (labels[-1] or frozenset()) | (stages or frozenset())
        else:
            messages.append(replace(message, speaker="?"))
            labels.append(stages)
        last = message.speaker
    return tuple(messages), tuple(labels)


def one_side(one: LabelledConversation) -> LabelledConversation | None:
    """Return a conversation of which only a groomer was exported, or whoever spoke most; ``None`` where that is little."""
    counts: dict[str, int] = {}
    for message in one.messages:
        if message.speaker is not None and has_words(message):
            counts[message.speaker] = counts.get(message.speaker, 0) + 1
    if not counts:
        return None
    kept = max(sorted(one.groomers or counts), key=lambda name: counts.get(name, 0))
    rows = [number for number, message in enumerate(one.messages) if message.speaker == kept]
    if len(rows) < SEGMENT[0] // 2:
        return None
    return _changed(one, tuple(one.messages[row] for row in rows), tuple(one.stages[row] for row in rows), "one-side")


def _changed(
    one: LabelledConversation, messages: tuple[Message, ...], stages: tuple[frozenset[str] | None, ...], name: str
) -> LabelledConversation:
    conversation = replace(one.conversation, conversation_id=f"{one.id}/{name}", messages=messages)
    return replace(one, conversation=conversation, stages=stages, flagged=None, unsure={})
