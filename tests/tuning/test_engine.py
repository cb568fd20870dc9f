"""The order of things in a run, without Ray."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path

import pytest
from toys import Base, Toy

from automl.config import FitConfig, usable_cores
from automl.models.base import Family, FitContext, FoldData, Model, Params, Progress, Shape
from automl.tuning import budget, store
from automl.tuning.engine import Engine
from automl.tuning.journal import Journal, Trial
from automl.tuning.progress import OnProgress, Snapshot
from automl.tuning.store import StoredRun

NewRun = Callable[[FitConfig], tuple[Path, StoredRun]]
Train = Callable[..., Engine]


class Previewed(Toy):
    """Its preview takes so many seconds a fold."""

    name = "previewed"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.threads: list[int] = []

    def preview(self, shape: Shape) -> Params:
        return {"offset": 4.0, "seconds": self.seconds}

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        self.threads.append(context.threads)
        return (yield from super().fit(data, params, context))


@pytest.fixture
def train(toy_run: NewRun, toy_families: Callable[..., None]) -> Train:
    def run(config: FitConfig, families: Sequence[Family], on_progress: OnProgress | None = None) -> Engine:
        toy_families(*families)
        root, stored = toy_run(config)
        engine = Engine(
            stored.problem,
            config,
            Journal(root),
            stored.about,
            families,
            started=time.time(),
            search=None,
            on_progress=on_progress,
            save_plan=partial(store.save_plan, root),
        )
        engine.run()
        return engine

    return run


def preview(engine: Engine) -> Trial:
    return next(trial for trial in engine._journal.trials() if trial.candidate.origin == "preview")


def test_a_slow_preview_is_measured_once(train: Train) -> None:
    engine = train(FitConfig(time_budget=4), [Previewed(2.05), Base()])
    assert list(preview(engine).folds) == [0]
    assert preview(engine).status == "done"


@pytest.mark.parametrize("watched", [True, False])
def test_intervals_are_only_computed_for_whoever_looks(train: Train, watched: bool) -> None:
    seen: list[Snapshot] = []
    engine = train(FitConfig(max_trials=1), [Previewed(0.0), Base()], seen.append if watched else None)
    assert (engine.board is not None) == watched
    assert not watched or seen[-1].finished == 2


def test_a_quick_preview_runs_all_its_folds(train: Train) -> None:
    engine = train(FitConfig(max_trials=1), [Previewed(0.0), Base()])
    assert list(preview(engine).folds) == [0, 1, 2]


def test_without_ray_trials_run_one_by_one_with_the_cores_that_pay(train: Train, monkeypatch) -> None:
    monkeypatch.setattr(budget, "_CELLS_A_THREAD", 60)  # the table has 120
    family = Previewed(0.0)
    train(FitConfig(max_trials=1, n_jobs=2), [family, Base()])
    assert set(family.threads) == {min(2, usable_cores())}
