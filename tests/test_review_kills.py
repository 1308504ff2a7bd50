"""Kills at random moments: of the web server in the middle of decisions, and of `purge` and `forget` half-way.

What was acknowledged is there, nothing is there half, the log is whole, and the same command again ends the work.
"""

from __future__ import annotations

import http.client
import math
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from helpers.reviewed import PASSWORD, PLAIN, TURNED, add_people, free_port, make_run, opened, postgresql
from sqlalchemy import select, text

from pipeline.config import Taxonomy
from pipeline.review.audit import verify
from pipeline.review.audit_head import note_head
from pipeline.review.decisions import read_decisions
from pipeline.review.schema import conversations
from pipeline.review.store import Store, open_store

pytestmark = pytest.mark.slow

SERVER_KILLS = 30
DELETION_KILLS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)  # the head of a store in PostgreSQL lies where the command is started
    if request.param == "sqlite":
        return str(tmp_path / "review.db")
    url = request.getfixturevalue("server")
    before = open_store(url)
    with before.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    before.close()
    for head in tmp_path.glob("*.head"):
        head.unlink()
    return url


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli.main", *arguments]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}


class Person:
    """Somebody with a browser, who decides one conversation after another until the server is gone."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookie = ""
        self._send("POST", "/login", {"name": "cy", "password": PASSWORD})
        found = re.search(rb'name="csrf" value="([^"]+)"', self._send("GET", "/me")[1])
        assert found
        self.token = found[1].decode()

    def _send(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, bytes]:
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        self.connection.request(method, path, urlencode(form or {}), headers)
        answer = self.connection.getresponse()
        if given := answer.getheader("Set-Cookie"):
            self.cookie = given.partition(";")[0]
        return answer.status, answer.read()

    def decide(self, number: int) -> bool:
        """Whether the server said that the decision is kept."""
        form = {"csrf": self.token, "kind": "dismiss", "reason-dismiss": "friends", "note": f"note {number}", "seen": ""}
        return self._send("POST", f"/c/{number}/decide", form)[0] == 303


def test_a_server_killed_in_the_middle_of_decisions_has_lost_none_that_it_acknowledged(
    place: str, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", taxonomy, {f"dm-{number}": PLAIN for number in range(3000)})
    store = open_store(place)
    add_people(store)
    opened(store, run)
    note_head(store)
    store.close()
    chance, next_number, acknowledged = random.Random(30), 1, set[int]()  # noqa: S311
    for _ in range(SERVER_KILLS):
        port = free_port()
        arguments = ["review", str(run), "--store", place, "--port", str(port)]
        with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, env=environment(), text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("http://127.0.0.1")
            person = _logged_in(port)
            after = chance.uniform(0.02, 1.0)
            program = f"import os, time; time.sleep({after}); os.kill({process.pid}, {int(signal.SIGKILL)})"
            killer = subprocess.Popen([sys.executable, "-c", program])
            try:
                while True:
                    if person.decide(next_number):
                        acknowledged.add(next_number)
                    next_number += 1
            except (ConnectionError, http.client.HTTPException, TimeoutError):
                next_number += 1  # the one that was under way: kept or not, but whole
            person.connection.close()
            killer.wait()
            process.wait()
        assert process.returncode == -signal.SIGKILL
        store = open_store(place)
        assert verify(store).problems == []
        with store.reading() as connection:
            query = select(conversations.c.number, conversations.c.state)
            decided = {row.number: row.state for row in connection.execute(query)}
            notes = {decision.note for decision in read_decisions(connection)}
        assert {number for number, state in decided.items() if state == "dismiss"} >= acknowledged
        assert {f"note {number}" for number, state in decided.items() if state == "dismiss"} == notes
        store.close()
    assert len(acknowledged) > SERVER_KILLS


def _logged_in(port: int) -> Person:
    for _ in range(200):
        try:
            return Person(port)
        except ConnectionError:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


@pytest.mark.parametrize("what", ["purge", "forget"])
def test_a_deletion_killed_half_way_is_ended_by_the_next(what: str, place: str, taxonomy: Taxonomy, tmp_path: Path) -> None:
    arguments = ["purge", "--older-than", "0", "--yes"] if what == "purge" else ["forget", "Kestrel", "--yes"]
    chance = random.Random(20)  # noqa: S311
    length = math.inf  # seconds of the shortest that ended by itself: the machine may be busy in the first
    killed = 0
    for turn in range(DELETION_KILLS + 1):
        store = fresh_store(place, taxonomy, tmp_path / f"run-{turn}", turn)
        store.close()
        begun = time.monotonic()
        with subprocess.Popen(
            command(*arguments, "--store", place), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            try:
                code = process.wait(chance.uniform(0.3, 1.05) * length if turn else None)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed += 1
            else:
                assert process.stderr is not None
                assert code == 0, process.stderr.read().decode()
                length = min(length, time.monotonic() - begun)
        whole = open_store(place)
        assert verify(whole).problems == [], f"after kill {turn}"
        whole.close()
        done = subprocess.run(command(*arguments, "--store", place), env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        left = open_store(place)
        assert verify(left).problems == []
        left.close()
        rows = pq.read_table(tmp_path / f"run-{turn}" / "scores.parquet").to_pylist()
        assert not rows if what == "purge" else all(row["text"] is None for row in rows if row["speaker_slot"] == "A")
    assert killed > DELETION_KILLS // 2


def fresh_store(place: str, taxonomy: Taxonomy, run: Path, turn: int) -> Store:
    """Return the store with another run in it."""
    made = make_run(run, taxonomy, {f"{turn}-{number}": TURNED for number in range(300)})
    store = open_store(place)
    if turn == 0:
        add_people(store)
    opened(store, made)
    note_head(store)
    return store
