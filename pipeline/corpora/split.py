"""Split a corpus so that relatives and groomers are never in different splits; recorded with hashes, the same for everybody."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from pipeline.config import Settings, validate_settings
from pipeline.corpora.labelled import LabelledConversation
from pipeline.digests import sha256_of_text
from pipeline.errors import CorpusError
from pipeline.output import new_file, write_json

Share = Annotated[float, Field(gt=0, lt=1)]


_DIGITS = 32
"""Hexadecimal digits that splits keep of each hash: 128 bits tell conversations apart, and a model folder stays small."""


class Splits(Settings):
    """Which conversation is in which split, and the hash of each as it was then."""

    seed: int
    shares: Mapping[str, Share]
    conversations: Mapping[str, str]
    hashes: Mapping[str, str]
    held_out: Mapping[str, str] = {}

    @field_validator("hashes")
    @classmethod
    def _shortened(cls, hashes: Mapping[str, str]) -> Mapping[str, str]:
        return {name: digest[:_DIGITS] for name, digest in hashes.items()}


def split_corpus(
    conversations: Sequence[LabelledConversation],
    *,
    shares: Mapping[str, float],
    seed: int,
    held_out: Mapping[str, str] | None = None,
    together: Sequence[str] = (),
) -> Splits:
    """Split a corpus by groups of relatives, stratified by class, so that each split has its share of grooming conversations.

    ``held_out`` maps an attribute to a value that goes to the last split whole, such as ``{"language": "nl"}``: what a model is
    to be tested on without having met it. ``together`` names attributes whose values are never parted, such as ``situation``: each
    split then holds situations of its own. Groups are joined where they share a groomer's name outside our own corpus.

    Raises
    ------
    CorpusError
        When the shares do not add up to one, or a split would stay empty.
    """
    if abs(sum(shares.values()) - 1.0) > 1e-9:
        raise CorpusError(f"the shares add up to {sum(shares.values()):g}", do="Give shares that add up to 1, such as 0.7 0.1 0.2")
    kept = dict(held_out or {})
    last = list(shares)[-1]
    chosen: dict[str, str] = {}
    families = join_families(conversations, together)
    dealt: dict[tuple[str, str], list[list[LabelledConversation]]] = {}
    for family in families:
        if any(c.attributes.get(name) == value for c in family for name, value in kept.items()):
            chosen |= {c.id: last for c in family}
        else:
            dealt.setdefault(_class(family), []).append(family)
    chance = random.Random(seed)  # noqa: S311 - a shuffle, no secret
    for _, members in sorted(dealt.items()):
        members.sort(key=lambda family: family[0].id)
        chance.shuffle(members)
        chosen |= _deal(members, shares)
    counts = Counter(chosen.values())
    if empty := [name for name in shares if not counts[name]]:
        raise CorpusError(f"split {', '.join(empty)} would be empty", do="Give more conversations, or fewer splits")
    return Splits(
        seed=seed,
        shares=dict(shares),
        conversations={c.id: chosen[c.id] for c in conversations},
        hashes={c.id: short_hash(c) for c in conversations},
        held_out=kept,
    )


def join_families(conversations: Sequence[LabelledConversation], together: Sequence[str]) -> list[list[LabelledConversation]]:
    """Join conversations that are relatives, share a value of an attribute in ``together``, or have a groomer in common."""
    families: dict[str, list[LabelledConversation]] = {}
    home: dict[str, str] = {}
    for conversation in conversations:
        names = [f"group {name}" for name in sorted(conversation.relatives)]
        names += [f"{name} {conversation.attributes[name]}" for name in together if name in conversation.attributes]
        names += [f"groomer {speaker}" for speaker in conversation.named_groomers]
        met = sorted({home[name] for name in names if name in home})
        root = met[0] if met else conversation.id
        for other in met[1:]:
            for name, where in home.items():
                if where == other:
                    home[name] = root
            families[root] += families.pop(other)
        home |= dict.fromkeys(names, root)
        families.setdefault(root, []).append(conversation)
    return list(families.values())


def _class(family: Sequence[LabelledConversation]) -> tuple[str, str]:
    """Return what a family is dealt by: whether it grooms, and its language."""
    return str(any(c.is_grooming for c in family)), family[0].attributes.get("language", "")


def _deal(families: Sequence[Sequence[LabelledConversation]], shares: Mapping[str, float]) -> dict[str, str]:
    """Give each family to the split that is furthest below its share."""
    held = dict.fromkeys(shares, 0)
    chosen = {}
    for family in families:
        name = max(shares, key=lambda split: (shares[split] * (1 + sum(held.values())) - held[split], shares[split]))
        held[name] += len(family)
        chosen |= {c.id: name for c in family}
    return chosen


def conversation_hash(conversation: LabelledConversation) -> str:
    """Return the SHA-256 of a conversation's words, speakers and labels."""
    content = [
        [message.speaker, message.text, None if stages is None else sorted(stages)]
        for message, stages in zip(conversation.messages, conversation.stages, strict=True)
    ]
    return sha256_of_text(json.dumps(content, ensure_ascii=False))


def short_hash(conversation: LabelledConversation) -> str:
    """Return the hash of a conversation as splits keep it."""
    return conversation_hash(conversation)[:_DIGITS]


def write_splits(splits: Splits, out: Path, *, overwrite: bool) -> None:
    """Write the splits to a file, in one rename."""
    with new_file(out, overwrite=overwrite) as file:
        write_json(file, splits.model_dump(mode="json"))


def read_splits(path: Path, conversations: Sequence[LabelledConversation]) -> Splits:
    """Read splits, and compare them with the corpus.

    Raises
    ------
    CorpusError
        When a conversation is not in the file, or has changed since.
    """
    splits = load_splits(path)
    strange = [c.id for c in conversations if splits.hashes.get(c.id) != short_hash(c)]
    if strange:
        raise CorpusError(
            f"{len(strange)} conversation(s) are not those of the splits, such as {strange[0]}", where=str(path), do="Split again"
        )
    return splits


def load_splits(path: Path) -> Splits:
    """Read splits as they were written.

    Raises
    ------
    CorpusError
        When the file cannot be read.
    """
    try:
        return validate_settings(json.loads(path.read_text("utf-8")), Splits, where=str(path))
    except OSError as error:
        raise CorpusError(f"cannot be read ({error.strerror})", where=str(path), do="Check the path") from error
    except ValueError as error:
        raise CorpusError("not a JSON file", where=str(path), do="Make it with `safelight corpus split`") from error
