"""The server's side of a connection, with limits of time: nobody keeps others waiting by being slow, or by sending nothing.

uvicorn itself limits only how long a connection stays open between two requests. This adds: how long the head of a request may
take, how long its body, how long a client may leave an answer unread, and how many connections may be open at a time. Over that
number the one that has kept the server waiting longest is closed for the new one. Under TLS a connection counts from the end of
its handshake, which has a limit of its own: asyncio's is a minute.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Literal, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

Phase = Literal["head", "body", "answer", "idle"]
"""What a connection is at: the client sends a request's head, or its body; the server answers; or nothing is asked."""


_Loop = asyncio.ProactorEventLoop if sys.platform == "win32" else asyncio.SelectorEventLoop


class TimedLoop(_Loop):
    """asyncio's event loop; its servers give a client ``handshake_seconds`` for the TLS handshake, which uvicorn cannot set."""

    handshake_seconds = 10.0

    async def create_server(self, *args: Any, **settings: Any) -> asyncio.Server:
        """Return a server as asyncio does."""
        if settings.get("ssl") is not None:
            settings.setdefault("ssl_handshake_timeout", self.handshake_seconds)
        return await super().create_server(*args, **settings)


class TimedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with limits: seconds for each phase, and connections in all."""

    head_seconds = 10.0
    body_seconds = 30.0
    unread_seconds = 30.0
    most_connections = 512

    _phase: Phase = "idle"
    _since = 0.0
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._enter("head")
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for what is to come next."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for what is left of this one."""
        super().on_response_complete()
        self._look(idle=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the client a while to read what waits for it."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.unread_seconds, self._close)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _look(self, *, idle: bool = False) -> None:
        answered = self.cycle is None or self.cycle.response_complete
        if self.conn.their_state is h11.SEND_BODY:
            self._enter("body")
        elif not answered:
            self._enter("answer")
        elif not idle:
            self._enter("head")
        else:
            self._enter("idle")

    def _enter(self, phase: Phase) -> None:
        """Begin a phase, with its time; one that goes on keeps the time that it has left."""
        if phase == self._phase:
            return
        self._phase, self._since = phase, self.loop.time()
        if self._timer is not None:
            self._timer.cancel()
        seconds = {"head": self.head_seconds, "body": self.body_seconds}.get(phase)
        self._timer = self.loop.call_later(seconds, self._close) if seconds is not None else None

    def _make_room(self) -> None:
        if len(self.connections) <= self.most_connections:
            return
        others = [cast(TimedProtocol, other) for other in self.connections if other is not self]
        waiting = [other for other in others if other._phase != "answer"]
        (min(waiting, key=lambda other: other._since) if waiting else self)._close()

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
