"""The review on the command line: what is deleted, who is let in again, and what is told when the log was cut."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

pytest.importorskip("sqlalchemy", reason="the review needs its extra")

from helpers.reviewed import PASSWORD, decided_folder

from pipeline.cli.main import main
from pipeline.config import Taxonomy
from pipeline.errors import ReviewError
from pipeline.results import open_run
from pipeline.review.accounts import add_reader, log_in
from pipeline.review.audit import entries
from pipeline.review.audit_head import note_head
from pipeline.review.serve import actor_name
from pipeline.review.store import open_store


@pytest.fixture
def decided(taxonomy: Taxonomy, tmp_path: Path) -> Path:
    return decided_folder(tmp_path, taxonomy)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def safelight(folder: Path, *command: str, typed: str = "") -> Done:
    """Run a command in this process, which is quicker than in one of its own."""
    out, error, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
        mock.patch.object(sys, "argv", ["safelight", *command]),
        mock.patch.object(sys, "stdin", io.StringIO(typed)),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), error.getvalue())


def held(folder: Path) -> set[str]:
    """Return the conversations that are still in the run's files."""
    return {conversation.conversation_id for conversation in open_run(folder / "run").conversations()}


ALL = {"dm-1", "dm-2", "dm-3"}


def test_a_dry_run_says_what_would_go_and_deletes_nothing(decided: Path) -> None:
    for command, said in (
        (["purge", "--older-than", "0"], "3 conversations would be deleted, with 2 decisions"),
        (["forget", "Kestrel"], "0 conversations, 2 in part would be deleted"),
    ):
        done = safelight(decided, *command, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
        assert "1 of them are referred" in done.stdout
    assert held(decided) == ALL
    assert safelight(decided, "audit", "verify").returncode == 0


def test_what_is_referred_goes_only_for_a_reason_that_stays_in_the_log(decided: Path) -> None:
    for command in (["purge", "--older-than", "0"], ["forget", "Kestrel"]):
        for more in ([], ["--even-if-referred", " "]):
            refused = safelight(decided, *command, "--yes", *more)
            assert refused.returncode == 2
            assert "may be evidence" in refused.stderr
    assert held(decided) == ALL
    done = safelight(decided, "purge", "--older-than", "0", "--yes", "--even-if-referred", "a court ordered it")
    assert done.returncode == 0, done.stderr
    assert held(decided) == set()
    store = open_store(decided / "review.db")
    with store.reading() as connection:
        line = [line for line in entries(connection) if line.action == "purge"][-1]
    store.close()
    assert line.detail["reason"] == "a court ordered it"
    assert line.detail["referred"] == 1
    assert line.actor == actor_name()
    assert safelight(decided, "audit", "verify").returncode == 0


def test_what_is_deleted_is_asked_about(decided: Path) -> None:
    for answer in ("n\n", ""):
        refused = safelight(decided, "purge", "--older-than", "0", "--keep", "refer", typed=answer)
        assert refused.returncode != 0
        assert held(decided) == ALL
    assert safelight(decided, "purge", "--older-than", "0", "--keep", "refer", typed="y\n").returncode == 0
    assert held(decided) == {"dm-1"}


def test_the_name_of_a_person_is_read_from_the_input_or_asked_for(decided: Path) -> None:
    refused = safelight(decided, "forget", "-", typed="Sam\n")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert safelight(decided, "forget", typed="\n").returncode != 0
    done = safelight(decided, "forget", "-", "--yes", typed="Sam\n")
    assert done.returncode == 0, done.stderr
    assert "2 in part deleted" in done.stdout
    asked = safelight(decided, "forget", "--even-if-referred", "they asked", typed="Kestrel\ny\n")
    assert asked.returncode == 0, asked.stderr
    texts = str([message.text for _, messages in open_run(decided / "run").read(ALL) for message in messages])
    assert "dinner" not in texts
    assert "mature" not in texts
    assert safelight(decided, "audit", "verify").returncode == 0


def test_a_command_that_would_write_is_told_that_lines_were_cut_off(decided: Path) -> None:
    assert safelight(decided, "readers", "add", "dan", "--password", PASSWORD).returncode == 0
    noted = (decided / "review.db.head").read_text("ascii")
    with sqlite3.connect(decided / "review.db") as raw:
        raw.execute("DROP TRIGGER audit_keeps_from_delete")
        raw.execute("DELETE FROM audit WHERE number > 3")
        raw.execute("UPDATE audit_head SET number = 3, hash = (SELECT hash FROM audit WHERE number = 3)")
    raw.close()
    for command in (
        ["readers", "add", "eve", "--password", PASSWORD],
        ["readers", "change", "cy", "--role", "admin"],
        ["readers", "password", "cy", "--password", PASSWORD],
        ["readers", "unlock", "cy"],
        ["purge", "--older-than", "0", "--yes", "--even-if-referred", "so"],
        ["forget", "Kestrel", "--yes", "--even-if-referred", "so"],
        ["review", "run", "--port", "0"],
    ):
        done = safelight(decided, *command)
        assert done.returncode == 2, command
        assert "lines were cut off" in done.stderr
        assert "Traceback" not in done.stderr
    assert (decided / "review.db.head").read_text("ascii") == noted
    assert held(decided) == ALL
    found = safelight(decided, "audit", "verify")
    assert found.returncode == 1
    assert "lines were cut off" in found.stdout
    assert "account dan is in the store and not in the log" in found.stdout
    assert safelight(decided, "audit", "renew-head", "--reason", "read, and kept elsewhere").returncode == 0
    again = safelight(decided, "audit", "verify")
    assert again.returncode == 1
    assert "read, and kept elsewhere" in again.stdout


def test_an_account_that_is_locked_out_is_let_in_again_from_the_command_line(decided: Path) -> None:
    store = open_store(decided / "review.db")
    for _ in range(5):
        assert log_in(store, "ana", "wrong", address="192.0.2.7") is None
    for _ in range(3):
        with pytest.raises(ReviewError, match="readers unlock"):
            log_in(store, "ana", PASSWORD, address="192.0.2.7")
    assert log_in(store, "ben", PASSWORD, address="192.0.2.7") is not None
    with store.reading() as connection:
        lines = [line for line in entries(connection) if line.action == "lock log-in"]
    assert [(line.subject, line.detail["address"]) for line in lines] == [("reader:ana", "192.0.2.7")]
    note_head(store)
    assert safelight(decided, "readers", "unlock", "ana").returncode == 0
    assert log_in(store, "ana", PASSWORD, address="192.0.2.7") is not None
    store.close()


@pytest.mark.parametrize("weak", ["short", "dan-dan-dan-", "Password1234!", "aaaaaaaaaaaa", "123456789012", "qwertyuiopas"])
def test_a_password_that_anybody_would_try_is_refused(weak: str, tmp_path: Path) -> None:
    store = open_store(tmp_path / "review.db")
    with pytest.raises(ReviewError), store.writing() as connection:
        add_reader(connection, "dan", weak, role="reader", actor="cli")
    store.close()
