"""How well probabilities order two classes: what each threshold finds, and what it raises in vain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.classification import at_thresholds
from automl.evaluation.metric import Weight

_POINTS: Final = 200


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ROC and the precision-recall curve, by falling threshold; of many thresholds 200 at equal distances."""

    thresholds: tuple[float, ...]
    """From which probability on a row counts as positive."""
    recall: tuple[float, ...]
    """Share of the positive rows that are found."""
    precision: tuple[float, ...]
    """Share of the found rows that are positive."""
    false_positives: tuple[float, ...]
    """Share of the negative rows that are found."""
    positives: float
    """Share of all rows that are positive."""


def ranking(positive: NDArray[np.bool_], probability: NDArray[np.float64], weight: Weight = None) -> Ranking | None:
    """Return the curves of (rows,) probabilities of the positive class; None if only one class is there.

    >>> curve = ranking(np.array([True, True, False]), np.array([0.9, 0.2, 0.5]))
    >>> curve.thresholds, curve.recall, curve.false_positives
    ((0.9, 0.5, 0.2), (0.5, 0.5, 1.0), (0.0, 1.0, 1.0))
    """
    if positive.all() or not positive.any():
        return None
    found, counts = at_thresholds(positive, probability, weight)
    kept = np.unique(np.linspace(0, len(counts) - 1, _POINTS).astype(np.intp))
    right, whole = found[kept], counts[kept]
    negatives = counts[-1] - found[-1]
    return Ranking(
        _floats(np.unique(probability)[::-1][kept]),
        _floats(right / found[-1]),
        _floats(right / whole),
        _floats((whole - right) / negatives),
        float(found[-1] / counts[-1]),
    )


def _floats(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(values.tolist())
