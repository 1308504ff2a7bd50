"""PAN 2012 with its ground truth: who grooms, and in the test set which lines.

A folder as it is unpacked from the organisers' archive: one ``…corpus….xml``, a text file of predator ids, and for the second
problem a text file of ``conversation-id TAB line``. The files are told by their content. Obtained from its owners, never from us.

The label says "an offender wrote here", not "this message grooms", and the stages are not told at all. A list of conversation ids
beside them (VTPAN, PANC) chooses which conversations are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.corpora.labelled import LabelledConversation
from pipeline.errors import CorpusError
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.ingest.detection.detect import detect
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.text_lines import decoded_lines

_ID = re.compile(r"[0-9a-f]{32}")
_LINE = re.compile(r"([0-9a-f]{32})\s+(\d+)")


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """``predators`` are author ids; ``lines`` are ``(conversation id, line)``, ``None`` where there is no such file."""

    predators: frozenset[str]
    lines: frozenset[tuple[str, str]] | None


def is_pan12(path: Path) -> bool:
    """Tell PAN 2012 by its XML: the path's own, or one in the folder."""
    return bool(_xml(path))


def read_pan12(path: Path, *, only: frozenset[str] | None = None) -> Iterator[LabelledConversation]:
    """Yield the conversations of a folder; ``only`` are the ids to read, all of them when ``None``.

    Raises
    ------
    CorpusError
        When there is not one XML, no list of predators, or a predator or line of the ground truth stands in no conversation.
    """
    files = _xml(path)
    if len(files) != 1 or not path.is_dir():
        raise CorpusError(
            f"{len(files)} corpus files", where=str(path), do="Give a folder with one PAN 2012 XML and its ground truth beside it"
        )
    truth = read_ground_truth(path)
    seen: set[str] = set()
    met: set[tuple[str, str]] = set()
    for conversation in read_conversations(files, ReadOptions(format="pan12"), ReadLog()):
        loaded = conversation.load()
        identity = loaded.conversation_id
        messages = tuple(loaded.messages)
        authors = {message.speaker for message in messages if message.speaker}
        seen |= authors & truth.predators
        flagged = None
        if truth.lines is not None:
            flagged = frozenset(i for i, message in enumerate(messages) if (identity, message.message_id) in truth.lines)
            met |= {(identity, messages[position].message_id) for position in flagged}
        if only is not None and identity not in only:
            continue
        groomers = frozenset(authors & truth.predators)
        yield LabelledConversation(
            conversation=loaded,
            stages=(None,) * len(messages),
            tells=frozenset(),
            groomers=groomers,
            flagged=flagged,
            # An offender's conversations are relatives: they are never in different splits.
            group=f"pan12/{min(groomers)}" if groomers else f"pan12/{identity}",
            attributes={"corpus": "pan12", "licence": "on request from PAN", "origin": "real", "language": "en"},
        )
    lost = len(truth.predators - seen), len((truth.lines or frozenset()) - met)
    if any(lost):
        raise CorpusError(
            f"{lost[0]} predator id(s) and {lost[1]} line(s) of the ground truth stand in no conversation",
            where=str(path),
            do="Check that the files belong together",
        )


def read_ground_truth(folder: Path) -> GroundTruth:
    """Read the lists beside the corpus, told by what their lines look like.

    Raises
    ------
    CorpusError
        When there is no list of predators, or there are several of one sort.
    """
    predators: list[tuple[Path, frozenset[str]]] = []
    lines: list[tuple[Path, frozenset[tuple[str, str]]]] = []
    for file in sorted(folder.glob("*.txt")):
        rows = [row.strip() for _, row in decoded_lines(ExportFile(file)) if row.strip()]
        if rows and all(_ID.fullmatch(row) for row in rows) and not _names_conversations(file):
            predators.append((file, frozenset(rows)))
        elif rows and all(_LINE.fullmatch(row) for row in rows):
            lines.append((file, frozenset((match[1], match[2]) for row in rows if (match := _LINE.fullmatch(row)))))
    for what, entries in (("predator ids", predators), ("lines", lines)):
        if len(entries) > 1:
            names = ", ".join(file.name for file, _ in entries)
            raise CorpusError(
                f"several lists of {what}: {names}", where=str(folder), do="Leave the one of this corpus in the folder"
            )
    if not predators:
        raise CorpusError("no list of predator ids", where=str(folder), do="Put it beside the XML, an id a line")
    return GroundTruth(predators[0][1], lines[0][1] if lines else None)


def _names_conversations(file: Path) -> bool:
    """Whether a list holds ids of conversations: only its name (``…_IDs.txt``, ``…-ids.txt``) tells it from one of authors."""
    return re.search(r"(?i)[-_]ids\.txt$", file.name) is not None


def read_ids(file: Path) -> frozenset[str]:
    """Read a list of conversation ids, as VTPAN and PANC publish them: an id a line, or the first column of a table.

    Raises
    ------
    CorpusError
        When it holds no id.
    """
    ids = frozenset(re.split(r"[\t,; ]", row.strip())[0] for _, row in decoded_lines(ExportFile(file)) if row.strip())
    if not ids:
        raise CorpusError("the list holds no conversation id", where=str(file), do="Give an id a line")
    return ids


def _xml(path: Path) -> list[Path]:
    files = sorted(path.glob("*.xml")) if path.is_dir() else [path] if path.is_file() else []
    return [file for file in files if detect(ExportFile(file)) == "pan12"]
