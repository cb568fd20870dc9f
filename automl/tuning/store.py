"""What a run folder keeps so that a run can go on without its source: the problem, the options, the plan."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl import archive
from automl.assembly import About
from automl.config import FitConfig
from automl.data.cells import plain_rows
from automl.data.constraints import Constraints
from automl.data.reading import Reading
from automl.data.schema_file import schema_from_json, schema_text, schema_to_json
from automl.data.task import task_from_json, task_to_json
from automl.errors import UsageError, option
from automl.evaluation.custom import MetricLike, stored_metric
from automl.evaluation.validation import Folds
from automl.tuning.budget import Plan
from automl.tuning.journal import read_json, write_json
from automl.tuning.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class StoredRun:
    """A run as it was started."""

    config: FitConfig
    problem: Problem
    about: About
    started: float
    """Seconds since the epoch."""
    places: NDArray[np.intp]
    """(rows,) where the rows of the problem are in the table that they come from, counted from 0."""


def require_free(root: Path) -> None:
    """Refuse a folder that holds a run already, and a place where no folder can be.

    Raises
    ------
    UsageError
        If it does, or a file is in the way.
    """
    place = next(each for each in (root.absolute(), *root.absolute().parents) if each.exists())
    if not place.is_dir():
        raise UsageError(f"the run folder {root} cannot be made, {place} is a file; give another output")
    if (root / "run.json").exists():
        raise UsageError(f"{root} holds a run already; continue it with 'automl resume {root}' or give another output")


def require_run(root: Path) -> None:
    """Refuse what is not a run folder.

    Raises
    ------
    ArtifactError
        If it is not.
    """
    read_json(root / "run.json")


def new_folder(output: str | Path | None, started: float) -> Path:
    """Make a run folder: the given one, or ``runs/<time>`` with a number if others were started in the same second."""
    if output is not None:
        Path(output).mkdir(parents=True, exist_ok=True)
        return Path(output)
    first = Path("runs") / time.strftime("%Y%m%d-%H%M%S", time.localtime(started))
    root, number = first, 1
    while True:
        try:
            root.mkdir(parents=True)
        except FileExistsError:
            number += 1
            root = first.with_name(f"{first.name}-{number}")
        else:
            return root


def claimed(root: Path) -> AbstractContextManager[None]:
    """Keep others from training in a run folder meanwhile. The claim of a process that is killed ends with it.

    Raises
    ------
    UsageError
        If it is being trained in already.
    """
    busy = f"{root} is being trained by another process; wait until that has ended"
    return archive.locked(root / ".lock", busy=busy)


def create(root: Path, run: StoredRun) -> None:
    """Fill a new run folder.

    Raises
    ------
    UsageError
        If the folder holds a run already.
    """
    require_free(root)
    problem, about = run.problem, run.about
    problem.frame.to_parquet(root / "data.parquet", index=False)
    np.save(root / "target.npy", problem.y)
    np.save(root / "folds.npy", problem.folds.assignment)
    np.save(root / "places.npy", run.places)
    further = {"fold_roles": problem.folds.roles, "groups": problem.groups, "weight": problem.weight}
    for name, array in further.items():
        if array is not None:
            np.save(root / f"{name}.npy", array)
    about_json: dict[str, Any] = {
        "config": run.config.to_json(),
        "schema": schema_to_json(about.schema),
        "task": task_to_json(about.task),
        "metric": about.metric,
        "reading": about.reading.to_json(),
        "examples": plain_rows(about.examples),
        "class_weight": problem.class_weight,
        "folds_run": problem.folds.run,
        "folds_fixed": problem.folds.fixed,
        "forward": problem.folds.forward,
        "weight_column": about.weight,
        "plan": None,
        "started": run.started,
    }
    write_json(root / "run.json", about_json)
    (root / "schema.json").write_text(schema_text(about.schema) + "\n", encoding="utf-8")


def save_plan(root: Path, plan: Plan) -> None:
    """Note the plan: a resume keeps to its folds."""
    noted = {"folds_run": plan.folds_run, "concurrency": plan.concurrency, "threads": plan.threads}
    write_json(root / "run.json", {**read_json(root / "run.json"), "plan": noted})


def read_run(root: Path, metric: MetricLike | None = None) -> StoredRun:
    """Read a run folder.

    Parameters
    ----------
    metric
        The run's metric, if it is one of the user's own: its code is not in the folder.

    Raises
    ------
    ArtifactError
        If it is not a run folder.
    UsageError
        If the metric is missing, or is not the run's.
    """
    stored = read_json(root / "run.json")
    about = About(
        schema=schema_from_json(stored["schema"]),
        task=task_from_json(stored["task"]),
        metric=stored["metric"],
        reading=Reading.from_json(stored["reading"]),
        examples=pd.DataFrame(stored["examples"]),
        weight=stored.get("weight_column"),
    )
    config = FitConfig.from_json(stored["config"])
    problem = Problem(
        frame=pd.read_parquet(root / "data.parquet"),
        y=np.load(root / "target.npy", allow_pickle=False),
        schema=about.schema,
        task=about.task,
        metric=stored_metric(
            about.metric, metric, about.task, costs=config.cost_matrix, n_features=len(about.schema.used)
        ),
        folds=Folds(
            np.load(root / "folds.npy", allow_pickle=False),
            (stored["plan"] or stored)["folds_run"],
            _array(root / "fold_roles.npy"),
            stored["plan"] is not None or stored.get("folds_fixed", config.folds is not None),
            stored.get("forward", False),
        ),
        random_state=config.random_state,
        groups=_array(root / "groups.npy"),
        weight=_array(root / "weight.npy"),
        class_weight=tuple(stored.get("class_weight", ())),
        constraints=Constraints.of(config.monotone, config.interactions),
        resample=config.resample,
    )
    places = _array(root / "places.npy")
    if places is None:  # runs of earlier versions
        places = np.arange(len(problem.y))
    return StoredRun(config, problem, about, stored["started"], places)


def _array(path: Path) -> NDArray[Any] | None:
    """Return an array that a run has only if it needs it."""
    return np.load(path, allow_pickle=False) if path.exists() else None


def reopen_run(root: Path, time_budget: float | None, metric: MetricLike | None = None) -> StoredRun:
    """Read a run folder to go on with it, from now.

    Parameters
    ----------
    time_budget
        Seconds from now, for as many trials as fit; None = what the run has left of its own time and trials.
    metric
        As in :func:`read_run`.

    Raises
    ------
    UsageError
        If the run has no time left and none is given.
    """
    started = time.time()
    run = read_run(root, metric)
    left = _time_left(root, run.config, run.started) if time_budget is None else time_budget
    max_trials = run.config.max_trials if time_budget is None else None
    return replace(run, config=replace(run.config, time_budget=left, max_trials=max_trials), started=started)


def save_start(root: Path, run: StoredRun) -> None:
    """Note when a run went on and how much time it has from then: what a next resume counts from."""
    stored = read_json(root / "run.json")
    write_json(root / "run.json", {**stored, "config": run.config.to_json(), "started": run.started})


def _time_left(root: Path, config: FitConfig, started: float) -> float | None:
    """Return the seconds that the run had not yet used when its last fold was finished."""
    if config.time_budget is None:
        return None
    finished = [read_json(file)["finished"] for file in root.glob("trials/*/fold-*/record.json")]
    left = config.time_budget - max(0.0, max(finished, default=started) - started)
    if left < 1:
        raise UsageError(
            f"{root} has used its {config.time_budget:g} s; give it more, such as {option('time_budget', 60)}"
        )
    return left
