"""The order of things in a run, without Ray."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toys import Again, Base, Toy

from automl import load
from automl.config import FitConfig, usable_cores
from automl.evaluation.splits import by_time
from automl.evaluation.validation import Folds
from automl.models.base import Family, FitContext, FoldData, Model, Params, Progress, Shape
from automl.tuning import budget, store
from automl.tuning.driver import SearchProcess
from automl.tuning.engine import Engine
from automl.tuning.journal import Journal, Trial, read_json, write_json
from automl.tuning.progress import OnProgress, Reporter, Snapshot
from automl.tuning.store import StoredRun

NewRun = Callable[..., tuple[Path, StoredRun]]
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


class Heavy(Previewed):
    """Its models take long to open where a predictor is made of them."""

    def load(self, folder: Path) -> Model:
        if "trials" not in folder.parts:
            time.sleep(0.3)
        return super().load(folder)


@pytest.fixture
def train(toy_run: NewRun, toy_families: Callable[..., None]) -> Train:
    def run(
        config: FitConfig,
        families: Sequence[Family],
        on_progress: OnProgress | None = None,
        folds: Folds | None = None,
    ) -> Engine:
        toy_families(*families)
        root, stored = toy_run(config, folds=folds)
        return trained(root, stored, families, on_progress)

    return run


def trained(
    root: Path,
    run: StoredRun,
    families: Sequence[Family],
    on_progress: OnProgress | None = None,
    search: SearchProcess | None = None,
) -> Engine:
    reporter = Reporter(on_progress, time.time(), run.config.time_budget)
    engine = Engine(run, Journal(root), families, search=search, reporter=reporter)
    engine.run()
    return engine


def preview(engine: Engine) -> Trial:
    return next(trial for trial in engine._journal.trials() if trial.candidate.origin == "preview")


class Interrupting(Base):
    """Ctrl-C comes while the first model is trained."""

    name = "interrupting"

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        signal.raise_signal(signal.SIGINT)
        return (yield from super().fit(data, params, context))


class Terminated(Previewed):
    """SIGTERM comes while the portfolio is trained."""

    name = "terminated"

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        if "seconds" not in params:
            signal.raise_signal(signal.SIGTERM)
        return (yield from super().fit(data, params, context))


def test_sigterm_reaches_whoever_handles_it_once_the_model_is_saved(
    toy_run: NewRun, toy_families: Callable[..., None]
) -> None:
    families = [Terminated(0.0), Base()]
    toy_families(*families)
    root, stored = toy_run(FitConfig(time_budget=60.0))
    saved: list[bool] = []
    before = signal.signal(signal.SIGTERM, lambda *_: saved.append((root / "model").exists()))
    try:
        trained(root, stored, families)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert saved == [True]


def test_an_interrupt_before_there_is_a_model_is_one(train: Train) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(FitConfig(time_budget=60.0), (Interrupting(),))


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


class Starting(SearchProcess):
    """Ray does not come."""

    def __init__(self) -> None:
        self.error = None

    @property
    def starting(self) -> bool:
        return True

    def close(self) -> None:
        pass


def test_ray_is_not_waited_for_longer_than_a_fold_takes(
    toy_run: NewRun, toy_families: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automl.tuning.engine._QUICK", 0.0)
    families = [Previewed(0.5), Base()]
    toy_families(*families)
    root, stored = toy_run(FitConfig(time_budget=6))
    engine = trained(root, stored, families, search=Starting())
    assert any(trial.candidate.origin == "portfolio" for trial in engine._journal.trials())


def test_a_resume_keeps_the_folds_and_makes_the_rest_of_the_plan_anew(
    toy_run: NewRun, toy_families: Callable[..., None]
) -> None:
    """The plan is that of an earlier version, made on a larger machine for less time."""
    family = Previewed(0.0)
    toy_families(family, Base())
    root, _ = toy_run(FitConfig(max_trials=3))
    old = {"families": [], "folds_run": 2, "concurrency": 4, "threads": 16, "trial_seconds": 1e-3, "left_out": []}
    write_json(root / "run.json", {**read_json(root / "run.json"), "plan": old})
    again = store.read_run(root)
    assert (again.problem.folds.run, again.problem.folds.fixed) == (2, True)
    again = replace(again, config=FitConfig(time_budget=3, max_trials=2, n_jobs=1))
    engine = trained(root, again, [family, Base()])
    assert [list(trial.folds) for trial in engine._journal.trials()] == [[0, 1]] * 3
    assert read_json(root / "run.json")["plan"] == {"folds_run": 2, "concurrency": 1, "threads": 1}
    assert set(family.threads) == {1}
    ends = {place: place.stat().st_mtime_ns for place in root.glob("trials/*/end.json")}
    trained(root, again, [family, Base()])
    assert {place: place.stat().st_mtime_ns for place in root.glob("trials/*/end.json")} == ends


def test_the_first_model_takes_the_place_of_the_baseline_others_must_be_better(train: Train) -> None:
    family = Previewed(0.0)  # its preview is worse than the baseline, its portfolio better
    engine = train(FitConfig(max_trials=1), [family, Base()])
    assert [each["family"] for each in engine.predictor.manifest["members"]] == ["previewed"]


def test_the_last_ensemble_is_chosen_from_all_that_was_trained(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it costs shows as the run goes on; training ends that much earlier."""
    monkeypatch.setattr("automl.tuning.engine._LEAST_RESERVE", 0.0)
    monkeypatch.setattr("automl.tuning.engine._MOST_SHARE", 0.5)
    run = train(FitConfig(time_budget=5), [Heavy(0.0), Base()])
    assert run.champion.cost > 0.8
    done = {trial.candidate.id for trial in run._journal.trials() if trial.status == "done"}
    assert len(done) > 3
    assert done <= run.champion._considered


FORWARD = by_time(np.arange(60), folds=2, run=2, fixed=True)
"""The target rises by 1.5 a row: its mean is 29.25 in the first 40 rows, 44.25 in all 60, and the last 20 are from 60
to 88.5."""
NEW = pd.DataFrame({"a": [1], "b": [30.0]})


def test_where_folds_step_forward_in_time_members_end_on_all_rows(train: Train) -> None:
    said: list[Snapshot] = []
    family = Again()
    engine = train(FitConfig(max_trials=1), [family, Base()], said.append, FORWARD)
    assert family.seen == [20, 40, 18, 20, 60]  # until the latest 20 of the 40 say so, and as long with these
    assert engine.predictor.predict(NEW).tolist() == [44.25]
    assert engine.predictor.score.value == 74.25 - 29.25  # of the model that had not seen what it was asked
    assert load(engine.predictor.folder).predict(NEW).tolist() == [44.25]
    lines = [each.message for each in said if each.message]
    assert sum("training 1 member of the ensemble once more, on all rows" in line for line in lines) == 1
    assert not any("warning" in line for line in lines)


def test_random_folds_are_served_as_they_were_scored(train: Train) -> None:
    family = Again()
    train(FitConfig(max_trials=1), [family, Base()])
    assert family.seen == [35, 40] * 3  # until some of the 40 say so, and as long with these


def test_one_fold_of_a_split_by_time_is_trained_once_more_too(train: Train) -> None:
    """Of large tables only the latest block is validated."""
    family = Again()
    engine = train(FitConfig(max_trials=1), [family, Base()], folds=replace(FORWARD, run=1))
    assert family.seen == [20, 40, 60]
    assert engine.predictor.predict(NEW).tolist() == [44.25]


def test_without_the_time_for_it_members_keep_the_model_of_their_fold(train: Train, monkeypatch) -> None:
    monkeypatch.setattr("automl.tuning.refit._LEAST_SHARE", 1e9)
    said: list[Snapshot] = []
    family = Again()
    engine = train(FitConfig(time_budget=4.0), [family, Base()], said.append, FORWARD)
    assert 60 not in family.seen
    assert engine.predictor.predict(NEW).tolist() == [29.25]
    assert any("the newest rows are unknown to 1 member" in (each.message or "") for each in said)


class InterruptedOnAllRows(Again):
    """Ctrl-C comes while all rows are trained for the first time."""

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        if len(data.y_train) == 60 and 60 not in self.seen:
            self.seen.append(60)
            signal.raise_signal(signal.SIGINT)
        return (yield from super().fit(data, params, context))


def test_a_resume_trains_on_all_rows_what_an_interrupt_has_left(
    toy_run: NewRun, toy_families: Callable[..., None]
) -> None:
    family = InterruptedOnAllRows()
    toy_families(family, Base())
    root, run = toy_run(FitConfig(max_trials=1), folds=FORWARD)
    engine = Engine(run, Journal(root), [family, Base()], search=None, reporter=Reporter())
    assert engine.run() == "interrupted"
    assert load(root).predict(NEW).tolist() == [29.25]
    assert family.seen == [20, 40, 18, 20, 60]
    for _ in range(2):  # the second time everything is there
        trained(root, run, [family, Base()])
        assert load(root).predict(NEW).tolist() == [44.25]
        assert family.seen == [20, 40, 18, 20, 60, 60]
