"""Slow and half-open clients, against the real server: everybody else is answered, and they are closed in the end."""

from __future__ import annotations

import datetime
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from helpers.reviewed import PLAIN, TURNED, add_people, make_run

from pipeline.config import Taxonomy
from pipeline.review.audit import entries
from pipeline.review.serve import Place, prepare, server_config
from pipeline.review.slow_clients import TimedLoop, TimedProtocol
from pipeline.review.store import open_store
from pipeline.review.web.app import create_app

HALF_HEAD = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
HALF_BODY = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + FORM + b"Content-Length: 900\r\n\r\nname="
NO_FORM = HALF_BODY.replace(FORM, b"")
FOREIGN_BODY = HALF_BODY.replace(b"\r\n\r\n", b"\r\nOrigin: http://elsewhere.example\r\n\r\n")
LIMIT = 5.0
"""How long a page may take on a busy machine: less than the slow clients are given, so that it was not they who ended the wait."""


class Impatient(TimedProtocol):
    head_seconds = 6.0
    body_seconds = 6.0
    unread_seconds = 2.0
    most_connections = 200


class ImpatientLoop(TimedLoop):
    handshake_seconds = 6.0


@contextmanager
def served(folder: Path, taxonomy: Taxonomy, place: Place) -> Iterator[int]:
    run = make_run(folder / "run", taxonomy, {"dm-1": TURNED, "dm-2": PLAIN})
    store = open_store(folder / "review.db")
    add_people(store)
    app = create_app(prepare(store, [run], single_user=False, secure=place.secure), hosts=["127.0.0.1"])
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(server_config(app, place, protocol=Impatient, loop=ImpatientLoop))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    store.close()


@pytest.fixture
def port(tmp_path: Path, taxonomy: Taxonomy) -> Iterator[int]:
    with served(tmp_path, taxonomy, Place()) as listening:
        yield listening


@pytest.fixture
def tls_port(tmp_path: Path, taxonomy: Taxonomy) -> Iterator[int]:
    with served(tmp_path, taxonomy, certified(tmp_path)) as listening:
        yield listening


def certified(folder: Path) -> Place:
    """Return a place with a certificate that is made for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1))
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    place = Place(certificate=folder / "cert.pem", key=folder / "key.pem")
    assert place.certificate is not None
    assert place.key is not None
    place.certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    place.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password))
    return place


def seconds_of_a_page(port: int, *, tls: bool = False) -> float:
    begun = time.monotonic()
    if tls:
        trusting = ssl._create_unverified_context()  # noqa: S323 - the certificate is the test's own
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusting)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/login")
    answer = connection.getresponse()
    assert answer.status == 200
    assert b"Password" in answer.read()
    connection.close()
    return time.monotonic() - begun


@contextmanager
def clients(port: int, count: int, begin: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        made = [opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(count)]
        for client in made:
            client.sendall(begin)
        yield made


def is_closed(client: socket.socket, within: float) -> bool:
    client.settimeout(within)
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "begin", [b"", HALF_HEAD, HALF_BODY, NO_FORM, FOREIGN_BODY], ids=["nothing", "half a head", "half a body", "no form", "refused"]
)
def test_140_half_open_requests_keep_nobody_waiting_and_are_closed(begin: bytes, port: int) -> None:
    seconds_of_a_page(port)
    with clients(port, 140, begin) as half_open:
        assert seconds_of_a_page(port) < LIMIT
        assert all(is_closed(client, 20) for client in half_open)
    assert seconds_of_a_page(port) < LIMIT


def test_a_body_that_is_no_form_is_refused_before_it_is_read_and_counts_as_no_log_in(port: int, tmp_path: Path) -> None:
    with clients(port, 1, NO_FORM) as (client,):
        assert client.recv(65536).startswith(b"HTTP/1.1 400")
    store = open_store(tmp_path / "review.db")
    with store.reading() as connection:
        assert "refuse log-in" not in [entry.action for entry in entries(connection)]
    store.close()


@pytest.mark.parametrize("begin", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "half a hello"])
def test_140_half_open_handshakes_keep_nobody_waiting_and_are_closed(begin: bytes, tls_port: int) -> None:
    seconds_of_a_page(tls_port, tls=True)
    with clients(tls_port, 140, begin) as half_open:
        assert seconds_of_a_page(tls_port, tls=True) < LIMIT
        assert all(is_closed(client, 20) for client in half_open)
    assert seconds_of_a_page(tls_port, tls=True) < LIMIT


@pytest.mark.parametrize("begin", [HALF_HEAD, HALF_BODY, FOREIGN_BODY], ids=["head", "body", "refused"])
def test_a_client_that_dribbles_is_closed_though_it_never_stops(begin: bytes, port: int) -> None:
    begun = time.monotonic()
    with clients(port, 1, begin) as (client,), pytest.raises((ConnectionError, BrokenPipeError)):
        while time.monotonic() - begun < 30:
            client.sendall(b"a")
            time.sleep(0.1)
    assert time.monotonic() - begun < 20


def test_a_client_that_does_not_read_its_answers_is_closed(port: int) -> None:
    begun = time.monotonic()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(1)
        client.connect(("127.0.0.1", port))
        with pytest.raises((ConnectionError, TimeoutError)):
            while time.monotonic() - begun < 20:
                client.sendall(b"GET /static/report.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)
        time.sleep(Impatient.unread_seconds + 1)
        with pytest.raises((ConnectionError, BrokenPipeError)):
            for _ in range(200):
                client.sendall(b"GET")
                time.sleep(0.01)
    assert seconds_of_a_page(port) < LIMIT


def test_the_connection_that_has_waited_longest_makes_room(port: int) -> None:
    with clients(port, Impatient.most_connections, HALF_HEAD) as half_open:
        assert seconds_of_a_page(port) < LIMIT
        assert is_closed(half_open[0], 0.5)
        assert not is_closed(half_open[-1], 0.1)


def test_requests_one_after_another_on_one_connection_are_answered(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for pause in (0.0, 0.1, 3.0):
        time.sleep(pause)
        connection.request("GET", "/login")
        assert connection.getresponse().read()
    connection.close()
