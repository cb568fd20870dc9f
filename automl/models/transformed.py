"""Models that think of the target in another way than it is written, and what brings their predictions back.

In logarithms: for amounts, where a factor matters more than a difference. Either the target is transformed, of which no
family knows: what is wrapped here sees logarithms. Or a family that can minimises a deviance, and predicts the
logarithm of the mean. In another unit: where the values are so small, or so alike beside their distance from 0, that
the libraries, which hold them with seven digits, would lose them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.features.matrix import Matrix
from automl.features.supervision import unit_of
from automl.models import quantiles
from automl.models.base import FACTOR, Family, FitContext, FoldData, Model, Params, Progress, Value, relay

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
    factor: float | None = None,
    levels: tuple[float, ...] = (),
) -> Generator[Progress, None, Model]:
    """Train as :func:`quantiles.fit` does, on the logarithm of the target if that is asked for.

    What comes back from the mean of a logarithm lies below the mean of the target. If it is ``means`` that count, all
    predictions are raised by the factor that makes them right on the validation rows (as Duan's smearing, 1983, does
    on training rows, which a flexible model knows too well), or by one that is known.
    """
    how: Amounts | Unit | None = None
    if log or context.power is not None:
        how = Amounts.of(data.y_train, log)
    elif not (family.baseline or context.shape.problem_type.classification):
        how = Unit.of(data.y_train)
    if how is None:
        return (yield from quantiles.fit(family, data, params, context, levels))
    training = quantiles.fit(family, how.transformed(data), params, context, levels)
    restore = how.restore
    model = yield from relay(training, lambda each: replace(each, prediction=restore(each.prediction)))
    if isinstance(how, Amounts) and log and (means or factor is not None):
        how = how.raised(model, data) if factor is None else replace(how, factor=factor)
    return TransformedTargetModel(model, how)


def load(family: Family, folder: Path) -> Model:
    """Read what a model of :func:`fit` has written."""
    model = quantiles.load(family, folder)
    about = folder / _FILE
    if not about.exists():
        return model
    known = json.loads(about.read_text(encoding="utf-8"))
    return TransformedTargetModel(model, Unit(**known) if "origin" in known else Amounts(**known))


@dataclass(frozen=True, slots=True)
class Amounts:
    """``log(1 + y)`` and back, within the range of the training values."""

    low: float
    high: float
    plus_one: bool = True
    """Without, what is brought back is the logarithm of the value itself."""
    factor: float = 1.0
    """By which values are raised to the mean of those that have such a logarithm."""

    @classmethod
    def of(cls, y: NDArray[np.generic], plus_one: bool) -> Amounts:
        """Measure training values."""
        return cls(float(np.min(y)), float(np.max(y)), plus_one)

    def transformed(self, data: FoldData) -> FoldData:
        """Return the fold with the logarithm of its target, if the model does not take it itself."""
        # validation rows may lie below what training has seen, but not below where the logarithm ends
        return _with_target(data, "log", lambda y: np.log1p(np.maximum(y, 0.0))) if self.plus_one else data

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


@dataclass(frozen=True, slots=True)
class Unit:
    """``(y - origin) / size`` and back.

    >>> unit = Unit(1.7e9, 50.0)
    >>> unit.restore(np.array([0.0, 1.0])).tolist()
    [1700000000.0, 1700000050.0]
    """

    origin: float
    size: float

    @classmethod
    def of(cls, y: NDArray[np.generic]) -> Unit | None:
        """Return the unit of values that need another one, else None."""
        found = unit_of(y.astype(np.float64))
        return cls(*found) if found else None

    def transformed(self, data: FoldData) -> FoldData:
        """Return the fold with its target in this unit."""
        return _with_target(data, "unit", lambda y: (y - self.origin) / self.size)

    def restore(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return predictions in the target's own unit."""
        return z * self.size + self.origin


def _with_target(data: FoldData, name: str, function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> FoldData:
    """Return the fold with another target; what is cached for it has keys of its own."""
    train, valid = (replace(X, key=X.key and f"{X.key}-{name}") for X in (data.X_train, data.X_valid))
    y_train, y_valid = (function(y.astype(np.float64)) for y in (data.y_train, data.y_valid))
    return replace(data, X_train=train, y_train=y_train, X_valid=valid, y_valid=y_valid)


@dataclass(frozen=True, slots=True, eq=False)
class TransformedTargetModel(Model):
    """A model of the target in another form, and what brings its predictions back."""

    model: Model
    how: Amounts | Unit

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return values in the target's own unit."""
        return self.how.restore(self.model.predict(X))

    def formula(self, X: Any) -> Any:
        """Return what ``predict`` does, as a symbol of the columns."""
        return self.how.restore(self.model.formula(X))

    def save(self, folder: Path) -> None:
        """Write the model, and ``target.json`` beside it."""
        self.model.save(folder)
        (folder / _FILE).write_text(json.dumps(asdict(self.how)), encoding="utf-8")

    def save_for_few_rows(self, folder: Path) -> None:
        """Write that of the model."""
        self.model.save_for_few_rows(folder)

    @property
    def details(self) -> Mapping[str, Value]:
        """Those of the model, and the factor that is taken over where no validation row tells it."""
        if isinstance(self.how, Amounts) and self.how.plus_one:
            return {**self.model.details, FACTOR: self.how.factor}
        return self.model.details
