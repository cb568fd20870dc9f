"""Answers every request with the same bytes: what is measured then is the client."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{"predictions":[0]}'


class Nothing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Nothing, "127.0.0.1", int(sys.argv[2]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
