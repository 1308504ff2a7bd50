"""Load test of `safelight serve`: messages a second, and the time of an answer at p50 and p99, beside `mlflow models serve`.

::

    make bench-serving CLIENTS=8 SECONDS=20

Both serve the same model on this machine and are asked the same over HTTP: conversations of a few messages each, and, of
`safelight serve` alone, single messages with the state of their conversation. Clients wait for an answer before they ask again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).parent.parent
WORDS = "dinner game homework later today school dog train ready maybe film song level coins match bring tomorrow seven".split()  # noqa: SIM905
Ask = Callable[[http.client.HTTPConnection, random.Random], int]


def text(generator: random.Random) -> str:
    """Return a message of everyday words."""
    return " ".join(generator.choices(WORDS, k=generator.randint(2, 14)))


def post(connection: http.client.HTTPConnection, path: str, content: object) -> object:
    """Ask once, and fail on anything but an answer."""
    connection.request("POST", path, json.dumps(content), {"content-type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return json.loads(body)


def score(messages: int) -> Ask:
    """Ask `safelight serve` for a conversation."""

    def ask(connection: http.client.HTTPConnection, generator: random.Random) -> int:
        said = [{"message_id": str(row), "speaker": "ab"[row % 2], "text": text(generator)} for row in range(messages)]
        post(connection, "/score", {"conversations": [{"conversation_id": "c", "messages": said}]})
        return messages

    return ask


def step() -> Ask:
    """Ask `safelight serve` for one message after another of a conversation of 30."""
    local = threading.local()

    def ask(connection: http.client.HTTPConnection, generator: random.Random) -> int:
        state, row = getattr(local, "place", (None, 0))
        message = {"message_id": str(row), "speaker": "ab"[row % 2], "text": text(generator)}
        name = f"c{threading.get_ident()}"
        answer = post(connection, "/step", {"conversation_id": name, "state": state, "messages": [message]})
        local.place = (answer["state"], row + 1) if row < 30 else (None, 0)  # type: ignore[index]
        return 1

    return ask


def invocations(messages: int) -> Ask:
    """Ask `mlflow models serve` for a conversation."""

    def ask(connection: http.client.HTTPConnection, generator: random.Random) -> int:
        rows = [["c", str(row), "ab"[row % 2], text(generator)] for row in range(messages)]
        columns = ["conversation_id", "message_id", "speaker", "text"]
        post(connection, "/invocations", {"dataframe_split": {"columns": columns, "data": rows}})
        return messages

    return ask


def load(port: int, ask: Ask, *, clients: int, seconds: float) -> str:
    """Ask from several clients at once; return the figures."""
    times: list[float] = []
    counted: list[int] = []
    failed: list[str] = []
    begin = time.perf_counter()

    def client(number: int) -> None:
        generator = random.Random(number)  # noqa: S311 - not for secrets
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while time.perf_counter() - begin < seconds:
            began = time.perf_counter()
            try:
                counted.append(ask(connection, generator))
            except (RuntimeError, OSError) as error:
                failed.append(str(error))
                return
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(times) < 2:
        return f"no answers: {failed[:1]}"
    cuts = quantiles(times, n=100)
    rate = sum(counted) / (time.perf_counter() - begin)
    return f"{rate:8,.0f} messages/s   p50 {cuts[49] * 1e3:7.1f} ms   p99 {cuts[98] * 1e3:7.1f} ms   {len(failed)} clients failed"


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def started(command: list[str], port: int, path: str, cwd: Path) -> Iterator[None]:
    """Run a server until the end of the block; begin when it answers."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(1200):
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                    connection.request("GET", path)
                    if connection.getresponse().status == 200:
                        break
                except OSError:
                    time.sleep(0.2)
            yield
        finally:
            server.terminate()


def main() -> None:
    """Run the load test and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(ROOT / "models" / "default"))
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--messages", type=int, default=10, help="Messages of a conversation.")
    parser.add_argument("--mlflow", action="store_true", help="Serve the model with MLflow too; its environment must hold MLflow.")
    given = parser.parse_args()
    print(f"{given.clients} clients, {given.seconds:g} s each, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        program = "from pipeline.cli.main import main; main()"
        command = [sys.executable, "-c", program, "serve", "--model", given.model, "--port", str(port)]
        with started(command, port, "/health", Path(folder)):
            for name, ask in ((f"/score, {given.messages} messages", score(given.messages)), ("/step", step())):
                print(f"safelight serve  {name:20} {load(port, ask, clients=given.clients, seconds=given.seconds)}", flush=True)
        if given.mlflow:
            port = free_port()
            saved = Path(folder) / "model"
            save = (
                "import mlflow, sys; from pathlib import Path; import pipeline.tracking as place; "
                "mlflow.pyfunc.save_model(sys.argv[1], python_model=str(Path(place.__file__).parent / 'served.py'), "
                "artifacts={'folder': sys.argv[2]})"
            )
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            subprocess.run([sys.executable, "-c", save, str(saved), given.model], check=True, env=environment)
            command = [
                sys.executable,
                "-m",
                "mlflow",
                "models",
                "serve",
                "-m",
                str(saved),
                "-p",
                str(port),
                "--env-manager",
                "local",
            ]
            with started(command, port, "/ping", Path(folder)):
                figures = load(port, invocations(given.messages), clients=given.clients, seconds=given.seconds)
                print(f"mlflow serve     {f'{given.messages} messages':20} {figures}")


if __name__ == "__main__":
    main()
