"""Around every request: its id, whether it may be answered, and what is counted and logged of it.

An ASGI middleware that knows no web framework.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import Final

from automl.deploy.asgi import App, Message, Receive, Send
from automl.deploy.keys import Keys
from automl.deploy.logs import ACCESS
from automl.deploy.metrics import Metrics
from automl.deploy.problem import RequestError, refuse

_PLAIN_ID: Final = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
"""What a client may call its request: it goes into logs and headers."""
_CLOSED: Final = 499
"""In logs and metrics: the client left before the answer."""
_UNKNOWN: Final = RequestError(401, "a known key is needed: Authorization: Bearer KEY, or X-API-Key: KEY")


class Access:
    """Gives each request an id, asks for a key, counts and logs."""

    def __init__(self, app: App, *, keys: Keys, metrics: Metrics) -> None:
        self._app = app
        self._keys = keys
        self._metrics = metrics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        request_id = given if _PLAIN_ID.fullmatch(given) else uuid.uuid4().hex
        scope["request_id"], scope["named_headers"] = request_id, headers
        status = _CLOSED

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode("ascii"))]
            await send(message)

        started = time.perf_counter()
        try:
            with self._metrics.in_flight.track_inprogress():
                if self._keys.allow(scope["path"], headers):
                    await self._app(scope, receive, send_with_id)
                else:
                    await refuse(send_with_id, _UNKNOWN, scope["path"], {"www-authenticate": "Bearer"})
        except Exception:
            status = 500
            raise
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Message, status: int, seconds: float) -> None:
        path = getattr(scope.get("route"), "path", "unknown")  # not the client's words: they would be without number
        self._metrics.requests.labels(path, str(status)).inc()
        self._metrics.seconds.labels(path).observe(seconds)
        fields = {
            "request_id": scope["request_id"],
            "client": (scope.get("client") or ("",))[0],
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "seconds": round(seconds, 6),
        }
        ACCESS.info("request", extra={"fields": fields | scope.get("answered", {})})
