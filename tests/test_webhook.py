"""The signed request that tells another system of decisions."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Mapping

import pytest

pytest.importorskip("cryptography", reason="requests are signed with the extra of packs")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from helpers.decided import KEY, decision

from pipeline.errors import ReviewError
from pipeline.review.records import ConversationKey
from pipeline.review.webhook import Webhook

ABOUT = ConversationKey("0123456789abcdef", "dm-1")


class Other:
    """The other system, which fails so many times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.got: list[tuple[bytes, Mapping[str, str]]] = []
        self.done = threading.Event()

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        del url
        if self.failures:
            self.failures -= 1
            raise OSError("not now")
        self.got.append((body, headers))
        self.done.set()


def test_a_decision_is_told_signed_and_without_its_note() -> None:
    other = Other(failures=2)
    Webhook("https://other.example/hook", KEY, send=other, waits=(0, 0)).tell("decide", decision(ABOUT, note="what Kim said"))
    assert other.done.wait(30)
    ((body, headers),) = other.got
    signed = headers["X-Safelight-Timestamp"].encode() + b"." + body
    KEY.public_key().verify(base64.b64decode(headers["X-Safelight-Signature"]), signed)
    told = json.loads(body)
    assert (told["event"], told["conversation_id"]) == ("decide", "dm-1")
    assert "Kim" not in body.decode("ascii")


def test_what_cannot_be_delivered_is_noted_and_the_next_one_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    other = Other(failures=2)
    with caplog.at_level(logging.WARNING):
        hook = Webhook("https://other.example/hook", KEY, send=other, waits=(0,))
        hook.tell("decide", decision(ABOUT))
        hook.tell("undo", decision(ABOUT))
        assert other.done.wait(30)
    assert [json.loads(body)["event"] for body, _ in other.got] == ["undo"]
    assert "was not delivered" in caplog.text


@pytest.mark.parametrize("url", ["http://other.example/", "ftp://other.example/", "other", "file:///etc/hosts", ""])
def test_beyond_this_machine_only_over_https(url: str) -> None:
    with pytest.raises(ReviewError, match="HTTPS"):
        Webhook(url, Ed25519PrivateKey.generate())
