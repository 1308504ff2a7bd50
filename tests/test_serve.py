"""The service: the scores of the library, limits, keys, errors without content, figures, and a full queue."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service is an extra")
pytest.importorskip("prometheus_client", reason="the service is an extra")

from starlette.testclient import TestClient

from pipeline import LoadedModel, load_model
from pipeline.serve.app import create_app
from pipeline.serve.batcher import Batcher, QueueFull
from pipeline.serve.jobs import Answerer
from pipeline.serve.keys import add_key, read_keys
from pipeline.serve.wire import MOST_CHARACTERS, MOST_STEPS

PRIVATE = "zanzibar"
TALK = [("ana", "how old are you"), ("ben", "twelve"), ("ana", "this stays our secret ok"), ("ana", "are you alone")]


@pytest.fixture(scope="module")
def model(root: Path) -> LoadedModel:
    return load_model(root / "models" / "default")


def answerer_of(model: LoadedModel) -> Answerer:
    return Answerer(model.model, model_id=model.id, threshold=model.thresholds.risk)


@pytest.fixture(scope="module")
def client(model: LoadedModel) -> Iterator[TestClient]:
    with TestClient(create_app(answerer_of(model)), base_url="http://localhost") as opened:
        yield opened


def messages_of(said: Sequence[tuple[str | None, str]]) -> list[dict[str, object]]:
    return [{"message_id": f"m{number}", "speaker": speaker, "text": text} for number, (speaker, text) in enumerate(said)]


def scoring(*talks: Sequence[tuple[str | None, str]]) -> dict[str, object]:
    return {
        "conversations": [{"conversation_id": f"c{number}", "messages": messages_of(talk)} for number, talk in enumerate(talks)]
    }


def test_whole_conversations_have_the_scores_of_the_library(client: TestClient, model: LoadedModel) -> None:
    answer = client.post("/score", json=scoring(TALK, [], TALK[:2])).json()
    expected = model.predict([TALK, [], TALK[:2]])
    assert [one["risk"] for one in answer["conversations"]] == [one.risk for one in expected]
    assert [score["stages"] for score in answer["conversations"][0]["scores"]] == [score.stages for score in expected[0].messages]
    assert answer["failed"] == []


def test_steps_have_the_scores_of_whole_conversations(client: TestClient) -> None:
    whole = client.post("/score", json=scoring(TALK)).json()["conversations"][0]["scores"]
    state, scores = None, []
    for part in (messages_of(TALK)[:1], messages_of(TALK)[1:]):
        answer = client.post("/step", json={"conversation_id": "c0", "state": state, "messages": part}).json()
        state = answer["state"]
        scores += answer["scores"]
    assert scores == whole


def test_requests_that_come_together_are_answered_each_with_its_own(model: LoadedModel, client: TestClient) -> None:
    talks = [[("ana", f"how old are you {number}")] * (number % 3 + 1) for number in range(12)]
    alone = [client.post("/score", json=scoring(talk)).json() for talk in talks]
    found: dict[int, object] = {}

    def ask(number: int) -> None:
        found[number] = client.post("/score", json=scoring(talks[number])).json()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(12)] == alone


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/score", {}),
        ("/score", {"conversations": []}),
        ("/score", {"conversations": [{"conversation_id": "a", "messages": [{"message_id": "1", "speaker": "x"}]}]}),
        ("/score", {**scoring(TALK), PRIVATE: 1}),
        ("/score", {"conversations": [scoring(TALK)["conversations"][0]] * 2}),  # type: ignore[index]
        ("/score", scoring([("ana", PRIVATE * MOST_CHARACTERS)])),
        ("/score", {"conversations": [{"conversation_id": "a", "messages": [{"message_id": "1", "speaker": 3, "text": PRIVATE}]}]}),
        ("/score", [PRIVATE]),
        ("/step", {"conversation_id": "c", "messages": []}),
        ("/step", {"conversation_id": "c", "messages": messages_of([("ana", PRIVATE)] * (MOST_STEPS + 1))}),
        ("/step", {"conversation_id": "c", "state": PRIVATE, "messages": messages_of(TALK)}),
        ("/step", {"conversation_id": "c", "state": json.dumps({PRIVATE: 1}), "messages": messages_of(TALK)}),
    ],
)
def test_what_is_not_valid_is_refused_without_quoting_it(path: str, content: object, client: TestClient) -> None:
    answer = client.post(path, json=content)
    assert answer.status_code == 422
    assert PRIVATE not in answer.text
    assert answer.json()["detail"]


def test_what_is_no_json_is_refused_without_quoting_it(client: TestClient) -> None:
    answer = client.post("/score", content=f'{{"{PRIVATE}', headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert PRIVATE not in answer.text


def test_the_state_of_another_model_or_conversation_is_refused(client: TestClient) -> None:
    state = client.post("/step", json={"conversation_id": "c", "messages": messages_of(TALK)}).json()["state"]
    other = json.dumps(json.loads(state) | {"model": "other"})
    for body in ({"conversation_id": "d", "state": state}, {"conversation_id": "c", "state": other}):
        assert client.post("/step", json={**body, "messages": messages_of(TALK)}).status_code == 422


def test_one_bad_state_spoils_no_other_request(model: LoadedModel) -> None:
    from pipeline.serve.wire import MessageIn, StepRequest

    message = MessageIn(message_id="1", speaker="ana", text="how old are you")
    good = StepRequest(conversation_id="c", messages=(message, message))
    bad = StepRequest(conversation_id="c", state="{}", messages=(message,))
    answers = answerer_of(model).answer([good, bad, good])
    assert answers[0] == answers[2]
    assert isinstance(answers[1], Exception)


def test_a_request_that_is_too_large_is_refused(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.serve.app.MOST_BODY", 2000)
    with TestClient(create_app(answerer_of(model)), base_url="http://localhost") as small:
        assert small.post("/score", json=scoring([("ana", "x" * 3000)])).status_code == 413
        assert (
            small.post("/score", content=iter([b" " * 1500] * 3), headers={"content-type": "application/json"}).status_code == 413
        )
        assert small.post("/score", json=scoring(TALK)).status_code == 200


def test_a_failure_inside_says_nothing_of_the_request(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answerer = answerer_of(model)
    monkeypatch.setattr(answerer, "answer", lambda requests: [KeyError(PRIVATE)] * len(requests))
    with TestClient(create_app(answerer), base_url="http://localhost") as client, caplog.at_level(logging.DEBUG):
        answer = client.post("/score", json=scoring(TALK))
    assert answer.status_code == 500
    assert PRIVATE not in answer.text + caplog.text
    assert "KeyError" in caplog.text


def test_figures_count_messages_and_hold_no_content(client: TestClient) -> None:
    client.post("/score", json=scoring([(PRIVATE, PRIVATE)]))
    client.get(f"/{PRIVATE}")
    figures = client.get("/metrics").text
    assert 'safelight_requests_total{path="/score",status="200"}' in figures
    assert "safelight_messages_total" in figures
    assert PRIVATE not in figures


def test_the_interface_is_described(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert {"/score", "/step", "/health"} <= set(described["paths"])
    assert "ScoreRequest" in described["components"]["schemas"]


def test_a_page_of_another_host_name_is_not_answered(client: TestClient) -> None:
    assert client.get("/health", headers={"host": "evil.example"}).status_code == 400


def test_only_clients_with_a_key_are_answered(model: LoadedModel, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    key = add_key(keys, "shop")
    assert key not in keys.read_text("utf-8")
    assert keys.stat().st_mode & 0o077 == 0
    with TestClient(create_app(answerer_of(model), keys=read_keys(keys)), base_url="http://localhost") as client:
        for header in ({}, {"authorization": "Bearer no"}, {"authorization": key}, {"authorization": f"Basic {key}"}):
            assert client.post("/score", json=scoring(TALK), headers=header).status_code == 401
        assert client.get("/metrics").status_code == 401
        assert client.get("/health").status_code == 200
        assert client.post("/score", json=scoring(TALK), headers={"authorization": f"Bearer {key}"}).status_code == 200


def test_a_full_queue_says_when_to_come_again_and_finishes_what_it_has() -> None:
    release = threading.Event()

    def slow(jobs: Sequence[int]) -> list[int]:
        release.wait(10)
        return list(jobs)

    async def scenario() -> None:
        batcher: Batcher[int] = Batcher(slow, most_waiting=10, most_at_once=4)
        batcher.start()
        tasks = [asyncio.create_task(batcher.submit(number, 4)) for number in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(QueueFull) as caught:
            await batcher.submit(9, 4)
        assert caught.value.retry_after >= 1
        tasks[1].cancel()
        release.set()
        await batcher.close()
        assert await tasks[0] == 0
        assert batcher.waiting == 0
        with pytest.raises(QueueFull):
            await batcher.submit(1, 1)

    asyncio.run(scenario())


def test_a_batch_that_fails_ends_neither_the_service_nor_those_after_it() -> None:
    def fail_once(jobs: Sequence[int]) -> list[int]:
        if 0 in jobs:
            raise KeyError("job")
        return list(jobs)

    async def scenario() -> None:
        batcher: Batcher[int] = Batcher(fail_once, most_waiting=10, most_at_once=1)
        batcher.start()
        with pytest.raises(KeyError):
            await batcher.submit(0, 1)
        assert await asyncio.wait_for(batcher.submit(1, 1), 10) == 1
        await batcher.close()

    asyncio.run(scenario())


def test_a_full_service_answers_503(model: LoadedModel) -> None:
    answerer = answerer_of(model)
    release, begun = threading.Event(), threading.Event()
    answer = answerer.answer

    def slow(requests: Sequence[object]) -> list[object]:
        begun.set()
        release.wait(20)
        return answer(requests)  # type: ignore[arg-type]

    answerer.answer = slow  # type: ignore[method-assign]
    with TestClient(create_app(answerer, most_waiting=4), base_url="http://localhost") as client:
        statuses: list[int] = []
        first = threading.Thread(target=lambda: statuses.append(client.post("/score", json=scoring(TALK)).status_code))
        first.start()
        assert begun.wait(20)
        refused = client.post("/score", json=scoring(TALK))
        release.set()
        first.join()
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert statuses == [200]


@pytest.mark.integration
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_the_command_serves_and_ends_when_told(root: Path, tmp_path: Path) -> None:
    program = "from pipeline.cli.main import main; main()"
    command = [sys.executable, "-c", program, "serve", "--model", str(root / "models" / "default"), "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = next(line.strip() for line in server.stdout if line.startswith("http"))
        request = urllib.request.Request(  # noqa: S310
            f"{address}/score", json.dumps(scoring(TALK)).encode(), {"content-type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(100):
            try:
                assert json.load(opener.open(request))["conversations"]
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) in (0, -signal.SIGTERM)
