"""The corpus that we write, as under ``data/synthetic/``: ``.chat`` files (see `pipeline.corpora.readers.chat_files`) and TOML.

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

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.config import Settings, Taxonomy, read_toml, validate_settings
from pipeline.corpora.about import ABOUT, AboutCorpus, read_about
from pipeline.corpora.labelled import UNDECIDABLE, WRITTEN, LabelledConversation
from pipeline.corpora.readers.chat_files import read_chat_file
from pipeline.errors import CorpusError
from pipeline.schema import Conversation, Kind, Message, Source

_SUFFIXES = (".chat", ".toml")


ROWS_WITHOUT_WORDS: Mapping[str, Kind] = {
    "[sticker]": "media",
    "[photo]": "media",
    "[gif]": "media",
    "[voice message]": "media",
    "[deleted]": "deleted",
}
"""What stands for a row without words."""

UNWRITTEN = "[SEXUAL]"
"""What stands where a real conversation would be explicit. No model reads it: in real chat it never stands, so it would teach
nothing but the corpus. A message that is nothing else counts as a row without words."""


class WrittenSpeaker(Settings):
    """Who somebody is, by the true age.

    ``groomer`` is true only for who grooms; ``undecidable`` where a reader could not tell: no loss and no figure uses such a
    conversation.
    """

    role: str
    age: Literal["under-13", "13-15", "16-17", "adult", "unstated"]
    gender: Literal["female", "male", "nonbinary", "unstated"]
    groomer: bool = False
    undecidable: bool = False


class WrittenConversation(Settings):
    """One conversation as it stands in the file; a message is ``[speaker, text, stage, …]``."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    hard: bool
    situation: str
    platform: str
    chat_register: Annotated[str, Field(alias="register")] = ""
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
    """Tell a written corpus: such a file, or a folder that holds some."""
    return path.suffix in _SUFFIXES if path.is_file() else bool(_files(path))


def read_written(path: Path, taxonomy: Taxonomy) -> Iterator[LabelledConversation]:
    """Yield the conversations of a file of ours, or of every one below a folder.

    Raises
    ------
    CorpusError
        When there is none, an id stands twice, or a stage is not in the taxonomy.
    ConfigError
        When a file is not of this form, with the key.
    """
    files = _files(path) if path.is_dir() else [path]
    if not files:
        raise CorpusError(
            "there is no .chat or TOML file in the folder", where=str(path), do="Give a corpus, such as data/synthetic"
        )
    about = read_about(path)
    seen: dict[str, Path] = {}
    for file in files:
        for conversation in _conversations(file):
            if conversation.id in seen:
                raise CorpusError(f"conversation id {conversation.id} stands in {seen[conversation.id]} too", where=str(file))
            seen[conversation.id] = file
            yield _labelled(conversation, file, taxonomy, about)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in _SUFFIXES and not file.name.endswith(ABOUT))


def _conversations(file: Path) -> Iterator[WrittenConversation]:
    if file.suffix == ".toml":
        yield from validate_settings(read_toml(file), WrittenFile, where=str(file)).conversation
        return
    for line, table in read_chat_file(file):
        yield validate_settings(table, WrittenConversation, where=f"{file}:{line}")


def _labelled(written: WrittenConversation, file: Path, taxonomy: Taxonomy, about: AboutCorpus) -> LabelledConversation:
    unknown = {stage for _, _, *stages in written.messages for stage in stages} - set(taxonomy.keys)
    if unknown:
        raise CorpusError(f"{written.id}: stages {sorted(unknown)} are not in the taxonomy {taxonomy.name}", where=str(file))
    messages = tuple(
        Message(
            message_id=str(number),
            speaker=speaker,
            text="" if text in ROWS_WITHOUT_WORDS else text,
            kind=ROWS_WITHOUT_WORDS.get(text, "message" if text.replace(UNWRITTEN, "").strip() else "unsupported"),
            source=Source(str(file), row=number),
        )
        for number, (speaker, text, *_) in enumerate(written.messages, 1)
    )
    undecidable = any(speaker.undecidable for speaker in written.speakers.values())
    groomers = frozenset(key for key, speaker in written.speakers.items() if speaker.groomer)
    return LabelledConversation(
        conversation=Conversation(conversation_id=written.id, platform=written.platform, messages=messages),
        stages=tuple(None if undecidable else frozenset(stages) for _, _, *stages in written.messages),
        tells=frozenset(taxonomy.keys),
        groomers=None if undecidable else groomers,
        group=written.situation,
        ages={key: speaker.age for key, speaker in written.speakers.items() if speaker.age != "unstated"},
        attributes={
            "form": WRITTEN,
            **{
                name: value
                for name, value in (("corpus", about.name), ("licence", about.licence), ("origin", about.origin))
                if value
            },
            "hard": str(written.hard).lower(),
            "situation": written.situation,
            "language": written.language,
            "region": written.region,
            "ending": written.ending,
            "platform": written.platform,
            **({UNDECIDABLE: "true"} if undecidable else {}),
            **({"register": written.chat_register} if written.chat_register else {}),
            **_people(written),
        },
    )


def _people(written: WrittenConversation) -> dict[str, str]:
    """Return who grooms whom, or who talks, by age and gender: what slices are cut by."""
    sides = (
        {True: "groomer", False: "other"} if any(speaker.groomer for speaker in written.speakers.values()) else {False: "speaker"}
    )
    role_of = {}
    for grooms, side in sides.items():
        people = [speaker for speaker in written.speakers.values() if speaker.groomer == grooms]
        role_of[f"{side}_age"] = "+".join(sorted({speaker.age for speaker in people}))
        role_of[f"{side}_gender"] = "+".join(sorted({speaker.gender for speaker in people}))
    return role_of
