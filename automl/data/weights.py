"""How much rows count: a column of weights, and weights of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import text_of
from automl.data.table import Label
from automl.data.task import class_code, numbers_of
from automl.errors import DataError, UsageError

ClassWeight = str | Mapping[str, float]
"""``balanced``, or the weights of classes; those that are not named have weight 1."""


def row_weights(weights: pd.Series[Any], decimal: str = ".") -> NDArray[np.float64]:
    """Return (rows,) weights of at least 0, as they are; ``decimal`` is the mark of the table's numbers.

    Raises
    ------
    DataError
        If a row has none, or a negative or infinite one, or all are 0.

    >>> row_weights(pd.Series(["0,5", "2"])).tolist()
    [0.5, 2.0]
    """
    name = str(weights.name)
    values = numbers_of(weights, decimal)
    wrong = ~(values >= 0)  # NaN is not
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"weights must be numbers of at least 0, {name!r} has {text_of(weights.iloc[row]) or 'nothing'!r} in row "
            f"{row + 1}; repair it or leave out the row"
        )
    if not values.any():
        raise DataError(f"weights must not all be 0, {name!r} has nothing else; choose another column")
    return values


def on_average_one(weights: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return weights whose mean is 1, so that their unit does not matter; None if all are equal.

    >>> on_average_one(np.array([10.0, 30.0])), on_average_one(np.array([2.0, 2.0]))
    (array([0.5, 1.5]), None)
    """
    return None if (weights == weights[0]).all() else weights / weights.mean()


def class_weights(
    wanted: ClassWeight, classes: Sequence[Label], y: NDArray[Any], weight: NDArray[np.float64] | None
) -> tuple[float, ...]:
    """Return a weight for each class, by which training rows count 1 on average.

    Parameters
    ----------
    wanted
        ``balanced`` gives every class the same sum of weights.
    y, weight
        (rows,) class codes, and the weights of rows.

    Raises
    ------
    UsageError
        If the target has no classes, a class is unknown, or a weight is not above 0.

    >>> class_weights("balanced", ("no", "yes"), np.array([0, 0, 0, 1]), None)
    (0.6666666666666666, 2.0)
    """
    if not classes:
        raise UsageError("class weights need classes, and the target is numbers; leave them out")
    counts = np.bincount(y, weight, len(classes))
    if wanted == "balanced":
        given = np.divide(1.0, counts, out=np.zeros(len(classes)), where=counts > 0)
    elif isinstance(wanted, str):
        raise UsageError(f'class weights must be balanced or such as {{"{classes[-1]}": 5}}, got {wanted!r}')
    else:
        given = np.ones(len(classes))
        for label, value in wanted.items():
            given[class_code(classes, label, "the class weight")] = value
    if not (given[counts > 0] > 0).all():
        raise UsageError(f"class weights must be above 0, got {min(given[counts > 0]):g}; leave the rows out instead")
    return tuple((given * counts.sum() / (given @ counts)).tolist())
