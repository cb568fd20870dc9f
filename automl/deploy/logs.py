"""Log lines as JSON, one object each, on standard error."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final

import orjson

ACCESS: Final = logging.getLogger("automl.access")
"""One record a request, its fields in ``record.fields``."""


class JsonLines(logging.Formatter):
    """A record as one JSON object; a record may bring further ``fields``.

    >>> record = logging.LogRecord("automl", logging.INFO, "", 0, "%s left", ("one",), None)
    >>> orjson.loads(JsonLines().format(record))["message"]
    'one left'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_json() -> None:
    """Write every record of this package and of the web server as JSON, requests included."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name in ("automl", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
    logging.getLogger("automl").setLevel(logging.INFO)
