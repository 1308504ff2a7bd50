"""The command line as a user meets it: a process, its words, its exit code."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

CHAT = "13/02/2024, 17:04 - Kim: good game everyone\n13/02/2024, 17:05 - Pat: how old are you anyway\n"


def safelight(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli.main", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_help_answers_without_loading_what_scoring_needs(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pipeline.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'pyarrow', 'pydantic', 'jinja2', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_every_command_has_help_and_stands_in_the_guides(root: Path, tmp_path: Path) -> None:
    from pipeline.cli.main import app

    pages = [file for folder in ("start", "tutorials", "how-to") for file in (root / "docs" / folder).glob("*.md")]
    guides = " ".join(" ".join(page.read_text("utf-8") for page in pages).split())
    groups = [(f"{group.name} " if isinstance(group.name, str) else "", group.typer_instance) for group in app.registered_groups]
    for prefix, commands in [("", app), *groups]:
        assert commands is not None
        for command in commands.registered_commands:
            assert command.callback is not None
            name = prefix + (command.name or command.callback.__name__)
            assert command.callback.__doc__
            assert f"safelight {name}" in guides, name
            assert safelight(*name.split(), "--help", cwd=tmp_path).returncode == 0


def test_score_ends_with_a_table_and_the_way_to_the_report(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text(CHAT)
    done = safelight("score", "chat.txt", "--model", tiny_model, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 conversations, 2 messages" in done.stdout
    assert "out/report.html" in done.stdout
    assert "--text include" in done.stdout
    assert "good game" not in done.stdout + done.stderr


def test_inspect_counts_and_scores_nothing(tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text(CHAT)
    done = safelight("inspect", "chat.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in ("WhatsApp", "1 conversations, 2 rows: 2 message", "2 speakers", "2024-02-13 17:04 to 2024-02-13 17:05"):
        assert words in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chat.txt"]


def _damaged_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_chat.txt", CHAT * 200)
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(30)
    path.write_bytes(content)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 40), "not a chat export"),
    "prose": (lambda path: path.write_text("Dear diary,\nnothing happened, as usual.\n"), "not a chat export"),
    "other-json": (lambda path: path.write_text('{"weather": {"rain": true}}'), "not a chat export"),
    "damaged-zip": (_damaged_zip, "damaged"),
    "cut-zip": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(40)), "damaged"),
    "ambiguous-dates": (lambda path: path.write_text("03/04/2024, 17:04 - Kim: hi\n"), "--date-order"),
    "not-utf8": (lambda path: path.write_bytes(CHAT.encode() + b"\xff\n"), "UTF-8"),
    "missing": (lambda path: None, "no such file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line_and_exit_code_2(case: str, tiny_model: Path, tmp_path: Path) -> None:
    make, words = BAD[case]
    make(tmp_path / "input")
    before = sorted(path.name for path in tmp_path.iterdir())
    for command in (["score", "input", "--model", tiny_model, "--out", "out"], ["inspect", "input"]):
        done = safelight(*command, cwd=tmp_path)
        assert done.returncode == 2
        assert words in done.stderr
        assert "input" in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "myspace"], "myspace"),
        (["--timezone", "Mars/Base"], "Mars/Base"),
        (["--column", "text"], "field=column"),
        (["--model", "nowhere"], "no such model"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text(CHAT)
    done = safelight("score", "chat.txt", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_results_are_not_replaced_by_a_slip(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text(CHAT)
    command = ["score", "chat.txt", "--model", tiny_model, "--out", "out"]
    assert safelight(*command, cwd=tmp_path).returncode == 0
    again = safelight(*command, cwd=tmp_path)
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    assert safelight(*command, "--overwrite", cwd=tmp_path).returncode == 0


def test_a_moved_threshold_reaches_the_report_without_scoring_again(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text(CHAT)
    assert safelight("score", "chat.txt", "--model", tiny_model, "--out", "out", cwd=tmp_path).returncode == 0
    scores = (tmp_path / "out" / "scores.parquet").stat().st_mtime_ns
    (tmp_path / "out" / "report.html").unlink()
    done = safelight("report", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    assert (tmp_path / "out" / "scores.parquet").stat().st_mtime_ns == scores


def test_a_corpus_is_checked_split_and_built(tiny_corpus: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    taxonomy = tiny_recipe.parent / "taxonomy.toml"
    done = safelight("corpus", "check", tiny_corpus, "--taxonomy", taxonomy, cwd=tmp_path)
    assert done.returncode == 1, "the conversations of the tiny corpus are near-duplicates"
    assert "12 conversations, 54 messages" in done.stdout
    assert "near-duplicates" in done.stdout
    assert "good game" not in done.stdout
    shares = ("--share", "train=0.5", "--share", "test=0.5")
    done = safelight("corpus", "split", tiny_corpus, "--out", "splits.json", "--taxonomy", taxonomy, *shares, cwd=tmp_path)
    assert done.stdout.strip() == "splits.json: 6 train, 6 test", done.stderr
    (tmp_path / "composition.toml").write_text("per_conversation = 2\n")
    options = ("--splits", "splits.json", "--config", "composition.toml", "--taxonomy", taxonomy, "--out", "built")
    done = safelight("corpus", "build", tiny_corpus, *options, cwd=tmp_path)
    assert done.stdout.strip() == "built: 18 train, 6 test", done.stderr
    done = safelight("corpus", "card", "built/train.jsonl", "--taxonomy", taxonomy, cwd=tmp_path)
    assert "18" in done.stdout
    assert "good game" not in done.stdout


def test_a_share_that_is_none_is_a_clear_error(tiny_corpus: Path, tmp_path: Path) -> None:
    done = safelight("corpus", "split", tiny_corpus, "--out", "s.json", "--share", "train", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not of the form name=value" in done.stderr
