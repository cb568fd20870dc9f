"""The contract of a model family: one declarative object a file, the same for all.

A family is added by writing one file and putting one name into ``FAMILIES`` (or calling
:func:`automl.register_family` from outside the package). Nothing outside ``models/`` asks which family it has, but
the part of the portfolio that was put together by hand and the student of ``slim``: a family *declares* what it needs,
what it costs and where it runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from automl.data.constraints import FREE, Constraints
from automl.data.table import ProblemType
from automl.deadline import NEVER, Deadline
from automl.features.matrix import Matrix, Needs
from automl.formula.symbol import NoFormula
from automl.models.binned import BinnedCache

Value = bool | int | float | str
Params = Mapping[str, Value]
T = TypeVar("T")

ARITHMETIC: Final = "arithmetic"
TARGET: Final = "target"
RESAMPLE: Final = "resample"
FACTOR: Final = "target_factor"
RESERVED: Final = (ARITHMETIC, TARGET, RESAMPLE, FACTOR)
"""Names that no hyperparameter may have: a candidate has these beside those of its family."""


@dataclass(frozen=True, slots=True)
class Float:
    """A real hyperparameter in [low, high]; ``log`` samples its logarithm uniformly."""

    low: float
    high: float
    log: bool = False
    when: tuple[str, tuple[Value, ...]] | None = None
    """(other parameter, its values) for which this one exists; None = always. The other one stands before it."""


@dataclass(frozen=True, slots=True)
class Int:
    """An integer hyperparameter in [low, high], both included."""

    low: int
    high: int
    log: bool = False
    when: tuple[str, tuple[Value, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values."""

    values: tuple[Value, ...]
    when: tuple[str, tuple[Value, ...]] | None = None


Space = Mapping[str, Float | Int | Choice]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a problem, for defaults, spaces, costs and memory."""

    problem_type: ProblemType
    """What each model predicts: where quantiles are predicted, every level is a regression."""
    rows: int
    columns: int
    n_classes: int = 0
    """0 for regression."""
    numeric: int = 0
    """Numeric columns that may be combined with each other; constraints forbid some."""
    skewed: bool = False
    """Whether the target is an amount with a long tail."""
    resample: bool = False
    """Whether resampled training rows are tried."""
    of_means: bool = True
    """Whether means are predicted, no quantiles: then deviances suit such an amount."""
    of_logarithms: bool = False
    """Whether it is the mean of the target's logarithm that is best."""

    @property
    def outputs(self) -> int:
        """Trees or units a round: the number of classes if multiclass, else 1."""
        return self.n_classes if self.problem_type is ProblemType.MULTICLASS else 1


@dataclass(frozen=True, slots=True, eq=False)
class FoldData:
    """What a model is trained with: it learns from the first pair, and stops by the second, which it has not seen.

    y is float64 values for regression, int64 class codes 0..k-1 otherwise. A class may be absent from ``y_train``.
    Weights are (rows,) positive, 1 on average over the table; None = all rows count alike.
    """

    X_train: Matrix
    y_train: NDArray[np.generic]
    X_valid: Matrix
    y_valid: NDArray[np.generic]
    weight_train: NDArray[np.float64] | None = None
    weight_valid: NDArray[np.float64] | None = None

    def with_stopping_rows(self) -> FoldData:
        """Return the same with the rows to stop by learned from, too: nothing can be decided by them then."""
        weights = [each for each in (self.weight_train, self.weight_valid) if each is not None]
        return replace(
            self,
            X_train=self.X_train.followed_by(self.X_valid),
            y_train=np.concatenate([self.y_train, self.y_valid]),
            weight_train=np.concatenate(weights) if weights else None,
        )


@dataclass(frozen=True, slots=True)
class FitContext:
    """Where and how long a fit may run."""

    shape: Shape
    deadline: Deadline = NEVER
    """When a usable model must be returned. Families check it at every round and return what they have."""
    threads: int = 1
    gpu: bool = False
    random_state: int = 0
    quantile: float | None = None
    """Regression: the quantile of the target to predict, such as 0.5 for absolute errors; None = the mean. Families
    that only know means predict those, and are not tried where quantiles are what is asked for."""
    power: float | None = None
    """Regression of amounts: predict the logarithm of the mean, learned by the Tweedie deviance of this variance power,
    1 = Poisson; None = the mean, by squared errors. Given to families that declare ``deviances``."""
    constraints: Constraints = FREE
    """What the model must keep to, by the columns of the table; ``data.X_train.sources`` says which those are."""
    enough: float = inf
    """Distance (learning rate x rounds) that is as far as models of the family go here: more needs no hurry."""
    rungs: tuple[float, ...] = ()
    """Shares of the planned rounds, rising, after which to yield :class:`Progress` (only if the family has rounds)."""
    binned: BinnedCache = field(default_factory=BinnedCache, repr=False, compare=False)
    """What earlier fits have made of the same matrices."""


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """A report from inside a fit, for the scheduler: predictions on ``X_valid`` after a share of the rounds."""

    rung: int
    """Index into ``FitContext.rungs``."""
    prediction: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LibraryEstimator:
    """The nearest equivalent of a configuration in a well-known library, for exported code.

    Its class has scikit-learn's interface.
    """

    module: str
    name: str
    params: Mapping[str, object]
    categorical: str = ""
    """The parameter that takes the names of categorical columns; none if the library knows them by their type."""
    scaled_target: bool = False
    """Regression: whether it wants a target of mean 0 and spread 1."""
    imports: Mapping[str, str] = field(default_factory=dict)
    """Names that the representations of parameters use, and their modules."""
    differs: tuple[str, ...] = ()
    """What it does otherwise, in words."""


class Model(ABC):
    """A fitted model. Predictions never depend on which other rows are in the batch."""

    @abstractmethod
    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return (rows,) values for regression, else (rows, n_classes) probabilities that sum to 1 (binary too)."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the model into an existing empty folder in a native format that executes no code when read."""

    def save_for_few_rows(self, folder: Path) -> None:
        """Write a form that is quicker for few rows beside what :meth:`save` wrote, if there is one; load finds it."""
        return

    def formula(self, X: Any) -> Any:
        """Return what :meth:`predict` computes of the symbol of a dense matrix, see :mod:`automl.formula`.

        Raises
        ------
        NoFormula
            If this model has none; says why.
        """
        raise NoFormula(f"models of the class {type(self).__name__} have no formula")

    @property
    def details(self) -> Mapping[str, Value]:
        """Facts worth showing and reusing: ``rounds`` trained, ``learning_rate`` after fitting it to the time..."""
        return {}


CLASSES_AND_MEANS: Final = (ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION)


class Family(ABC):
    """A kind of model. Subclasses are final, stateless and cheap to construct: heavy imports happen in methods."""

    name: ClassVar[str]
    """Lower-case snake case, unique, safe in a path."""
    problem_types: ClassVar[tuple[ProblemType, ...]] = CLASSES_AND_MEANS
    """What it can predict. ``ProblemType.QUANTILE`` is there if ``fit`` aims at ``FitContext.quantile``."""
    gpu: ClassVar[bool] = False
    """Whether ``fit`` can use a GPU when ``FitContext.gpu`` is set."""
    weighted: ClassVar[bool] = False
    """Whether ``fit`` uses the weights of rows; a family that does not is given none."""
    monotone: ClassVar[bool] = False
    """Whether ``fit`` keeps to monotone constraints; where there are some, others are not trained."""
    interactions: ClassVar[bool] = False
    """The same for interaction constraints."""
    deviances: ClassVar[bool] = False
    """Whether ``fit`` minimises the deviance of ``FitContext.power`` if that is set."""
    baseline: ClassVar[bool] = False
    """Whether this is what every other family must beat: trained first, always on the leaderboard."""
    carried: ClassVar[tuple[str, ...]] = ()
    """Hyperparameters that the first fold fits to the time, by their names in :attr:`Model.details`: the further folds
    take them over, so that all are alike."""
    library: ClassVar[str] = "numpy"
    """The distribution whose version decides whether a saved model can be read."""

    @abstractmethod
    def needs(self, params: Params) -> Needs:
        """Return what the input must look like for these hyperparameters."""

    @abstractmethod
    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return strong diverse configurations, best first; the first is the default.

        Places mean the same for every shape; what is equal for this one is tried once.
        """

    @abstractmethod
    def space(self, shape: Shape) -> Space:
        """Return the search space; a fixed configuration (one-element portfolio) returns an empty one."""

    @abstractmethod
    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Train on one fold, yielding progress at the context's rungs, and return the model.

        Stops early on the validation pair and at the deadline. Equal inputs and seed give equal models when the
        deadline never comes.
        """

    @abstractmethod
    def load(self, folder: Path) -> Model:
        """Read what :meth:`Model.save` wrote."""

    @abstractmethod
    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit, input matrix not included."""

    def defaults(self, shape: Shape) -> Params:
        """Return what hyperparameters are that a configuration does not name, as far as that is known."""
        return {}

    def stops(self, problem_type: ProblemType) -> bool:
        """Return whether ``fit`` decides anything by the validation rows, such as when to stop."""
        return True

    def keeps(self, constraints: Constraints) -> bool:
        """Return whether ``fit`` keeps to these constraints."""
        return (self.monotone or not constraints.monotone) and (self.interactions or not constraints.interactions)

    def settled(self, params: Params, details: Mapping[str, Value]) -> Params | None:
        """Return hyperparameters that look at no validation rows, for a fit on all rows; None if there are none such.

        ``details`` are those of a trained model, such as the rounds after which it stopped.
        """
        return None

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator | None:
        """Return the configuration as a library's estimator, or None if there is nothing like it.

        ``details`` are those of a trained model, such as the rounds after which it stopped.
        """
        return None

    def preview(self, shape: Shape) -> Params | None:
        """Return a configuration that trains in about a second, or None if there is none."""
        return None


def relay(training: Generator[Progress, None, Model], report: Callable[[Progress], T]) -> Generator[T, None, Model]:
    """Run a training to its end and return its model, yielding what ``report`` makes of its progress."""
    while True:
        try:
            progress = next(training)
        except StopIteration as end:
            model: Model = end.value
            return model
        yield report(progress)


def complete(params: Params, defaults: Params) -> dict[str, Value]:
    """Return ``params`` over ``defaults``; a name that the defaults lack is an error.

    >>> complete({"depth": 3}, {"depth": 6, "rate": 0.1})
    {'depth': 3, 'rate': 0.1}
    """
    unknown = set(params) - set(defaults)
    if unknown:
        raise KeyError(f"unknown hyperparameters {sorted(unknown)}; known: {sorted(defaults)}")
    return {**defaults, **params}
