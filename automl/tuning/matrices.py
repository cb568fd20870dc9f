"""Compute once: the feature matrices of a (fold, recipe), shared by all trials and processes of a run.

The first process that needs a recipe fits it and writes the matrices as plain arrays; all others map those files into
memory, so that every process on the machine reads the same pages. A file lock, which the system drops when its holder
dies, keeps two processes from doing the same work.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from automl import archive
from automl.deadline import NEVER, Deadline, DeadlinePassedError
from automl.features.matrix import Matrix, Needs
from automl.features.pipeline import Features, fit_features, fit_texts
from automl.features.text import Texts
from automl.memory import release_unused
from automl.models.base import FoldData
from automl.tuning.journal import read_json, write_json
from automl.tuning.problem import Problem

_KEPT: Final = 32
"""Folds kept open in a process; their pages belong to the system's cache."""
_SPARSE: Final = ("data", "indices", "indptr")
_FITTED: Final = "features"


class Matrices:
    """Hands out the matrices of a fold for a family's needs."""

    def __init__(self, problem: Problem, folder: Path) -> None:
        self._problem = problem
        self.folder = folder
        self._open: OrderedDict[Path, tuple[FoldData, Matrix]] = OrderedDict()

    def fold(self, fold: int, needs: Needs, deadline: Deadline = NEVER) -> tuple[FoldData, Matrix]:
        """Return what a model of a fold is trained with, and the rows that it is scored on; see :meth:`Problem.parts`.

        Features are fitted on the training rows only. Texts that would take too much of the time until the deadline are
        not read.

        Raises
        ------
        DeadlinePassedError
            If those that were read once cannot be read again in time.
        """
        place = fitted(self.folder, needs.recipe, fold).parent
        if place not in self._open:
            _once(place, lambda partial: self._fit(partial, fold, needs, deadline))
            release_unused()  # what fitting them has taken is most of the process if the table is large
            self._open[place] = self._read(place, fold)
            if len(self._open) > _KEPT:
                self._open.popitem(last=False)
        self._open.move_to_end(place)
        return self._open[place]

    def _fit(self, place: Path, fold: int, needs: Needs, deadline: Deadline) -> None:
        problem = self._problem
        train, stopping, valid = problem.parts(fold)
        groups = None if problem.groups is None else problem.groups[train]
        frame = problem.frame[[]] if needs.blind else problem.frame  # nothing is copied that nobody looks at
        rows = frame.iloc[train], problem.y[train], problem.schema, problem.task
        weight = problem.weight_of(train)

        def write_texts(partial: Path) -> None:
            began = time.perf_counter()
            texts, columns = fit_texts(
                *rows,
                random_state=problem.random_state,
                groups=groups,
                weight=weight,
                deadline=deadline,
                unread=problem.unread,
            )
            (partial / _FITTED).mkdir()
            texts.save(partial / _FITTED)
            np.savez(partial / "train.npz", np.array(time.perf_counter() - began), *columns, allow_pickle=False)

        texts = None
        if problem.schema.texts and not needs.blind:
            shared = fitted_texts(self.folder, fold)
            _once(shared.parent, write_texts)
            with np.load(shared.with_name("train.npz"), allow_pickle=False) as file:
                seconds, *columns = (file[name] for name in file.files)
            texts = Texts.load(shared), columns
            if needs.text == "tfidf" and seconds > deadline.remaining:
                raise DeadlinePassedError
        features, X_train = fit_features(
            *(*rows, needs),
            random_state=problem.random_state,
            groups=groups,
            weight=weight,
            texts=texts,
            constraints=problem.constraints,
        )
        (place / _FITTED).mkdir()
        features.save(place / _FITTED)
        _write(place / "train", X_train)
        _write(place / "valid", features.transform(frame.iloc[valid]))
        if stopping is not valid:
            _write(place / "stopping", features.transform(frame.iloc[stopping]))

    def _read(self, place: Path, fold: int) -> tuple[FoldData, Matrix]:
        problem = self._problem
        train, stopping, valid = problem.parts(fold)
        scored = _read(place / "valid")
        data = FoldData(
            _read(place / "train"),
            problem.y[train],
            scored if stopping is valid else _read(place / "stopping"),
            problem.y[stopping],
            problem.training_weight_of(train),
            problem.training_weight_of(stopping),
        )
        return data, scored


def unread_texts(folder: Path) -> tuple[str, ...]:
    """Return the columns whose texts the first fold has left out, because there was too little time."""
    place = fitted_texts(folder, 0) / "texts.json"
    return tuple(read_json(place)["unread"]) if place.exists() else ()


def load_features(folder: Path, recipe: str, fold: int) -> Features:
    """Return the fitted features of a fold."""
    texts = fitted_texts(folder, fold)
    return Features.load(fitted(folder, recipe, fold), Texts.load(texts) if texts.exists() else None)


def fitted(folder: Path, recipe: str, fold: int) -> Path:
    """Return where the fitted features of a fold are."""
    return folder / recipe / f"fold-{fold}" / _FITTED


def fitted_texts(folder: Path, fold: int) -> Path:
    """Return the folder of a fold's fitted texts, which all its recipes share, if there are any."""
    return folder / "topics" / f"fold-{fold}" / _FITTED


def _write(place: Path, matrix: Matrix) -> None:
    place.mkdir()
    if isinstance(matrix.values, np.ndarray):
        np.save(place / "values.npy", matrix.values)
    else:
        for name in _SPARSE:
            np.save(place / f"{name}.npy", getattr(matrix.values, name))
    about = {
        "names": matrix.names,
        "categorical": matrix.categorical,
        "cardinalities": matrix.cardinalities,
        "sources": matrix.sources,
        "shape": matrix.values.shape,
    }
    write_json(place / "matrix.json", about)


def _read(place: Path) -> Matrix:
    about = read_json(place / "matrix.json")
    values: NDArray[np.float32] | sparse.csr_array
    if (place / "values.npy").exists():
        values = _mapped(place / "values.npy")
    elif "shape" not in about:  # runs of earlier versions
        values = sparse.csr_array(sparse.load_npz(place / "values.npz"))
    else:
        values = sparse.csr_array(tuple(_mapped(place / f"{name}.npy") for name in _SPARSE), tuple(about["shape"]))
    return Matrix(
        values,
        tuple(about["names"]),
        tuple(about["categorical"]),
        tuple(about["cardinalities"]),
        tuple(map(tuple, about.get("sources", ()))),  # runs of earlier versions have none
        key=str(place),
    )


def _mapped(file: Path) -> NDArray[Any]:
    """Return an array copy-on-write: pages are shared, and libraries that insist on writable arrays take it."""
    return np.asarray(np.load(file, mmap_mode="c", allow_pickle=False))


def _once(place: Path, fill: Callable[[Path], None]) -> None:
    """Make a folder if it is not there: one process fills it beside its place, and renames it when it is whole."""
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with archive.locked(place.with_name(f".{place.name}.lock")):
        if place.exists():
            return
        with archive.whole(place, first=True) as partial:  # not every file system has locks
            fill(partial)
