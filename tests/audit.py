"""`make audit`: known vulnerabilities and licences of what a lock file names.

Ends with 0 when nothing was found, 1 for findings, and 3 when advisories could not be had for everything: that is no all-clear.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

JUSTIFIED = Path(__file__).parents[1] / "requirements" / "licences.toml"

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_COPYLEFT = re.compile(r"(?<![A-Za-z])A?GPL|GNU (?:Affero )?General Public")
_LONGEST = 300
"""Some packages put the whole text of their licence where its name belongs."""


def locked_names(lock: str) -> list[str]:
    """Return the packages that the text of a lock file pins."""
    return sorted(set(_PIN.findall(lock)))


def stated_licence(package: Distribution) -> str | None:
    """Return the licence that a package's metadata states; ``None`` where it states none."""
    metadata = package.metadata
    told = [value for name in ("License-Expression", "License") for value in metadata.get_all(name) or ()]
    told += [value.rpartition(" :: ")[2] for value in metadata.get_all("Classifier") or () if value.startswith("License ::")]
    known = [text.strip()[:_LONGEST] for text in told if text and text.strip().casefold() not in ("", "unknown")]
    return "; ".join(known) or None


def licence_faults(licences: Mapping[str, str | None], justified: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong: a licence that is not stated, or one that an Apache-licensed program cannot depend on."""
    allowed = set(justified)
    for name, licence in licences.items():
        if name in allowed:
            continue
        if licence is None:
            yield f"{name} states no licence: replace it, or say in {JUSTIFIED.name} what is known and why it may stay"
        elif _COPYLEFT.search(licence.replace("LGPL", "").replace("GNU Lesser General Public", "")):
            yield f"{name} is under {licence}: replace it, or say in {JUSTIFIED.name} why it may stay"


def licences_of(names: Iterable[str]) -> dict[str, str | None]:
    """Return what the packages state that are installed here; those of other systems cannot be asked."""
    found = {}
    for name in names:
        try:
            found[name] = stated_licence(distribution(name))
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Advisories:
    """What pip-audit found: vulnerabilities in words, how many packages it could check, and those that it could not."""

    vulnerable: tuple[str, ...]
    checked: int
    unchecked: tuple[str, ...]


def read_advisories(report: Mapping[str, Any]) -> Advisories:
    """Read pip-audit's JSON; it ends with 0 and "No known vulnerabilities" where it could ask about no package at all."""
    rows = report["dependencies"]
    return Advisories(
        tuple(
            f"{row['name']} {row['version']}: {one['id']}"
            + (f", mended in {', '.join(mended)}" if (mended := one["fix_versions"]) else "")
            for row in rows
            for one in row.get("vulns", ())
        ),
        sum("skip_reason" not in row for row in rows),
        tuple(row["name"] for row in rows if "skip_reason" in row),
    )


def ask_advisories(lock: Path) -> Advisories | str:
    """Ask PyPI for advisories; return the reason, where it cannot be asked."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "-r",
            str(lock),
            "--require-hashes",
            "--disable-pip",
            "-f",
            "json",
            "-o",
            str(out),
        ]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if not out.is_file():
            return (ended.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return read_advisories(json.loads(out.read_text("utf-8")))


def main(lock: Path) -> int:
    """Print what is found, and return the exit code."""
    names = locked_names(lock.read_text("utf-8"))
    licences = licences_of(names)
    justified = tomllib.loads(JUSTIFIED.read_text("utf-8"))
    faults = list(licence_faults(licences, justified))
    print(f"licences: {len(licences)} of {len(names)} packages are installed here and were asked; {len(faults)} fault(s)")
    found = ask_advisories(lock)
    if isinstance(found, str):
        print(f"advisories could NOT be had, so nothing was checked: {found}")
    else:
        faults += [f"known vulnerability in {text}" for text in found.vulnerable]
        print(f"advisories: {found.checked} of {len(names)} packages were checked; {len(found.vulnerable)} known vulnerabilities")
        if found.unchecked:
            print(f"advisories could NOT be had for {len(found.unchecked)} packages, such as {', '.join(found.unchecked[:5])}")
    for fault in faults:
        print(f"finding: {fault}")
    if faults:
        return 1
    if isinstance(found, str) or found.unchecked:
        print("This is no all-clear: run it where PyPI's advisories can be reached.")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
