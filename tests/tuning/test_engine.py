"""The order of things in a run, without Ray."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from toys import Base, Toy

from automl.config import FitConfig
from automl.models.base import Family, Params, Shape
from automl.tuning.budget import Plan
from automl.tuning.engine import Engine
from automl.tuning.journal import Journal, Trial
from automl.tuning.store import StoredRun

NewRun = Callable[[FitConfig], tuple[Path, StoredRun]]
Train = Callable[[FitConfig, Sequence[Family]], tuple[Path, Plan]]


class Previewed(Toy):
    """Its preview takes so many seconds a fold."""

    name = "previewed"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def preview(self, shape: Shape) -> Params:
        return {"offset": 4.0, "seconds": self.seconds}


@pytest.fixture
def train(toy_run: NewRun, toy_families: Callable[..., None]) -> Train:
    def run(config: FitConfig, families: Sequence[Family]) -> tuple[Path, Plan]:
        toy_families(*families)
        root, stored = toy_run(config)
        plans: list[Plan] = []
        Engine(
            stored.problem,
            config,
            Journal(root),
            stored.about,
            families,
            started=time.time(),
            search=None,
            on_progress=lambda snapshot: None,
            save_plan=plans.append,
        ).run()
        return root, plans[0]

    return run


def preview(root: Path) -> Trial:
    return next(trial for trial in Journal(root).trials() if trial.candidate.origin == "preview")


def test_a_slow_preview_is_measured_once(train: Train) -> None:
    root, plan = train(FitConfig(time_budget=4), [Previewed(2.05), Base()])
    assert list(preview(root).folds) == [0]
    assert plan.folds_run == 1
    assert preview(root).status == "done"


def test_a_quick_preview_runs_all_its_folds(train: Train) -> None:
    root, plan = train(FitConfig(max_trials=1), [Previewed(0.0), Base()])
    assert list(preview(root).folds) == [0, 1, 2]
    assert plan.folds_run == 3
