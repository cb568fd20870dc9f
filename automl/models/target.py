"""The target as models that are not boosters want it: centred, scaled, bounded; and the class frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.classification import log_loss
from automl.evaluation.metric import Weight
from automl.evaluation.regression import mse, pinball
from automl.models.base import FitContext, FoldData, Shape

BEYOND: Final = 0.1
"""Share of the training range by which a prediction may leave it: a heavy-tailed row must not explode the error."""


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Mean, spread and bounds of a regression target.

    >>> scale = TargetScale.of(np.array([0.0, 10.0]))
    >>> scale.standardise(np.array([5.0, 10.0])).tolist(), scale.restore(np.array([0.0, 99.0])).tolist()
    ([0.0, 1.0], [5.0, 11.0])
    """

    mean: float
    spread: float
    low: float
    high: float

    @classmethod
    def of(cls, y: NDArray[np.generic], weight: Weight = None, beyond: float = BEYOND) -> TargetScale:
        """Measure training values, whose range predictions may leave by that share; a constant has spread 1."""
        values = y.astype(np.float64)
        mean = np.average(values, weights=weight)
        spread = values.std() if weight is None else np.sqrt(np.average(np.square(values - mean), weights=weight))
        low, high = float(values.min()), float(values.max())
        margin = beyond * (high - low)
        return cls(float(mean), float(spread) or 1.0, low - margin, high + margin)

    def standardise(self, y: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return values with mean 0 and spread 1 over the training rows."""
        return (y.astype(np.float64) - self.mean) / self.spread

    def restore(self, z: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return standardised predictions in the target's own unit, within its bounds."""
        return np.clip(z.astype(np.float64) * self.spread + self.mean, self.low, self.high)

    def array(self) -> NDArray[np.float64]:
        """Return the four numbers, for saving; ``TargetScale(*array)`` reads them."""
        return np.array(astuple(self))


def class_frequencies(y: NDArray[np.generic], n_classes: int, weight: Weight = None) -> NDArray[np.float64]:
    """Return (n_classes,) shares with one row added to each class, so that none is 0.

    >>> class_frequencies(np.array([0, 0]), 2).tolist()
    [0.75, 0.25]
    """
    counts = np.bincount(y.astype(np.int64), weight, n_classes) + 1.0
    return np.asarray(counts / counts.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What turns the numbers that a model computes into predictions."""

    frequencies: NDArray[np.float64]
    """(n_classes,), empty for regression."""
    scale: TargetScale | None
    """None for classes."""

    @classmethod
    def of(
        cls, y: NDArray[np.generic], shape: Shape, weight: Weight = None, beyond: float = BEYOND
    ) -> tuple[Outcome, NDArray[Any]]:
        """Measure a training target; return it beside what is to be learned: class codes, or standardised values."""
        if shape.problem_type.classification:
            return cls(class_frequencies(y, shape.n_classes, weight), None), y
        scale = TargetScale.of(y, weight, beyond)
        return cls(np.empty(0), scale), scale.standardise(y)

    @classmethod
    def read(cls, arrays: Mapping[str, NDArray[Any]]) -> Outcome:
        """Read what :meth:`arrays` returned."""
        scale = arrays["scale"]
        return cls(arrays["frequencies"], TargetScale(*scale.tolist()) if len(scale) else None)

    def arrays(self) -> dict[str, Any]:
        """Return it for saving."""
        return {"frequencies": self.frequencies, "scale": np.empty(0) if self.scale is None else self.scale.array()}

    def shares(self, votes: NDArray[Any], count: float) -> NDArray[np.float64]:
        """Return probabilities from the sums of ``count`` votes; the frequencies are one more, so that none is 0."""
        return (votes + self.frequencies) / (count + 1)

    def predictions(self, scores: NDArray[np.floating], rows: int) -> NDArray[np.float64]:
        """Return predictions from (rows, outputs) standardised values or logits; the frequencies are one more row."""
        if self.scale is not None:
            return self.scale.restore(scores[:, 0])
        return self.shares(rows * softmax(scores), rows)

    def predictions_of_outputs(self, scores: NDArray[np.floating], rows: int) -> NDArray[np.float64]:
        """Return :meth:`predictions` where two classes have a single logit, that of the second one."""
        if len(self.frequencies) == 2:
            scores = np.column_stack([np.zeros_like(scores), scores])
        return self.predictions(scores, rows)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (rows, classes) probabilities.

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


def validation_loss(
    y: NDArray[np.generic],
    prediction: NDArray[np.float64],
    *,
    weight: Weight = None,
    quantile: float | None = None,
) -> float:
    """Return what early stopping watches: log loss of probabilities, mean squared error or pinball loss of values.

    >>> validation_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    2.0
    """
    if prediction.ndim == 2:
        return log_loss(y.astype(np.int64), prediction, weight)
    values = y.astype(np.float64)
    return (
        mse(values, prediction, weight) if quantile is None else pinball(values, prediction, weight, quantile=quantile)
    )


def stopping_loss(data: FoldData, prediction: NDArray[np.float64], context: FitContext) -> float:
    """Return :func:`validation_loss` on the validation rows of a fold."""
    return validation_loss(data.y_valid, prediction, weight=data.weight_valid, quantile=context.quantile)
