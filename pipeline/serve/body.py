"""A limit on how large a request may be, held while it is read: a length that it states is not trusted."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"a request holds at most {most:,} bytes")


class BodyLimit:
    """Answers a request of more than ``most`` bytes with 413."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on while it is small enough."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise _too_large(self._most)  # the framework answers with it
            return message

        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if stated.isdigit() and int(stated) > self._most:
            error = _too_large(self._most)
            await JSONResponse({"detail": error.detail}, error.status_code)(scope, receive, send)
            return
        await self._app(scope, counted, send)
