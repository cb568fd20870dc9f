from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl import Predictor
from automl.deploy import batching
from automl.deploy.batching import MAX_REQUESTS, MAX_ROWS, WAIT, Batcher, Outcome, Query, Reply, answer_all
from automl.deploy.bodies import Rows, Table, lined_up
from automl.deploy.problem import RequestError
from automl.deploy.served import AnswerOptions, Served, framed


@pytest.fixture(scope="module")
def served(predictor: Predictor) -> Served:
    return Served.warm(predictor)


def query(rows: Sequence[object], interval: float | None = None) -> Query:
    return Query(
        lambda schema: lined_up(rows, schema, max_rows=100_000),
        lambda answers, model: f"{model} {answers['probability_late'].tolist()}".encode(),
        AnswerOptions(interval),
        size=0,
        cells=2**40,  # so many that it is predicted in a thread
    )


def outcomes(served: Served, queries: Sequence[Query]) -> list[Outcome]:
    found: dict[int, Outcome] = {}
    answer_all(served, queries, lambda batch: found.update(batch))
    assert sorted(found) == list(range(len(queries)))
    return [found[number] for number in range(len(queries))]


def told(outcome: Outcome) -> object:
    if isinstance(outcome, Reply):
        return outcome.body
    return outcome.status, outcome.detail, outcome.errors


ages = st.sampled_from([31, 31.5, "44", None, True, "abc", [1], 1e300])


def test_a_batch_answers_each_query_as_if_it_were_alone(served: Served) -> None:
    example = served.predictor.example_rows()[0]

    @settings(deadline=None, max_examples=15)
    @given(st.lists(st.lists(ages, min_size=1, max_size=3), min_size=1, max_size=5), st.sampled_from([None, 0.9]))
    def holds(drawn: list[list[object]], interval: float | None) -> None:
        queries = [query([example | {"age (years)": age} for age in group]) for group in drawn]
        queries += [query([example], interval), query([{"plan": "basic"}, 7])]
        assert list(map(told, outcomes(served, queries))) == [told(outcomes(served, [each])[0]) for each in queries]

    holds()


def test_many_rows_are_cut_into_batches_that_fit(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    answer = Served.answer

    def counted(self: Served, rows: Rows, asked: AnswerOptions) -> object:
        sizes.append(len(rows))
        return answer(self, rows, asked)

    monkeypatch.setattr(Served, "answer", counted)
    row = served.predictor.example_rows()[0]
    counts = [700, 1, 400, MAX_ROWS + 5, 600]
    answered = outcomes(served, [query([row] * count) for count in counts])
    assert [len(reply.table.rows) for reply in answered if isinstance(reply, Reply)] == counts
    assert sizes == [1001, 700, MAX_ROWS + 5]


def test_others_have_their_turn_between_the_pieces_of_a_long_query(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PIECE", 100)
    sizes: list[int] = []
    began = threading.Event()
    answer = Served.answer

    def counted(self: Served, rows: Rows, asked: AnswerOptions) -> object:
        sizes.append(len(rows))
        began.set()
        time.sleep(0.1)
        return answer(self, rows, asked)

    rows = [served.predictor.example_rows()[number % 3] | {"age (years)": number} for number in range(250)]
    columns = replace(query(rows), read=lambda _: Table(framed(rows, served.predictor.schema)))
    wanted = [reply.body for reply in outcomes(served, [query(rows[:50])]) if isinstance(reply, Reply)]
    monkeypatch.setattr(Served, "answer", counted)

    async def scene() -> list[Reply]:
        batcher = Batcher(served)
        long = [asyncio.create_task(batcher.ask(each)) for each in (query(rows), columns, query(rows))]
        await asyncio.to_thread(began.wait, 30)
        long.pop().cancel()
        short = await batcher.ask(query(rows[:1]))
        assert not any(task.done() for task in long)
        return [short, *await asyncio.gather(*long)]

    _, first, second = asyncio.run(scene())
    assert sizes == [100, 1, 100, 100, 100, 50, 50]
    assert first.body == second.body
    assert first.body.startswith(wanted[0][:-1])
    assert len(first.answers["prediction"]) == len(rows)


def test_others_have_their_turn_between_rows_that_are_explained(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []
    began = threading.Event()
    answer = Served.answer

    def counted(self: Served, rows: Rows, asked: AnswerOptions) -> object:
        sizes.append((len(rows), asked.reasons))
        began.set()
        return answer(self, rows, asked)

    monkeypatch.setattr(Served, "answer", counted)
    rows = served.predictor.example_rows()[:3]
    explained = replace(query(rows), asked=AnswerOptions(reasons=2))

    async def scene() -> Reply:
        batcher = Batcher(served)
        slow = asyncio.create_task(batcher.ask(explained))
        await asyncio.to_thread(began.wait, 30)
        await batcher.ask(query(rows[:1]))
        assert not slow.done()
        return await slow

    reply = asyncio.run(scene())
    assert sizes == [(1, 2), (1, 0), (1, 2), (1, 2)]
    assert [len(reasons) for reasons in reply.answers["reasons"]] == [2, 2, 2]


def test_requests_that_do_not_come_are_waited_for_once(served: Served) -> None:
    row = served.predictor.example_rows()[:1]

    async def scene() -> list[float]:
        batcher = Batcher(served)
        batcher.on_their_way = 1
        waited = []
        for _ in range(3):
            started = time.perf_counter()
            await batcher._gather()
            waited.append(time.perf_counter() - started)
        assert (await batcher.ask(query(row))).body
        return waited

    first, second, third = asyncio.run(scene())
    assert first >= WAIT > max(second, third)


def test_a_wrong_cell_in_a_late_piece_is_named_by_its_row(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "PIECE", 100)
    rows = [dict(served.predictor.example_rows()[0]) for _ in range(250)]
    rows[220]["age (years)"] = "abc"
    with pytest.raises(RequestError, match="in row 221") as caught:
        asyncio.run(Batcher(served).ask(query(rows)))
    assert caught.value.status == 422


def test_what_gathers_while_a_batch_is_predicted_is_the_next_batch(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, go_on, sizes = threading.Event(), threading.Event(), []
    answer = Served.answer

    def held(self: Served, rows: Rows, asked: AnswerOptions) -> object:
        sizes.append(len(rows))
        busy.set()
        assert go_on.wait(30)
        return answer(self, rows, asked)

    monkeypatch.setattr(Served, "answer", held)
    row = served.predictor.example_rows()[0]

    async def scene() -> list[Reply]:
        batcher = Batcher(served)
        first = asyncio.create_task(batcher.ask(query([row])))
        await asyncio.to_thread(busy.wait, 30)
        others = [asyncio.create_task(batcher.ask(query([row]))) for _ in range(MAX_REQUESTS + 1)]
        await asyncio.sleep(0)
        others[0].cancel()
        go_on.set()
        return await asyncio.gather(first, *others[1:])

    assert len(asyncio.run(scene())) == MAX_REQUESTS + 1
    assert sizes == [1, MAX_REQUESTS - 1, 1]


def test_a_query_that_cannot_be_answered_takes_nobody_with_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(schema: object) -> None:
        raise ZeroDivisionError

    row = served.predictor.example_rows()[0]
    poison = Query(failing, query([row]).write)  # type: ignore[arg-type]
    mute = Query(query([row]).read, lambda *_: b"" * (1 // 0))
    first, second, third = outcomes(served, [poison, query([row]), mute])
    assert isinstance(first, RequestError)
    assert isinstance(third, RequestError)
    assert first.status == third.status == 500
    assert isinstance(second, Reply)


@pytest.mark.parametrize(
    ("quick", "size", "cells", "on_loop"),
    [(True, 100, 9, True), (False, 100, 9, False), (True, None, 9, False), (True, 100, 9999, False)],
)
def test_only_small_batches_of_a_quick_model_are_predicted_on_the_loop(
    served: Served, monkeypatch: pytest.MonkeyPatch, quick: bool, size: int | None, cells: int, on_loop: bool
) -> None:
    threads: list[str] = []
    answer = Served.answer

    def noted(self: Served, rows: Rows, asked: AnswerOptions) -> object:
        threads.append(threading.current_thread().name)
        return answer(self, rows, asked)

    monkeypatch.setattr(Served, "answer", noted)
    asked = replace(query([served.predictor.example_rows()[0]]), size=size, cells=cells)

    async def scene() -> Reply:
        return await Batcher(replace(served, quick=quick)).ask(asked)

    assert asyncio.run(scene()).body
    assert [name == threading.current_thread().name for name in threads] == [on_loop]


def test_a_model_that_is_slow_all_of_a_sudden_leaves_the_loop(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "_SLOW_SECONDS", 0.005)
    answer, threads = Served.answer, list[str]()

    def slow(self: Served, rows: Rows, asked: AnswerOptions) -> object:
        time.sleep(0.01)
        threads.append(threading.current_thread().name)
        return answer(self, rows, asked)

    monkeypatch.setattr(Served, "answer", slow)
    small = replace(query([served.predictor.example_rows()[0]]), cells=1)

    async def asked() -> None:
        batcher, shadow = Batcher(replace(served, quick=True)), Batcher(replace(served, quick=True), on_loop=False)
        for _ in range(4):
            await batcher.ask(small)
        await shadow.ask(small)

    asyncio.run(asked())
    assert threads == [threading.current_thread().name] * 3 + ["predict"] * 2


def test_a_refused_query_holds_nothing_of_its_body(served: Served) -> None:
    class Body(list[object]):
        """Can be watched."""

    left: list[weakref.ref[Body]] = []

    def read(_: object) -> Table:
        body = Body([1])
        left.append(weakref.ref(body))
        try:
            raise ValueError(body[0])
        except ValueError:
            raise RequestError(413, "too large") from None

    async def asked() -> None:
        batcher = Batcher(served)
        for _ in range(3):
            with pytest.raises(RequestError, match="too large"):
                await batcher.ask(replace(query([]), read=read))

    gc.collect()
    gc.disable()
    try:
        asyncio.run(asked())
        assert [each() for each in left] == [None] * 3
    finally:
        gc.enable()


def test_nothing_is_predicted_for_those_who_no_longer_wait(served: Served) -> None:
    example = served.predictor.example_rows()[0]
    read: list[int] = []

    def asked(number: int) -> Query:
        plain = query([example])
        return replace(plain, read=lambda schema: (read.append(number), plain.read(schema))[1])

    found: dict[int, Outcome] = {}
    answer_all(served, [asked(number) for number in range(3)], found.update, lambda number: number != 1)
    assert sorted(found) == read == [0, 2]
