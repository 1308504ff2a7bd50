"""The corpus that we write: TOML files of conversations, as under ``data/synthetic/``.

::

    [[conversation]]
    id = "gaming-001"
    hard = false                    # ordinary: looks alarming and is not; grooming: slow, or looks harmless
    situation = "game-currency-gift"
    platform = "game-chat"
    language = "en"
    region = "GB"
    ending = "blocked"
    speakers = { A = { role = "stranger", age = "adult", gender = "male", groomer = true }, B = { … } }
    messages = [
      ["A", "gg"],
      ["A", "how old r u btw", "access"],
    ]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.config import Settings, Taxonomy, read_toml, validate_settings
from pipeline.corpora.labelled import LabelledConversation
from pipeline.errors import CorpusError
from pipeline.schema import Conversation, Message, Source


class WrittenSpeaker(Settings):
    """Who somebody is. ``groomer`` is true only for who grooms."""

    role: str
    age: Literal["under-13", "13-15", "16-17", "adult"]
    gender: Literal["female", "male", "nonbinary", "unstated"]
    groomer: bool = False


class WrittenConversation(Settings):
    """One conversation as it stands in the file; a message is ``[speaker, text, stage, …]``."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    hard: bool
    situation: str
    platform: str
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
    region: str
    ending: Literal["refused", "blocked", "told-adult", "continued", "faded", "interrupted", "ordinary"]
    speakers: Annotated[dict[str, WrittenSpeaker], Field(min_length=1)]
    messages: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    note: str = ""

    @field_validator("messages")
    @classmethod
    def _speaker_and_text(cls, messages: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        for number, message in enumerate(messages, 1):
            if len(message) < 2:
                raise ValueError(f"message {number} is not [speaker, text, stage, …]")
        return messages

    @model_validator(mode="after")
    def _labels_fit(self) -> WrittenConversation:
        for number, (speaker, _, *stages) in enumerate(self.messages, 1):
            if speaker not in self.speakers:
                raise ValueError(f"message {number}: speaker {speaker} is not among the speakers")
            if stages and not self.speakers[speaker].groomer:
                raise ValueError(f"message {number}: a stage on {speaker}, who is no groomer")
        return self


class WrittenFile(Settings):
    """A file of conversations."""

    conversation: tuple[WrittenConversation, ...]


def is_written(path: Path) -> bool:
    """Tell our corpus: a TOML file, or a folder that holds some."""
    return path.suffix == ".toml" if path.is_file() else next(path.rglob("*.toml"), None) is not None


def read_written(path: Path, taxonomy: Taxonomy) -> Iterator[LabelledConversation]:
    """Yield the conversations of a TOML file, or of every one below a folder.

    Raises
    ------
    CorpusError
        When there is none, an id stands twice, or a stage is not in the taxonomy.
    ConfigError
        When a file is not of this form, with the key.
    """
    files = sorted(path.rglob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise CorpusError("there is no TOML file in the folder", where=str(path), do="Give a corpus, such as data/synthetic")
    seen: dict[str, Path] = {}
    for file in files:
        for conversation in validate_settings(read_toml(file), WrittenFile, where=str(file)).conversation:
            if conversation.id in seen:
                raise CorpusError(f"conversation id {conversation.id} stands in {seen[conversation.id]} too", where=str(file))
            seen[conversation.id] = file
            yield _labelled(conversation, file, taxonomy)


def _labelled(written: WrittenConversation, file: Path, taxonomy: Taxonomy) -> LabelledConversation:
    unknown = {stage for _, _, *stages in written.messages for stage in stages} - set(taxonomy.keys)
    if unknown:
        raise CorpusError(f"{written.id}: stages {sorted(unknown)} are not in the taxonomy {taxonomy.name}", where=str(file))
    messages = tuple(
        Message(message_id=str(number), speaker=speaker, text=text, source=Source(str(file), row=number))
        for number, (speaker, text, *_) in enumerate(written.messages, 1)
    )
    groomers = frozenset(key for key, speaker in written.speakers.items() if speaker.groomer)
    return LabelledConversation(
        conversation=Conversation(conversation_id=written.id, platform=written.platform, messages=messages),
        stages=tuple(frozenset(stages) for _, _, *stages in written.messages),
        tells=frozenset(taxonomy.keys),
        groomers=groomers,
        group=written.id,
        attributes={
            "corpus": "safelight-written",
            "licence": "Apache-2.0",
            "hard": str(written.hard).lower(),
            "situation": written.situation,
            "language": written.language,
            "region": written.region,
            "ending": written.ending,
            "platform": written.platform,
            **_people(written),
        },
    )


def _people(written: WrittenConversation) -> dict[str, str]:
    """Return who grooms whom, or who talks, by age and gender: what slices are cut by."""
    sides = (
        {True: "groomer", False: "other"} if any(speaker.groomer for speaker in written.speakers.values()) else {False: "speaker"}
    )
    found = {}
    for grooms, side in sides.items():
        people = [speaker for speaker in written.speakers.values() if speaker.groomer == grooms]
        found[f"{side}_age"] = "+".join(sorted({speaker.age for speaker in people}))
        found[f"{side}_gender"] = "+".join(sorted({speaker.gender for speaker in people}))
    return found
