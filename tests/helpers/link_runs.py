"""Link runs made of small scored runs, and what is read back of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.linked import ROOT, Line, Talk, write_run
from pipeline.link.link import link
from pipeline.link.tables import (
    Account,
    Pattern,
    read_accounts,
    read_conversations,
    read_edges,
    read_identity_links,
    read_patterns,
)

CONFIG = ROOT / "configs" / "link.toml"
INDICATORS = (ROOT / "configs" / "indicators" / "group.toml",)
SMALL = [Line("1234567", "hi"), Line("7654321", "hello")]


def linked(folder: Path, *runs: list[Talk], text: str = "include", out: str = "linked", **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "secret"
    key.write_text("ab" * 32, "ascii")
    paths = [write_run(folder / f"{out}-run{number}", list(talks), text=text) for number, talks in enumerate(runs)]
    wanted = {"config": CONFIG, "indicators": INDICATORS, "key": key, "names": "include", "places": False}
    return link(paths, folder / out, **{**wanted, **options}).path


def names(folder: Path) -> dict[str, str]:
    return {account.account: f"{account.name}@{account.platform}" for account in read_accounts(folder)}


def joined(folder: Path) -> set[tuple[str, str, str, float]]:
    known = names(folder)
    return {
        (one.reason, *sorted((known[one.source], known[one.target])), one.strength)  # type: ignore[misc]
        for one in read_identity_links(folder)
    }


def of_kind(folder: Path, kind: str) -> list[Pattern]:
    return [pattern for pattern in read_patterns(folder) if pattern.kind == kind]


def account(folder: Path, name: str) -> Account:
    (found,) = [one for one in read_accounts(folder) if one.name == name]
    return found


def content_of(folder: Path) -> dict[str, Any]:
    read = {"a": read_accounts, "c": read_conversations, "e": read_edges, "i": read_identity_links, "p": read_patterns}
    return {name: list(reader(folder)) for name, reader in read.items()}
