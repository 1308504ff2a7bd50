"""The official figures of PAN 2012, sexual predator identification (Inches and Crestani 2012), and its run files.

Problem 1 asks who: author ids, F0.5 decides. Problem 2 asks which lines: ``conversation id, line``, F3 decides.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from evaluation.metrics import f_score
from pipeline.errors import CorpusError

_ID = re.compile(r"[0-9a-f]{32}")
_LINE = re.compile(r"([0-9a-f]{32})\s+(\d+)")


@dataclass(frozen=True, slots=True)
class Official:
    """Figures from counts: how many were retrieved, how many of those were relevant, and how many there are."""

    retrieved: int
    relevant_retrieved: int
    relevant: int

    @property
    def precision(self) -> float:
        """Relevant of the retrieved; 0 where nothing was retrieved."""
        return self.relevant_retrieved / self.retrieved if self.retrieved else 0.0

    @property
    def recall(self) -> float:
        """Retrieved of the relevant; 0 where there are none."""
        return self.relevant_retrieved / self.relevant if self.relevant else 0.0

    def f(self, beta: float) -> float:
        """Return F_β."""
        return f_score(self.precision, self.recall, beta=beta)


def official(retrieved: AbstractSet[Hashable], relevant: AbstractSet[Hashable]) -> Official:
    """Count a run against the ground truth."""
    return Official(len(retrieved), len(retrieved & relevant), len(relevant))


def write_authors(authors: Iterable[str], path: Path) -> None:
    """Write a run of problem 1: an author id a line, sorted."""
    path.write_text("".join(f"{author}\n" for author in sorted(set(authors))), "utf-8")


def read_authors(path: Path) -> frozenset[str]:
    """Read a run or a ground truth of problem 1.

    Raises
    ------
    CorpusError
        When a line is no author id.
    """
    return frozenset(match[0] for match in _rows(path, _ID, "an author id of 32 hexadecimal digits"))


def write_lines(lines: Iterable[tuple[str, str]], path: Path) -> None:
    """Write a run of problem 2: ``conversation id TAB line``, sorted."""
    ordered = sorted(set(lines), key=lambda line: (line[0], int(line[1])))
    path.write_text("".join(f"{conversation}\t{number}\n" for conversation, number in ordered), "utf-8")


def read_lines(path: Path) -> frozenset[tuple[str, str]]:
    """Read a run or a ground truth of problem 2.

    Raises
    ------
    CorpusError
        When a line is not of its form.
    """
    return frozenset((match[1], match[2]) for match in _rows(path, _LINE, "a conversation id and a line"))


def _rows(path: Path, form: re.Pattern[str], what: str) -> list[re.Match[str]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"cannot be read ({type(error).__name__})", where=str(path), do="Check the path") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = form.fullmatch(line.strip())
        if match is None:
            raise CorpusError(f"not {what}", where=f"{path}:{number}", do="Give a run file of PAN 2012")
        found.append(match)
    return found
