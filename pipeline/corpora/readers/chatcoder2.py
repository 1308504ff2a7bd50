"""ChatCoder2: chats of offenders with adult decoys, some of them coded a line at a time.

::

    AllChatLogs.xml        each message: name (of the chat), lineNum, userID, dateTime, body, comment
    AllCodingsExport2.xml  each code: name, lineNum, CodingVersionID (the coder), category

A chat is named after its offender. Codes 200, 600 and 900 are the offender's, 210, 610 and 910 the other's. A code becomes the
stage that names it in the taxonomy's crosswalk; where several name it (200), which of them is missing on that line, not absent.
Times in the files are too irregular to be read; they are kept as they stand. Obtained from its owners, never from us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.errors import CorpusError
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.xml_stream import read_xml
from pipeline.schema import Conversation, Message, Source

_CODE = re.compile(r"\((\d{3})\)")
_ALIKE = 0.8


def is_chatcoder2(path: Path) -> bool:
    """Tell the corpus by its elements: a folder that holds the chats."""
    return path.is_dir() and any(_holds(file, "userID") for file in path.glob("*.xml"))


def _holds(file: Path, element: str) -> bool:
    head = ExportFile(file).head().decode("utf-8", "replace")
    return f"<{element}>" in head and "<lineNum>" in head


@dataclass(slots=True)
class _Chat:
    """The lines of a chat as they come."""

    lines: dict[int, Message] = field(default_factory=dict)


def read_chatcoder2(path: Path, taxonomy: Taxonomy) -> Iterator[LabelledConversation]:
    """Yield the chats of a folder.

    Raises
    ------
    CorpusError
        When the files are not there, or a code stands on a line that no chat has.
    """
    logs = [file for file in sorted(path.glob("*.xml")) if _holds(file, "userID")]
    codings = [file for file in sorted(path.glob("*.xml")) if _holds(file, "category")]
    logs = [file for file in logs if file not in codings]
    if len(logs) != 1 or len(codings) > 1:
        raise CorpusError(
            f"{len(logs)} files of chats and {len(codings)} of codes", where=str(path), do="Give the folder of ChatCoder2, whole"
        )
    codes = _codes(codings[0]) if codings else {}
    chats = _chats(logs[0])
    if lost := {key for key in codes if key[0] in chats and key[1] not in chats[key[0]].lines}:
        raise CorpusError(f"{len(lost)} code(s) stand on lines that no chat has", where=str(codings[0]), do="Check the files")
    scheme = stages_of_codes(taxonomy)
    coded = {name for name, _ in codes}
    for name, chat in chats.items():
        yield _labelled(name, chat, codes if name in coded else None, scheme)


def stages_of_codes(taxonomy: Taxonomy) -> dict[str, frozenset[str]]:
    """Return the stages that name each code in their crosswalk to Olson (2007)."""
    stages_by_code: dict[str, set[str]] = {}
    for stage in taxonomy.stages:
        for entry in stage.crosswalk.get("olson_2007", ()):
            for code in _CODE.findall(entry):
                stages_by_code.setdefault(code, set()).add(stage.key)
    return {code: frozenset(stages) for code, stages in stages_by_code.items()}


def _labelled(
    name: str, chat: _Chat, codes: Mapping[tuple[str, int], set[str]] | None, scheme: Mapping[str, frozenset[str]]
) -> LabelledConversation:
    numbers = sorted(chat.lines)
    messages = tuple(chat.lines[number] for number in numbers)
    offender = _offender(name, {message.speaker for message in messages if message.speaker})
    stages: list[frozenset[str] | None] = []
    unsure: dict[int, frozenset[str]] = {}
    for position, number in enumerate(numbers):
        if codes is None:
            stages.append(None)
            continue
        meant = [scheme[code] for code in codes.get((name, number), ()) if code in scheme]
        sure = frozenset().union(*(each for each in meant if len(each) == 1))
        stages.append(sure)
        if open_ := frozenset().union(*meant) - sure:
            unsure[position] = open_
    return LabelledConversation(
        conversation=Conversation(conversation_id=name, platform="chatcoder2", messages=messages),
        stages=tuple(stages),
        tells=frozenset().union(*scheme.values()) if codes is not None else frozenset(),
        groomers=frozenset({offender}) if offender else None,
        grooming=True,
        unsure=unsure,
        group=f"chatcoder2/{name}",
        attributes={"corpus": "chatcoder2", "licence": "on request from its authors", "origin": "real", "language": "en"},
    )


def _offender(name: str, speakers: set[str]) -> str | None:
    """Return the speaker the chat is named after: names are spelt alike, in other case, in braces, with a letter more."""
    likeness = {speaker: SequenceMatcher(None, _plain(name), _plain(speaker)).ratio() for speaker in sorted(speakers)}
    best = max(likeness, key=lambda speaker: likeness[speaker], default=None)
    return best if best is not None and likeness[best] >= _ALIKE else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _chats(file: Path) -> dict[str, _Chat]:
    chats: dict[str, _Chat] = {}
    for record, line in _records(file):
        name, number, speaker = record.get("name"), record.get("lineNum"), record.get("userID")
        if not name or not number or not number.isdigit():
            raise CorpusError("a message names no chat or no line", where=f"{file}:{line}", do="Give ChatCoder2's own file")
        meta = {key: record[field_] for key, field_ in (("time", "dateTime"), ("comment", "comment")) if record.get(field_)}
        chats.setdefault(name, _Chat()).lines[int(number)] = Message(
            message_id=number,
            speaker=speaker or None,
            text=record.get("body", ""),
            kind="message" if speaker else "unsupported",
            source=Source(str(file), line=line),
            meta=meta,
        )
    return chats


def _codes(file: Path) -> dict[tuple[str, int], set[str]]:
    """Return the offender's and the other's codes a line; a line has every code that any coder gave it."""
    codes: dict[tuple[str, int], set[str]] = {}
    for record, line in _records(file):
        name, number, code = record.get("name"), record.get("lineNum"), record.get("category")
        if not name or not number or not number.isdigit() or not code:
            raise CorpusError(
                "a code names no chat, no line or no category", where=f"{file}:{line}", do="Give ChatCoder2's own file"
            )
        codes.setdefault((name, int(number)), set()).add(code.strip())
    return codes


def _records(file: Path) -> Iterator[tuple[dict[str, str], int]]:
    """Yield the elements below the root with the texts of their children, and the line each begins on."""
    depth = begun = 0
    record: dict[str, str] = {}
    name = ""
    for event in read_xml(ExportFile(file)):
        if event.kind == "start":
            depth += 1
            if depth == 2:
                record, begun = {}, event.line
            elif depth == 3:
                name = event.value
                record.setdefault(name, "")
        elif event.kind == "end":
            if depth == 2:
                yield {key: value.strip() if key != "body" else value for key, value in record.items()}, begun
            depth -= 1
        elif depth == 3:
            record[name] += event.value
