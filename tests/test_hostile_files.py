"""A folder of hostile and odd files: each is named with its reason, the rest is scored, and the run ends with 3."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.exports import read_all, write

from pipeline.errors import ExportError
from pipeline.ingest import ReadLog, ReadOptions
from pipeline.ingest.read import open_units

CHAT = "[13/02/2024, 21:05:11] Kim: hello\n[14/02/2024, 21:06:00] Sam: hi\n"
MODEL = Path(__file__).parents[1] / "models" / "default"


def rows(word: str, count: int = 3) -> str:
    row = {"conversation_id": word, "speaker": "s", "timestamp": None}
    return "".join(json.dumps({**row, "text": f"{word} {number}"}) + "\n" for number in range(count))


def latin_name(folder: Path) -> None:
    write(Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jsonl")), rows("latin"))


def latin_folder(folder: Path) -> None:
    inner = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9"))
    inner.mkdir()
    write(inner / "a.jsonl", rows("latin"))


def socket_file(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "a.jsonl"))


def unsafe_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("../a.txt", CHAT)


def gzip_of_line_ends(folder: Path) -> None:
    with gzip.open(folder / "a.jsonl.gz", "wb") as file:
        file.write(rows("packed").encode())
        for _ in range(64):
            file.write(b"\n" * (1 << 20))


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a name that is not UTF-8": (latin_name, "not in UTF-8"),
    "a folder whose name is not UTF-8": (latin_folder, "not in UTF-8"),
    "a pipe": (lambda folder: os.mkfifo(folder / "a.jsonl"), "neither a file nor a folder"),
    "a socket": (socket_file, "neither a file nor a folder"),
    "a dangling link": (lambda folder: (folder / "a.jsonl").symlink_to("nowhere"), "leads nowhere"),
    "a link to itself": (lambda folder: (folder / "a.jsonl").symlink_to("a.jsonl"), "leads nowhere"),
    "an unsafe archive": (unsafe_archive, "points outside"),
    "a damaged archive": (lambda folder: write(folder / "a.zip", b"PK\x03\x04" + b"\0" * 50), "damaged"),
    "a damaged tar archive": (lambda folder: write(folder / "a.tar", b"\0" * 257 + b"ustar" + b"\xff" * 600), "damaged"),
    "gzip of line ends": (gzip_of_line_ends, "blanks and line ends"),
    "gzip that is cut": (lambda folder: write(folder / "a.jsonl.gz", gzip.compress(rows("c").encode())[:20]), "cut off"),
    "JSON Lines whose first line is cut": (
        lambda folder: write(folder / "a.jsonl", "ation_id\n" + rows("c")),
        "not a chat export",
    ),
    "CSV whose first line is cut": (lambda folder: write(folder / "a.csv", 'sation_id","te\nc,s,,hi\n'), "not a chat export"),
    "JSON whose first line is cut": (lambda folder: write(folder / "a.json", 'ker": "s"},\n{"text": "hi"}]'), "not a chat export"),
    "Parquet whose start is cut": (lambda folder: write(folder / "a.parquet", b"AR1" + b"\0" * 99 + b"PAR1"), "not a chat export"),
    "an empty file": (lambda folder: write(folder / "a.jsonl", ""), "empty"),
    "a million columns": (
        lambda folder: write(folder / "a.csv", "conversation_id,speaker,timestamp,text" + "".join(f",c{n}" for n in range(10**6))),
        "columns in the header",
    ),
    "100,000 digits first": (
        lambda folder: write(folder / "a.jsonl", rows("d", 1)[:-2] + ', "x": ' + "9" * 100_000 + "}\n"),
        "larger than any",
    ),
    "a number too large": (
        lambda folder: write(folder / "a.jsonl", rows("n", 1)[:-2] + ', "x": 1e999999999}\n'),
        "larger than any",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_named_and_the_rest_is_read(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make, reason = HOSTILE[what]
    write(tmp_path / "good.txt", CHAT)
    make(tmp_path)
    log = ReadLog()
    units = list(open_units([tmp_path], ReadOptions(), log))
    if log.failed:
        assert [unit.name for unit in units] == [str(tmp_path / "good.txt")]
        (failed,) = log.failed
        assert reason in failed.reason
        json.dumps([failed.name, failed.reason], ensure_ascii=False).encode("utf-8")
    else:
        with pytest.raises(ExportError, match=reason):
            read_all(tmp_path)


def test_a_run_over_all_of_them_scores_the_rest_and_ends_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    night = tmp_path / "night"
    night.mkdir()
    write(night / "good\x1b[31m.txt", CHAT)
    for number, (make, _) in enumerate(HOSTILE.values()):
        (night / str(number)).mkdir()
        make(night / str(number))
    write(night / "picture.jpg", b"\xff\xd8\xff\0")
    write(night / ".hidden.jsonl", rows("hidden"))
    command = [sys.executable, "-m", "pipeline.cli.main", "score", night, "--model", MODEL, "--out", tmp_path / "out"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout
    record = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert len(record["failed"]) == len(HOSTILE)
    assert record["counts"]["rows"] == 2
    assert {Path(one["file"]).name for one in record["passed_over"]} == {"picture.jpg", ".hidden.jsonl"}
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "picture.jpg" in report
    assert "leads nowhere" in report


def test_a_folder_or_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, whom no permission stops."""
    write(tmp_path / "good.txt", CHAT)
    (tmp_path / "locked").mkdir()
    write(tmp_path / "secret.txt", CHAT)
    iterdir, open_ = Path.iterdir, Path.open

    def refusing(real: Any, name: str) -> Any:
        def refused(path: Path, *rest: Any, **named: Any) -> Any:
            if path.name == name:
                raise PermissionError(13, "Permission denied")
            return real(path, *rest, **named)

        return refused

    monkeypatch.setattr(Path, "iterdir", refusing(iterdir, "locked"))
    monkeypatch.setattr(Path, "open", refusing(open_, "secret.txt"))
    log = ReadLog()
    assert len(list(open_units([tmp_path], ReadOptions(), log))) == 1
    assert sorted(Path(one.name).name for one in log.failed) == ["locked", "secret.txt"]
    assert all("Permission denied" in one.reason for one in log.failed)


def test_a_file_named_among_others_that_nobody_knows_fails(tmp_path: Path) -> None:
    good, odd = write(tmp_path / "good.txt", CHAT), write(tmp_path / "odd.bin", b"\0\1")
    log = ReadLog()
    units = list(open_units([odd, good, tmp_path / "gone"], ReadOptions(), log))
    assert [unit.name for unit in units] == [str(good)]
    assert [one.name for one in log.failed] == [str(odd), str(tmp_path / "gone")]
    with pytest.raises(ExportError, match="none of the exports"):
        list(open_units([odd, tmp_path / "gone"], ReadOptions(), ReadLog()))


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_links_are_not_followed_out_of_the_folder_unless_allowed(kind: str, tmp_path: Path) -> None:
    night, outside = tmp_path / "night", tmp_path / "outside"
    night.mkdir()
    outside.mkdir()
    write(night / "good.jsonl", rows("good"))
    write(outside / "other.jsonl", rows("other"))
    (night / "link.jsonl").symlink_to(outside / "other.jsonl" if kind == "file" else outside)
    (night / "inside.jsonl").symlink_to("good.jsonl")
    (night / "round").symlink_to(night)
    conversations, log = read_all(night)
    assert [c.conversation_id for c in conversations] == ["good"]
    assert [one.name for one in log.passed_over] == [str(night / "link.jsonl")]
    assert sum("--follow-links" in warning.what for warning in log.warnings) == 1
    conversations, log = read_all(night, follow_links=True)
    assert [c.conversation_id for c in conversations] == ["good", "other"]
    assert not log.passed_over


def test_a_large_archive_is_opened_once(tmp_path: Path) -> None:
    path = tmp_path / "download.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_chat.txt", CHAT)
        for number in range(5_000):
            archive.writestr(f"media/{number}.jpg", b"\xff\xd8\xff\0")
    start = time.process_time()
    log = ReadLog()
    assert len(list(open_units([path], ReadOptions(), log))) == 1
    assert len(log.passed_over) == 5_000
    assert time.process_time() - start < 5


def test_no_word_of_a_chat_stands_in_a_warning_or_an_error(tmp_path: Path) -> None:
    row = {"id": 1, "type": "whisper \x1b[31m", "date": "2024-01-01T00:00:00", "from": "a", "from_id": "user1", "text": "hi"}
    known = {**row, "id": 2, "type": "message"}
    chat = {"name": "K", "type": "personal_chat", "id": 1, "messages": [row, known]}
    _, log = read_all(write(tmp_path / "result.json", json.dumps(chat)))
    assert log.warnings
    assert not any("whisper" in str(warning) for warning in log.warnings)
    with pytest.raises(ExportError) as caught:
        read_all(write(tmp_path / "a.csv", "whisper,whisper,whisper\nwhisper,s,t\n"), format="csv")
    assert "whisper" not in str(caught.value)


def test_strict_ends_with_3_where_a_file_was_passed_over(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from pipeline.cli.main import app

    write(tmp_path / "good.txt", CHAT)
    write(tmp_path / "picture.jpg", b"\xff\xd8\xff\0")
    assert CliRunner().invoke(app, ["inspect", str(tmp_path)]).exit_code == 0
    result = CliRunner().invoke(app, ["inspect", str(tmp_path), "--strict"])
    assert result.exit_code == 3
    assert re.search(r"picture\.jpg", result.output.replace("\n", ""))
