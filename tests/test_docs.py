"""The documentation is true to the code: pages that follow from it, options that it names, links, the tutorials' commands."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest

from evaluation.functional import VERSION
from evaluation.functional.cases import CASES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
_BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```", re.MULTILINE | re.DOTALL)
CASES_OF_VERSION = {"1.0": "b73e1b65c61e1a1a99d378ff958f37d5a3f460f0ca5d20f9d9db86168c3f21c8"}
"""The hash of the functional suite's cases, by version. Whoever changes a case raises the version."""


@pytest.fixture(scope="module")
def generator() -> Iterator[ModuleType]:
    sys.path.insert(0, str(DOCS))
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(DOCS))


def test_the_reference_is_what_the_code_says(generator: ModuleType) -> None:
    stale = [name for name, text in generator.pages().items() if (DOCS / "reference" / name).read_text("utf-8") != text]
    assert stale == [], "run `make docs`"


def test_the_help_of_every_command_and_every_option_stands_in_the_reference(generator: ModuleType) -> None:
    reference = (DOCS / "reference" / "cli.md").read_text("utf-8")
    listed = list(generator.commands())
    assert len(listed) > 20
    for name, command in listed:
        section = reference.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert command.help, name
        assert " ".join(command.help.split()) in " ".join(section.split()), name
        for parameter in command.params:
            options = [option for option in parameter.opts if option.startswith("--")]
            hidden = getattr(parameter, "hidden", False)
            assert hidden or all(option in section for option in options), (name, options)


def test_every_column_error_and_exit_code_is_described(generator: ModuleType) -> None:
    from pipeline import errors
    from pipeline.cli.exit_codes import ExitCode
    from pipeline.results import conversations_schema, scores_schema

    columns = (DOCS / "reference" / "columns.md").read_text("utf-8")
    assert all(f"| `{name}` |" in columns for schema in (scores_schema, conversations_schema) for name in schema(["access"]).names)
    told = (DOCS / "reference" / "errors.md").read_text("utf-8")
    assert all(f"| `{name}` |" in told for name in errors.__all__)
    codes = (DOCS / "reference" / "exit-codes.md").read_text("utf-8")
    assert all(f"| {code.value} |" in codes for code in ExitCode)
    del generator


def test_every_key_of_a_record_and_a_summary_is_described(root: Path, tiny_model: Path, tmp_path: Path) -> None:
    from pipeline.cli.summary import run_summary
    from pipeline.score import score

    (tmp_path / "chat.txt").write_text("13/02/2024, 17:04 - Kim: good game everyone\n")
    run = score([tmp_path / "chat.txt"], model=tiny_model, out=tmp_path / "out")
    page = (root / "docs" / "reference" / "run-folder.md").read_text("utf-8")
    keys = {*run.record, *run_summary(run, seconds=1.0, exit_code=0)}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
    assert [file.name for file in run.path.iterdir() if f"`{file.name}`" not in page] == []


def _commands(text: str) -> Iterator[list[str]]:
    for language, _, body in _BLOCK.findall(text):
        if language in ("sh", "text"):
            for line in body.replace("\\\n", " ").splitlines():
                if match := re.match(r"(?:\S*/)?safelight(?: +(.*))?$", line.strip()):
                    try:
                        yield shlex.split(match[1] or "", comments=True)
                    except ValueError:
                        continue


def test_every_option_that_a_page_names_exists(generator: ModuleType) -> None:
    known = {
        name: {option for parameter in command.params for option in (*parameter.opts, *getattr(parameter, "secondary_opts", ()))}
        for name, command in generator.commands()
    }
    wrong, seen = [], 0
    for page in PAGES:
        for words in _commands(page.read_text("utf-8")):
            name = next(
                (f"safelight {' '.join(words[:count])}" for count in (2, 1) if f"safelight {' '.join(words[:count])}" in known),
                None,
            )
            if name is None:
                wrong += [f"{page.name}: safelight {' '.join(words[:2])}"]
                continue
            options = [word.partition("=")[0] for word in words if word.startswith("--")]
            seen += len(options)
            wrong += [f"{page.name}: {name} {option}" for option in options if option not in known[name] | {"--help"}]
    assert wrong == []
    assert seen > 60


def test_every_link_between_files_leads_somewhere() -> None:
    wrong = []
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]:
        for target in re.findall(
            r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
        ):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                wrong.append(f"{page.name}: {target}")
    assert wrong == []


def test_the_readme_is_a_first_page(root: Path) -> None:
    assert len((root / "README.md").read_text("utf-8").splitlines()) < 150
    picture = root / "docs" / "img" / "report.webp"
    assert 10_000 < picture.stat().st_size < 200_000
    assert "docs/img/report.webp" in (root / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the site needs the extra docs")
    pytest.importorskip("mkdocstrings")
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", "configs/mkdocs.yml", "--site-dir", str(place)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "WARNING" not in done.stderr
    return place


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag in ("script", "img", "iframe", "source") and "src" in values:
            self.loads.append(values["src"])
        elif tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(values["href"])


def _parsed(file: Path) -> _Page:
    page = _Page()
    page.feed(file.read_text("utf-8"))
    return page


def test_every_link_and_anchor_of_the_site_leads_somewhere_and_no_page_asks_the_network(site: Path) -> None:
    pages = {file: _parsed(file) for file in site.rglob("*.html") if file.name != "404.html"}
    assert len(pages) > 30
    wrong = []
    for file, page in pages.items():
        wrong += [
            f"{file.name} loads {load}"
            for load in page.loads
            if urlsplit(load).netloc or not (file.parent / urlsplit(load).path).exists()
        ]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto"):
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids):
                wrong.append(f"{file.name}: {link}")
    assert wrong == []
    styles = [file for file in site.rglob("*.css") if re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", file.read_text("utf-8"))]
    assert styles == []


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder like the repository's root, with `safelight` and `python` on the path."""
    for name in ("data", "configs"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "default").symlink_to(ROOT / "models" / "default")
    (tmp_path / "bin").mkdir()
    for name, call in (("safelight", "-m pipeline.cli.main"), ("python", "")):
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\nexec {sys.executable} {call} "$@"\n')
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def _answers(address: str) -> bool:
    """Ask until the server, which names its address a moment before it listens, answers."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - this machine
                return answer.status == 200
        except ConnectionError:
            time.sleep(0.2)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            time.sleep(0.2)
    return False


def _serves(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = next((match[0] for line in server.stdout if (match := re.search(r"http://127\.0\.0\.1:\d+\S*", line))), None)
            assert address
            assert _answers(address)
        finally:
            server.terminate()


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_the_commands_of_a_tutorial_run(page: Path, workplace: Path) -> None:
    pytest.importorskip("sklearn", reason="training needs the train extra")
    pytest.importorskip("fastapi", reason="the review needs its extra")
    chat = next(
        body for _, title, body in _BLOCK.findall((DOCS / "tutorials" / "score.md").read_text("utf-8")) if title == "chat.txt"
    )
    (workplace / "chat.txt").write_text(chat)
    environment = {**os.environ, "PATH": f"{workplace / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    ran = 0
    for language, title, body in _BLOCK.findall(page.read_text("utf-8")):
        if language == "sh" and title == "server":
            _serves(shlex.split(body), workplace, environment)
        elif language == "sh":
            command = ["/bin/sh", "-ec", body]
            done = subprocess.run(command, cwd=workplace, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-2000:]
        elif title:
            (workplace / title).write_text(body, "utf-8")
            continue
        else:
            continue
        ran += 1
    assert ran >= 1


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(DOCS / "tutorials" / "first_report.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    done = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    assert "stage_access" in json.dumps(done.cells[4].outputs)


def test_the_version_of_the_functional_suite_is_of_its_cases() -> None:
    content = b"".join(file.read_bytes() for file in sorted(CASES.glob("*.toml")))
    assert CASES_OF_VERSION[VERSION] == sha256(content).hexdigest()


def test_the_timer_and_the_script_of_the_nightly_guide_are_valid(tmp_path: Path) -> None:
    import configparser

    blocks = {title: body for _, title, body in _BLOCK.findall((DOCS / "how-to" / "nightly.md").read_text("utf-8"))}
    service, timer = configparser.ConfigParser(interpolation=None), configparser.ConfigParser()
    service.read_string(blocks["safelight.service"])
    timer.read_string(blocks["safelight.timer"])
    assert service["Service"]["RestartPreventExitStatus"] == "2 3"
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "calendar", timer["Timer"]["OnCalendar"]], check=True, capture_output=True)
    (tmp_path / "night.sh").write_text(blocks["night.sh"])
    subprocess.run(["/bin/sh", "-n", tmp_path / "night.sh"], check=True)
