"""What is deleted from a link run: accounts, or conversations, and all that tells of them. Done again, it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ResultsError
from pipeline.link.graph import write_graph
from pipeline.link.keys import Pseudonyms
from pipeline.link.report import write_report
from pipeline.link.schemas import (
    ACCOUNTS,
    CONVERSATIONS,
    EDGES,
    GRAPH_JSON,
    GRAPHML,
    IDENTITY_LINKS,
    LINK,
    PATTERNS,
    REPORT,
    SCHEMAS,
)
from pipeline.output import hashes_of, new_file, write_json

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much went from a link run."""

    accounts: int
    conversations: int
    patterns: int


def accounts_of_speaker(folder: Path, sha256: str, pseudonyms: Pseudonyms) -> frozenset[str]:
    """Return the accounts of a person, given by the SHA-256 of the export's own name or id, in a link run."""
    speaker = pseudonyms.speaker(sha256)
    table = pq.read_table(folder / ACCOUNTS, columns=["account", "speaker"])
    return frozenset(
        account
        for account, speaker_of in zip(table["account"].to_pylist(), table["speaker"].to_pylist(), strict=True)
        if speaker_of == speaker
    )


def forget_accounts(folder: Path, accounts: Collection[str], *, conversations: Collection[str] = ()) -> Forgotten:
    """Take accounts and conversations out of all files of a link run, and write its graph and its page anew.

    A pattern in which one of them has a part goes whole: what is left of it would tell of them. So does an identity link. An
    account with no conversation left goes too, and the title of a conversation that loses somebody. What the other accounts are
    (counts, communities, priorities) stays as it was found; link the runs again where it must be exact.

    Raises
    ------
    ResultsError
        When the folder is no link run, or a file of it is damaged.
    """
    if not (folder / LINK).is_file():
        raise ResultsError("this is no link run", where=str(folder), do="Give the --out of a `safelight link`")
    people, talks = set(accounts), set(conversations)
    parts = [row for row in _read(folder, EDGES) if row["kind"] == "takes_part"]
    left = {row["source"] for row in parts if row["conversation"] not in talks}
    people |= {row["source"] for row in parts if row["conversation"] in talks} - left

    def gone(name: str) -> bool:
        return name in people or name in talks

    def names_them(references: Collection[Row]) -> bool:
        return any(gone(reference["account"] or "") or gone(reference["conversation"]) for reference in references)

    counts = Forgotten(
        accounts=_keep(folder, ACCOUNTS, lambda row: not gone(row["account"])),
        conversations=_keep(folder, CONVERSATIONS, lambda row: not gone(row["conversation"])),
        patterns=_keep(
            folder,
            PATTERNS,
            lambda row: (
                not (
                    any(gone(part["account"]) for part in row["accounts"])
                    or any(map(gone, row["conversations"]))
                    or names_them(row["messages"])
                )
            ),
        ),
    )
    _keep(folder, EDGES, lambda row: not any(map(gone, (row["source"], row["target"], row["conversation"]))))
    _keep(folder, IDENTITY_LINKS, lambda row: not (gone(row["source"]) or gone(row["target"]) or names_them(row["evidence"])))
    _rename_persons(folder, people)
    _drop_titles(folder, {row["conversation"] for row in parts if row["source"] in people})
    write_graph(folder)
    record = json.loads((folder / LINK).read_text("utf-8"))
    counted = record["counts"]
    counted["accounts"] -= counts.accounts
    counted["conversations"] -= counts.conversations
    counted["identity_links"] = pq.read_metadata(folder / IDENTITY_LINKS).num_rows
    kinds = [row["kind"] for row in _read(folder, PATTERNS)]
    counted["patterns"] = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    record["files"] = hashes_of(folder, (*SCHEMAS, GRAPHML, GRAPH_JSON))
    with new_file(folder / LINK, overwrite=True) as beside:
        write_json(beside, record)
    write_report(folder, folder / REPORT)
    return counts


def _read(folder: Path, name: str) -> list[Row]:
    try:
        return pq.read_table(folder / name).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise ResultsError("the file is damaged", where=str(folder / name), do="Link the runs again") from error


def _keep(folder: Path, name: str, keep: Callable[[Row], bool]) -> int:
    """Rewrite a file with the rows that stay, in one rename; return how many went."""
    rows = _read(folder, name)
    kept = [row for row in rows if keep(row)]
    if len(kept) < len(rows):
        _write(folder, name, kept)
    return len(rows) - len(kept)


def _rename_persons(folder: Path, gone: Collection[str]) -> None:
    """Name a person whose lowest account went by the next one, so that its digest is in no file."""
    rows = _read(folder, ACCOUNTS)
    lowest: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row["account"]):
        lowest.setdefault(row["person"], row["account"])
    if any(row["person"] in gone for row in rows):
        _write(folder, ACCOUNTS, [{**row, "person": lowest[row["person"]]} for row in rows])


def _drop_titles(folder: Path, conversations: Collection[str]) -> None:
    """Drop the titles of conversations: they are named for people."""
    rows = _read(folder, CONVERSATIONS)
    if any(row["conversation"] in conversations and row["title"] for row in rows):
        _write(folder, CONVERSATIONS, [row | ({"title": None} if row["conversation"] in conversations else {}) for row in rows])


def _write(folder: Path, name: str, rows: list[Row]) -> None:
    with new_file(folder / name, overwrite=True) as beside:
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMAS[name]), beside, compression="zstd")
