"""A refused request: the problem details that are answered instead of predictions (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from automl.deploy.asgi import Send, respond
from automl.errors import AutoMLError

MEDIA_TYPE: Final = "application/problem+json"
SHOWN: Final = 100
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


class BadCells:
    """What is wrong with a table: all of it is counted, of the first ones it is said what.

    >>> wrong = BadCells()
    >>> for row in range(1, 1000):
    ...     wrong.add(row, "age", None, f"column 'age' is missing in row {row}")
    >>> wrong.count, len(wrong.first), wrong.enough
    (999, 100, True)
    """

    def __init__(self) -> None:
        self.count = 0
        self.first: list[BadCell] = []

    @property
    def enough(self) -> bool:
        """Whether there are as many as are listed in an answer."""
        return len(self.first) >= SHOWN

    def add(self, row: int, column: str | None, value: Any, message: str) -> None:
        """Count a bad cell, or a bad row if ``column`` is None."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(BadCell(row, column, value, message))


class RequestError(AutoMLError):
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
    def of_cells(cls, wrong: BadCells) -> RequestError:
        """Return the problem of a table with at least one bad cell; its detail is the first message.

        >>> wrong = BadCells()
        >>> wrong.add(1, "age", None, "missing")
        >>> wrong.add(2, "age", None, "missing")
        >>> RequestError.of_cells(wrong).detail
        'missing (and 1 more)'
        """
        more = f" (and {wrong.count - 1} more)" if wrong.count > 1 else ""
        return cls(422, wrong.first[0].message + more, wrong.first)

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
            body["errors"] = [
                {"row": each.row, "column": each.column, "value": brief(each.value), "message": each.message}
                for each in self.errors
            ]
        return orjson.dumps(body)

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers of the answer."""
        retry = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return {"content-type": MEDIA_TYPE, **retry}


async def refuse(send: Send, error: RequestError, path: str, headers: Mapping[str, str] | None = None) -> None:
    """Answer a request to a path with a problem."""
    await respond(send, error.status, error.to_json(path), {**(headers or {}), **error.headers})


def brief(value: Any) -> str | int | float | bool | None:
    """Return a value that is safe to send back, plain and short: what is nested may be too deep to be written.

    >>> brief(1.5), brief("x" * 200) == "x" * 100, brief([[[]]])
    (1.5, True, 'a list')
    """
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return value if value is None or isinstance(value, bool | int | float) else f"{value!s:.100}"
