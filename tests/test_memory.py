"""Memory that was freed goes back to the system."""

from __future__ import annotations

import platform

import psutil
import pyarrow as pa
import pytest

from automl.memory import release_unused

BLOCKS, BYTES = 100_000, 1_000
MOST_LEFT = 0.3


def held() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_the_heap_gives_back_what_lies_below_something_in_use() -> None:
    blocks = [bytes(BYTES) for _ in range(BLOCKS)]
    in_use = bytes(BYTES)  # the heap ends here, so that it cannot shrink by itself
    del blocks
    before = held()
    release_unused()
    assert before - held() > (1 - MOST_LEFT) * BLOCKS * BYTES
    assert len(in_use) == BYTES


def test_nothing_in_use_is_lost() -> None:
    texts = pa.array([f"text {number}" for number in range(BLOCKS)])
    release_unused()
    assert texts[BLOCKS - 1].as_py() == f"text {BLOCKS - 1}"
