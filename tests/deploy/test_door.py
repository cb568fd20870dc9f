"""Through the door every answer is what the application says, and what is refused before is said as it would."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import pandas as pd
import pytest
from clients import PROTOCOLS

from automl import Predictor
from automl.deploy import door
from automl.deploy.access import Access, App
from automl.deploy.door import Door, WholeRequest, WholeResponse, call, unnamed
from automl.deploy.keys import Keys
from automl.deploy.limits import Limits
from automl.deploy.metrics import Metrics
from automl.deploy.problem import RequestError
from automl.deploy.server import create_app

Ask = Callable[[WholeRequest], Awaitable[WholeResponse]]
OWN = {"x-request-id", "date"}


@pytest.fixture(scope="module")
def app(predictor: Predictor) -> App:
    return create_app(predictor)


def through(ask: Ask, limits: Limits | None = None, keys: tuple[str, ...] = ()) -> httpx.AsyncClient:
    metrics = Metrics()
    app = Access(Door(ask, limits or Limits(), metrics), keys=Keys(keys), metrics=metrics)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door")


async def elsewhere(app: App, asked: WholeRequest) -> WholeResponse:
    """Ask as over a network: what is passed on and told must be data."""
    told = await call(unnamed(app), pickle.loads(pickle.dumps(asked)))
    found = pickle.loads(pickle.dumps(told))
    assert isinstance(found, WholeResponse)
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_every_protocol_is_answered_as_without_it(
    protocol: object, app: App, predictor: Predictor, table: pd.DataFrame
) -> None:
    rows = predictor.example_rows()[:3]
    request = next(each for each in PROTOCOLS if each is protocol).ask(rows, predictor.schema)

    async def scene() -> None:
        direct = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door")
        async with through(partial(elsewhere, app)) as client, direct:
            for body in (request.body, request.body[:-9]):
                answers = [
                    await each.post(request.path, content=body, headers={"content-type": request.media_type})
                    for each in (client, direct)
                ]
                assert len({(answer.status_code, answer.content) for answer in answers}) == 1
                plain = [{name: value for name, value in a.headers.items() if name not in OWN} for a in answers]
                assert plain[0] == plain[1]
                assert all(len(answer.headers.get_list("x-request-id")) == 1 for answer in answers)

    asyncio.run(scene())


def test_other_paths_are_answered_too_and_all_is_counted(app: App) -> None:
    async def scene() -> None:
        async with through(partial(elsewhere, app)) as client:
            named = await client.get("/version", headers={"x-request-id": "mine"})
            assert (named.status_code, named.headers.get_list("x-request-id")) == (200, ["mine"])
            assert (await client.get("/docs")).status_code == 200
            assert (await client.get("/nowhere")).json()["status"] == 404
            assert (await client.request("DELETE", "/ping")).status_code == 405
            rows = json.loads((await client.get("/openapi.json")).content)["paths"]["/predict"]
            assert rows
            counted = (await client.get("/metrics")).text
            assert 'automl_requests_total{path="/version",status="200"} 1.0' in counted
            assert 'automl_requests_total{path="unknown",status="404"} 1.0' in counted

    asyncio.run(scene())


def test_rows_are_counted_at_the_door(app: App, predictor: Predictor) -> None:
    async def scene() -> None:
        async with through(partial(elsewhere, app)) as client:
            await client.post("/predict", json={"rows": predictor.example_rows()[:3]})
            assert 'automl_rows_total{variant="main"} 3.0' in (await client.get("/metrics")).text

    asyncio.run(scene())


def test_nobody_passes_without_a_key(app: App) -> None:
    async def scene() -> None:
        async with through(partial(elsewhere, app), keys=("secret",)) as client:
            refused = await client.get("/version")
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert (await client.get("/version", headers={"x-api-key": "secret"})).status_code == 200
            assert (await client.get("/ping")).status_code == 200

    asyncio.run(scene())


async def never(_: WholeRequest) -> WholeResponse:
    await asyncio.sleep(60)
    raise AssertionError


async def broken(_: WholeRequest) -> WholeResponse:
    raise OSError("a detail that nobody outside should read")


async def gone(_: WholeRequest) -> WholeResponse:
    raise RequestError(503, "it ended", retry_after=1)


@pytest.mark.parametrize(
    ("ask", "limits", "status", "word"),
    [
        (never, Limits(max_requests=0), 503, "as many requests"),
        (never, Limits(max_body_bytes=3), 413, "larger than 3 bytes"),
        (never, Limits(timeout=0.1), 504, "no answer within"),
        (broken, Limits(), 500, "in the log"),
        (gone, Limits(), 503, "it ended"),
    ],
)
def test_what_is_refused(ask: Ask, limits: Limits, status: int, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_ON_THE_WAY_SECONDS", 0.1)

    async def scene() -> None:
        async with through(ask, limits) as client:
            for path, repeated in (("/predict", False), ("/v2/models/model/infer", True)):
                answer = await client.post(path, content=b"12345")
                told = answer.json()
                assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
                assert word in told["detail"]
                assert (told.get("error") == told["detail"]) is repeated
                assert ("retry-after" in answer.headers) is (status == 503)
                assert len(answer.headers.get_list("x-request-id")) == 1

    asyncio.run(scene())


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def slowly() -> object:
        await asyncio.sleep(60)
        yield b""

    async def scene() -> None:
        async with through(never, Limits(timeout=0.05)) as client:
            assert (await client.post("/predict", content=slowly())).status_code == 408  # type: ignore[arg-type]

    asyncio.run(scene())
