"""`safelight serve`, `serve-key` and `stream`: score over HTTP, and messages of a stream as they come."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import say
from pipeline.cli.exit_codes import ExitCode
from pipeline.cli.model_options import MODEL, ModelOption
from pipeline.cli.read_options import Paths
from pipeline.errors import SafelightError

ThresholdsOption = Annotated[Path | None, typer.Option(help="A threshold file instead of the model's own.")]
KeysOption = Annotated[Path, typer.Option("--keys", help="The file of API keys, one line a client.", show_default=False)]

UrlOption = Annotated[str, typer.Option("--url", envvar="SAFELIGHT_REDIS", help="Where Redis is: redis://, rediss:// or unix://.")]
StreamOption = Annotated[str, typer.Option("--stream", help="The stream of messages.")]
URL, STREAM = "redis://127.0.0.1:6379", "safelight"

stream_app = typer.Typer(help="Score the messages of a Redis stream as they come.", no_args_is_help=True, rich_markup_mode=None)


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(serve)
    app.command(name="serve-key")(serve_key)
    app.add_typer(stream_app, name="stream")


def _need(extra: str, modules: Sequence[str]) -> None:
    if missing := [name for name in modules if find_spec(name) is None]:
        raise SafelightError(
            f"this command needs {missing[0]}, which is not installed", do=f"Install it: pip install 'safelight[{extra}]'"
        )


def serve(
    model: ModelOption = MODEL,
    host: Annotated[str, typer.Option(help="Where to serve; beyond this machine only with --keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 8450,
    keys: Annotated[Path | None, typer.Option(help="A file of API keys, made by `safelight serve-key`.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="The certificate, in PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, in PEM.")] = None,
    plaintext: Annotated[
        bool, typer.Option("--plaintext", help="Serve other machines without TLS: a proxy in front of it encrypts.")
    ] = False,
    name: Annotated[list[str] | None, typer.Option(help="A host name that it answers to. May be given several times.")] = None,
    thresholds: ThresholdsOption = None,
    most_waiting: Annotated[
        int, typer.Option(min=1, help="Messages that may wait; a request beyond is answered with 503 and Retry-After.")
    ] = 20_000,
    batch: Annotated[int, typer.Option(min=1, help="Messages that are read together, at most.")] = 1024,
) -> None:
    """Serve a model over HTTP: POST /score, POST /step, /health, /metrics, /openapi.json. Nothing of a request is kept."""
    _need("serve", ("fastapi", "uvicorn", "prometheus_client"))
    from pipeline.serve.run import Place
    from pipeline.serve.run import serve as serve_model

    place = Place(host=host, port=port, keys=keys, certificate=tls_cert, key=tls_key, plaintext=plaintext, names=tuple(name or ()))
    serve_model(model, place, thresholds=thresholds, most_waiting=most_waiting, most_at_once=batch, say=say)


def serve_key(name: Annotated[str, typer.Argument(help="The client that it is for.")], keys: KeysOption) -> None:
    """Make an API key for a client of `safelight serve`, and print it once; the file keeps its hash."""
    from pipeline.serve.keys import add_key

    say(add_key(keys, name))


@stream_app.command()
def work(
    model: ModelOption = MODEL,
    url: UrlOption = URL,
    stream: StreamOption = STREAM,
    group: Annotated[
        str, typer.Option(help="The consumer group: its own scores and states, from the start of the stream on.")
    ] = "scores",
    delete: Annotated[bool, typer.Option("--delete", help="Delete each message from the stream when its score is kept.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Messages that are scored and kept together, at most.")] = 256,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when no message is left.")] = False,
) -> None:
    """Score messages as they come, each once in effect, until told to stop. Several workers may run: one works, the others wait."""
    _need("stream", ("redis",))
    import signal

    from redis.exceptions import RedisError

    from pipeline.model.load import load_model
    from pipeline.stream.redis_streams import RedisStreams, connect
    from pipeline.stream.step import Stepper
    from pipeline.stream.worker import Worker

    broker = RedisStreams(connect(url), stream, group, delete=delete)
    folder, loaded = load_model(model)
    counts = {"stop": False, "scored": 0, "failed": 0}

    def stop(*_: object) -> None:
        counts["stop"] = True

    def done(scored: int, failed: int) -> None:
        counts["scored"] += scored
        counts["failed"] += failed
        if until_idle and not scored and not failed:
            stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    say(f"model {folder.name}, id {folder.id}; stream {stream}, group {group}")
    try:
        Worker(Stepper(loaded, model_id=folder.id), broker, batch=batch).run(stop=lambda: bool(counts["stop"]), done=done)
    except RedisError as error:
        raise SafelightError(
            f"Redis does not answer any more ({type(error).__name__})", do="Start the worker again: it goes on where it was"
        ) from error
    say(f"{counts['scored']:,} messages scored, {counts['failed']:,} failed")
    if counts["failed"]:
        raise typer.Exit(ExitCode.NOT_WHOLE)


@stream_app.command()
def add(paths: Paths, url: UrlOption = URL, stream: StreamOption = STREAM) -> None:
    """Append the messages of exports to the stream, in order: their scores are those of `safelight score --no-cascade`."""
    _need("stream", ("redis",))
    from pipeline.ingest import ReadLog, ReadOptions, read_conversations
    from pipeline.ingest.files.remote import local_paths
    from pipeline.stream.redis_streams import add_messages, connect

    log = ReadLog()
    with local_paths(paths) as places:
        count = add_messages(connect(url), stream, read_conversations(places, ReadOptions(), log))
    for unread in log.failed:
        say(f"failed {unread.name}: {unread.reason}", error=True)
    say(f"{count:,} messages added to {stream}")
    if log.failed:
        raise typer.Exit(ExitCode.NOT_WHOLE)
