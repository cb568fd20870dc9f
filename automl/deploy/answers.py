"""From a frame of predictions to the body of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one object a row of what a predictor answers; the probabilities are one object by class in it.

    >>> records(pd.DataFrame({"prediction": ["b"], "probability_a": [0.25], "probability_b": [0.75]}))
    [{'prediction': 'b', 'probabilities': {'a': 0.25, 'b': 0.75}}]
    """
    classes = [name.removeprefix("probability_") for name in frame.columns if name.startswith("probability_")]
    predictions, *others = (frame[name].tolist() for name in frame.columns)
    if not classes:
        return [dict(zip(frame.columns, row, strict=True)) for row in zip(predictions, *others, strict=True)]
    return [
        {"prediction": prediction, "probabilities": dict(zip(classes, row, strict=True))}
        for prediction, row in zip(predictions, zip(*others, strict=True), strict=True)
    ]


def accepted(accept: str, otherwise: str) -> str | None:
    """Return the media type to answer with, or None if no acceptable one can be written.

    The first of the wanted types that can be written counts; any type at all means ``otherwise``.

    >>> accepted("text/html, application/jsonlines;q=0.9", "text/csv")
    'application/jsonlines'
    >>> accepted("*/*", "text/csv")
    'text/csv'
    """
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()] or ["*/*"]
    for media_type in wanted:
        if media_type in WRITERS:
            return media_type
        if media_type in ("*/*", otherwise.partition("/")[0] + "/*"):
            return otherwise
    return None


def _json(frame: pd.DataFrame) -> bytes:
    return orjson.dumps({"predictions": records(frame)})


def _json_lines(frame: pd.DataFrame) -> bytes:
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records(frame))


def _csv(frame: pd.DataFrame) -> bytes:
    text: str = frame.to_csv(index=False, header=False, lineterminator="\n")
    return text.encode()


WRITERS: Final[Mapping[str, Callable[[pd.DataFrame], bytes]]] = {
    "application/json": _json,
    "application/jsonlines": _json_lines,
    "application/x-ndjson": _json_lines,
    "text/csv": _csv,
}
"""Media types that can be written. CSV has no header: one line a row, the prediction, then the probability of each
class or the bounds of an interval; or the quantiles by rising level."""
