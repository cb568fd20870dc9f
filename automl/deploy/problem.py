"""A refused request: the problem details that are answered instead of predictions (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from automl.deploy.asgi import Send, respond
from automl.errors import DataError

MEDIA_TYPE: Final = "application/problem+json"
_SHOWN: Final = 100
"""Bad cells listed in one answer; the detail says how many there are."""


@dataclass(frozen=True, slots=True)
class BadCell:
    """One thing wrong in a table."""

    row: int
    """Counted from 1, a header left out."""
    column: str | None
    """None if it concerns the whole row."""
    value: Any
    message: str


class RequestError(DataError):
    """A request that cannot be answered, with the HTTP status that says why."""

    def __init__(
        self, status: int, detail: str, errors: Sequence[BadCell] = (), *, retry_after: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = str(self)
        self.errors = tuple(errors)
        self.retry_after = retry_after
        """Seconds."""

    @classmethod
    def of_cells(cls, errors: Sequence[BadCell]) -> RequestError:
        """Return the problem of a table with at least one bad cell; its detail is the first message.

        >>> RequestError.of_cells([BadCell(1, "age", None, "missing"), BadCell(2, "age", None, "missing")]).detail
        'missing (and 1 more)'
        """
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return cls(422, errors[0].message + more, errors)

    def to_json(self, path: str = "") -> bytes:
        """Return the body of the answer to a request for ``path``.

        >>> RequestError(400, "not JSON").to_json()
        b'{"type":"about:blank","title":"Bad Request","status":400,"detail":"not JSON"}'
        """
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if path.startswith("/v2/"):  # the Open Inference Protocol has a word of its own for the reason
            body["error"] = self.detail
        if self.errors:
            body["errors"] = [asdict(error) | {"value": _brief(error.value)} for error in self.errors[:_SHOWN]]
        return orjson.dumps(body)

    @property
    def headers(self) -> dict[str, str]:
        """Of the answer."""
        retry = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return {"content-type": MEDIA_TYPE, **retry}


async def refuse(send: Send, error: RequestError, path: str, headers: Mapping[str, str] | None = None) -> None:
    """Answer a request to a path with a problem."""
    await respond(send, error.status, error.to_json(path), {**(headers or {}), **error.headers})


def _brief(value: Any) -> str | int | float | bool | None:
    """Return a value that is safe to send back: plain and short."""
    return value if value is None or isinstance(value, bool | int | float) else f"{value!s:.100}"
