"""Laws of the plan."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import Base, Toy

from automl.config import FitConfig
from automl.data.table import ProblemType
from automl.errors import UsageError
from automl.models.base import Params, Shape
from automl.tuning.budget import Plan, fit_to_time, free_memory, make_plan

SHAPE = Shape(ProblemType.BINARY, rows=10_000, columns=20, n_classes=2)


class Big(Toy):
    name = "big"

    def memory(self, shape: Shape, params: Params) -> int:
        return 3_000_000_000


@settings(deadline=None, max_examples=50)
@given(jobs=st.integers(1, 64), memory=st.integers(100_000_000, 20_000_000_000))
def test_cores_and_memory_are_never_oversubscribed(jobs: int, memory: int) -> None:
    config = FitConfig(n_jobs=jobs, memory=memory)
    plan = make_plan(config, SHAPE, [Toy(), Big(), Base()], folds_run=5)
    assert 1 <= plan.concurrency * plan.threads <= config.cores
    assert ("big" in plan.left_out) == (memory < 3_002_400_000)
    peak = 3_000_000_000 if "big" in plan.families else 1_000_000
    assert plan.concurrency * peak <= memory


def test_a_container_has_the_memory_and_the_cores_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = free_memory(tmp_path / "nowhere")
    assert free > 100_000_000
    for name, text in {
        "max": "1000000",
        "current": "900000",
        "stat": "anon 5\nactive_file 300000\ninactive_file 1",
    }.items():
        (tmp_path / f"memory.{name}").write_text(text + "\n")
    assert free_memory(tmp_path) == 400_001
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) == pytest.approx(free, rel=0.5)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert FitConfig(n_jobs=8).cores == 1


def test_too_little_memory_for_any_model_is_said() -> None:
    huge = Shape(ProblemType.BINARY, rows=1_000_000, columns=100, n_classes=2)
    with pytest.raises(UsageError, match=r"at least one model: 1\.\d\d GB are needed, 0\.10 GB are allowed"):
        make_plan(FitConfig(memory=100_000_000), huge, [Toy(), Base()], folds_run=5)


@settings(deadline=None, max_examples=50)
@given(seconds=st.floats(0.001, 1000), remaining=st.floats(1, 10_000))
def test_folds_shrink_with_the_time_but_never_vanish(seconds: float, remaining: float) -> None:
    plan = Plan(("toy",), folds_run=8, concurrency=2, threads=1)
    fitted = fit_to_time(plan, seconds, remaining)
    assert 1 <= fitted.folds_run <= 8
    assert fit_to_time(plan, seconds * 2, remaining).folds_run <= fitted.folds_run
    assert fit_to_time(plan, seconds, remaining, folds_fixed=True) == replace(fitted, folds_run=8)
    assert fit_to_time(plan, seconds, inf) == plan


def test_few_candidates_share_the_time_and_none_is_less_than_nothing() -> None:
    plan = Plan(("toy",), folds_run=8, concurrency=1, threads=1)
    assert fit_to_time(plan, 0.1, 6.0).folds_run == 2
    assert fit_to_time(plan, 0.1, 6.0, max_trials=1).folds_run == 7
    assert fit_to_time(plan, 0.1, -1.0).trial_seconds == 0


@pytest.mark.parametrize(("rows", "threads"), [(1_000, 1), (15_000, 3), (1_000_000, 8)])
def test_a_trial_alone_gets_the_cores_that_pay(rows: int, threads: int) -> None:
    plan = Plan(("toy",), folds_run=5, concurrency=8, threads=1).alone(replace(SHAPE, rows=rows))
    assert (plan.concurrency, plan.threads) == (1, threads)


def test_a_fold_takes_no_longer_than_its_trial_may() -> None:
    plan = Plan(("toy",), folds_run=5, concurrency=2, threads=1)
    assert plan.fold_seconds(1.5) == 6.0
    assert replace(plan, trial_seconds=10.0).fold_seconds(1.5) == 2.0
    assert replace(plan, trial_seconds=10.0).fold_seconds(inf) == 2.0


@settings(deadline=None, max_examples=100)
@given(cores=st.integers(1, 128), seconds=st.floats(0.001, 1000), remaining=st.floats(1, 10_000))
def test_trials_end_in_time_and_leave_some_for_others(cores: int, seconds: float, remaining: float) -> None:
    fitted = fit_to_time(Plan(("toy",), 8, concurrency=cores, threads=1), seconds, remaining)
    assert cores / 2 < fitted.concurrency * fitted.threads <= cores
    assert fitted.trial_seconds <= remaining / 2
    assert fitted.concurrency * remaining / fitted.trial_seconds >= 6 - 1e-9


@pytest.mark.parametrize(("cores", "expected"), [(2, (1, 2, 1, 50 / 3)), (16, (1, 8, 2, 25.0)), (64, (1, 32, 2, 25.0))])
def test_a_fold_that_does_not_fit_gets_more_threads(cores: int, expected: tuple[int, int, int, float]) -> None:
    fitted = fit_to_time(Plan(("toy",), 5, concurrency=cores, threads=1), 10.0, 50.0)
    assert (fitted.folds_run, fitted.concurrency, fitted.threads) == expected[:3]
    assert fitted.trial_seconds == pytest.approx(expected[3])
