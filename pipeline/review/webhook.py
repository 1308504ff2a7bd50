"""Tell another system of decisions by a signed request, where somebody asked for it; it holds ids and no word of a chat.

The body is JSON. ``X-Safelight-Signature`` is the ed25519 signature, in base64, over the value of ``X-Safelight-Timestamp``, a full
stop and the body; the key is the one that signs packs. What cannot be delivered is tried again, then noted in the program's log.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.errors import ReviewError
from pipeline.review.records import Decision

logger = logging.getLogger(__name__)

Send = Callable[[str, bytes, Mapping[str, str]], None]

_SECONDS = 10
_WAITS = (1.0, 10.0, 60.0)


class Webhook:
    """Sends events one after the other, in a thread of its own, so that no page waits for the other system."""

    def __init__(self, url: str, key: Ed25519PrivateKey, *, send: Send | None = None, waits: Sequence[float] = _WAITS) -> None:
        """Check the address and begin.

        Raises
        ------
        ReviewError
            When the address is not one of HTTPS; without it only on this machine.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname or "")):
            raise ReviewError("--webhook is not an address of HTTPS", do="Give https://…; http:// does for this machine alone")
        self._url, self._key, self._send, self._waits = url, key, send or _post, waits
        self._events: SimpleQueue[dict[str, Any]] = SimpleQueue()
        threading.Thread(target=self._work, name="webhook", daemon=True).start()

    def tell(self, event: str, decision: Decision) -> None:
        """Tell of a decision that was made, confirmed or taken back."""
        about = {
            "event": event,
            "decision": decision.id,
            "run": decision.key.run_id,
            "conversation_id": decision.key.conversation_id,
            "kind": decision.kind,
            "reason": decision.reason,
            "reader": decision.reader,
            "second_reader": decision.second_reader,
            "holds": decision.holds,
            "at": decision.at.isoformat(timespec="seconds"),
        }
        self._events.put(about)

    def _work(self) -> None:
        while True:
            about = self._events.get()
            body = json.dumps(about, sort_keys=True, separators=(",", ":")).encode("ascii")
            for wait in (*self._waits, None):
                try:
                    self._send(self._url, body, self._headers(body))
                except (OSError, ValueError) as error:
                    if wait is None:
                        logger.warning("webhook: decision %d was not delivered (%s)", about["decision"], type(error).__name__)
                        break
                    time.sleep(wait)
                else:
                    break

    def _headers(self, body: bytes) -> dict[str, str]:
        now = str(int(time.time()))
        signature = base64.b64encode(self._key.sign(now.encode("ascii") + b"." + body)).decode("ascii")
        return {"Content-Type": "application/json", "X-Safelight-Timestamp": now, "X-Safelight-Signature": signature}


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310 - the scheme was checked
    with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
        return


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
