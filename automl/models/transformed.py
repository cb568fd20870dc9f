"""Models that think in logarithms of the target: for amounts, where a factor matters more than a difference.

Either the target is transformed, of which no family knows: what is wrapped here sees logarithms. Or a family that can
minimises a deviance, and predicts the logarithm of the mean. What is predicted is brought back here.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.features.matrix import Matrix
from automl.models import quantiles
from automl.models.base import Family, FitContext, FoldData, Model, Params, Progress, Value

SKEWNESS: Final = 1.0
"""From here on the logarithm is tried."""
_FACTORS: Final = (0.5, 3.0)
"""By which predictions are raised at least and at most: a few rows must not decide on more."""
_FILE: Final = "target.json"


def skewed(y: NDArray[np.generic]) -> bool:
    """Return whether values are amounts with a long tail: never negative, and far from symmetric.

    >>> skewed(np.exp(np.linspace(0, 5, 100))), skewed(np.linspace(0, 5, 100)), skewed(-np.exp(np.linspace(0, 5, 100)))
    (True, False, False)
    """
    values = y.astype(np.float64)
    centred = values - values.mean()
    spread = centred.std()
    return bool(values.min() >= 0 and spread > 0 and np.mean((centred / spread) ** 3) > SKEWNESS)


def fit(
    family: Family,
    data: FoldData,
    params: Params,
    context: FitContext,
    *,
    log: bool,
    means: bool = False,
    levels: tuple[float, ...] = (),
) -> Generator[Progress, None, Model]:
    """Train as :func:`quantiles.fit` does, on the logarithm of the target if that is asked for.

    What comes back from the mean of a logarithm lies below the mean of the target. If it is ``means`` that count, all
    predictions are raised by the factor that makes them right on the validation rows (as Duan's smearing, 1983, does
    on training rows, which a flexible model knows too well).
    """
    if not log and context.power is None:
        return (yield from quantiles.fit(family, data, params, context, levels))
    amounts = Amounts(float(np.min(data.y_train)), float(np.max(data.y_train)), log)
    training = quantiles.fit(family, amounts.transformed(data) if log else data, params, context, levels)
    while True:
        try:
            progress = next(training)
        except StopIteration as end:
            return Restored(end.value, amounts.raised(end.value, data) if log and means else amounts)
        yield Progress(progress.rung, amounts.restore(progress.prediction))


def load(family: Family, folder: Path) -> Model:
    """Read what a model of :func:`fit` has written."""
    model = quantiles.load(family, folder)
    about = folder / _FILE
    return Restored(model, Amounts(**json.loads(about.read_text(encoding="utf-8")))) if about.exists() else model


@dataclass(frozen=True, slots=True)
class Amounts:
    """``log(1 + y)`` and back, within the range of the training values."""

    low: float
    high: float
    plus_one: bool = True
    """Without, what is brought back is the logarithm of the value itself."""
    factor: float = 1.0
    """By which values are raised to the mean of those that have such a logarithm."""

    def transformed(self, data: FoldData) -> FoldData:
        """Return the fold with the logarithm of its target; what is cached for it has keys of its own."""
        train, valid = (replace(X, key=X.key and f"{X.key}-log") for X in (data.X_train, data.X_valid))
        # validation rows may lie below what training has seen, but not below where the logarithm ends
        y_train, y_valid = (np.log1p(np.maximum(y.astype(np.float64), 0.0)) for y in (data.y_train, data.y_valid))
        return replace(data, X_train=train, y_train=y_train, X_valid=valid, y_valid=y_valid)

    def raised(self, model: Model, data: FoldData) -> Amounts:
        """Return amounts whose mean over the validation rows is that of the target."""
        predicted = np.average(self.restore(model.predict(data.X_valid)), weights=data.weight_valid)
        wanted = np.average(data.y_valid.astype(np.float64), weights=data.weight_valid)
        return replace(self, factor=float(np.clip(wanted / predicted, *_FACTORS))) if predicted > 0 else self

    def restore(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return predictions in the target's own unit."""
        if self.plus_one:
            restored: NDArray[np.float64] = np.expm1(np.clip(z, np.log1p(self.low), np.log1p(self.high)))
            return restored if self.factor == 1.0 else np.clip(restored * self.factor, self.low, self.high)
        return np.clip(np.exp(np.minimum(z, np.log(self.high))), self.low, self.high)


@dataclass(frozen=True, slots=True, eq=False)
class Restored(Model):
    """A model of the logarithm, and what brings its predictions back."""

    model: Model
    amounts: Amounts

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return values in the target's own unit."""
        return self.amounts.restore(self.model.predict(X))

    def formula(self, X: Any) -> Any:
        """Return the same."""
        return self.amounts.restore(self.model.formula(X))

    def save(self, folder: Path) -> None:
        """Write the model, and ``target.json`` beside it."""
        self.model.save(folder)
        (folder / _FILE).write_text(json.dumps(asdict(self.amounts)), encoding="utf-8")

    def save_for_few_rows(self, folder: Path) -> None:
        """Write that of the model."""
        self.model.save_for_few_rows(folder)

    @property
    def details(self) -> Mapping[str, Value]:
        """Those of the model."""
        return self.model.details
