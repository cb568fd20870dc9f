from __future__ import annotations

import http.client
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import psutil
import pytest
from clients import PROTOCOLS, Answer, Protocol, Request, Row
from serving import started

from automl import Predictor, load
from automl.data.table import Schema
from automl.deploy.served import identity

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
    """Clients that ask for drawn rows in drawn protocols, some of them for what cannot be answered.

    Any of ``models`` may answer: the answer says which one it was.
    """

    def __init__(self, models: Sequence[Predictor], table: pd.DataFrame, port: int) -> None:
        self.seen: Counter[str] = Counter()
        self._schema: Schema = models[0].schema
        self._port = port
        records = table.drop(columns="late").to_dict(orient="records")
        self._rows: list[Row] = [
            {str(name): None if value != value else value for name, value in record.items()} for record in records
        ]
        self._wanted: dict[str, list[Answer]] = {
            identity(model.folder): model.predict_frame(table, proba=True).to_numpy().tolist() for model in models
        }

    def ask(self, requests: int, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Ask so often, or until nobody listens any more; ``meanwhile`` is called in the midst of it."""
        with ThreadPoolExecutor(CLIENTS) as threads:
            shares = [(seed, requests // CLIENTS) for seed in range(CLIENTS)]
            clients = threads.map(self._client, shares)
            time.sleep(0.5)
            meanwhile()
            for seen in clients:
                self.seen.update(seen)

    def _client(self, share: tuple[int, int]) -> Counter[str]:
        seed, requests = share
        draw, seen = random.Random(seed), Counter[str]()
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            for _ in range(requests):
                try:
                    if connection.sock is None:
                        connection.connect()
                except ConnectionError:
                    break  # nobody listens any more
                try:
                    seen[self._ask_one(connection, draw)] += 1
                except (ConnectionError, http.client.HTTPException):
                    seen["lost"] += 1
                    connection.close()
        return seen

    def _ask_one(self, connection: http.client.HTTPConnection, draw: random.Random) -> str:
        """Return in a word how the answer to a drawn request is."""
        if draw.random() < 0.15:
            request, wanted = draw.choice(WRONG)
            status = send(connection, request)[0]
            return "busy" if status == 503 else "right" if status == wanted else f"{status} instead of {wanted}"
        protocol: Protocol = draw.choice(PROTOCOLS)
        size = draw.choice((1, 1, 1, 1, 3, 20, 150))
        numbers = [draw.randrange(len(self._rows)) for _ in range(size)]
        request = protocol.ask([self._rows[number] for number in numbers], self._schema)
        status, body, model = send(connection, request)
        if status != 200:
            return "busy" if status == 503 else f"{status} instead of 200"
        answers, known = protocol.read(body), self._wanted[model or ""]
        right = len(answers) == size and all(map(same, answers, [known[number] for number in numbers]))
        return "right" if right else f"wrong {protocol.name}"


def send(connection: http.client.HTTPConnection, request: Request) -> tuple[int, bytes, str | None]:
    connection.request("POST", request.path, request.body, {"content-type": request.media_type})
    response = connection.getresponse()
    return response.status, response.read(), response.headers["x-model-version"]


def same(answer: Answer, wanted: Answer) -> bool:
    """Compare labels exactly and numbers to 1e-9."""
    return answer[0] == wanted[0] and answer[1:] == pytest.approx(wanted[1:], rel=1e-9, abs=1e-12)


def test_every_answer_is_right_whoever_asks_beside(run: Path, predictor: Predictor, table: pd.DataFrame) -> None:
    with started("-m", "automl", "serve", run, "--port", "0", "--log", "none") as (_, _, address):
        crowd = Crowd([predictor], table, urlsplit(address).port or 0)
        crowd.ask(640)
    assert crowd.seen == {"right": 640}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_100_000_requests_while_models_change_and_a_worker_dies(
    run: Path, other_run: Path, predictor: Predictor, table: pd.DataFrame, tmp_path: Path
) -> None:
    live = tmp_path / "live"
    live.symlink_to(run)
    command = ("-m", "automl", "serve", live, "--port", "0", "--log", "none", "--workers", "2")
    with started(*command) as (process, _, address):
        supervisor = psutil.Process(process.pid)
        crowd = Crowd([predictor, load(other_run)], table, urlsplit(address).port or 0)

        def reload(to: Path) -> None:
            live.unlink()
            live.symlink_to(to)
            process.send_signal(signal.SIGHUP)

        memory = []
        for turn in range(9):
            crowd.ask(10_016, partial(reload, other_run if turn % 2 else run))
            memory.append(max(worker.memory_info().rss for worker in supervisor.children()) / 2**20)
        assert set(crowd.seen) <= {"right", "busy"}
        assert memory[-1] < 1.15 * memory[3], memory
        crowd.ask(10_016, supervisor.children()[0].kill)
        assert crowd.seen["lost"] <= CLIENTS
        lost = crowd.seen["lost"]
        crowd.ask(10_016, process.terminate)
        assert process.wait(30) == 0
        assert crowd.seen["lost"] == lost
        assert set(crowd.seen) <= {"right", "busy", "lost"}
        assert crowd.seen["right"] > 100_000
        print(crowd.seen, [round(each) for each in memory])
