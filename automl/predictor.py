"""A predictor: a weighted ensemble of models, from a raw table to predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.blend import Blend
from automl.config import AS_FOUND, ReadOptions, usable_cores
from automl.data.io import array_names, read_data
from automl.data.reading import Reading
from automl.data.rows import RowReader
from automl.data.schema import apply_schema, with_decimal
from automl.data.table import Schema, Task
from automl.errors import SchemaError, UsageError, option, warn
from automl.evaluation.conformal import Residuals
from automl.evaluation.decision import Decision
from automl.evaluation.interval import Score
from automl.features.fused import Columns, Fused
from automl.features.matrix import Matrix
from automl.features.pipeline import Features
from automl.formula.symbol import NoFormula
from automl.models.base import Model

BLOCK: Final = 4_096
"""Rows that one thread predicts at a time: what is made of them on the way stays in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldModel:
    """A model that was trained without one fold, or on all rows: a share of a member of the ensemble."""

    member: int
    share: float
    """Share of the member's prediction, which is the mean of its fold models."""
    model: Model


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Models that see the same features: those of one fold and recipe. Features are computed once for all of them."""

    fold: int
    features: Features
    models: Sequence[FoldModel]


@dataclass(frozen=True, eq=False)
class Predictor:
    """Predicts from raw tables: pandas, polars, pyarrow, dicts of lists, lists of dicts, or a path to a file.

    Columns are matched by name; further ones are ignored, missing ones are an error. An array has no names, and must
    have the columns of the array that the model was trained on. Unseen categories, missing values and infinities are
    handled. A row's prediction does not depend on the rows beside it.

    As of every estimator of scikit-learn, ``classes_`` is sorted, and the columns of :meth:`predict_proba` are in that
    order: whichever class is the positive one, and however categories are ordered. What has names keeps the task's own
    order, the positive class last: ``task.classes``, :meth:`predict_frame`, answers and files.

    >>> import automl
    >>> automl.load("runs/churn").predict(pd.read_csv("new.csv")).tolist()  # doctest: +ELLIPSIS
    ['...', '...', '...', '...', '...']
    """

    schema: Schema
    task: Task
    metric: str
    score: Score
    """Out-of-fold score in the metric's natural sign, with the interval expected on new data."""
    parts: Sequence[Part]
    blend: Blend
    residuals: Residuals | None
    """Regression: what intervals are made of; None if the model was saved by an earlier version."""
    decision: Decision
    """Classification: how a class is chosen."""
    coverage: Sequence[float]
    """Quantile: the share of values that lie below each, out of fold; the levels themselves would be perfect."""
    reading: Reading
    """How the training table was read; files are read the same way."""
    examples: Sequence[Mapping[str, Any]]
    """A few raw training rows."""
    manifest: Mapping[str, Any]
    folder: Path
    """Where it is saved."""

    def __repr__(self) -> str:
        score = f"{self.metric} {self.score.value:.4g} ({self.score.low:.4g} to {self.score.high:.4g})"
        return f"Predictor({self.task.target!r}: {self.problem_type_}, {score}, members: {len(self.blend.weights)})"

    @property
    def classes_(self) -> NDArray[np.generic] | None:
        """The sorted class labels, in the order of the columns of :meth:`predict_proba`; None for numbers."""
        return self.task.labels[self._sorted] if self.task.classes else None

    @cached_property
    def _sorted(self) -> NDArray[np.intp]:
        """The places of the sorted classes in the task's order."""
        return np.argsort(self.task.labels)

    @property
    def problem_type_(self) -> str:
        """``binary``, ``multiclass``, ``regression`` or ``quantile``."""
        return self.task.problem_type.value

    @property
    def feature_names_in_(self) -> NDArray[np.generic]:
        """Names of the columns that the training table had, the target aside."""
        return np.array([column.name for column in self.schema.columns], dtype=object)

    @property
    def n_features_in_(self) -> int:
        """How many they are."""
        return len(self.schema.columns)

    def example_rows(self) -> list[dict[str, Any]]:
        """Return a few raw rows as they were in training, for documentation and smoke tests."""
        return [dict(row) for row in self.examples]

    def example_frame(self) -> pd.DataFrame:
        """Return the same rows as a table of the columns of training."""
        return pd.DataFrame(self.example_rows(), columns=list(self.feature_names_in_))

    def predict(self, data: object) -> NDArray[np.generic]:
        """Return (rows,) class labels or values, or (rows, levels) quantiles, which never fall from level to level."""
        return self.answers(self.raw(data))

    def predict_proba(self, data: object) -> NDArray[np.float64]:
        """Return (rows, classes) probabilities, columns in the order of ``classes_``, which is sorted.

        Raises
        ------
        UsageError
            For numbers.
        """
        if not self.task.problem_type.classification:
            raise UsageError("predict_proba needs classes, but this model predicts numbers; use predict")
        return self.raw(data).take(self._sorted, axis=1)

    def predict_interval(self, data: object, coverage: float = 0.9) -> NDArray[np.float64]:
        """Return (rows, 2): the bounds between which a value lies with probability ``coverage``, all rows together.

        See :class:`~automl.evaluation.conformal.Residuals`. Few training rows tell of errors up to some coverage only:
        beyond it the intervals get no wider, and a :class:`~automl.errors.DataWarning` says which it is.

        Raises
        ------
        UsageError
            For classes and quantiles, or if ``coverage`` is not between 0 and 1.
        """
        bounds = self._known_residuals().interval(self.raw(data), coverage)
        self._warn_of_few_rows(coverage)
        return bounds

    def predict_frame(
        self, data: object, *, proba: bool = False, interval: float | None = None, options: ReadOptions = AS_FOUND
    ) -> pd.DataFrame:
        """Return a frame with the column ``prediction``, or ``q<level>`` for each quantile; on demand, further ones.

        Its index is that of ``data``, if that is a pandas frame.

        Parameters
        ----------
        proba
            Add ``probability_<class>`` for each class, the positive one last.
        interval
            Add ``low`` and ``high``, between which the value lies with this probability, see :meth:`predict_interval`.
        options
            Where a file is written otherwise than the training table was.

        Raises
        ------
        SchemaError
            If columns are missing or cells cannot be what they were in training; names each.
        UsageError
            If probabilities are asked for of numbers, or an interval for classes or quantiles.
        """
        index = data.index if isinstance(data, pd.DataFrame) else None
        columns = self.columns(self.raw(data, options), proba=proba, interval=interval)
        if interval is not None:
            self._warn_of_few_rows(interval)
        return pd.DataFrame(columns, index=index)

    def columns(
        self, raw: NDArray[np.float64], *, proba: bool = False, interval: float | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """Return the columns of :meth:`predict_frame` for what :meth:`raw` returned."""
        if proba and not self.task.problem_type.classification:
            raise UsageError(
                f"probabilities need classes, but this model predicts numbers; leave out {option('proba')}"
            )
        bounds = None if interval is None else self._known_residuals().interval(raw, interval)
        if self.task.levels:
            return dict(zip(self.task.level_names, raw.T, strict=True))
        columns: dict[str, NDArray[np.generic]] = {"prediction": self.answers(raw)}
        if proba:
            columns |= {f"probability_{label}": raw[:, i] for i, label in enumerate(self.task.classes)}
        if bounds is not None:
            columns["low"], columns["high"] = bounds.T
        return columns

    def raw(self, data: object, options: ReadOptions = AS_FOUND) -> NDArray[np.float64]:
        """Return (rows,) values, (rows, levels) quantiles or (rows, classes) probabilities for a raw table.

        Classes are in the order of ``task.classes``.
        """
        columns = self.read_rows(data) if self.read_rows and options == AS_FOUND else None
        return self.of_typed(self.typed(data, options) if columns is None else columns)

    def of_typed(self, typed: pd.DataFrame | Columns) -> NDArray[np.float64]:
        """Return the same for typed rows: a few by column, or a frame, which is predicted by blocks on all cores."""
        if not isinstance(typed, pd.DataFrame):
            return self._blended(typed, len(next(iter(typed.values()))))
        blocks = [typed.iloc[start : start + BLOCK] for start in range(0, len(typed), BLOCK)]
        if len(blocks) < 2:
            return self._blended(typed, len(typed))
        with ThreadPoolExecutor(min(len(blocks), usable_cores())) as pool:
            return np.concatenate(list(pool.map(lambda block: self._blended(block, len(block)), blocks)))

    @cached_property
    def read_rows(self) -> RowReader | None:
        """What types a few rows without a frame, where that can be."""
        return None if self.reading.na else RowReader.of(self.schema)

    @cached_property
    def _fused(self) -> Fused:
        """The features of all parts in one go."""
        return Fused.of([part.features for part in self.parts])

    def _blended(self, typed: pd.DataFrame | Columns, rows: int) -> NDArray[np.float64]:
        """Return the predictions for typed rows."""
        if isinstance(typed, pd.DataFrame):
            typed = {each.name: np.asarray(typed[each.name]) for each, _ in self.schema.typed}
        return self._together(self._fused(typed, rows), lambda each, X: each.model.predict(X))

    def _together(
        self, matrices: Sequence[Matrix], predicted: Callable[[FoldModel, Matrix], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return one prediction of all models, whose parts see these matrices."""
        members: list[NDArray[np.float64] | float] = [0.0] * len(self.blend.weights)
        for part, X in zip(self.parts, matrices, strict=True):
            for each in part.models:
                members[each.member] = members[each.member] + each.share * predicted(each, X)
        return self.blend(cast("list[NDArray[np.float64]]", members))

    def formula(self, columns: Mapping[str, Any]) -> Any:
        """Return what :meth:`of_typed` computes of the symbols of typed columns, (rows, 1) each, by their names.

        Columns are numbers and categories: text and dates have no symbol.

        Raises
        ------
        NoFormula
            If a member has none; names it.
        """

        def predicted(each: FoldModel, X: Any) -> Any:
            try:
                return each.model.formula(X)
            except NoFormula as error:
                member = self.manifest["members"][each.member]
                raise NoFormula(f"member {member['candidate']} ({member['family']}): {error}") from None

        return self._together(self._fused.formula(columns), predicted)

    def answers(self, raw: NDArray[np.float64]) -> NDArray[np.generic]:
        """Return (rows,) class labels or values, or (rows, levels) quantiles, for what :meth:`raw` returned."""
        return self.task.decode(self.decision.settled(raw) if self.task.classes else raw)

    def _known_residuals(self) -> Residuals:
        if self.task.problem_type.classification:
            raise UsageError("intervals need numbers, but this model predicts classes; ask for probabilities")
        if self.task.levels:
            known = ", ".join(self.task.level_names)
            raise UsageError(f"intervals need one value a row, but this model predicts {known}: two of them are one")
        if self.residuals is None:
            raise UsageError("this model was saved without what intervals are made of; train it again")
        return self.residuals

    def _warn_of_few_rows(self, coverage: float) -> None:
        residuals = self._known_residuals()
        if coverage > residuals.most:
            warn(
                f"intervals of {coverage:.1%} cannot be told from the errors of {residuals.rows} rows: these hold "
                f"{residuals.most:.1%} at most; train on more rows"
            )

    def read(self, data: object, options: ReadOptions = AS_FOUND) -> tuple[pd.DataFrame, Reading]:
        """Return a raw table, read as the training table was but for what ``options`` say, and how that was."""
        if isinstance(data, np.ndarray) and data.ndim == 2:
            self._require_array(array_names(data.shape[1]))
        if isinstance(data, pd.Series) and any(column.name in data.index for column in self.schema.used):
            raise SchemaError("a Series is a column, and this one looks like a row; give a frame, such as df.iloc[[0]]")
        return read_data(data, reading=self.reading, options=options)

    def typed(self, data: object, options: ReadOptions = AS_FOUND) -> pd.DataFrame:
        """Return the typed frame of a raw table, see :mod:`automl.data.table`."""
        return self.typed_as(*self.read(data, options))

    def typed_as(self, frame: pd.DataFrame, reading: Reading) -> pd.DataFrame:
        """Return the typed frame of what :meth:`read` returned."""
        return apply_schema(frame, with_decimal(self.schema, reading.decimal, self.reading.decimal))

    def _require_array(self, names: Sequence[str]) -> None:
        """Refuse an array whose columns are not those of the training table, with its target or without: they are
        matched by their places, which nothing else can check."""
        known = [column.name for column in self.schema.columns]
        if names in (known, list(self.reading.header)):
            return
        if known == array_names(len(known)):
            raise SchemaError(f"an array must have the {len(known)} columns of the training table, got {len(names)}")
        some = ", ".join(map(repr, known[:3])) + (", ..." if len(known) > 3 else "")
        raise SchemaError(f"an array has no column names, and the training table had: {some}; give a frame with them")


def predictor_of(model: object) -> Predictor:
    """Return a model's predictor: that of a fitted :class:`~automl.AutoML`, or itself.

    Raises
    ------
    UsageError
        If it is neither.
    """
    found = getattr(model, "predictor_", model)
    if not isinstance(found, Predictor):
        raise UsageError(f"a model is a fitted AutoML or what automl.load returns, got {model!r}")
    return found
