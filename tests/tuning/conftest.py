"""A run folder over a tiny table, for toy families."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.assembly import About
from automl.config import FitConfig
from automl.data.reading import Reading
from automl.data.schema import apply_schema, infer_schema
from automl.data.task import infer_task
from automl.evaluation.custom import resolve
from automl.evaluation.validation import Folds, make_folds
from automl.models import registry
from automl.models.base import Family
from automl.tuning import store
from automl.tuning.problem import Problem
from automl.tuning.store import StoredRun

ROWS = 60


@pytest.fixture
def toy_families(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Register families for this test alone."""
    monkeypatch.setattr(registry, "_OUTSIDE", {})

    def register(*families: Family) -> None:
        for family in families:
            registry.register_family(family)

    return register


@pytest.fixture
def toy_run(tmp_path: Path) -> Callable[..., tuple[Path, StoredRun]]:
    """Create a run folder for a regression on 60 rows in 3 folds."""

    def create(
        config: FitConfig, metric: str = "mae", folds: Folds | None = None, rows: int = ROWS
    ) -> tuple[Path, StoredRun]:
        frame = pd.DataFrame({"a": np.arange(rows) % 7, "b": np.arange(rows) * 0.5})
        y = np.arange(rows) * 1.5
        schema, task = infer_schema(frame), infer_task(pd.Series(y), "y")
        folds = folds or make_folds(y, task.problem_type, folds=3, random_state=0)
        problem = Problem(apply_schema(frame, schema), y, schema, task, resolve(metric, task), folds, 0)
        about = About(schema, task, metric, Reading("frame"), frame.head(3))
        run = StoredRun(config, problem, about, time.time(), np.arange(len(problem.y)))
        root = tmp_path / "run"
        root.mkdir()
        store.create(root, run)
        return root, run

    return create
