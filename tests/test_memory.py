"""Memory that was freed goes back to the system."""

from __future__ import annotations

import gc
import platform
import sys
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from automl import AutoML
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
def test_nothing_of_the_run_folder_stays_open_after_a_fit(churn_model: AutoML) -> None:
    """What boosters have binned of it would: its space on disk is not given back then, nor is the memory."""
    gc.collect()
    features = str(churn_model.run_.resolve() / "features")
    assert [line for line in Path("/proc/self/maps").read_text().splitlines() if features in line] == []
