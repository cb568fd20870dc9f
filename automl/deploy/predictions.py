"""Requests for predictions, read and answered. An ASGI application that knows no web framework: each would take longer
to hand a request on than a model to predict its row.

==========================  ======================================================================
``/predict``                rows as JSON objects, typed from the training schema; Arrow, Parquet
``/invocations``            the hosting contract, and MLflow's bodies: CSV, JSON, JSON lines, Arrow
                            and Parquet in; ``Accept`` chooses what comes out
``/v2/models/model/infer``  the Open Inference Protocol; also ``/v2/models/model/versions/VERSION/infer``
==========================  ======================================================================

A refused request is answered with ``application/problem+json`` (RFC 9457) that names every wrong row and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qsl, quote

from automl.deploy.answers import SPEAK_REASONS, WRITERS, accepted
from automl.deploy.asgi import App, Message, Receive, Send, respond
from automl.deploy.batching import SMALL, Query, explained
from automl.deploy.bodies import most_cells, parse
from automl.deploy.columnar import ARROW_STREAM, PARQUET
from automl.deploy.inference import Inference
from automl.deploy.limits import stated_length
from automl.deploy.problem import RequestError, refuse
from automl.deploy.served import PREDICTIONS, AnswerOptions
from automl.deploy.service import Service
from automl.errors import suggestion

_JSON: Final = "application/json"
MODEL_NAME: Final = "model"
"""In the paths of the Open Inference Protocol."""
_CHARSETS: Final = ("utf-8", "utf8", "us-ascii", "ascii")
"""In which UTF-8 is UTF-8."""
_INFER_PATH: Final = re.compile(r"/v2/models/([^/]*)(?:/versions/([^/]*))?/infer")


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of a request before its body is read."""

    headers: Mapping[str, str]
    parameters: Mapping[str, str]
    max_rows: int
    name: str = MODEL_NAME
    """The name of the model that is asked."""

    @property
    def media_type(self) -> str:
        """What the body is."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def require_plain_text(self) -> None:
        """Raise the RequestError of a body that is compressed, or in another encoding than UTF-8."""
        packed = self.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("", "identity"):
            raise RequestError(415, f"content encoding {packed:.40}; send the body without, or as Parquet")
        for parameter in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            charset = value.strip(' "').lower()
            if name.strip().lower() == "charset" and charset not in _CHARSETS:
                raise RequestError(415, f"charset {charset:.40}; send the body as UTF-8")


@dataclass(frozen=True, slots=True)
class Way:
    """How the body of a request becomes a query."""

    query_of: Callable[[bytes], Query]
    media_type: str
    """The media type of the answer."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path, and the way of a request to it; which raises RequestError if there is none."""

    path: str
    """As documents, logs and metrics call it."""
    way: Callable[[Request], Way]


class Predictions:
    """Answers requests for predictions, and leaves all others to another application."""

    def __init__(self, others: App, service: Service) -> None:
        self._others = others
        self._service = service

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = _found(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._others(scope, receive, send)
            return
        scope["route"], name, version = found
        if scope["method"] != "POST":
            error = RequestError(405, f"{scope['method']:.20} is not for this path; send POST")
            await refuse(send, error, scope["path"], {"allow": "POST"})
            return
        try:
            body, headers = await self._answer(scope, receive, name, version)
        except Exception as fault:
            await refuse(send, explained(fault), scope["path"])
        else:
            await respond(send, 200, body, headers)

    async def _answer(
        self, scope: Message, receive: Receive, name: str, version: str | None
    ) -> tuple[bytes, Mapping[str, str]]:
        """Return the body and the headers of an answer, and note in the scope, for the log, whose it is."""
        service = self._service
        parameters = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        headers = scope["named_headers"]
        asked = Request(headers, parameters, service.limits.max_rows, name)
        asked.require_plain_text()
        way = scope["route"].way(asked)
        stated = stated_length(headers)
        answered = await service.answer(scope["request_id"], receive, way.query_of, stated=stated, version=version)
        reply, variant = answered.reply, answered.variant
        scope["answered"] = {"rows": len(reply.table.rows), "variant": variant, "model": reply.served.id}
        return reply.body, {
            "content-type": way.media_type + ("; charset=utf-8" if way.media_type.startswith("text/") else ""),
            "x-model-variant": quote(variant),
            "x-model-version": reply.served.id,
        }


def _found(path: str) -> tuple[Route, str, str | None] | None:
    """Return the route of a path, and the name and the version of the model in it."""
    if path in _BY_PATH:
        return _BY_PATH[path], MODEL_NAME, None
    infer = _INFER_PATH.fullmatch(path)
    return infer and (_INFER, infer[1], infer[2])


def _predict(request: Request) -> Way:
    """Predict rows given as objects, as Arrow or Parquet; every row needs every column, others are ignored."""
    if request.media_type not in (_JSON, ARROW_STREAM, PARQUET):
        given = request.media_type or "missing"
        raise RequestError(415, f"content type {given}; send {_JSON}, {ARROW_STREAM} or {PARQUET}")
    return _invocations(request)


def _invocations(request: Request) -> Way:
    """Predict rows by name or in training order, as CSV, JSON, JSON lines, Arrow or Parquet."""
    _require_known(request.parameters, ("interval", "reasons"))
    media_type, accept = request.media_type, request.headers.get("accept", "")
    to = accepted(accept, media_type if media_type in WRITERS else _JSON)
    if to is None:
        raise RequestError(406, f"cannot answer with {accept:.100}; accept one of: {', '.join(WRITERS)}")
    given = request.parameters
    asked = AnswerOptions(_coverage(given), _reasons(given)) if given else PREDICTIONS
    if asked.reasons and to not in SPEAK_REASONS:
        raise RequestError(406, f"reasons cannot be told as {to}; accept {_JSON}")
    plain = not asked.reasons and media_type not in (ARROW_STREAM, PARQUET)

    def query_of(body: bytes) -> Query:
        read = partial(parse, body, media_type, max_rows=request.max_rows)
        return Query(read, lambda answers, _: WRITERS[to](answers), asked, *(_cost(body) if plain else ()))

    return Way(query_of, to)


def _infer(request: Request) -> Way:
    """Predict the rows of named tensors, one a column."""
    require_model(request.name)
    _require_known(request.parameters, ())

    def query_of(body: bytes) -> Query:
        asked = Inference(request.name, body, request.max_rows)
        return Query(asked.read, asked.write, PREDICTIONS, *_cost(body))

    return Way(query_of, _JSON)


def _cost(body: bytes) -> tuple[int, int]:
    """Return the bytes of a body and the cells that it can hold, which are not counted where it is not small."""
    return len(body), most_cells(body) if len(body) < SMALL else 0


def require_model(name: str) -> None:
    """Raise the RequestError of a model that there is not."""
    if name != MODEL_NAME:
        raise RequestError(404, f"there is no model {name!r:.60}; the model is called {MODEL_NAME!r}")


def _require_known(parameters: Mapping[str, str], known: Sequence[str]) -> None:
    """Raise the RequestError of parameters that say nothing here."""
    unknown = [name for name in parameters if name not in known]
    if unknown:
        named = ", ".join(f"{name[:40]!r}" for name in unknown[:5])
        way_out = f"{suggestion(unknown[0], known)}; there are {', '.join(known)}" if known else "; leave it out"
        raise RequestError(400, f"unknown parameter {named}{way_out}")


def _coverage(parameters: Mapping[str, str]) -> float | None:
    """Return the probability that intervals are asked for with, if they are."""
    given = parameters.get("interval")
    if given is None:
        return None
    try:
        return float(given)
    except ValueError:
        raise RequestError(400, f"interval must be a probability such as 0.9, got {given[:40]!r}") from None


def _reasons(parameters: Mapping[str, str]) -> int:
    """Return how many reasons of each row are asked for."""
    given = parameters.get("reasons", "0")
    if not (given.isascii() and given.isdigit() and len(given) <= 4):
        raise RequestError(400, f"reasons must be a number such as 3, got {given[:40]!r}")
    return int(given)


_BY_PATH: Final = {route.path: route for route in (Route("/predict", _predict), Route("/invocations", _invocations))}
_INFER: Final = Route("/v2/models/{name}/infer", _infer)
ROUTES: Final = (*_BY_PATH.values(), _INFER)
