"""Choose the order of the portfolio by what its members bring an ensemble per second, on many tables.

::

    python -m benchmarks.portfolio record FOLDER [FOLDER ...] --runs records
    python -m benchmarks.portfolio choose --runs records

``record`` trains every configuration that the families declare on a sample of each table's training rows (test rows
are never read) and keeps out-of-fold predictions in run folders; a stopped one goes on. With ``--large`` the samples
are of more rows, and the tables that have them: what is best then is another thing. ``choose`` orders them: next is
always the one that lowers the loss of the cross-fitted greedy ensemble most per second, averaged over the tables, as in
TabRepo (Salinas & Erickson 2024). It prints the orders for ``automl/tuning/portfolio.py``, and what each is worth on
tables that it was not chosen on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl import AutoML
from automl.ensemble import choose_blend
from automl.evaluation.validation import parts_to_cross_fit
from automl.models.registry import registered
from automl.tuning.journal import Journal
from automl.tuning.outoffold import OutOfFold
from automl.tuning.portfolio import Place, declared
from automl.tuning.problem import Problem
from automl.tuning.store import read_run
from automl.tuning.trial import Allowance, TrialRunner

PLACES = 12
"""Places that are chosen; the others follow in the families' own order."""
SELECTION_ROWS = 2_000


@dataclass(frozen=True)
class Sampled:
    """How tables are recorded."""

    least: int
    """Rows that a table must have."""
    most: int
    """Rows of the sample."""
    folds: int
    run: int
    seconds: float
    """A trial at most; about what it has in a run of a minute."""
    without: tuple[str, ...] = ()
    """Families that learn from a few rows only, however many there are."""


SMALL = Sampled(0, 3_000, 3, 3, 9.0)
LARGE = Sampled(8_000, 30_000, 5, 1, 4.0, ("gaussian_process", "knn"))


@dataclass(frozen=True)
class Recorded:
    """What is known of one table."""

    name: str
    classification: bool
    problem: Problem
    preview: NDArray[np.float64]
    """Of the model that every run has before its portfolio."""
    predictions: dict[Place, NDArray[np.float64]]
    seconds: dict[Place, float]
    fold_of_row: NDArray[np.integer]

    def loss(self, members: Sequence[Place]) -> float:
        """Return the honest loss of the ensemble of the preview and those members that this table has."""
        known = [self.preview, *(self.predictions[member] for member in members if member in self.predictions)]
        y, metric = self.problem.y_valid, replace(self.problem.metric, surrogate_rows=0)
        rows = np.random.default_rng(0).permutation(len(y))[:SELECTION_ROWS]
        _, blended = choose_blend([each[rows] for each in known], y[rows], metric, self.fold_of_row[rows])
        return metric.loss(y[rows], blended)

    def scale(self) -> float:
        """Return the distance between the constant and all members together."""
        y, metric = self.problem.y_valid, self.problem.metric
        return max(metric.loss(y, self.predictions["constant", 0]) - self.loss(list(self.predictions)), 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["record", "choose"])
    parser.add_argument("folders", nargs="*", type=Path, help="folders of NAME/train.csv[.gz] and NAME/meta.json")
    parser.add_argument("--runs", type=Path, default=Path("records"))
    parser.add_argument("--large", action="store_true", help="tables of many rows, most of which are kept")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.action == "record":
        places = [file.parent for folder in options.folders for file in sorted(folder.glob("*/meta.json"))]
        with ProcessPoolExecutor(options.jobs) as pool:
            how = LARGE if options.large else SMALL
            for name in pool.map(partial(record, how), places, [options.runs / place.name for place in places]):
                print(name, flush=True)
    else:
        choose(sorted(file.parent for file in options.runs.glob("*/run.json")), options.jobs)


def record(how: Sampled, place: Path, root: Path) -> str:
    """Train all configurations on a sample of a table's training rows."""
    meta = json.loads((place / "meta.json").read_text(encoding="utf-8"))
    if not (root / "run.json").exists():
        table = pd.read_csv(next(place.glob("train.csv*")), dtype=str, keep_default_na=False)
        if len(table) < how.least:
            return f"{place.name}: {len(table)} rows are too few"
        if len(table) > how.most:
            table = table.sample(how.most, random_state=0).sort_index()
        AutoML(metric=meta["metric"], folds=how.folds, max_trials=1, output=root).fit(table, target=meta["target"])
    problem, journal = read_run(root).problem.with_folds_run(how.run), Journal(root)
    runner = TrialRunner(problem, journal)
    families = [family for family in registered() if family.name not in how.without]
    for candidate in declared(families, problem.shape).values():
        list(runner.run(candidate, Allowance(seconds=how.seconds)))
        journal.end(candidate, "done")
    return place.name


def read(root: Path) -> Recorded:
    """Read what :func:`record` has trained."""
    problem, journal = read_run(root).problem, Journal(root)
    recorded = {trial.candidate.id: trial for trial in journal.trials() if trial.candidate.origin != "preview"}
    problem = problem.with_folds_run(min(len(trial.folds) for trial in recorded.values()))
    folds, out_of_fold = problem.folds, OutOfFold(problem, journal)
    predictions, seconds = {}, {}
    for member, candidate in declared(registered(), problem.shape).items():
        if candidate.id in recorded:
            predictions[member] = out_of_fold.prediction(candidate.id, folds.run)
            records = recorded[candidate.id].folds.values()
            seconds[member] = sum(record.fit_seconds + record.predict_seconds for record in records)
    preview = next(trial.candidate.id for trial in journal.trials() if trial.candidate.origin == "preview")
    return Recorded(
        root.name,
        bool(problem.task.classes),
        problem,
        out_of_fold.prediction(preview, folds.run),
        predictions,
        seconds,
        parts_to_cross_fit(folds.valid_folds, problem.y_valid, problem.task.problem_type, 0),
    )


def choose(roots: Sequence[Path], jobs: int) -> None:
    """Print the orders, and for each table the loss after a few members: of the order, and of one chosen without it."""
    with ProcessPoolExecutor(jobs) as pool:
        for classification in (True, False):
            tables = [table for table in map(read, roots) if table.classification is classification]
            groups = [tables, *([t for t in tables if t is not left] for left in tables)]
            orders = pool.map(ordered, groups)
            order = next(orders)
            print("classification" if classification else "regression", json.dumps(order), flush=True)
            rows = [worth(table, order, without) for table, without in zip(tables, orders, strict=True)]
            print(pd.DataFrame(rows).round(4).to_string(index=False), flush=True)


def ordered(tables: Sequence[Recorded]) -> list[Place]:
    """Order the members greedily by the mean gain per second."""
    members = sorted({member for table in tables for member in table.predictions if member[0] != "constant"})
    chosen: list[Place] = []
    losses = [table.loss([]) for table in tables]
    scales = [table.scale() for table in tables]
    while len(chosen) < min(PLACES, len(members)):
        left = [member for member in members if member not in chosen]
        gains = [gain(tables, losses, scales, chosen, member) for member in left]
        chosen.append(left[int(np.argmax(gains))])
        losses = [table.loss(chosen) for table in tables]
    return chosen


def gain(
    tables: Sequence[Recorded],
    losses: Sequence[float],
    scales: Sequence[float],
    chosen: Sequence[Place],
    member: Place,
) -> float:
    """Return by how much a member lowers the scaled loss per second; those of a typical member are added to its own."""
    gains = []
    for table, loss, reach in zip(tables, losses, scales, strict=True):
        if member in table.predictions:
            lower = (loss - table.loss([*chosen, member])) / reach
            typical = float(np.median(list(table.seconds.values())))
            gains.append(lower / (table.seconds[member] + typical))
    return float(np.mean(gains))


def worth(table: Recorded, order: Sequence[Place], without: Sequence[Place]) -> dict[str, object]:
    """Return scaled losses after a few members: of the order, of one made without the table, of families in turns."""
    best, reach = table.loss(list(table.predictions)), table.scale()
    row: dict[str, object] = {"table": table.name}
    by_turns = sorted((member for member in table.predictions if member[0] != "constant"), key=lambda member: member[1])
    for name, members in (("with", order), ("without", without), ("by turns", by_turns)):
        row |= {f"{name} {n}": (table.loss(members[:n]) - best) / reach for n in (4, 8, PLACES)}
    return row


if __name__ == "__main__":
    main()
