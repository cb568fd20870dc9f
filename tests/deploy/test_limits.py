from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack

import httpx
import pytest

from automl import Predictor
from automl.deploy import batching
from automl.deploy.asgi import Message
from automl.deploy.limits import Admission, Limits, unless_left
from automl.deploy.metrics import Metrics
from automl.deploy.options import ServeOptions
from automl.deploy.problem import RequestError
from automl.deploy.served import Served
from automl.deploy.server import create_app
from automl.deploy.service import Service
from automl.deploy.variants import Lane, Role


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_all_bodies_together_have_a_limit() -> None:
    async def scene() -> None:
        limits = Limits(max_body_bytes=10)
        admission = Admission(limits)
        with ExitStack() as held:
            for _ in range(limits.max_held_bytes // 10 - 1):
                load = held.enter_context(admission.request())
                assert await admission.read(load, chunks(b"12345", b"67890")) == b"1234567890"
            with admission.request() as last:
                assert await admission.read(last, chunks(b"12345")) == b"12345"
                with pytest.raises(RequestError, match="as many") as caught, admission.request() as beyond:
                    await admission.read(beyond, chunks(b"123456"))
                assert caught.value.status == 503
            with admission.request() as again:
                assert await admission.read(again, chunks(b"1234567890")) == b"1234567890"
        with pytest.raises(RequestError, match="larger") as caught, admission.request() as fourth:
            await admission.read(fourth, chunks(b"12345678901"))
        assert caught.value.status == 413
        assert admission.in_flight == 0

    asyncio.run(scene())


def test_a_body_that_does_not_come_is_not_waited_for(predictor: Predictor) -> None:
    begun = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def never() -> Message:
        for message in begun:
            return message
        await asyncio.sleep(60)
        raise AssertionError

    lanes = [Lane("main", predictor.folder, Role.MAIN, 1.0, Served.warm(predictor))]
    service = Service(lanes, Limits(timeout=0.05), Metrics(), None)
    with pytest.raises(RequestError) as caught:
        asyncio.run(service.answer("id", never, lambda _: pytest.fail("no body")))
    assert caught.value.status == 408


def test_work_for_a_client_that_leaves_is_given_up() -> None:
    async def work(seconds: float) -> str:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            ended.append("given up")
            raise
        return "done"

    async def scene() -> None:
        left = asyncio.Event()

        async def receive() -> Message:
            await left.wait()
            return {"type": "http.disconnect"}

        assert await unless_left(receive, work(0)) == "done"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await unless_left(receive, work(60))
        asyncio.get_running_loop().call_later(0.01, left.set)
        with pytest.raises(RequestError, match="closed before the answer") as caught:
            await unless_left(receive, work(60))
        assert caught.value.status == 400
        await asyncio.sleep(0)

    ended: list[str] = []
    asyncio.run(scene())
    assert ended == ["given up"] * 2


def test_too_many_requests_and_too_slow_answers(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(predictor, ServeOptions(limits=Limits(max_requests=2, timeout=0.3)))
    go_on = threading.Event()
    answer = Served.answer

    def held(self: Served, *arguments: object) -> object:
        assert go_on.wait(30)
        return answer(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Served, "answer", held)
    monkeypatch.setattr(batching, "SMALL", 0)  # in a thread

    async def scene() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            body = {"rows": predictor.example_rows()[:1]}
            answers = await asyncio.gather(*(client.post("/predict", json=body) for _ in range(3)))
            go_on.set()
            return [*answers, await client.post("/predict", json=body)]

    answers = asyncio.run(scene())
    assert sorted(answer.status_code for answer in answers[:3]) == [503, 504, 504]
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert answers[3].status_code == 200
