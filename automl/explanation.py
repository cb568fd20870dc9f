"""Why a row is predicted as it is: what each column of the table adds, in the unit of the prediction.

Shapley values of the whole predictor, whatever it is made of (Štrumbelj and Kononenko 2014): columns are brought in one
after the other, in random orders and their reverses (Mitchell et al. 2022), before a background of training rows. What
the columns add sums exactly to the difference between the prediction and the mean prediction of the background.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.config import AS_FOUND, ReadOptions
from automl.data.cells import text_of
from automl.data.table import Label
from automl.errors import DataError, UsageError
from automl.predictor import Predictor, predictor_of

PAIRS: Final = 4
"""Random orders of the columns; the reverse of each is used too."""
CELLS: Final = 2**20
"""Predicted at a time: all orders of a wide table would be gigabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What the columns add to the predictions of some rows.

    >>> from automl import explain, load
    >>> explanation = explain(load("runs/churn"), "new.csv")
    >>> [len(strongest) for strongest in explanation.reasons(3)]
    [3, 3, 3, 3, 3]
    >>> explanation.importance().idxmax() in explanation.names
    True
    """

    names: Sequence[str]
    """The columns."""
    added: NDArray[np.float64]
    """(rows, columns), in the unit of the prediction: the target's own, or probability."""
    base: NDArray[np.float64]
    """(rows,) the mean prediction of the background."""
    predicted: NDArray[np.float64]
    """(rows,) the value, or the probability of the class in ``of``: ``base`` and the row's sum of ``added``."""
    of: Sequence[Label]
    """Classes: which one each row is explained for; the positive one of two, else the predicted one. Quantiles: the
    name of the level nearest to the median, such as ``q0.5``. Empty for values."""
    table: pd.DataFrame
    """The rows, by the columns in ``names``."""

    def reasons(self, top: int = 3) -> list[list[Reason]]:
        """Return for each row the columns that add or take most, the strongest first, without those of no effect."""
        order = np.argsort(-np.abs(self.added), axis=1, kind="stable")[:, :top]
        return [
            [
                Reason(self.names[i], self.table.iat[row, i], float(self.added[row, i]))
                for i in columns.tolist()
                if self.added[row, i]
            ]
            for row, columns in enumerate(order)
        ]

    def frame(self) -> pd.DataFrame:
        """Return one row a row: ``base``, what each column adds, and their sum, ``predicted``; ``of`` which output.

        Where a column of the table is called so, these names end in ``_``.
        """
        return self._between(dict(zip(self.names, self.added.T, strict=True)))

    def told(self, top: int = 3) -> pd.DataFrame:
        """Return the strongest reasons in words, ``size = 3: +0.2``, in the place of what each column adds."""
        words = [[f"{why.column} = {why.written}: {why.adds:+.4g}" for why in row] for row in self.reasons(top)]
        return self._between({f"reason_{i + 1}": [row[i] if i < len(row) else "" for row in words] for i in range(top)})

    def importance(self) -> pd.Series[float]:
        """Return how far each column moves a prediction, on average over the rows: the greatest first.

        The mean absolute value of what it adds, in the unit of the prediction. It tells of the model, and of the rows
        that were explained: that the target depends on the column it does not prove.

        Raises
        ------
        DataError
            If there are no rows.
        """
        if not len(self.added):
            raise DataError("the importance of columns is that for some rows, and this table has none")
        mean = pd.Series(np.abs(self.added).mean(axis=0), index=list(self.names), name="importance")
        return mean.sort_values(ascending=False, kind="stable")

    def _between(self, reasons: Mapping[str, Sequence[Any] | NDArray[Any]]) -> pd.DataFrame:
        """Return reasons between what they start from and what they lead to."""
        ends = {"predicted": self.predicted} | ({"of": self.of} if self.of else {})

        def free(columns: Mapping[str, Any]) -> dict[str, Any]:
            return {name + "_" * (name in reasons): values for name, values in columns.items()}

        return pd.DataFrame(free({"base": self.base}) | {**reasons} | free(ends), index=self.table.index)


@dataclass(frozen=True, slots=True)
class Reason:
    """What a cell adds to the prediction of its row."""

    column: str
    value: Any
    adds: float

    @property
    def written(self) -> str:
        """The value in words, a list or an object as JSON."""
        nested = isinstance(self.value, list | dict | np.ndarray)
        return str(text_of(self.value) if nested else self.value)


def explain(
    model: object,
    data: object,
    *,
    pairs: int = PAIRS,
    random_state: int = 0,
    options: ReadOptions = AS_FOUND,
) -> Explanation:
    """Explain the predictions of a raw table.

    A row takes ``2 * pairs * (columns + 1)`` predictions before each of the background's rows, which are the few
    training rows that the predictor keeps: about 0.1 s, of a table with texts a second.

    Parameters
    ----------
    model
        A fitted :class:`~automl.AutoML`, or what :func:`automl.load` returns.
    pairs
        Random orders of the columns, each with its reverse: more make the values more precise.
    options
        Where a file is written otherwise than the training table was.

    Raises
    ------
    SchemaError
        If columns are missing or cells cannot be what they were in training.
    UsageError
        If ``pairs`` is no whole number of at least 1, or ``model`` is none.
    """
    if not isinstance(pairs, int | np.integer) or pairs < 1:
        raise UsageError(f"pairs must be a whole number of at least 1, got {pairs!r}")
    predictor = predictor_of(model)
    names = [column.name for column in predictor.schema.used]
    frame, reading = predictor.read(data, options)
    typed = predictor.typed_as(frame, reading)
    background = predictor.typed(predictor.example_frame())
    predicted, outputs = _explained_outputs(predictor, predictor.of_typed(typed))
    known = _orders(len(names), pairs, np.random.default_rng(random_state))
    at_once = max(1, CELLS // (len(background) * len(names)))
    added = np.empty((len(typed), len(names)))
    base = np.empty(len(typed))
    for row in range(len(typed)):
        blocks = [known[start : start + at_once] for start in range(0, len(known), at_once)]
        one = typed.iloc[row : row + 1]
        means = np.concatenate([_means(predictor, one, background, block, outputs[row]) for block in blocks])
        steps = np.diff(means.reshape(2 * pairs, -1), axis=1)
        joined = np.diff(known.reshape(2 * pairs, len(names) + 1, -1).astype(np.int8), axis=1).argmax(axis=2)
        added[row] = np.bincount(joined.ravel(), weights=steps.ravel(), minlength=len(names)) / (2 * pairs)
        base[row] = means[0]
    table = frame.rename(columns=lambda name: str(name).strip())[names]
    known_as = predictor.task.classes or predictor.task.level_names
    of = [known_as[output] for output in outputs.tolist()] if known_as else ()
    return Explanation(names, added, base, predicted, of, table)


def _explained_outputs(predictor: Predictor, raw: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return (rows,) what is explained, and which column of the predictions that is."""
    if raw.ndim == 1:
        return raw, np.zeros(len(raw), np.intp)
    if predictor.task.levels:
        outputs = np.full(len(raw), int(np.argmin(np.abs(np.array(predictor.task.levels) - 0.5))))
    elif raw.shape[1] == 2:
        outputs = np.ones(len(raw), np.intp)
    else:
        outputs = predictor.decision(raw)
    return raw[np.arange(len(raw)), outputs], outputs


def _orders(columns: int, pairs: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return (2 * pairs * (columns + 1), columns): which columns are known, step by step from none to all."""
    orders = [order for _ in range(pairs) for one in [rng.permutation(columns)] for order in (one, one[::-1])]
    places = np.argsort(orders, axis=1)
    return (places[:, None, :] < np.arange(columns + 1)[None, :, None]).reshape(-1, columns)


def _means(
    predictor: Predictor, row: pd.DataFrame, background: pd.DataFrame, known: NDArray[np.bool_], output: int
) -> NDArray[np.float64]:
    """Return (steps,) mean predictions where the known cells are those of the row, the others of the background."""
    cells = pd.concat([row, background], ignore_index=True)
    places = np.arange(1, len(background) + 1)
    used = [column.name for column in predictor.schema.used]
    takes = {name: np.where(known[:, i, None], 0, places).ravel() for i, name in enumerate(used)}
    mixed = {column.name: cells[column.name].take(takes[source]).array for column, source in predictor.schema.typed}
    raw = predictor.of_typed(pd.DataFrame(mixed))
    values = raw if raw.ndim == 1 else raw[:, output]
    return np.asarray(values.reshape(len(known), len(background)).mean(axis=1))
