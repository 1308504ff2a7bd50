"""Messages of a real Redis: each scored once in effect whenever a worker dies, to the scores of a batch run."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("redis", reason="streams are an extra")


from pipeline.errors import SafelightError, StateError
from pipeline.model.base import Model
from pipeline.model.load import load_model
from pipeline.schema import Conversation, Message, Source
from pipeline.score import score_conversations
from pipeline.stream.broker import Entry, Failed, LeaseLost, Scored
from pipeline.stream.redis_streams import RedisStreams, add_messages, connect
from pipeline.stream.step import Stepper
from pipeline.stream.worker import Worker

SERVER = shutil.which("redis-server")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(SERVER is None and not os.environ.get("SAFELIGHT_TEST_EVERYTHING"), reason="redis-server is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="Redis runs on POSIX systems"),
]
TEXTS = ("how old are you anyway", "this stays our secret ok", "dinner is ready", "the dog is asleep", "no, bye")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a Redis of its own answers, on a socket, with its data in a folder that is thrown away."""
    assert SERVER is not None, "SAFELIGHT_TEST_EVERYTHING asks for redis-server"
    folder = Path("/tmp") / f"safelight-redis-{os.getpid()}"  # noqa: S108 - the path of a socket is short
    folder.mkdir(mode=0o700, exist_ok=True)
    arguments = ["--port", "0", "--unixsocket", str(folder / "socket"), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    with subprocess.Popen([SERVER, *arguments], stdout=subprocess.DEVNULL) as server:
        address = f"unix://{folder / 'socket'}"
        try:
            for _ in range(200):
                if (folder / "socket").exists():
                    break
                time.sleep(0.05)
            yield address
        finally:
            server.terminate()
            server.wait(30)
            shutil.rmtree(folder)


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    opened = connect(url)
    opened.flushall()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> tuple[Stepper, Model]:
    folder, model = load_model(tiny_model)
    return Stepper(model, model_id=folder.id), model


def talks(count: int = 5, length: int = 30, *, seed: int = 7) -> list[Conversation]:
    generator = random.Random(seed)  # noqa: S311 - not for secrets
    return [
        Conversation(
            conversation_id=f"talk {number}",
            platform="test",
            messages=tuple(
                Message(
                    message_id=f"{number}-{row}", speaker=generator.choice("ab"), text=generator.choice(TEXTS), source=Source("t")
                )
                for row in range(length)
            ),
        )
        for number in range(count)
    ]


def add_mixed(client: Any, stream: str, conversations: Sequence[Conversation]) -> None:
    """Add the messages of all conversations by turns, as a platform does."""
    for row in range(max(len(tuple(one.messages)) for one in conversations)):
        for one in conversations:
            message = tuple(one.messages)[row]
            add_messages(client, stream, [Conversation(conversation_id=one.conversation_id, platform="test", messages=(message,))])


def drain(client: Any, stepper: Stepper, *, group: str = "scores", batch: int = 16, delete: bool = False) -> None:
    """Work until nothing is left."""
    broker = RedisStreams(client, "messages", group, delete=delete, lease_seconds=5)
    idle = []
    Worker(stepper, broker, batch=batch).run(stop=lambda: bool(idle), done=lambda ok, bad: idle.append(1) if not ok + bad else None)


def scores_of(client: Any, group: str = "scores") -> list[dict[str, str]]:
    entries = client.xrange(f"{{messages}}:{group}:scores")
    return [{key.decode(): value.decode() for key, value in fields.items()} for _, fields in entries]


def assert_as_batch(found: Sequence[dict[str, str]], conversations: Sequence[Conversation], model: Model) -> None:
    """Assert that each message has one score, in order, that of a batch run."""
    for conversation, expected in zip(conversations, score_conversations(list(conversations), model), strict=True):
        own = [one for one in found if one["conversation_id"] == conversation.conversation_id]
        assert [one["message_id"] for one in own] == [score.message_id for score in expected]
        assert [float(one["risk"]) for one in own] == [score.risk for score in expected]
        assert [json.loads(one["stages"]) for one in own] == [score.stages for score in expected]
    assert len(found) == sum(len(tuple(one.messages)) for one in conversations)


def test_backfill_equals_live(client: Any, loaded: tuple[Stepper, Model]) -> None:
    stepper, model = loaded
    conversations = talks()
    live = RedisStreams(client, "messages", "live", lease_seconds=5)
    assert live.acquire(stepper.model)
    for row in range(30):
        add_mixed(client, "messages", [_part(one, row) for one in conversations])
        Worker(stepper, live, batch=3).work_once()
    live.release()
    drain(client, stepper, group="live", batch=3)
    drain(client, stepper, group="backfill", batch=1000)
    assert_as_batch(scores_of(client, "live"), conversations, model)
    assert_as_batch(scores_of(client, "backfill"), conversations, model)
    assert scores_of(client, "live") == scores_of(client, "backfill")


def _part(conversation: Conversation, row: int) -> Conversation:
    message = tuple(conversation.messages)[row]
    return Conversation(conversation_id=conversation.conversation_id, platform="test", messages=(message,))


class Crash(Exception):
    pass


class Crashing(RedisStreams):
    """A broker whose worker dies at one point."""

    point = ""

    def read(self, most: int) -> Sequence[Entry]:
        found = super().read(most)
        if self.point == "after reading" and found:
            raise Crash
        return found

    def commit(self, states: Any, scored: Sequence[Scored], failed: Sequence[Failed]) -> None:
        if self.point == "before the commit":
            raise Crash
        super().commit(states, scored, failed)
        if self.point == "after the commit":
            raise Crash

    def release(self) -> None:
        """Dead workers release nothing."""


@pytest.mark.parametrize("point", ["after reading", "before the commit", "after the commit"])
def test_a_worker_that_dies_at_a_point_loses_and_doubles_nothing(point: str, client: Any, loaded: tuple[Stepper, Model]) -> None:
    stepper, model = loaded
    conversations = talks(3, 12)
    add_mixed(client, "messages", conversations)
    for _ in range(3):
        broker = Crashing(client, "messages", "scores", lease_seconds=0.05)
        broker.point = point
        with pytest.raises(Crash):
            Worker(stepper, broker, batch=5).run(stop=lambda: False)
    drain(client, stepper, batch=2)  # smaller than what was left pending
    assert_as_batch(scores_of(client), conversations, model)


def _work_forever(url: str, stepper: Stepper) -> None:
    broker = RedisStreams(connect(url), "messages", "scores", lease_seconds=1)
    Worker(stepper, broker, batch=2).run(stop=lambda: False)


def test_workers_that_are_killed_at_any_time_lose_and_double_nothing(client: Any, url: str, loaded: tuple[Stepper, Model]) -> None:
    stepper, model = loaded
    conversations = talks(4, 60)
    add_mixed(client, "messages", conversations)
    generator = random.Random(11)  # noqa: S311 - not for secrets
    forking = multiprocessing.get_context("fork")
    scored = [0]
    for _ in range(6):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of a fork beside threads, which NumPy keeps
            process = forking.Process(target=_work_forever, args=(url, stepper))
            process.start()
        for _ in range(3000):  # until it works, on a machine that may be busy
            time.sleep(0.01)
            if client.xlen("{messages}:scores:scores") > scored[-1]:
                break
        time.sleep(generator.uniform(0, 0.02))
        process.kill()
        process.join()
        scored.append(client.xlen("{messages}:scores:scores"))
    assert 0 < scored[1] < 240
    drain(client, stepper)
    assert_as_batch(scores_of(client), conversations, model)


def test_one_worker_at_a_time_holds_the_stream(client: Any, loaded: tuple[Stepper, Model]) -> None:
    stepper, model = loaded
    conversations = talks(2, 4)
    add_mixed(client, "messages", conversations)
    slow, quick = (RedisStreams(client, "messages", "scores", lease_seconds=seconds) for seconds in (0.2, 5))
    assert slow.acquire(stepper.model)
    assert not quick.acquire(stepper.model)
    entries = slow.read(3)
    time.sleep(0.4)
    assert quick.acquire(stepper.model)
    with pytest.raises(LeaseLost):
        slow.commit({}, [], [Failed(entries[0], "late")])
    with pytest.raises(LeaseLost):
        slow.read(3)
    slow.release()
    assert not slow.acquire(stepper.model)
    quick.release()
    drain(client, stepper)
    assert_as_batch(scores_of(client), conversations, model)


def test_the_states_of_another_model_are_refused(client: Any, loaded: tuple[Stepper, Model]) -> None:
    stepper, _ = loaded
    add_mixed(client, "messages", talks(1, 2))
    drain(client, stepper)
    broker = RedisStreams(client, "messages", "scores")
    with pytest.raises(StateError, match="--group"):
        broker.acquire("another")
    assert RedisStreams(client, "messages", "other").acquire("another")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "zanzibar"},
        {"conversation_id": "c", "message_id": "", "text": "zanzibar"},
        {"conversation_id": "c", "message_id": "1", "text": b"zanzibar \xff"},
        {"conversation_id": "c", "message_id": "1", "text": "zanzibar", "kind": "poem"},
    ],
)
def test_an_entry_that_cannot_be_read_is_named_and_holds_nothing_up(
    fields: dict[str, Any], client: Any, loaded: tuple[Stepper, Model]
) -> None:
    stepper, model = loaded
    client.xadd("messages", fields)
    conversations = talks(1, 3)
    add_mixed(client, "messages", conversations)
    drain(client, stepper)
    assert_as_batch(scores_of(client), conversations, model)
    ((_, failed),) = client.xrange("{messages}:scores:failed")
    assert "zanzibar" not in str(failed)
    assert failed[b"reason"]


def test_messages_are_deleted_with_their_scores_where_that_is_asked_for(client: Any, loaded: tuple[Stepper, Model]) -> None:
    stepper, model = loaded
    conversations = talks(2, 5)
    add_mixed(client, "messages", conversations)
    drain(client, stepper, delete=True)
    assert client.xlen("messages") == 0
    assert_as_batch(scores_of(client), conversations, model)
    kept = b"".join(client.get(key) for key in client.keys("*:state:*"))
    assert not any(text.encode() in kept for text in TEXTS)


def test_the_commands_add_and_score_an_export(url: str, client: Any, tiny_model: Path, root: Path) -> None:
    from typer.testing import CliRunner

    from pipeline.cli.main import app

    export = str(root / "data" / "samples" / "whatsapp-family.txt")
    assert CliRunner().invoke(app, ["stream", "add", export, "--url", url]).exit_code == 0
    done = CliRunner().invoke(app, ["stream", "work", "--url", url, "--model", str(tiny_model), "--until-idle"])
    assert done.exit_code == 0, done.output
    assert client.xlen("{safelight}:scores:scores") == client.xlen("safelight") > 0


def test_a_redis_that_does_not_answer_is_named() -> None:
    with pytest.raises(SafelightError, match="does not answer"):
        connect("unix:///nowhere/redis")
    with pytest.raises(SafelightError, match="does not answer"):
        connect("nonsense")
