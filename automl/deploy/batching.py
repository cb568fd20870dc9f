"""Requests in flight are predicted together: a batch of 64 rows costs little more than one row.

The queues live on the event loop. Small batches of a quick model are predicted there, too: to hand them to a thread
takes longer than they do. All others are predicted in one thread, and the next batch gathers meanwhile. A batch waits
for more only if further requests are known to be on their way, and at most ``WAIT`` seconds. A request that takes long,
of very many rows or of rows to explain, is predicted piece by piece, and batch after batch in between; so is one with a
long body, which takes its time to be read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from automl.config import usable_cores
from automl.data.schema import wrong_cells
from automl.data.table import Schema
from automl.deploy.answers import Answers
from automl.deploy.bodies import Table
from automl.deploy.problem import SHOWN, RequestError
from automl.deploy.served import PREDICTIONS, AnswerOptions, Served, require_few
from automl.deploy.thread import OneThread
from automl.errors import SchemaError, UsageError
from automl.predictor import BLOCK

WAIT: Final = 0.002
MAX_REQUESTS: Final = 64
"""In a batch."""
MAX_ROWS: Final = 1024
"""Predicted together; larger requests are predicted alone."""
PIECE: Final = BLOCK * usable_cores()
"""Rows of a request that are predicted before others have their turn: a block for each core, or one to explain."""
SMALL: Final = 2**16
"""Bytes of the bodies of a batch that is predicted on the event loop."""
SMALL_ROWS: Final = 256
"""Rows of such a batch, by the cells that its bodies can hold: all columns of as many."""
_SLOW_SECONDS: Final = 0.1
"""For such a batch: a model that takes as long ``_SLOW_BATCHES`` times in a row is quick no more."""
_SLOW_BATCHES: Final = 3
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What is to be predicted, and how to say it."""

    read: Callable[[Schema], Table]
    write: Callable[[Answers, str], bytes]
    """From the answers and the id of the model that gave them."""
    asked: AnswerOptions = PREDICTIONS
    size: int | None = None
    """Bytes of its body, if it takes little to read and answer so many."""
    cells: int = 0
    """That such a body can hold at most."""

    @property
    def small(self) -> bool:
        """Whether others can wait until its body is read."""
        return self.size is not None and self.size < SMALL

    @property
    def piece(self) -> int:
        """Rows that are predicted before others have their turn."""
        return 1 if self.asked.reasons else PIECE


@dataclass(frozen=True, slots=True)
class Reply:
    """An answered query."""

    body: bytes
    served: Served
    table: Table
    answers: Answers


Outcome = Reply | RequestError
Deliver = Callable[[Sequence[tuple[int, Outcome]]], None]


class Piecewise:
    """A query that takes long, on the way to its answer."""

    def __init__(self, served: Served, query: Query, table: Table) -> None:
        self._served = served
        self._query = query
        self._table = table
        self._answers: list[Answers] = []
        self._done = 0

    def step(self) -> Outcome | None:
        """Predict the next piece; return the outcome if that was the last one, or one that cannot be predicted."""
        rows, start = self._table.rows, self._done
        self._done += self._query.piece
        try:
            piece = rows.iloc[start : self._done] if isinstance(rows, pd.DataFrame) else rows[start : self._done]
            self._answers.append(self._served.answer(piece, self._query.asked))
            if self._done < len(rows):
                return None
            whole = {name: np.concatenate([answers[name] for answers in self._answers]) for name in self._answers[0]}
        except SchemaError:
            return _wrong_cells(self._served, self._table)
        except Exception as error:
            return explained(error)
        return _written(self._served, self._query, self._table, whole)


def answer_all(
    served: Served, queries: Sequence[Query], deliver: Deliver, wanted: Callable[[int], bool] = lambda _: True
) -> Mapping[int, Piecewise]:
    """Answer queries, as many of them in one prediction as possible, the small ones first. Return, by number, those
    that take too long for that.

    ``deliver`` is called with the numbers of queries and their outcomes as soon as they are known. A query that fails
    fails alone. One that is no longer ``wanted`` when its turn comes is left out: its client was told that it took too
    long, and those behind it wait.
    """
    tables: dict[int, Table] = {}
    refused: list[tuple[int, Outcome]] = []
    for number, query in enumerate(queries):
        if not wanted(number):
            continue
        try:
            table = query.read(served.predictor.schema)
            if table.errors.count:
                raise _wrong_cells(served, table)
            if query.asked.reasons:
                require_few(table.rows)
            tables[number] = table
        except Exception as error:
            refused.append((number, explained(error)))
    if refused:
        deliver(refused)
    long = {number: tables.pop(number) for number in list(tables) if len(tables[number].rows) > queries[number].piece}
    for group in _groups(queries, tables):
        if still := [number for number in group if wanted(number)]:
            deliver(_answer_group(served, queries, tables, still))
    return {number: Piecewise(served, queries[number], table) for number, table in long.items()}


def _groups(queries: Sequence[Query], tables: dict[int, Table]) -> list[list[int]]:
    """Put together what can be predicted together: rows of one kind of which the same is asked, up to MAX_ROWS."""
    groups: list[list[int]] = []
    growing: dict[AnswerOptions, list[int]] = {}
    for number in sorted(tables, key=lambda number: len(tables[number].rows)):
        rows, asked = tables[number].rows, queries[number].asked
        if isinstance(rows, pd.DataFrame) or asked.reasons:
            groups.append([number])
            continue
        group = growing.get(asked)
        if group is None or sum(len(tables[other].rows) for other in group) + len(rows) > MAX_ROWS:
            growing[asked] = group = []
            groups.append(group)
        group.append(number)
    return groups


def _answer_group(
    served: Served, queries: Sequence[Query], tables: dict[int, Table], group: Sequence[int]
) -> list[tuple[int, Outcome]]:
    """Predict the tables of a group at once. If that fails, those at fault are refused and the others predicted."""
    if len(group) == 1:
        return [(group[0], _answer_one(served, queries[group[0]], tables[group[0]]))]
    ends = np.cumsum([len(tables[number].rows) for number in group])
    rows = [row for number in group for row in cast("Sequence[Mapping[str, Any]]", tables[number].rows)]
    try:
        answers = served.answer(rows, queries[group[0]].asked)
    except Exception as error:  # each at fault says alone what is wrong with it; the others must not suffer from it
        cells = error.cells if isinstance(error, SchemaError) else ()
        wrong = {group[int(np.searchsorted(ends, row))] for row, _, _ in cells} or set(group)  # rows count from 1
        refused = [(number, _answer_one(served, queries[number], tables[number])) for number in wrong]
        right = [number for number in group if number not in wrong]
        return refused + (_answer_group(served, queries, tables, right) if right else [])
    outcomes: list[tuple[int, Outcome]] = []
    for number, end in zip(group, ends.tolist(), strict=True):
        first = end - len(tables[number].rows)
        own = {name: values[first:end] for name, values in answers.items()}
        outcomes.append((number, _written(served, queries[number], tables[number], own)))
    return outcomes


def _answer_one(served: Served, query: Query, table: Table) -> Outcome:
    outcome = Piecewise(served, query, table).step()
    assert outcome is not None, "it is no longer than a piece"
    return outcome


def _written(served: Served, query: Query, table: Table, answers: Answers) -> Outcome:
    try:
        return Reply(query.write(answers, served.id), served, table, answers)
    except Exception as error:
        return explained(error)


def _wrong_cells(served: Served, table: Table) -> RequestError:
    """Return what is wrong with a table at once; its cells are not read if its form alone is wrong enough."""
    wrong = table.errors
    if not wrong.enough:
        try:
            served.check(table.rows)
        except SchemaError as error:
            for cell in error.cells[:SHOWN]:
                wrong.add(*cell, str(wrong_cells([cell], served.predictor.schema)))
            wrong.count += len(error.cells[SHOWN:])
            if not wrong.count:
                return RequestError(422, str(error))
    return RequestError.of_cells(wrong)


def explained(error: Exception) -> RequestError:
    """Return the problem of a query; a fault of ours is logged and says nothing about itself."""
    if isinstance(error, RequestError):
        error.__context__ = None  # it and the traceback hold the frames that hold the body, as long as the future lives
        return error.with_traceback(None)
    if isinstance(error, UsageError):
        return RequestError(400, str(error))
    _LOG.error("a prediction failed", exc_info=error)
    return RequestError(500, "the prediction failed; the reason is in the log of the server")


class Batcher:
    """Gathers queries and answers them."""

    def __init__(self, served: Served, *, on_loop: bool = True) -> None:
        self.served = served
        """Answers the batches that start from now on; may be replaced at any time."""
        self._on_loop = on_loop
        """Whether anybody may wait for it, as they do while the event loop predicts."""
        self._slow = 0
        self.on_their_way = 0
        """Requests whose query is being read; kept by the owner."""
        self.on_batch: Callable[[int], None] = lambda _: None
        """Is told how many queries a batch has."""
        self._waiting: deque[tuple[Query, asyncio.Future[Outcome]]] = deque()
        self._large: deque[tuple[Query, asyncio.Future[Outcome]]] = deque()
        """Of large bodies; each is answered alone."""
        self._long: deque[tuple[Piecewise, asyncio.Future[Outcome]]] = deque()
        self._arrived = asyncio.Event()
        self._late = 0
        self._working: asyncio.Task[None] | None = None
        self._thread = OneThread("predict")

    async def ask(self, query: Query) -> Reply:
        """Return the answer of a query.

        Raises
        ------
        RequestError
            If it has none.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        (self._waiting if query.small else self._large).append((query, future))
        self._arrived.set()
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        outcome = await future
        if isinstance(outcome, RequestError):
            raise outcome
        return outcome

    async def _work(self) -> None:
        """Answer batch after batch, a large query and a piece of a long one after each, until nothing waits."""
        try:
            while self._waiting or self._large or self._long:
                if self._waiting:
                    await self._gather()
                    count = min(len(self._waiting), MAX_REQUESTS)
                    await self._answer([self._waiting.popleft() for _ in range(count)])
                if self._large:
                    await self._answer([self._large.popleft()])
                if self._long:
                    await self._go_on(*self._long.popleft())
        finally:
            self._working = None

    async def _go_on(self, query: Piecewise, future: asyncio.Future[Outcome]) -> None:
        """Predict the next piece of a long query; the other long ones have their turn before the one after that."""
        if future.done():
            return
        outcome = await self._thread.call(query.step)
        if outcome is None:
            self._long.append((query, future))
        elif not future.done():
            future.set_result(outcome)

    async def _gather(self) -> None:
        """Wait for the requests that are on their way, but not again for as many as did not come the last time."""
        self._late = min(self._late, self.on_their_way)
        if self.on_their_way == self._late:
            return
        try:
            async with asyncio.timeout(WAIT):
                while self.on_their_way > self._late and len(self._waiting) < MAX_REQUESTS:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            self._late = self.on_their_way

    async def _answer(self, asked: Sequence[tuple[Query, asyncio.Future[Outcome]]]) -> None:
        """Answer those queries together that somebody still waits for."""
        batch = [(query, future) for query, future in asked if not future.done()]
        if not batch:
            return
        loop = asyncio.get_running_loop()

        def settle(outcomes: Sequence[tuple[int, Outcome]]) -> None:
            for number, outcome in outcomes:
                if not batch[number][1].done():
                    batch[number][1].set_result(outcome)

        def deliver(outcomes: Sequence[tuple[int, Outcome]]) -> None:
            loop.call_soon_threadsafe(settle, outcomes)

        def wanted(number: int) -> bool:
            return not batch[number][1].done()

        queries = [query for query, _ in batch]
        self.on_batch(len(queries))
        try:
            if self._small(queries):
                started = time.perf_counter()
                long = answer_all(self.served, queries, settle)
                self._note(time.perf_counter() - started)
            else:
                long = await self._thread.call(lambda: answer_all(self.served, queries, deliver, wanted))
            self._long.extend((query, batch[number][1]) for number, query in long.items())
        except Exception as error:
            settle([(number, explained(error)) for number in range(len(batch))])

    def _small(self, queries: Sequence[Query]) -> bool:
        """Return whether queries are answered sooner than handed to a thread."""
        quick = self._on_loop and self.served.quick
        if not quick or sum(SMALL if query.size is None else query.size for query in queries) >= SMALL:
            return False
        most = SMALL_ROWS * self.served.predictor.schema.width
        return sum(query.cells for query in queries) <= most

    def _note(self, seconds: float) -> None:
        """Have a model that is slow all of a sudden predict in the thread: everybody waits for the event loop."""
        self._slow = self._slow + 1 if seconds > _SLOW_SECONDS else 0
        if self._slow >= _SLOW_BATCHES:
            self.served, self._slow = replace(self.served, quick=False), 0
