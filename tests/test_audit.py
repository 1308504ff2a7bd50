"""What is installed is locked by hash and licensed, and an audit that could ask nobody says so."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import audit
import pytest

LOCKS = ("requirements.lock", "requirements/scoring.lock", "requirements/review.lock", "requirements/development.lock")
TRAINING = ("torch", "transformers", "mlflow", "scikit-learn", "scipy", "pytest", "spacy", "openvino", "fastapi")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_a_lock_has_a_hash(name: str, root: Path) -> None:
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", (root / name).read_text("utf-8"))
    pinned = [block for block in blocks if re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*==\S+", block)]
    assert len(pinned) > 20
    assert [block.split()[0] for block in pinned if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_what_builds_the_package_too(name: str, root: Path) -> None:
    assert "hatchling" in audit.locked_names((root / name).read_text("utf-8"))
    needed = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert needed == [line for line in (root / "requirements/build.in").read_text("utf-8").splitlines() if not line.startswith("#")]


def test_the_lock_of_scoring_names_what_scoring_needs_and_no_more(root: Path) -> None:
    names = audit.locked_names((root / "requirements/scoring.lock").read_text("utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(map(bare, project["dependencies"])) <= set(names)
    assert set(names) & set(TRAINING) == set()


def test_the_lock_of_development_names_all_that_its_extras_ask_for(root: Path) -> None:
    names = audit.locked_names((root / "requirements/development.lock").read_text("utf-8"))
    extras = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert {bare(line) for extra in ("train", "review", "dev") for line in extras[extra]} <= set(names)


def bare(requirement: str) -> str:
    """Return the name of a requirement."""
    return re.split(r"[\[<>=!~; ]", requirement)[0]


def test_the_locks_agree_on_every_version(root: Path) -> None:
    whole = pins(root / "requirements.lock")
    for name in LOCKS[1:]:
        other = pins(root / name)
        assert {key: version for key, version in other.items() if whole.get(key) != version} == {}


def pins(lock: Path) -> dict[str, set[str]]:
    """Return the versions of each package of a lock; there are several where they depend on the system."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)==(\S+)", lock.read_text("utf-8")):
        found.setdefault(name, set()).add(version)
    return found


def test_every_install_of_the_makefile_checks_hashes(root: Path) -> None:
    """The environments of other parsers and of the fuzzer alone are not what is shipped or landed with."""
    for target in ("score", "test"):
        told = subprocess.run(
            ["make", "-n", "-W", "pyproject.toml", target, "VENV=nowhere"], cwd=root, capture_output=True, text=True, check=True
        ).stdout
        installs = [line for line in told.splitlines() if "pip install" in line]
        assert installs
        for line in installs:
            assert "--require-hashes" in line or ("--no-deps" in line and "--no-build-isolation" in line), line


def test_every_dependency_states_a_licence_or_is_justified(root: Path) -> None:
    names = audit.locked_names((root / "requirements.lock").read_text("utf-8"))
    justified = tomllib.loads(audit.JUSTIFIED.read_text("utf-8"))
    assert set(justified) <= set(names), "a justification of what is no dependency any more"
    assert all(set(entry) == {"licence", "why"} for entry in justified.values())
    licences = audit.licences_of(names)
    assert len(licences) > 20
    assert list(audit.licence_faults(licences, justified)) == []


def test_a_licence_that_is_missing_or_forbids_is_a_fault() -> None:
    licences = {
        "a": None,
        "b": "GPL-3.0-only",
        "c": "MIT",
        "d": "LGPL-3.0-only",
        "e": "GNU Affero General Public License v3",
        "f": None,
    }
    found = list(audit.licence_faults(licences, ["f"]))
    assert [text.split()[0] for text in found] == ["a", "b", "e"]


REPORT: dict[str, Any] = {
    "dependencies": [
        {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]},
        {"name": "b", "version": "1", "vulns": []},
        {"name": "c", "skip_reason": "not found"},
    ]
}


def test_a_package_that_nobody_could_be_asked_about_is_not_taken_as_safe() -> None:
    found = audit.read_advisories(REPORT)
    assert found.vulnerable == ("a 1: PYSEC-1, mended in 2",)
    assert (found.checked, found.unchecked) == (2, ("c",))


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (audit.read_advisories(REPORT), 1, "known vulnerability in a 1: PYSEC-1"),
        (audit.Advisories((), 3, ()), 0, "0 known vulnerabilities"),
        (audit.Advisories((), 0, ("a", "b")), 3, "no all-clear"),
        ("ConnectionError", 3, "advisories could NOT be had"),
    ],
)
def test_the_exit_code_tells_findings_from_silence(
    answer: audit.Advisories | str,
    code: int,
    words: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "ask_advisories", lambda lock: answer)
    assert audit.main(root / "requirements.lock") == code
    assert words in capsys.readouterr().out
