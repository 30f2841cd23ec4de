"""What happens to every request: a name, a log line, limits and headers.

Plain ASGI, so that streams stay streams.
"""

import re
import time
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems

log = structlog.get_logger(__name__)

UNMATCHED = "unmatched"
REQUEST_ID = "X-Request-ID"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SCRIPTS = "https://cdn.jsdelivr.net"
_POLICY = "default-src 'none'; frame-ancestors 'none'"
_POLICIES = {
    "/": f"{_POLICY}; style-src 'unsafe-inline'",
    # The docs page is a bundle from a public network, and starts it with a script of its own.
    "/docs": f"default-src 'none'; connect-src 'self'; img-src 'self' data: https:; "
    f"script-src {_SCRIPTS} 'unsafe-inline'; style-src {_SCRIPTS}; frame-ancestors 'none'",
}

Observe = Callable[[str, str, int, float], None]


class RequestLog:
    """Names each request, logs how it went, and answers to errors that nobody expected.

    Query strings, bodies and headers are never logged, and of an unexpected error only its
    kind and where it was raised: its message may quote a text.

    Args:
        app: The application inside.
        observe: Told method, route, status and seconds to the answer's start.
    """

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get(REQUEST_ID))
        scope.setdefault("state", {})["request_id"] = request_id
        began, seconds, status = time.monotonic(), 0.0, 0

        async def send_named(message: Message) -> None:
            nonlocal seconds, status
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.monotonic() - began
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_named)
            except Exception as error:  # noqa: BLE001 (the last line of defence)
                _log_unexpected(error)
                if not status:
                    await problems.internal(Request(scope))(scope, receive, send_named)
            method, route = scope["method"], _route(scope)
            self._observe(method, route, status, seconds)
            log.info("answered", method=method, route=route, status=status, seconds=seconds)


class BodyLimit:
    """Refuses bodies that are larger than the call needs, declared or not.

    Args:
        app: The application inside.
        limit_bytes: Largest body of most calls.
        larger: Largest body of those at these paths.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, larger: Mapping[str, int]) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        left = self._larger.get(scope["path"], self._limit_bytes)
        too_large = declared.isdecimal() and int(declared[:20]) > left

        async def receive_limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            # Raised where the body is read, so it becomes a problem document like any other.
            if too_large or left < 0:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, receive_limited, send)


class SecurityHeaders:
    """Tells browsers to guess nothing, frame nothing and keep nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Content-Security-Policy"] = _POLICIES.get(scope["path"], _POLICY)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_guarded)


def _request_id(given: str | None) -> str:
    return given if given and _REQUEST_ID.fullmatch(given) else uuid4().hex


def _route(scope: Scope) -> str:
    """Return the route's pattern, so that identifiers make no series of their own."""
    path: str = getattr(scope.get("route"), "path", UNMATCHED)
    return path


def _log_unexpected(error: BaseException) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        "unexpected error",
        error=type(error).__qualname__,
        cause=type(error.__cause__).__qualname__ if error.__cause__ else None,
        trace=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
