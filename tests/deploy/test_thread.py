"""A thread that nobody waits for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from automl.deploy.thread import OneThread


def test_calls_are_made_one_after_the_other_and_fail_alone() -> None:
    running, names = threading.Lock(), list[str]()

    def call(number: int) -> int:
        with running:
            assert running.locked()
            names.append(threading.current_thread().name)
            return 6 // number

    async def asked() -> list[object]:
        thread = OneThread("work")
        return await asyncio.gather(*(thread.call(lambda n=n: call(n)) for n in (1, 0, 3)), return_exceptions=True)

    one, error, two = asyncio.run(asked())
    assert (one, two) == (6, 2)
    assert isinstance(error, ZeroDivisionError)
    assert names == ["work"] * 3


def test_a_call_that_is_no_longer_awaited_does_no_harm() -> None:
    async def asked() -> int:
        thread, begun, go_on = OneThread("work"), threading.Event(), threading.Event()

        def wait() -> None:
            begun.set()
            go_on.wait()

        task = asyncio.create_task(thread.call(wait))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        return await thread.call(lambda: 7)

    assert asyncio.run(asked()) == 7


def test_a_call_that_hangs_does_not_keep_a_process() -> None:
    code = (
        "import asyncio, contextlib, threading; from automl.deploy.thread import OneThread\n"
        "async def main():\n"
        "    with contextlib.suppress(TimeoutError):\n"
        "        async with asyncio.timeout(0.2): await OneThread('work').call(threading.Event().wait)\n"
        "asyncio.run(main())"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode == 0
