"""Load test of `safelight serve`: messages a second, and the time of an answer at p50 and p99, beside `mlflow models serve`.

::

    make bench-serving CLIENTS=8 SECONDS=20

Both serve the same model on this machine and are asked the same over HTTP: conversations of a few messages each, and, of
`safelight serve` alone, single messages with the state of their conversation. Clients wait for an answer before they ask again.
Both servers run all the time and are asked in turn, in several rounds; figures are medians over the rounds. Use the ratios. On a
machine that others use too, times say little, because a server with more threads gets a larger share of it: the processor time of
a message, of all processes of a server, says what a server needs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

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


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, and the group of its processes."""

    port: int
    group: int

    def processor_seconds(self) -> float:
        """Return what its processes have used of the processors so far; Linux tells."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text("utf-8").rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            if int(fields[2]) == self.group:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """One round of one server: messages a second, processor seconds a message, seconds until an answer, clients that gave up."""

    rate: float
    cpu: float
    p50: float
    p99: float
    failed: int


def load(server: Server, ask: Ask, *, clients: int, seconds: float) -> Measured:
    """Ask from several clients at once."""
    times: list[float] = []
    counted: list[int] = []
    failed: list[str] = []
    begin, used = time.perf_counter(), server.processor_seconds()

    def client(number: int) -> None:
        generator = random.Random(number)  # noqa: S311 - not for secrets
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        while time.perf_counter() - begin < seconds:
            began = time.perf_counter()
            try:
                counted.append(ask(connection, generator))
            except (RuntimeError, OSError, http.client.HTTPException) as error:
                failed.append(str(error))
                return
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(times) < 2:
        raise SystemExit(f"no answers: {failed[:1]}")
    cuts = quantiles(times, n=100)
    cpu = (server.processor_seconds() - used) / sum(counted)
    return Measured(sum(counted) / (time.perf_counter() - begin), cpu, cuts[49], cuts[98], len(failed))


def print_table(measured: dict[str, list[Measured]], *, reference: str) -> None:
    """Print the medians over the rounds, and the median of the ratios to the reference."""
    for name, rounds in measured.items():
        row = f"{name:38} {median(m.rate for m in rounds):7,.0f} messages/s"
        row += f"   {median(m.cpu for m in rounds) * 1e3:5.1f} ms of processor/message"
        row += f"   p50 {median(m.p50 for m in rounds) * 1e3:7.0f} ms   p99 {median(m.p99 for m in rounds) * 1e3:7.0f} ms"
        if failed := sum(m.failed for m in rounds):
            row += f"   {failed} clients failed"
        if reference in measured and name != reference:
            pairs = list(zip(rounds, measured[reference], strict=True))
            row += f"   {median(own.rate / other.rate for own, other in pairs):.2f} times the messages/s,"
            row += f" {median(own.cpu / other.cpu for own, other in pairs):.2f} times the processor time,"
            row += f" {median(own.p50 / other.p50 for own, other in pairs):.2f} times the p50,"
            row += f" {median(own.p99 / other.p99 for own, other in pairs):.2f} times the p99"
        print(row)


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@contextmanager
def started(command: list[str], port: int, path: str, cwd: Path) -> Iterator[Server]:
    """Run a server until the end of the block; begin when it answers."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts uvicorn by its name
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": programs}
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            for _ in range(1200):
                if server.poll() is not None:
                    raise SystemExit(f"it ended with {server.returncode} before it answered: {' '.join(command)}")
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                    connection.request("GET", path)
                    if connection.getresponse().status == 200:
                        break
                except OSError:
                    time.sleep(0.2)
            yield Server(port, server.pid)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)  # MLflow's workers are children of its command


def main() -> None:
    """Run the load test and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(ROOT / "models" / "default"))
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=10, help="Messages of a conversation.")
    parser.add_argument("--mlflow", action="store_true", help="Serve the model with MLflow too; its environment must hold MLflow.")
    given = parser.parse_args()
    busy = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before"
    print(f"{given.clients} clients, {given.rounds} rounds of {given.seconds:g} s, {busy}")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        port = free_port()
        program = "from pipeline.cli.main import main; main()"
        command = [sys.executable, "-c", program, "serve", "--model", given.model, "--port", str(port)]
        ours = servers.enter_context(started(command, port, "/health", Path(folder)))
        cases = {
            f"safelight serve, /score, {given.messages} messages": (ours, score(given.messages)),
            "safelight serve, /step, 1 message": (ours, step()),
        }
        reference = f"mlflow models serve, {given.messages} messages"
        if given.mlflow:
            saved, port = Path(folder) / "model", free_port()
            save_for_mlflow(given.model, saved)
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
            cases[reference] = servers.enter_context(started(command, port, "/ping", Path(folder))), invocations(given.messages)
        measured: dict[str, list[Measured]] = {name: [] for name in cases}
        for name, (server, ask) in [*cases.items()] * (given.rounds + 1):  # the first round warms up and is not counted
            measured[name].append(load(server, ask, clients=given.clients, seconds=given.seconds))
        print_table({name: rounds[1:] for name, rounds in measured.items()}, reference=reference)


def save_for_mlflow(model: str, saved: Path) -> None:
    """Save the model as training logs it."""
    program = (
        "import mlflow, sys; from pathlib import Path; import pipeline.tracking as place; "
        "mlflow.pyfunc.save_model(sys.argv[1], python_model=str(Path(place.__file__).parent / 'served.py'), "
        "artifacts={'folder': sys.argv[2]})"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program, str(saved), model], check=True, env=environment, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
