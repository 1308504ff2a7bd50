"""What a corpus is, for the cards of models that learn from it: what its owner declares, and what can be counted.

A folder says it in ``corpus.toml``, a file in ``NAME.corpus.toml`` beside it::

    name = "our reports of 2025"
    licence = "not to be shared"
    origin = "real"                 # real, written or mixed
    about = "Reports of our users, labelled by two of our reviewers."
    datasheet = "docs/reports-2025.md"

Every key may be left out. What nobody states is said as "not stated", never guessed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from pipeline.config import Settings, load_settings
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.split import conversation_hash

ABOUT = "corpus.toml"
NOT_STATED = "not stated"

Origin = Literal["real", "written", "mixed"]
_LONGEST = 120
_ORIGINS: Mapping[str, str] = {"real": "real chats", "written": "written, not real", "mixed": "real and written chats"}


def _one_line(text: str) -> str:
    """Return a text as it can stand in a cell of a Markdown table: on one line, without signs that cannot be seen."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable()).replace("|", "/")


Line = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=500)]


class AboutCorpus(Settings):
    """What the owner of a corpus says of it."""

    name: Line | None = None
    licence: Line | None = None
    origin: Origin | None = None
    about: Line | None = None
    datasheet: Line | None = None


def read_about(path: Path) -> AboutCorpus:
    """Read what is declared of the corpus at a path; nothing, where no such file is.

    Raises
    ------
    ConfigError
        When the file is not of this form, with the key.
    """
    declared = path / ABOUT if path.is_dir() else path.with_name(f"{path.name}.{ABOUT}")
    return load_settings(declared, AboutCorpus) if declared.is_file() else AboutCorpus()


def corpus_hash(conversations: Iterable[LabelledConversation]) -> str:
    """Return the SHA-256 over the conversations' own, sorted: the same for the same conversations in any order."""
    hashes = sorted(conversation_hash(conversation) for conversation in conversations)
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class CorpusDescription:
    """What is known of a corpus; ``labelled`` is false for chat taken as ordinary."""

    name: str
    licence: str
    origin: str
    about: str | None
    datasheet: str | None
    sha256: str
    conversations: int
    grooming: int
    ordinary: int
    messages: int
    levels: Mapping[str, int]
    languages: Mapping[str, int]
    labelled: bool = True


def describe_corpus(path: Path, conversations: Sequence[LabelledConversation], *, labelled: bool = True) -> CorpusDescription:
    """Return what is known of a corpus, with counts of ``conversations``, those that were taken of it.

    What its owner does not declare is taken from the attributes ``corpus``, ``licence`` and ``origin`` of its conversations, where
    its reader knows them.
    """
    declared = read_about(path)
    origin = declared.origin or _attribute(conversations, "origin")
    return CorpusDescription(
        name=declared.name or _attribute(conversations, "corpus") or _one_line(path.name),
        licence=declared.licence or _attribute(conversations, "licence") or NOT_STATED,
        origin=str(origin) if origin in get_args(Origin) else NOT_STATED,
        about=declared.about,
        datasheet=declared.datasheet,
        sha256=corpus_hash(conversations),
        conversations=len(conversations),
        grooming=sum(conversation.is_grooming is True for conversation in conversations),
        ordinary=sum(conversation.is_grooming is False for conversation in conversations),
        messages=sum(len(conversation.messages) for conversation in conversations),
        levels=_counts(conversation.level for conversation in conversations),
        languages=_counts(conversation.attributes.get("language", NOT_STATED) for conversation in conversations),
        labelled=labelled,
    )


def corpora_in_words(sources: Iterable[CorpusDescription]) -> str:
    """Return what is known of each corpus as a list in Markdown."""
    return "\n".join(map(_in_words, sources)) + "\n"


def _in_words(source: CorpusDescription) -> str:
    unstated = source.conversations - source.grooming - source.ordinary
    classes = {"with grooming": source.grooming, "ordinary": source.ordinary, "not called either": unstated}
    parts = [
        _ORIGINS.get(source.origin, "whether real or written: not stated"),
        f"licence: {source.licence}",
        f"{source.conversations:,} conversations ({_listed(classes)}), {source.messages:,} messages",
        f"labelled by {_listed(source.levels, by=True)}" if source.labelled else "nobody labelled it; it is taken as ordinary",
        f"languages: {_listed(source.languages, by=True)}",
        f"SHA-256 `{source.sha256}`",
    ]
    more = "".join(f" {text}" for text in (source.about, source.datasheet and f"See `{source.datasheet}`.") if text)
    return f"- **{source.name}**: {'; '.join(parts)}.{more}"


def _listed(counts: Mapping[str, int], *, by: bool = False) -> str:
    return ", ".join(f"{name} {count:,}" if by else f"{count:,} {name}" for name, count in counts.items() if count) or "none"


def _counts(values: Iterable[str]) -> Mapping[str, int]:
    return dict(Counter(map(_one_line, values)).most_common())


def _attribute(conversations: Iterable[LabelledConversation], name: str) -> str | None:
    """Return what the conversations say, all their values where they differ; ``None`` where one of them says nothing."""
    values = {conversation.attributes.get(name, "") for conversation in conversations}
    return _one_line("; ".join(sorted(values)))[:_LONGEST] if values and "" not in values else None
