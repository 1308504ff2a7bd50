"""What Prometheus is told of the service: counts, times and sizes. No label holds anything of a request but its path and status."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

PATHS = ("/score", "/step", "/health", "/metrics", "/openapi.json")


class Metrics:
    """The figures of one service, in a registry of its own."""

    def __init__(self, waiting: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("safelight_requests", "Requests by path and status.", ["path", "status"], registry=self._registry)
        self._seconds = Histogram("safelight_request_seconds", "Time to an answer.", ["path"], registry=self._registry)
        self._messages = Counter("safelight_messages", "Messages that were scored.", registry=self._registry)
        self._batches = Histogram(
            "safelight_batch_messages", "Messages read together.", buckets=[4**power for power in range(8)], registry=self._registry
        )
        Gauge("safelight_waiting_messages", "Messages that wait or are being read.", registry=self._registry).set_function(waiting)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        known = path if path in PATHS else "other"
        self._requests.labels(known, str(status)).inc()
        self._seconds.labels(known).observe(seconds)

    def batch(self, messages: int) -> None:
        """Count messages that were read together."""
        self._messages.inc(messages)
        self._batches.observe(messages)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self._registry)
