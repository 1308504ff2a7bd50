"""The container: what its file says, and that its steps give a place from which Safelight runs without a network or root."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent


def _instructions(root: Path) -> Iterator[tuple[str, str]]:
    text = (root / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def _stages(root: Path) -> dict[str, list[tuple[str, str]]]:
    stages: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for word, rest in _instructions(root):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages[name] = [(word, base)]
        else:
            stages[name].append((word, rest))
    return stages


def _whole(stages: dict[str, list[tuple[str, str]]], name: str) -> list[tuple[str, str]]:
    (_, base), *own = stages[name]
    return [*(_whole(stages, base) if base in stages else []), *own]


def test_the_dockerfile_passes_hadolint(root: Path) -> None:
    linter = SCRIPTS / "hadolint"
    if not linter.exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, root / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("image", ["scoring", "review"])
def test_an_image_runs_as_nobody_special_and_holds_no_build_step(image: str, root: Path) -> None:
    steps = _whole(_stages(root), image)
    assert [rest for word, rest in steps if word == "USER"][-1] == "10001:10001"
    assert not [rest for word, rest in steps if word == "RUN"], "what is built comes from another stage"
    assert [rest for word, rest in steps if word == "ENTRYPOINT"] == ['["safelight"]']


def test_whatever_is_copied_is_sent_to_the_builder(root: Path) -> None:
    sent = {line[1:] for line in (root / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {
        source.rstrip("/")
        for word, rest in _instructions(root)
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == sent
    assert all((root / path).exists() for path in copied)
    wheel = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["force-include"], *wheel["packages"]} <= copied, "the wheel is built from what is copied"


def test_packages_are_installed_by_hash(root: Path) -> None:
    installs = [part for word, rest in _instructions(root) if word == "RUN" for part in rest.split("&&") if "pip install" in part]
    assert len(installs) == 4
    assert all("--require-hashes" in part or "--no-deps" in part for part in installs)


def test_the_compose_file_opens_nothing_beyond_this_machine(root: Path) -> None:
    yaml = pytest.importorskip("yaml")
    services = yaml.safe_load((root / "compose.yml").read_text("utf-8"))["services"]
    assert set(services) == {"postgres", "review"}
    assert services["review"]["ports"] == ["127.0.0.1:8440:8440"]
    assert "ports" not in services["postgres"]
    assert services["review"]["read_only"] is True
    assert services["review"]["cap_drop"] == ["ALL"]
    assert not re.search(r"PASSWORD: ", (root / "compose.yml").read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("image", ["scoring", "review"])
def test_the_steps_of_an_image_make_a_safelight_that_scores(image: str, root: Path, tmp_path: Path) -> None:
    stages = _stages(root)
    place = {"/opt/safelight": tmp_path / "opt", "/data": tmp_path / "data", "/src": tmp_path / "src"}

    def here(text: str) -> str:
        for path, local in place.items():
            text = text.replace(path, str(local))
        return text

    environment = {"PATH": f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    for stage in (f"build-{image}", image):
        folder = tmp_path
        for word, rest in _whole(stages, stage):
            if word == "WORKDIR":
                folder = Path(here(rest))
                folder.mkdir(exist_ok=True)
            elif word == "COPY" and not rest.startswith("--from"):
                *sources, target = rest.split()
                for source in sources:
                    into = Path(here(target)) if target.startswith("/") else folder / target
                    if (root / source).is_dir():
                        shutil.copytree(root / source, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
                    else:
                        shutil.copy(root / source, into)
            elif word == "RUN":
                command = here(rest).replace("python -m venv", f"{sys.executable} -m venv", 1)
                subprocess.run(["/bin/sh", "-ec", command], check=True, cwd=folder, env=environment)
    (tmp_path / "chat.txt").write_text("13/02/2024, 17:04 - Kim: good game everyone\n")
    safelight = [tmp_path / "opt" / "bin" / "safelight"]
    quiet = shutil.which("unshare") and subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode == 0
    without_network = ["unshare", "-rn"] if quiet else []
    arguments = ["score", tmp_path / "chat.txt", "--out", tmp_path / "out", "--json"]
    done = subprocess.run(
        [*without_network, *safelight, *arguments], cwd=place["/data"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    sizes = [file.stat().st_size for file in (tmp_path / "opt").rglob("*") if file.is_file() and not file.is_symlink()]
    stated = re.search(rf"\| {image} \| (\d+) MB \|", (root / "docs" / "how-to" / "container.md").read_text("utf-8"))
    assert stated
    assert abs(sum(sizes) / 1e6 - int(stated[1])) < 0.1 * int(stated[1]), f"{sum(sizes) / 1e6:.0f} MB"
