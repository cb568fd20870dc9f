from __future__ import annotations

import http.client
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import psutil
import pytest
from clients import PROTOCOLS, Answer, Protocol, Request, Row
from serving import started

from automl import Predictor
from automl.data.table import Schema

CLIENTS = 32
WRONG = (
    (Request("/predict", b"{", "application/json"), 400),
    (Request("/predict", b'{"rows": [{}, 7]}', "application/json"), 422),
    (Request("/invocations", b"a,b\n1,2\n", "text/csv"), 422),
    (Request("/invocations", b"PAR1", "application/vnd.apache.parquet"), 400),
    (Request("/v2/models/model/infer", b'{"inputs": []}', "application/json"), 422),
    (Request("/v2/models/other/infer", b"{}", "application/json"), 404),
    (Request("/predict", b"1", "image/png"), 415),
)


class Crowd:
    """Clients that ask for drawn rows in drawn protocols, some of them for what cannot be answered."""

    def __init__(self, predictor: Predictor, table: pd.DataFrame, port: int) -> None:
        self.seen: Counter[str] = Counter()
        self._schema: Schema = predictor.schema
        self._port = port
        records = table.drop(columns="late").to_dict(orient="records")
        self._rows: list[Row] = [
            {str(name): None if value != value else value for name, value in record.items()} for record in records
        ]
        self._wanted: list[Answer] = predictor.predict_frame(table, proba=True).to_numpy().tolist()

    def ask(self, requests: int) -> None:
        with ThreadPoolExecutor(CLIENTS) as threads:
            shares = [(seed, requests // CLIENTS) for seed in range(CLIENTS)]
            for seen in threads.map(self._client, shares):
                self.seen.update(seen)

    def _client(self, share: tuple[int, int]) -> Counter[str]:
        seed, requests = share
        draw, seen = random.Random(seed), Counter[str]()
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            for _ in range(requests):
                if draw.random() < 0.15:
                    request, status = draw.choice(WRONG)
                    seen[outcome(send(connection, request), status, None)] += 1
                    continue
                protocol: Protocol = draw.choice(PROTOCOLS)
                size = draw.choice((1, 1, 1, 1, 3, 20, 150))
                numbers = [draw.randrange(len(self._rows)) for _ in range(size)]
                request = protocol.ask([self._rows[number] for number in numbers], self._schema)
                status, body = send(connection, request)
                wanted = [self._wanted[number] for number in numbers]
                seen[outcome((status, body), 200, (protocol, wanted))] += 1
        return seen


def send(connection: http.client.HTTPConnection, request: Request) -> tuple[int, bytes]:
    connection.request("POST", request.path, request.body, {"content-type": request.media_type})
    response = connection.getresponse()
    return response.status, response.read()


def outcome(got: tuple[int, bytes], status: int, wanted: tuple[Protocol, Sequence[Answer]] | None) -> str:
    """Return in a word how an answer is."""
    if got[0] == 503:
        return "busy"
    if got[0] != status:
        return f"{got[0]} instead of {status}"
    if wanted is not None:
        answers = wanted[0].read(got[1])
        if len(answers) != len(wanted[1]) or not all(map(same, answers, wanted[1])):
            return f"wrong {wanted[0].name}"
    return "right"


def same(answer: Answer, wanted: Answer) -> bool:
    """Compare labels exactly and numbers to 1e-9."""
    return answer[0] == wanted[0] and answer[1:] == pytest.approx(wanted[1:], rel=1e-9, abs=1e-12)


@pytest.fixture
def server(run: Path) -> Iterator[tuple[Any, int]]:
    with started("-m", "automl", "serve", run, "--port", "0", "--log", "none") as (process, _, address):
        yield process, urlsplit(address).port or 0


def test_every_answer_is_right_whoever_asks_beside(
    server: tuple[Any, int], predictor: Predictor, table: pd.DataFrame
) -> None:
    crowd = Crowd(predictor, table, server[1])
    crowd.ask(640)
    assert crowd.seen == {"right": 640}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_100_000_requests(server: tuple[Any, int], predictor: Predictor, table: pd.DataFrame) -> None:
    process = psutil.Process(server[0].pid)
    crowd = Crowd(predictor, table, server[1])
    memory = []
    for _ in range(10):
        crowd.ask(10_000)
        memory.append(process.memory_info().rss / 2**20)
    assert set(crowd.seen) <= {"right", "busy"}
    assert memory[-1] < 1.15 * memory[2], memory
