"""One run: an engine on a data set, fitted, asked and scored; a failure is a result too."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from benchmarks.engines import ours
from benchmarks.engines.contract import Task
from benchmarks.process import CLOCK, Finished, busy, execute
from benchmarks.roster import Engine
from benchmarks.scores import GREATER_IS_BETTER, scored

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("problem_type", "metric", "n_train", "n_test", "n_features", "baseline_constant", "baseline_hgb")
PREDICT_LIMIT = 900.0


@dataclass(frozen=True)
class Conditions:
    """Under which an engine is measured."""

    time: float
    seed: int
    cores: int
    busy: int
    environments: Path


def fit_limit(seconds: float) -> float:
    """Return when a fit that does not end is killed."""
    return 3 * seconds + 300


def measure(engine: Engine, name: str, place: Path, conditions: Conditions, run: Path) -> dict[str, Any]:
    """Return the result of one run, whose files are left in ``run``. ``name`` is the engine's in the results."""
    meta = json.loads((place / "meta.json").read_text(encoding="utf-8"))
    identity = {"engine": name, "set": place.name, "time": conditions.time, "seed": conditions.seed}
    versions = {"versions": engine.versions(conditions.environments)}
    result = identity | {"busy": conditions.busy} | {key: meta[key] for key in COPIED} | machine() | versions
    try:
        train, test = (next(place.glob(f"{part}.csv*")) for part in ("train", "test"))
        task = prepare(engine, meta, train, test, conditions, run)
        measured = fit_and_predict(engine, task, conditions, run)
        measured["score"] = scored(meta, test, Path(task.predictions))
    except (RuntimeError, ValueError, KeyError, OSError, StopIteration) as error:
        return result | {"error": f"{type(error).__name__}: {error}"}
    if estimate := measured.get("estimate"):
        measured["inside"] = is_inside(estimate, measured["score"])
    return result | measured


def prepare(engine: Engine, meta: dict[str, Any], train: Path, test: Path, conditions: Conditions, run: Path) -> Task:
    """Copy the tables, the test table without its target, and say what is to be done."""
    if meta["metric"] not in GREATER_IS_BETTER:
        raise ValueError(f"metric of meta.json must be one of {list(GREATER_IS_BETTER)}, got {meta['metric']!r}")
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    copied, features = run / train.name, run / "features.csv"
    shutil.copy(train, copied)
    rows = pd.read_csv(test, dtype=str, keep_default_na=False)
    rows.drop(columns=meta["target"]).to_csv(features, index=False)
    task = Task(
        train=str(copied),
        test=str(features),
        target=meta["target"],
        problem_type=meta["problem_type"],
        metric=meta["metric"],
        seconds=conditions.time,
        cores=conditions.cores,
        seed=conditions.seed,
        preset=engine.preset,
        model=str(run / "model"),
        predictions=str(run / "predictions.csv"),
        timings=str(run / "timings.json"),
    )
    task.write(run / "task.json")
    return task


def fit_and_predict(engine: Engine, task: Task, conditions: Conditions, run: Path) -> dict[str, Any]:
    with busy(conditions.busy):
        fit = ours.fit_command(task) if engine.ours else stage(engine, "fit", conditions, run)
        fitted = launch(engine, "fit", fit, fit_limit(task.seconds), run)
    clock = {"started": fitted.started, "seconds": fitted.seconds}
    (run / CLOCK).write_text(json.dumps(clock), encoding="utf-8")
    measured: dict[str, Any] = {
        "fit_seconds": fitted.seconds,
        "overrun_seconds": max(0.0, fitted.seconds - task.seconds),
        "peak_bytes": fitted.peak_bytes,
        "others_cores": max(0.0, fitted.others - conditions.busy),
    }
    if engine.ours:
        measured |= ours.report(fitted.stdout)
        launch(engine, "command", ours.predict_command(task), PREDICT_LIMIT, run)
        task = task.elsewhere(run / "in-process.csv")  # the predictions of the command are those that are scored
        task.write(run / "task.json")
    predicted = launch(engine, "predict", stage(engine, "predict", conditions, run), PREDICT_LIMIT, run)
    saved = task.place / "model" if engine.ours else task.place
    measured |= {"predict_seconds": predicted.seconds, "model_bytes": size(saved.resolve())}
    return measured | json.loads(Path(task.timings).read_text(encoding="utf-8"))


def stage(engine: Engine, name: str, conditions: Conditions, run: Path) -> list[str]:
    python = engine.python(conditions.environments)
    return [str(python), "-m", f"benchmarks.engines.{engine.module}", name, str(run / "task.json")]


def launch(engine: Engine, what: str, command: list[str], limit: float, run: Path) -> Finished:
    """Run a stage in the run's folder, where engines may leave what they like."""
    extra = {} if engine.ours and what != "predict" else {"PYTHONPATH": str(ROOT)}
    try:
        return execute(command, run / f"{what}.log", limit=limit, extra=extra, folder=run)
    except FileNotFoundError as error:
        raise RuntimeError(f"{error.filename} is missing; python -m benchmarks.environments creates it") from None
    except RuntimeError as error:
        raise RuntimeError(f"{what} {error}") from None


def size(place: Path) -> int:
    """Return the bytes of a file or folder."""
    files = [place] if place.is_file() else place.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


def is_inside(estimate: dict[str, float | None], score: float) -> bool:
    """Return whether a score lies in an interval; a bound that is not known does not bind."""
    low, high = estimate["low"], estimate["high"]
    return (low is None or low <= score) and (high is None or score <= high)


def machine() -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {cores} cores, {memory:.0f} GiB, Python {python}",
    }
