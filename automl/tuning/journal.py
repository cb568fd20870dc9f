"""The run folder: the only truth about a run, complete after any crash.

::

    RUN/
      run.json             options, schema, task, metric, how the data was read, the plan
      schema.json          the columns, to be edited and passed to another fit
      data.parquet         the typed frame; target.npy: class codes or values; places.npy: where rows are in their table
      folds.npy            row -> block of rows; fold_roles.npy: what each fold does with each block, if not the usual
      groups.npy           row -> group of rows that belong together, weight.npy: how much each counts, if there are any
      trials/ID/           one folder a candidate
        candidate.json
        fold-0/            model files, prediction.npy, record.json; appears in one rename when it is complete
          quick/           the model's form for few rows, if an ensemble needed it
        end.json           why the trial ended, if it ended
      features/RECIPE/fold-0/   fitted features and their matrices, shared by all trials; topics/ is shared by recipes
      refit/               trials and features of members that were trained once more, on all rows
      models/0007/         the predictors; `model` links to the best one
      out_of_fold.npy      what the best one predicts for rows that its models have not seen
      deadline.json        when training stops, as it stands
      search.log           what the search process prints
      .lock                locked by the process that trains

A fold is written beside its place and renamed into it, so what is there is whole, and never rewritten. What changes
(run.json, deadline.json, out_of_fold.npy, the link) is replaced in one step.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, isnan
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from automl import archive
from automl.deadline import NEVER, Deadline
from automl.errors import ArtifactError
from automl.models.base import Model, Value
from automl.tuning.candidate import Candidate

Status = Literal["running", "done", "stopped", "failed"]
Members = Sequence[Mapping[str, Any]]
"""Those of a predictor, as its manifest has them."""


@dataclass(frozen=True, slots=True)
class FoldRecord:
    """What is known of a finished fold, its model and predictions aside."""

    fold: int
    loss: float
    """The metric on the fold's validation rows, turned so that lower is better."""
    feature_seconds: float
    """To fit the features, or to map those that another trial has fitted."""
    fit_seconds: float
    predict_seconds: float
    """For all validation rows of the fold."""
    rows: int
    size: int
    """Bytes of the saved model."""
    recipe: str
    details: Mapping[str, Value]
    finished: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and how far it came."""

    candidate: Candidate
    folds: Mapping[int, FoldRecord]
    status: Status
    reason: str = ""

    def complete(self, run: int) -> bool:
        """Whether it has out-of-fold predictions for the first ``run`` folds."""
        return all(fold in self.folds for fold in range(run))

    def loss(self, run: int) -> float:
        """Return the mean loss of the first ``run`` folds, which it must have."""
        return mean_loss(self.folds[fold] for fold in range(run))

    @property
    def size(self) -> int:
        """Bytes of its models."""
        return sum(record.size for record in self.folds.values())

    def details(self, run: int) -> Mapping[str, Value]:
        """Return those of its models of the first ``run`` folds: the median of what are numbers."""
        records = [self.folds[fold].details for fold in sorted(self.folds) if fold < run]
        return {name: _median([record[name] for record in records if name in record]) for name in records[0]}


def _median(values: Sequence[Value]) -> Value:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        return values[0]
    middle = statistics.median(numbers)
    return round(middle) if isinstance(values[0], int) else middle


def mean_loss(records: Iterable[FoldRecord]) -> float:
    """Return the mean loss of some folds; infinite if there is none.

    A fold counts for no candidate if the metric is not defined on its rows, such as the ROC AUC of a single class.
    """
    losses = [record.loss for record in records if not isnan(record.loss)]
    return float(np.mean(losses)) if losses else inf


class Journal:
    """Reads and writes one run folder. Every process may have its own: what has ended never changes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ended: dict[str, Trial] = {}
        self._frozen: tuple[list[Trial], Members] | None = None

    def frozen(self) -> Journal:
        """Return a journal that knows the trials and members of now, whatever the run goes on with."""
        journal = Journal(self.root.absolute())  # the working directory may change
        journal._frozen = self.trials(), self.members()
        return journal

    def __repr__(self) -> str:
        return f"Journal({str(self.root)!r})"

    @property
    def features(self) -> Path:
        """Where fitted features and their matrices are shared."""
        return self.root / "features"

    def move_deadline(self, deadline: Deadline) -> None:
        """Tell every process that trains in this folder when training stops now."""
        write_json(self.root / "deadline.json", {"at": None if deadline == NEVER else deadline.at})

    def deadline(self, given: Deadline) -> Deadline:
        """Return a deadline, or what it was moved to if that is earlier."""
        try:
            moved = read_json(self.root / "deadline.json")["at"]
        except ArtifactError:  # nobody has moved it
            return given
        return given if moved is None else Deadline(min(given.at, moved))

    def open(self, candidate: Candidate) -> None:
        """Note that a candidate was started; a later resume finishes it."""
        folder = self._trial(candidate.id)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "candidate.json").exists():
            write_json(folder / "candidate.json", candidate.to_json())

    def write_fold(
        self,
        candidate: Candidate,
        record: FoldRecord,
        model: Model,
        prediction: NDArray[np.float64],
        *,
        check: Callable[[Path], None] = lambda _: None,
    ) -> None:
        """Keep a finished fold. It is there, whole, when this returns; ``record.size`` is filled in.

        What ``check`` raises at the folder of the saved model keeps the fold out.
        """
        # another worker may have been given the same fold after a false alarm
        with archive.whole(self.fold(candidate.id, record.fold), first=True) as partial:
            (partial / "model").mkdir()
            model.save(partial / "model")
            check(partial / "model")
            np.save(partial / "prediction.npy", prediction)
            size = archive.size_of(partial / "model")
            write_json(partial / "record.json", {**asdict(record), "details": dict(record.details), "size": size})

    def end(self, candidate: Candidate, status: Status, reason: str = "") -> None:
        """Note why a trial ended."""
        self.open(candidate)
        write_json(self._trial(candidate.id) / "end.json", {"status": status, "reason": reason, "at": time.time()})

    def ended(self, candidate: Candidate) -> bool:
        """Return whether a candidate's trial has ended."""
        return (self._trial(candidate.id) / "end.json").exists()

    def fold(self, candidate_id: str, fold: int) -> Path:
        """Return the folder of a fold, which exists once the fold is finished."""
        return self._trial(candidate_id) / f"fold-{fold}"

    def prediction(self, candidate_id: str, fold: int) -> NDArray[np.float64]:
        """Return the fold's predictions on its validation rows."""
        values: NDArray[np.float64] = np.load(self.fold(candidate_id, fold) / "prediction.npy", allow_pickle=False)
        return values

    def write_out_of_fold(self, prediction: NDArray[np.float64]) -> None:
        """Keep what the ensemble of the predictor that is saved predicts out of fold, in the place of one before it."""
        partial = self.root / ".out_of_fold.npy"
        np.save(partial, prediction)
        partial.replace(self._out_of_fold)

    def out_of_fold(self) -> NDArray[np.float64]:
        """Return it.

        Raises
        ------
        ArtifactError
            If the run has no model yet, or is of a version that did not keep it.
        """
        if not self._out_of_fold.exists():
            raise ArtifactError(f"{self._out_of_fold} is missing; {self.root} is no run folder that has a model")
        values: NDArray[np.float64] = np.load(self._out_of_fold, allow_pickle=False)
        return values

    def trial(self, candidate_id: str) -> Trial:
        """Read one trial; one that has ended only once."""
        if candidate_id in self._ended:
            return self._ended[candidate_id]
        folder = self._trial(candidate_id)
        end = read_json(folder / "end.json") if (folder / "end.json").exists() else {}  # first: folds come before it
        folds = {}
        for place in folder.glob("fold-*"):
            record = FoldRecord(**read_json(place / "record.json"))
            folds[record.fold] = record
        trial = Trial(
            Candidate.from_json(read_json(folder / "candidate.json")),
            dict(sorted(folds.items())),
            end.get("status", "running"),
            end.get("reason", ""),
        )
        if end:
            self._ended[candidate_id] = trial
        return trial

    def trials(self) -> list[Trial]:
        """Read all trials, in the order in which they were proposed."""
        if self._frozen is not None:
            return self._frozen[0]
        found = [self.trial(place.parent.name) for place in self.root.glob("trials/*/candidate.json")]
        return sorted(found, key=lambda trial: (trial.candidate.index, trial.candidate.id))

    def members(self) -> Members:
        """Read the members of the predictor that is saved; none if there is none yet."""
        if self._frozen is not None:
            return self._frozen[1]
        manifest = self.root / "model" / "manifest.json"
        return read_json(manifest)["members"] if manifest.exists() else ()

    @property
    def _out_of_fold(self) -> Path:
        return self.root / "out_of_fold.npy"

    def _trial(self, candidate_id: str) -> Path:
        return self.root / "trials" / candidate_id


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file in one step: readers see the old one or the new one, never half of it."""
    partial = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}")
    partial.write_text(json.dumps(values, indent=1), encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of the run folder."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(f"{path} is missing; {path.parent} is not a run folder of automl") from None
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged ({error})") from None
    return values
