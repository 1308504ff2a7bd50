"""Start the service: a model and a place in, answers until it is stopped.

::

    safelight serve --port 8450
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from pipeline.errors import ConfigError
from pipeline.model.load import load_model
from pipeline.results import THRESHOLDS
from pipeline.review.slow_clients import TimedLoop, TimedProtocol
from pipeline.serve.app import LOCAL, MOST_AT_ONCE, MOST_WAITING, create_app
from pipeline.serve.jobs import Answerer
from pipeline.serve.keys import read_keys
from pipeline.thresholds import read_thresholds

PORT = 8450
GRACE_SECONDS = 30
"""How long requests that are being answered may still take when the service is told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and how the service listens. Beyond this machine it wants keys, and TLS unless ``plaintext``, behind a proxy say.

    ``names`` are the host names that it answers to; without them, beyond this machine, all.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    keys: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    plaintext: bool = False
    names: Sequence[str] = ()

    def checked(self) -> Place:
        """Return the same place, if it is one that we serve at.

        Raises
        ------
        ConfigError
            When it is beyond this machine without keys or TLS, or the certificate and its key are not both there.
        """
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("a certificate and its key go together", do="Give both --tls-cert and --tls-key")
        for file in (self.certificate, self.key):
            if file is not None and not file.is_file():
                raise ConfigError("there is no such file", where=str(file), do="Check the path")
        if not self.is_local:
            if self.keys is None:
                raise ConfigError(
                    f"--host {self.host} can be reached from other machines, and nobody would be asked for a key",
                    do="Make one with `safelight serve-key NAME --keys FILE`, and give --keys",
                )
            if self.certificate is None and not self.plaintext:
                raise ConfigError(
                    f"--host {self.host} can be reached from other machines, and nothing would be encrypted",
                    do="Give --tls-cert and --tls-key, or --plaintext where a proxy in front of it encrypts",
                )
        return self

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names that it answers to."""
        return (*self.names, *LOCAL) if self.is_local or self.names else ("*",)


def serve(
    model: Path,
    place: Place,
    *,
    thresholds: Path | None = None,
    most_waiting: int = MOST_WAITING,
    most_at_once: int = MOST_AT_ONCE,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve a model until the process is told to stop; then answer what is being asked, and end.

    Raises
    ------
    SafelightError
        When the model cannot be loaded, or the place will not do.
    """
    place = place.checked()
    folder, loaded = load_model(model)
    chosen = read_thresholds(thresholds or folder.path / THRESHOLDS)
    app = create_app(
        Answerer(loaded, model_id=folder.id, threshold=chosen.risk),
        keys=read_keys(place.keys) if place.keys is not None else None,
        most_waiting=most_waiting,
        most_at_once=most_at_once,
        hosts=place.hosts,
    )
    listening = _listen(place)
    config = uvicorn.Config(
        app,
        http=TimedProtocol,
        loop=f"{TimedLoop.__module__}:{TimedLoop.__qualname__}",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )
    scheme = "http" if place.certificate is None else "https"
    shown = f"[{place.host}]" if ":" in place.host else place.host
    say(f"model {folder.name}, id {folder.id}")
    say(f"{scheme}://{shown}:{listening.getsockname()[1]}")
    uvicorn.Server(config).run(sockets=[listening])


def _listen(place: Place) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in place.host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((place.host, place.port))
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"port {place.port} of {place.host} cannot be used ({error.strerror})", do="Give another --port, or --host"
        ) from error
    return listening
