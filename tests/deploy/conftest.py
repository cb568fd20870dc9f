from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from serving import SERVE, started

from automl import AutoML, Predictor, load


def make_table(rows: int = 160) -> pd.DataFrame:
    """Mixed columns with holes, an odd and a hostile name, and a learnable target."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, rows).astype(float)
    plan = rng.choice(["basic", "plus", "pro, max"], rows)
    late = (age + 20 * (plan == "basic") + rng.normal(0, 8, rows)) > 55
    age[::9] = np.nan
    return pd.DataFrame(
        {
            "age (years)": age,
            "plan": plan,
            '"; rm -rf / #{{ 7 * 7 }}': rng.normal(size=rows).round(3),
            "member": rng.choice(["yes", "no"], rows),
            "same": ["x"] * rows,
            "late": np.where(late, "late", "in time"),
        }
    )


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    return make_table()


@pytest.fixture(scope="session")
def run(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deploy") / "run"
    AutoML(max_trials=2, random_state=0, n_jobs=1, output=folder).fit(table, target="late")
    return folder


@pytest.fixture(scope="session")
def other_run(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the same question that answers otherwise."""
    folder = tmp_path_factory.mktemp("deploy") / "other"
    AutoML(max_trials=1, random_state=7, n_jobs=1, output=folder).fit(table.iloc[::2], target="late")
    return folder


@pytest.fixture(scope="session")
def wide_run(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the same question that needs a further column."""
    folder = tmp_path_factory.mktemp("deploy") / "wide"
    wide = table.assign(income=np.random.default_rng(1).normal(size=len(table)) + (table["late"] == "late"))
    AutoML(max_trials=1, random_state=0, n_jobs=1, output=folder).fit(wide, target="late")
    return folder


@pytest.fixture(scope="session")
def predictor(run: Path) -> Predictor:
    return load(run)


@pytest.fixture(scope="session")
def client(run: Path) -> Iterator[httpx.Client]:
    with (
        started("-c", SERVE, run, "127.0.0.1") as (_, _, address),
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        yield client
