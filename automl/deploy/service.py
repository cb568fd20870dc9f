"""A model behind limits: from the chunks of a request to the reply of a batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from automl.deploy.batching import Batcher, Query, Reply
from automl.deploy.limits import Admission, Limits, Load
from automl.deploy.problem import RequestError
from automl.deploy.served import Served


class Service:
    """Answers requests as long as there is room for them and time."""

    def __init__(self, served: Served, limits: Limits) -> None:
        self.limits = limits
        self.admission = Admission(limits)
        self.batcher = Batcher(served)

    @property
    def served(self) -> Served:
        """The model that answers."""
        return self.batcher.served

    async def answer(self, chunks: AsyncIterator[bytes], query_of: Callable[[bytes], Query]) -> Reply:
        """Read a body, make a query of it, and answer it.

        Raises
        ------
        RequestError
            408 if the body does not come in time, 504 if the answer does not; 413, 503 and those of a query.
        """
        query: Query | None = None
        with self.admission.request() as load:
            try:
                async with asyncio.timeout(self.limits.timeout):
                    query = query_of(await self._read(load, chunks))
                    return await self.batcher.ask(query)
            except TimeoutError:
                if query is None:
                    detail = f"the body did not arrive within {self.limits.timeout:g} s"
                    raise RequestError(408, detail) from None
                detail = f"there was no answer within {self.limits.timeout:g} s; send fewer rows at once or try later"
                raise RequestError(504, detail) from None

    async def _read(self, load: Load, chunks: AsyncIterator[bytes]) -> bytes:
        self.batcher.on_their_way += 1
        try:
            return await self.admission.read(load, chunks)
        finally:
            self.batcher.on_their_way -= 1
