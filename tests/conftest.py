"""One small run on a messy table that many tests look at."""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from automl import AutoML

settings.register_profile("automl", deadline=None)  # a busy machine is no failure
settings.load_profile("automl")

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
"""Which of several processes that share the tests this is."""
CORES = sorted(os.sched_getaffinity(0)) if WORKER and hasattr(os, "sched_setaffinity") else []
if CORES:  # each process on its own core: threads that wait for those of the other one take several times as long
    os.sched_setaffinity(0, {CORES[int(WORKER.removeprefix("gw")) % len(CORES)]})

DATASETS = Path(__file__).parents[1] / "datasets"


@pytest.fixture
def every_core() -> Iterator[None]:
    """Lets a test use all cores, as it needs more than one."""
    if CORES:
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, CORES)
    yield
    if CORES:
        os.sched_setaffinity(0, own)


@pytest.fixture(scope="session")
def churn() -> pd.DataFrame:
    return pd.read_csv(DATASETS / "churn.csv")


@pytest.fixture(scope="session")
def churn_model(tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    output = tmp_path_factory.mktemp("churn") / "run"
    return AutoML(max_trials=3, folds=2, output=output).fit(DATASETS / "churn.csv", target="churn")
