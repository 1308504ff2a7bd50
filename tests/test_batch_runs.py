"""Runs by night: progress with a total, a summary for programs, exit codes, exports that lie elsewhere."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.cli import progress as lines
from pipeline.cli.exit_codes import MEANINGS, ExitCode
from pipeline.cli.main import main
from pipeline.errors import ConfigError, ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.files.remote import EXTRAS, local_paths
from pipeline.ingest.read import open_units
from pipeline.results import open_run
from pipeline.score import Progress, score
from pipeline.scoring import batches
from pipeline.scoring.amount import Amount, count_units

CHAT = "13/02/2024, 17:04 - Kim: good game everyone\n13/02/2024, 17:05 - Pat: how old are you anyway\n"


def _table(path: Path, conversations: int, messages: int = 4) -> Path:
    rows = [
        {"conversation_id": f"c{number}", "speaker": "AB"[row % 2], "timestamp": None, "text": f"loaf {row} of rye"}
        for number in range(conversations)
        for row in range(messages)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_MESSAGES", 10)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["safelight", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run


@pytest.mark.usefixtures("small_parts")
def test_what_is_counted_beforehand_is_what_is_scored(tiny_model: Path, tmp_path: Path) -> None:
    for number, conversations in enumerate((5, 1, 7)):
        _table(tmp_path / f"{number}.jsonl", conversations, messages=4 + number)
    files = sorted(tmp_path.glob("*.jsonl"))
    units = list(open_units(files, ReadOptions(merge="never"), ReadLog()))
    amount = count_units(units, ReadOptions(), lambda *_: None)
    seen: list[Progress] = []
    score(files, model=tiny_model, out=tmp_path / "out", options=ReadOptions(merge="never"), progress=seen.append)
    assert (seen[-1].done, seen[-1].parts) == (amount.messages, amount.parts) == (67, 7)
    assert [one.total for one in seen if one.phase == "scoring"] == [67] * 8


def test_a_damaged_export_counts_as_nothing(tmp_path: Path) -> None:
    _table(tmp_path / "a.jsonl", 2)
    _table(tmp_path / "b.jsonl", 2)
    units = list(open_units([tmp_path], ReadOptions(), ReadLog()))
    with (tmp_path / "b.jsonl").open("a") as stream:
        stream.write("{not json\n")
    assert count_units(units, ReadOptions(), lambda *_: None) == Amount(8, 1)


@pytest.mark.usefixtures("small_parts")
def test_a_run_that_goes_on_says_how_much_is_done(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: Callable[..., int]
) -> None:
    _table(tmp_path / "night.jsonl", 25)

    def stop(seen: Progress) -> None:
        if seen.parts == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score([tmp_path / "night.jsonl"], model=tiny_model, out=tmp_path / "out", progress=stop)
    arguments = ("score", tmp_path / "night.jsonl", "--model", tiny_model, "--out", tmp_path / "out")
    assert command(*arguments) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "resuming: 3 of 9 parts done"
    assert re.fullmatch(r"done: 100 messages in \d:\d\d:\d\d, [\d,]+ messages/s", told[-1])


def test_without_a_terminal_a_line_tells_how_far_it_is_every_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lines, "EVERY_SECONDS", 0.05)
    with lines.scoring_progress() as hear:
        assert hear is not None
        hear(Progress("scoring", 0, 400, 0, 4))
        lines.time.sleep(0.1)
        hear(Progress("scoring", 100, 400, 1, 4))
        lines.time.sleep(0.3)
        hear(Progress("done", 400, 400, 4, 4))
    told = capsys.readouterr().err.splitlines()
    pattern = r"scoring: 100 of 400 messages \(25%\), part 1 of 4, [\d,]+ messages/s, about 0:00:0\d left"
    assert [line for line in told if re.fullmatch(pattern, line)]
    assert told[-1].startswith("done: 400 messages in 0:00:0")


def test_a_run_that_stops_says_after_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExportError), lines.scoring_progress() as hear:
        assert hear is not None
        hear(Progress("scoring", 0, 40, 2, 4, resumed=2))
        raise ExportError("gone")
    assert capsys.readouterr().err.splitlines() == ["resuming: 2 of 4 parts done", "stopped after 0:00:00: 2 of 4 parts done"]


def test_the_bar_shows_amount_and_rate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with lines.scoring_progress() as hear:
        assert hear is not None
        hear(Progress("scoring", 0, 400, 0, 4))
        lines.time.sleep(0.3)
        hear(Progress("scoring", 100, 400, 1, 4))
        lines.time.sleep(0.3)
        hear(Progress("done", 400, 400, 4, 4))
    told = capsys.readouterr().err
    assert "100 of 400 messages" in told
    assert "messages/s" in told


def test_json_is_one_object_of_counts_without_names(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: Callable[..., int]
) -> None:
    export = tmp_path / "WhatsApp Chat with Kim.txt"
    export.write_text(CHAT)
    assert command("score", export, "--model", tiny_model, "--out", tmp_path / "out", "--text", "include", "--json") == 0
    told = capsys.readouterr().out
    summary = json.loads(told)
    run = open_run(tmp_path / "out")
    assert summary["format"] == "safelight-summary/1"
    assert (summary["exit_code"], summary["conversations"], summary["rows"]) == (0, 1, 2)
    assert (summary["flagged"], summary["threshold"]) == (run.flagged(), run.thresholds.risk)
    assert summary["model"]["id"] == run.record["model"]["id"]
    assert "Kim" not in told


def test_json_of_an_error_says_what_to_do(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: Callable[..., int]
) -> None:
    assert command("score", tmp_path / "gone", "--model", tiny_model, "--out", tmp_path / "out", "--json") == 2
    told = capsys.readouterr()
    error = json.loads(told.out)
    assert (error["exit_code"], error["error"]["kind"]) == (2, "ExportError")
    assert error["error"]["do"] == "Check the path"
    assert "no such file" in told.err


def test_quiet_prints_nothing_but_errors(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: Callable[..., int]
) -> None:
    (tmp_path / "chat.txt").write_text(CHAT)
    arguments = ("score", tmp_path / "chat.txt", "--model", tiny_model, "--out", tmp_path / "out", "--quiet")
    assert command(*arguments) == 0
    assert capsys.readouterr() == ("", "")
    assert command(*arguments) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_every_exit_code_is_used_and_described(
    tiny_model: Path, tiny_corpus: Path, tiny_recipe: Path, tmp_path: Path, command: Callable[..., int]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "chat.txt").write_text(CHAT)
    (tmp_path / "in" / "prose.txt").write_text("Dear diary,\nnothing happened, as usual.\n")
    (tmp_path / "in" / "photo.heic").write_bytes(bytes(64))
    scored = ("score", "--model", tiny_model, "--out")
    assert command(*scored, tmp_path / "a", tmp_path / "in" / "chat.txt") == ExitCode.OK
    assert command("corpus", "check", tiny_corpus, "--taxonomy", tiny_recipe.parent / "taxonomy.toml") == ExitCode.FOUND
    assert command(*scored, tmp_path / "a", tmp_path / "in" / "chat.txt") == ExitCode.ERROR
    assert command(*scored, tmp_path / "b", tmp_path / "in") == ExitCode.NOT_WHOLE
    (tmp_path / "in" / "prose.txt").unlink()
    assert command(*scored, tmp_path / "c", tmp_path / "in") == ExitCode.OK
    assert command(*scored, tmp_path / "d", tmp_path / "in", "--strict") == ExitCode.NOT_WHOLE
    assert set(MEANINGS) == set(ExitCode)


def test_no_command_ends_with_a_code_of_its_own(root: Path) -> None:
    found = [
        f"{file.name}: {line.strip()}"
        for file in (root / "pipeline" / "cli").glob("*.py")
        for line in file.read_text("utf-8").splitlines()
        if re.search(r"(?:typer\.Exit|sys\.exit|SystemExit)\((?!ExitCode|exit_code_of|\))", line)
    ]
    assert found == []


@pytest.fixture
def bucket() -> Callable[[str, bytes], str]:
    memory = pytest.importorskip("fsspec").filesystem("memory")

    def put(key: str, content: bytes) -> str:
        memory.pipe(f"/bucket/{key}", content)
        return f"memory://bucket/{key}"

    memory.rm("/", recursive=True) if memory.find("/") else None
    return put


def test_exports_elsewhere_are_scored_under_their_address_and_their_copies_deleted(
    bucket: Callable[[str, bytes], str],
    tiny_model: Path,
    tmp_path: Path,
    command: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    single = bucket("one.txt", CHAT.encode())
    bucket("night/a/chat.txt", CHAT.replace("Kim", "Lou").replace("17:", "18:").encode())
    bucket("night/../up.txt", CHAT.replace("Kim", "Zoe").replace("17:", "19:").encode())
    assert command("score", single, "memory://bucket/night", "--model", tiny_model, "--out", tmp_path / "out") == 0
    run = open_run(tmp_path / "out")
    assert {entry["file"] for entry in run.record["inputs"]} >= {"memory://bucket/one.txt", "memory://bucket/night/a/chat.txt"}
    assert run.record["counts"]["conversations"] == 3
    sources = set(pq.read_table(run.path / "scores.parquet")["source_file"].to_pylist())
    assert all(source.startswith("memory://bucket/") for source in sources)
    assert list(temporary.iterdir()) == []
    assert str(temporary) not in (run.path / "run.json").read_text()


@pytest.mark.parametrize("kind", sorted(EXTRAS))
def test_an_address_without_its_library_names_the_extra(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("fsspec", "fsspec.core", "s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=rf"safelight\[{EXTRAS[kind]}\]"), local_paths([f"{kind}://bucket/night"]):
        pass


def test_an_address_of_an_unknown_kind_or_with_nothing_there_is_refused(
    bucket: Callable[[str, bytes], str], tmp_path: Path
) -> None:
    bucket("other.txt", b"")
    with pytest.raises(ConfigError, match=r"ftp://.*are not read.*s3://"), local_paths(["ftp://host/night"]):
        pass
    with (
        pytest.raises(ExportError, match=r"memory://bucket/gone: .*nothing at this address"),
        local_paths(["memory://bucket/gone"]),
    ):
        pass


def test_the_text_of_a_clouds_error_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.get_filesystem_class("memory")

    def broken(*_: object, **__: object) -> None:
        raise Exception("signature of key AKIA0000")

    monkeypatch.setattr(memory, "find", broken)
    with pytest.raises(ExportError) as raised, local_paths(["memory://bucket/night"]):
        pass
    assert "AKIA0000" not in str(raised.value)
    assert "TMPDIR" in str(raised.value)
