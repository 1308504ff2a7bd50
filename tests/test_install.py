"""A wheel and an sdist, built, installed in an empty environment, and used from another folder."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import sysconfig
import tarfile
import time
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.skipif(sys.platform == "win32", reason="the layout of a POSIX environment")]
pytest.importorskip("hatchling", reason="building needs hatchling")

MOST_MEGABYTES = 60


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of the checkout."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(out)], cwd=root, check=True, capture_output=True)
    return out


def installed(wheel: Path, folder: Path) -> Path:
    """Install a wheel in an empty environment, which borrows the dependencies of this one, and return its ``bin``."""
    venv.create(folder, with_pip=False)
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--no-index", str(wheel)], check=True, capture_output=True, text=True)
    # Editable installs of the borrowed environment stay out: only the path is added, its own .pth files are not read.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return folder / "bin"


def run(bin_: Path, arguments: Sequence[str], cwd: Path, **environment: str) -> str:
    """Run the installed command as a new user would, and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "SAFELIGHT_MODEL")}
    done = subprocess.run(
        [str(bin_ / "safelight"), *arguments], cwd=cwd, env=kept | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bin_(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment with the wheel."""
    (wheel,) = built.glob("*.whl")
    return installed(wheel, tmp_path_factory.mktemp("environment"))


def test_the_wheel_is_small_enough_and_holds_the_two_packages(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.stat().st_size < MOST_MEGABYTES * 1_000_000
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"pipeline", "evaluation"}


def test_the_wheel_holds_every_file_that_the_packages_models_and_recipes_have(built: Path, root: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    wanted = {name for name in tracked if name.split("/")[0] in ("pipeline", "evaluation")}
    wanted |= {f"pipeline/shipped_files/{name}" for name in tracked if name.startswith(("configs/", "models/default/"))}
    assert wanted - names == set()


def test_the_wheel_names_the_command_and_the_plug_in(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
    points = configparser.ConfigParser()
    points.read_string(archive.read(name).decode("utf-8"))
    assert points["console_scripts"]["safelight"] == "pipeline.cli.main:main"
    assert points["osprey_plugin"]["safelight"] == "pipeline.osprey.plugin"


def test_the_sdist_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (sdist,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=source, check=True, capture_output=True)
    (again,) = (source / "dist").glob("*.whl")
    first, second = zipfile.ZipFile(wheel), zipfile.ZipFile(again)
    assert sorted(first.namelist()) == sorted(second.namelist())
    assert [info.CRC for info in sorted(first.infolist(), key=lambda info: info.filename)] == [
        info.CRC for info in sorted(second.infolist(), key=lambda info: info.filename)
    ]


def test_the_installed_command_scores_and_evaluates_from_another_folder(bin_: Path, root: Path, tmp_path: Path) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_bytes((root / "data" / "samples" / "whatsapp-family.txt").read_bytes())
    run(bin_, ["score", "chat.txt"], tmp_path)
    assert (tmp_path / "out" / "report.html").is_file()
    assert "passed" in run(bin_, ["evaluate", "suite"], tmp_path)
    assert run(bin_, ["corpus", "briefs", "--count", "2"], tmp_path).startswith("1. ")


def test_the_environment_variable_names_the_model(bin_: Path, root: Path, tmp_path: Path) -> None:
    chat = str(root / "data" / "samples" / "whatsapp-family.txt")
    run(bin_, ["score", chat, "--out", "named"], tmp_path, SAFELIGHT_MODEL="default")
    run(bin_, ["score", chat, "--out", "path"], tmp_path, SAFELIGHT_MODEL=str(root / "models" / "default"))
    scores = [(tmp_path / name / "scores.parquet").read_bytes() for name in ("named", "path")]
    assert scores[0] == scores[1]


def test_the_installed_review_serves_its_pages(bin_: Path, root: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="the review is an extra")
    run(bin_, ["score", str(root / "data" / "samples" / "whatsapp-family.txt")], tmp_path)
    command = [str(bin_ / "safelight"), "review", "out", "--single-user", "--port", "0"]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(command, cwd=tmp_path, env=kept, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = next(line.strip() for line in server.stdout if line.startswith("http://"))
            assert "/review.css" in _get(address)
        finally:
            server.terminate()


def _get(address: str) -> str:
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), urllib.request.ProxyHandler({}))
    for _ in range(50):
        try:
            return opener.open(address).read().decode("utf-8")
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the review does not answer")
