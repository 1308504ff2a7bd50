"""Read the written cases that people practise on. ``data/practice/DATASHEET.md`` describes them and the form.

::

    language = en

    ## en-01
    level = 1
    place = chat of a game
    A = girl, 12
    B = man, 31
    answer = escalate refer
    about = What happens here, shown after the reading.
    A: hello
    B access: how old
    > why this is the stage | what looks like it and is harmless
    A: twelve
    ~ trust | why this looks like the stage and is not
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config import Taxonomy, load_settings
from pipeline.digests import sha256_of_text
from pipeline.errors import CorpusError
from pipeline.package_data import shipped_files

LEVELS = {1: "plain", 2: "mixed", 3: "hard"}
"""How hard a case is to read."""

ANSWERS = ("dismiss", "watch", "escalate", "refer")

_SETTING = re.compile(r"([a-z]+) = (.+)")
_SPEAKER = re.compile(r"([A-Z]) = (.+)")
_MESSAGE = re.compile(r"([A-Z])((?: [a-z_]+)*): (.+)")
_NEEDED = ("language", "level", "place", "answer", "about")


@dataclass(frozen=True, slots=True)
class Sign:
    """A stage that a message carries: why, and what looks like it and is harmless."""

    stage: str
    reason: str
    looks_like: str


@dataclass(frozen=True, slots=True)
class NotASign:
    """A stage that a message seems to carry, and why it does not."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class PracticeMessage:
    """A message of a case."""

    speaker: str
    text: str
    signs: tuple[Sign, ...] = ()
    not_signs: tuple[NotASign, ...] = ()

    @property
    def stages(self) -> frozenset[str]:
        """The stages that it carries."""
        return frozenset(sign.stage for sign in self.signs)


@dataclass(frozen=True, slots=True)
class PracticeCase:
    """A written conversation to practise on. ``answer`` are the decisions that are right, the best one first.

    ``speakers`` says who they are and ``about`` what happens; both are shown after the reading.
    """

    id: str
    language: str
    level: int
    place: str
    answer: tuple[str, ...]
    about: str
    speakers: Mapping[str, str]
    messages: tuple[PracticeMessage, ...]

    @property
    def harmless(self) -> bool:
        """Whether no message carries a stage."""
        return not self.stages

    @property
    def stages(self) -> frozenset[str]:
        """The stages of all messages."""
        return frozenset().union(*(message.stages for message in self.messages))

    @property
    def touches(self) -> frozenset[str]:
        """The stages that the case teaches: those that it has, and those that it seems to have."""
        return self.stages | {other.stage for message in self.messages for other in message.not_signs}


def practice_folder() -> Path:
    """Return the folder of the cases that ship."""
    return shipped_files() / "data" / "practice"


def practice_taxonomy() -> Taxonomy:
    """Return the stages that the cases are written with."""
    return load_settings(shipped_files() / "configs" / "taxonomy.toml", Taxonomy)


def read_practice(folder: Path | None = None, *, stages: Collection[str] | None = None) -> dict[str, PracticeCase]:
    """Return the cases of a folder by id, in the order of its files; by default those that ship.

    Raises
    ------
    CorpusError
        When a file cannot be read, a line is not of the form, a case lacks something, or names a stage not in ``stages``.
    """
    folder = practice_folder() if folder is None else folder
    known = set(practice_taxonomy().keys if stages is None else stages)
    cases: dict[str, PracticeCase] = {}
    for path in sorted(folder.glob("*.practice")):
        for case in _read_file(path, known):
            if case.id in cases:
                raise CorpusError(f"the id {case.id} is there twice", where=str(path), do="Give each case its own")
            cases[case.id] = case
    if not cases:
        raise CorpusError("there is no case to practise on", where=str(folder), do="Give a folder with .practice files")
    return cases


def digest_of_cases(cases: Mapping[str, PracticeCase]) -> str:
    """Return a digest of all that the cases say, for a certificate."""
    return sha256_of_text("\n".join(repr(cases[key]) for key in sorted(cases)))


@dataclass
class _Draft:
    """A case as far as it was read."""

    id: str
    where: str
    settings: dict[str, str]
    speakers: dict[str, str] = field(default_factory=dict)
    messages: list[PracticeMessage] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)  # stages of the last message that still need their reasons


def _read_file(path: Path, known: Collection[str]) -> Iterator[PracticeCase]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError("the cases cannot be read", where=str(path), do="Check that the file is there and in UTF-8") from error
    defaults: dict[str, str] = {}
    draft: _Draft | None = None
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        if not line.strip() or (line.startswith("#") and not line.startswith("## ")):
            continue
        if line.startswith("## "):
            if draft is not None:
                yield _finished(draft)
            draft = _Draft(line[3:].strip(), where, dict(defaults))
        elif draft is None:
            match = _SETTING.fullmatch(line)
            if match is None:
                raise _unknown(where)
            defaults[match[1]] = match[2]
        else:
            _take(draft, line, where, known)
    if draft is not None:
        yield _finished(draft)


def _take(draft: _Draft, line: str, where: str, known: Collection[str]) -> None:
    if line.startswith(("> ", "~ ")):
        _annotate(draft, line, where, known)
    elif not draft.messages and (match := _SPEAKER.fullmatch(line)):
        draft.speakers[match[1]] = match[2]
    elif not draft.messages and (match := _SETTING.fullmatch(line)):
        draft.settings[match[1]] = match[2]
    elif match := _MESSAGE.fullmatch(line):
        if draft.pending:
            raise CorpusError(f"the stage {draft.pending[0]} has no reason", where=where, do="Write `> why | what looks like it`")
        draft.pending = _known(match[2].split(), known, where)
        draft.messages.append(PracticeMessage(match[1], match[3]))
    else:
        raise _unknown(where)


def _annotate(draft: _Draft, line: str, where: str, known: Collection[str]) -> None:
    first, _, second = (part.strip() for part in line[2:].partition("|"))
    if not draft.messages or not first or not second or (line[0] == ">" and not draft.pending):
        raise _unknown(where)
    last = draft.messages[-1]
    if line[0] == ">":
        sign = Sign(draft.pending.pop(0), first, second)
        draft.messages[-1] = PracticeMessage(last.speaker, last.text, (*last.signs, sign), last.not_signs)
    else:
        (stage,) = _known([first], known, where)
        other = NotASign(stage, second)
        draft.messages[-1] = PracticeMessage(last.speaker, last.text, last.signs, (*last.not_signs, other))


def _known(stages: Sequence[str], known: Collection[str], where: str) -> list[str]:
    for stage in stages:
        if stage not in known:
            raise CorpusError(f"there is no stage {stage}", where=where, do=f"Choose from {', '.join(sorted(known))}")
    return list(stages)


def _finished(draft: _Draft) -> PracticeCase:
    settings = draft.settings
    lacking = [name for name in _NEEDED if name not in settings]
    if not draft.messages or lacking or draft.pending:
        raise CorpusError(f"the case lacks {', '.join(lacking) or 'a message or a reason'}", where=draft.where, do="Add it")
    answer = tuple(settings["answer"].split())
    silent = {message.speaker for message in draft.messages} - draft.speakers.keys()
    if silent or not set(answer) <= set(ANSWERS) or settings["level"] not in map(str, LEVELS):
        raise CorpusError("a speaker, an answer or the level is not known", where=draft.where, do="Compare it with DATASHEET.md")
    case = PracticeCase(
        id=draft.id,
        language=settings["language"],
        level=int(settings["level"]),
        place=settings["place"],
        answer=answer,
        about=settings["about"],
        speakers=draft.speakers,
        messages=tuple(draft.messages),
    )
    if case.harmless != (answer[0] == "dismiss"):
        raise CorpusError("a harmless case is dismissed, and no other is", where=draft.where, do="Mend the answer or the stages")
    return case


def _unknown(where: str) -> CorpusError:
    return CorpusError("the line is not of the form", where=where, do="Compare it with data/practice/DATASHEET.md")
