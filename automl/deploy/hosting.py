"""The hosting contract: a host calls these functions for `GET /ping` and `POST /invocations`.

It loads the model once from the folder that `model.tar.gz` was unpacked to, and then, for each request, passes the
answer of each function on to the next. Change what you like: the host reads this file, not the model.
"""

from __future__ import annotations

from typing import NamedTuple

from automl import load
from automl.deploy.answers import WRITERS, Answers, accepted
from automl.deploy.bodies import parse
from automl.deploy.problem import RequestError
from automl.deploy.served import PREDICTIONS, Served

MOST_ROWS = 100_000


class Body(NamedTuple):
    """A request; what its columns are is known by the model, which reads it."""

    data: bytes
    media_type: str


def model_fn(model_dir: str) -> Served:
    """Load the model, and predict once; called once."""
    return Served.warm(load(model_dir))


def input_fn(data: bytes | str, content_type: str | None) -> Body:
    """Take a request: CSV without a header in training order or with one in any, JSON, JSON lines, Arrow, Parquet."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return Body(data.encode() if isinstance(data, str) else data, media_type)


def predict_fn(body: Body, model: Served) -> Answers:
    """Predict each row; a cell that cannot be read is an error that names it."""
    table = parse(body.data, body.media_type, model.predictor.schema, max_rows=MOST_ROWS)
    if table.errors.count:
        raise RequestError.of_cells(table.errors)
    return model.answer(table.rows, PREDICTIONS)


def output_fn(prediction: Answers, accept: str) -> tuple[bytes, str]:
    """Return the answer in a form that the client accepts, and that form."""
    media_type = accepted(accept, "application/json")
    if media_type is None:
        raise RequestError(406, f"cannot answer with {accept}; accept one of: {', '.join(WRITERS)}")
    return WRITERS[media_type](prediction), media_type
