"""From what a predictor answers to the body of a response."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from automl.deploy.columnar import ARROW_STREAM, PARQUET, write_arrow, write_parquet

_QUALITY: Final = re.compile(r"[01](\.\d{0,3})?", re.ASCII)
Answers = Mapping[str, NDArray[np.generic]]
"""``prediction`` and, (rows,) each, ``probability_<class>`` of every class, or ``low`` and ``high``; on demand
``reasons``, a list a row, and ``explained``, an object a row."""
EXPLANATIONS: Final = ("explained", "reasons")
"""What has a JSON value a row."""


def records(answers: Answers) -> list[dict[str, Any]]:
    """Return one object a row of what a predictor answers; the probabilities are one object by class in it.

    >>> records({"prediction": np.array(["b"]), "probability_a": np.array([0.25]), "probability_b": np.array([0.75])})
    [{'prediction': 'b', 'probabilities': {'a': 0.25, 'b': 0.75}}]
    """
    told = {name: answers[name].tolist() for name in EXPLANATIONS if name in answers}
    if told:
        others = records({name: values for name, values in answers.items() if name not in told})
        return [row | dict(zip(told, each, strict=True)) for row, *each in zip(others, *told.values(), strict=True)]
    classes = [name.removeprefix("probability_") for name in answers if name.startswith("probability_")]
    predictions, *further = (values.tolist() for values in answers.values())
    if not classes:
        return [dict(zip(answers, row, strict=True)) for row in zip(predictions, *further, strict=True)]
    return [
        {"prediction": prediction, "probabilities": dict(zip(classes, row, strict=True))}
        for prediction, row in zip(predictions, zip(*further, strict=True), strict=True)
    ]


def accepted(accept: str, otherwise: str) -> str | None:
    """Return the media type to answer with, or None if no acceptable one can be written.

    The most wanted type that can be written counts, the first of equals; of a range such as ``*/*`` that is
    ``otherwise`` if it is in it. A quality of 0 excludes a type.

    >>> accepted("text/html, application/jsonlines;q=0.9", "text/csv")
    'application/jsonlines'
    >>> accepted("*/*", "text/csv"), accepted("application/json;q=0.5, text/csv", "application/json")
    ('text/csv', 'text/csv')
    """
    wanted = [_weighed(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    excluded = [media_type for media_type, quality in wanted if quality <= 0]
    for media_type, quality in sorted(wanted, key=lambda each: -each[1]):
        main = media_type.removesuffix("*") if media_type.endswith("/*") else None
        for known in (otherwise, *WRITERS):
            fits = known == media_type or (main is not None and (main == "*/" or known.startswith(main)))
            if quality > 0 and fits and known not in excluded:
                return known
    return None


def _weighed(part: str) -> tuple[str, float]:
    """Return a media type of an ``Accept`` header, and how much it is wanted."""
    media_type, *parameters = (text.strip().lower() for text in part.split(";"))
    quality = next((text.removeprefix("q=") for text in parameters if text.startswith("q=")), "1")
    return media_type, float(quality) if _QUALITY.fullmatch(quality) else 1.0


def _json(answers: Answers) -> bytes:
    return orjson.dumps({"predictions": records(answers)})


def _json_lines(answers: Answers) -> bytes:
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records(answers))


def _csv(answers: Answers) -> bytes:
    columns = [["" if value != value else value for value in values.tolist()] for values in answers.values()]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


SPEAK_REASONS: Final = ("application/json", "application/jsonlines", "application/x-ndjson")
"""Media types in which a row can have a list."""
WRITERS: Final[Mapping[str, Callable[[Answers], bytes]]] = {
    "application/json": _json,
    "application/jsonlines": _json_lines,
    "application/x-ndjson": _json_lines,
    "text/csv": _csv,
    ARROW_STREAM: write_arrow,
    PARQUET: write_parquet,
}
"""Media types that can be written. CSV has no header: one line a row, the prediction, then the probability of each
class or the bounds of an interval; or the quantiles by rising level. Arrow and Parquet have these columns with their
names."""
