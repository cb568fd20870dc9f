"""Servers as processes of their own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from automl.deploy.asgi import App, Message

SERVE = "import sys; from automl.deploy.server import serve; serve(sys.argv[1], sys.argv[2], 0)"


@contextmanager
def started(
    *command: str | Path, python: str | Path = sys.executable, environment: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], IO[str], str]]:
    """Run a server until the block ends; give its process, its stderr and the address it says it listens on."""
    process = subprocess.Popen([python, *command], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert line.startswith("listening on "), line + process.stderr.read()
        yield process, process.stderr, line.removeprefix("listening on ").strip()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@asynccontextmanager
async def running(app: App) -> AsyncIterator[None]:
    """Let an application start, and end it after the block, as web servers do."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    yield
    await told.put({"type": "lifespan.shutdown"})
    await life
