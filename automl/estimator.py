"""Options, tags and a score, as scikit-learn's tools ask an estimator for; it is imported only when they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.errors import AutoMLError, UsageError, suggestion
from automl.evaluation.costs import CostsLike
from automl.evaluation.custom import MetricLike
from automl.evaluation.metric import Metric
from automl.evaluation.metrics import get_metric
from automl.labelled import Labelled, optimised
from automl.predictor import Predictor

if TYPE_CHECKING:
    from sklearn.utils import Tags

_UNSHOWN: Final = ("on_progress",)
_OF_CLASSES: Final = ("cost_matrix", "class_weight", "positive")
"""Options that only classes have."""


class NoMethodError(UsageError, AttributeError):
    """A method is asked for that models of numbers lack."""


class ClassifierOnly:
    """A method that models of numbers lack, so that ``hasattr`` says so: scikit-learn's tools go by it."""

    def __init__(self, method: Callable[[Any, object], NDArray[np.float64]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, model: Estimator | None, kind: type[Estimator]) -> Callable[..., NDArray[np.float64]]:
        if model is None:
            return self._method
        if model._classifies() is False:
            raise NoMethodError(f"{self._method.__name__} needs classes, but this model predicts numbers; use predict")
        return MethodType(self._method, model)


class Estimator:
    """The side of :class:`~automl.AutoML` that is as scikit-learn expects."""

    options: ClassVar[Mapping[str, Any]]
    """Their defaults by name."""
    predictor_: Predictor
    _asked: tuple[MetricLike | None, CostsLike | None]
    """The metric and the costs that were optimised."""
    _metadata_request: Any
    """What was said to be handed on, by the name that scikit-learn's ``clone`` knows."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the options, as scikit-learn expects."""
        return {name: getattr(self, name) for name in self.options}

    def set_params(self, **params: Any) -> Self:
        """Set options by name, as scikit-learn expects."""
        for name, value in params.items():
            if name not in self.options:
                raise UsageError(f"AutoML has no option {name!r}{suggestion(name, self.options)}")
            setattr(self, name, value)
        return self

    def score(self, X: object, y: object = None, sample_weight: object = None) -> float:
        """Return the optimised metric on a labelled table; greater is better, so losses are negative.

        Parameters
        ----------
        y
            (rows,) target values, if they are not a column of ``X``.
        sample_weight
            (rows,) how much each row counts; None = as the column of weights says that the model was fitted with, if
            the table has it, else all alike.
        """
        model = self._fitted()
        metric = optimised(model, *self._asked)
        value = Labelled.of(model, X, y=y, weight=sample_weight, as_trained=True).score(metric)
        return value if metric.greater_is_better else -value

    def get_metadata_routing(self) -> Any:
        """Return what scikit-learn's tools hand on beside the table and its target, see :meth:`set_fit_request`."""
        return _routed(self).get_metadata_routing()

    def set_fit_request(self, **requests: bool | str | None) -> Self:
        """Say what scikit-learn's tools hand on to ``fit``, such as ``sample_weight=True``, if they route metadata.

        https://scikit-learn.org/stable/metadata_routing.html
        """
        self._metadata_request = _routed(self).set_fit_request(**requests).get_metadata_routing()
        return self

    def set_score_request(self, **requests: bool | str | None) -> Self:
        """Say what they hand on to :meth:`score`."""
        self._metadata_request = _routed(self).set_score_request(**requests).get_metadata_routing()
        return self

    def __sklearn_tags__(self) -> Tags:
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        classifies = self._classifies()
        return Tags(
            estimator_type=None if classifies is None else "classifier" if classifies else "regressor",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if classifies else None,
            regressor_tags=RegressorTags() if classifies is False else None,
            input_tags=InputTags(categorical=True, string=True, allow_nan=True),
            non_deterministic=True,
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "predictor_")

    def __repr__(self) -> str:
        shown = {name: value for name, value in self.get_params().items() if name not in _UNSHOWN}
        given = [f"{name}={value!r}" for name, value in shown.items() if repr(value) != repr(self.options[name])]
        return f"AutoML({', '.join(given)})"

    def _fitted(self) -> Predictor:
        if not hasattr(self, "predictor_"):
            raise _not_fitted("this AutoML is not fitted yet; call fit first")
        return self.predictor_

    def _classifies(self) -> bool | None:
        """Return whether classes are predicted; before a fit as far as the options tell, None where they do not."""
        if hasattr(self, "predictor_"):
            return self.predictor_.task.problem_type.classification
        options = self.get_params()
        if options["problem_type"] is not None or options["quantiles"] is not None:
            return options["problem_type"] in ("binary", "multiclass")
        if any(options[name] is not None for name in _OF_CLASSES):
            return True
        told = {problem_type.classification for problem_type in ProblemType if _fits(options["metric"], problem_type)}
        return told.pop() if len(told) == 1 else None


def _fits(metric: MetricLike | None, problem_type: ProblemType) -> bool:
    """Return whether a metric can be for a problem type; what is not known can be for any."""
    if isinstance(metric, Metric):
        return problem_type in metric.problem_types
    if not isinstance(metric, str) or ":" in metric:
        return True
    try:
        return bool(get_metric(metric, problem_type))
    except UsageError:
        return False


def seed_of(random_state: object) -> object:
    """Return the seed that scikit-learn's ways to give one stand for: drawn where None or a generator is given."""
    if random_state is None:
        random_state = np.random.default_rng()
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(2**32, dtype=np.int64)
    return random_state.integers(2**32) if isinstance(random_state, np.random.Generator) else random_state


def _routed(model: Estimator) -> Any:
    """Return an estimator of scikit-learn's own with the methods of a model, and what was said to be handed on."""
    from sklearn.base import BaseEstimator

    kind = type(model)
    found = type(kind.__name__, (BaseEstimator,), {name: getattr(kind, name) for name in ("fit", "score")})()
    if hasattr(model, "_metadata_request"):
        found._metadata_request = model._metadata_request
    return found


def _not_fitted(message: str) -> AutoMLError:
    return _not_fitted_error()(message)


@cache
def _not_fitted_error() -> type[AutoMLError]:
    """Return the class of an error that is scikit-learn's own, too, for its tools look for that one."""
    from sklearn.exceptions import NotFittedError

    class NotFitted(AutoMLError, NotFittedError):  # type: ignore[misc]  # noqa: N818 - named as its base
        """A model was asked before it was fitted."""

        def __reduce__(self) -> tuple[Callable[[str], AutoMLError], tuple[str]]:
            return _not_fitted, (str(self),)  # by a name that other processes know

    return NotFitted
