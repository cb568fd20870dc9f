"""From what the user asks for to a metric: a name, ``module:function``, a function, or a :class:`Metric`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from importlib import import_module
from math import inf, isfinite, nan
from pathlib import Path
from types import CodeType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType, Task
from automl.errors import UsageError, option, suggestion
from automl.evaluation.costs import Costs, cost_metric
from automl.evaluation.metric import Formula, Metric, Weight
from automl.evaluation.metrics import default_metric, get_metric

MetricLike = str | Metric | Callable[..., Any]

_LOWER: Final = ("_loss", "_error", "_deviance")
"""Endings of scikit-learn's functions whose lower values are better."""


def metric_name(asked: MetricLike) -> str:
    """Return the name under which a metric is known in the run folder; one of the user's own has a ``:`` in it.

    A lambda has no name of its own, and is told from others by a hash of its code.

    >>> def gain(y, prediction): ...
    >>> metric_name("auc"), metric_name(gain).endswith(":gain"), metric_name(lambda y, prediction: 1.0)[-15:-8]
    ('auc', True, '<lambda')
    """
    if isinstance(asked, str | Metric):
        return asked if isinstance(asked, str) else asked.name
    function = _function(asked)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if name.endswith("<lambda>"):
        name = f"{name[:-1]} {sha256(_written(function.__code__).encode()).hexdigest()[:6]}>"
    return f"{getattr(function, '__module__', 'unknown')}:{name}"


def resolve(asked: MetricLike | None, task: Task, *, costs: Costs | None = None, n_features: int = 0) -> Metric:
    """Return the metric that the user asks for; by default that of the cost matrix or of the problem type.

    A function is called with ``y`` and the prediction as :class:`Metric` describes them, and with the weights of the
    rows if it has a third parameter. Where it fails, it is not defined, as on a fold that has no row of a class. Its
    greater values are better unless it has an attribute ``greater_is_better``
    that is False, or is a partial one of scikit-learn's losses. A name with a colon is imported, also from the working
    directory. For a function of scikit-learn, or a scorer of one without arguments, stands our metric of its name.

    Raises
    ------
    UsageError
        If there is no such metric, it does not fit the task, or it cannot be imported.
    """
    if costs is not None and (asked is None or asked == "cost"):
        if not task.classes:
            raise UsageError("a cost matrix needs classes, and the target is numbers; leave it out")
        return cost_metric(costs, task.classes)
    if costs is not None or asked == "cost":
        given = (
            "a cost matrix is read by the metric 'cost'" if costs is not None else "the metric 'cost' needs a matrix"
        )
        raise UsageError(f"{given}; give the cost matrix and no other metric")
    if asked is None:
        return default_metric(task.problem_type, levels=task.levels)
    if isinstance(asked, str) and ":" not in asked:
        return get_metric(asked, task.problem_type, n_features=n_features, levels=task.levels)
    found: Any = _imported(asked) if isinstance(asked, str) else asked
    if _is_scorer(found):
        if found._kwargs or _of_scikit_learn(_function(found)) is None:
            way_out = "give its name, such as 'f1_macro', or a function of target and prediction"
            raise UsageError(f"a metric must not be a scorer, which asks an estimator, got {found!r}; {way_out}")
        found = _function(found)
    if (name := _of_scikit_learn(found)) is not None:
        return get_metric(name, task.problem_type, n_features=n_features, levels=task.levels)
    if isinstance(found, Metric):
        if task.problem_type not in found.problem_types:
            fitting = " or ".join(found.problem_types)
            raise UsageError(f"metric {found.name!r} is for {fitting} problems, this one is {task.problem_type}")
        if _ours(metric_name(asked), task.problem_type):
            raise UsageError(f"metric names must be unique, {found.name!r} is taken; give yours another one")
        function = _Tolerant(found.function)
        return replace(found, name=metric_name(asked), problem_types=(task.problem_type,), function=function)
    if not callable(found):
        raise UsageError(f"a metric must be a name, a function or a Metric, got {found!r}")
    return Metric(
        metric_name(asked),
        (task.problem_type,),
        _greater_is_better(found) is not False,
        _Tolerant(_Plain(found, _takes_weight(found))),
        (-inf, inf),
    )


def stored_metric(
    name: str, asked: MetricLike | None, task: Task, *, costs: Costs | None = None, n_features: int = 0
) -> Metric:
    """Return the metric of a run by its name; one of the user's own must be given again, for it is code.

    Raises
    ------
    UsageError
        If the metric is not ours and is not given, or another one is.
    """
    if asked is None and not _ours(name, task.problem_type):
        raise UsageError(
            f"the run folder does not hold the code of the metric {name!r}; give it again: {option('metric', name)}"
        )
    metric = resolve(name if asked is None else asked, task, costs=costs, n_features=n_features)
    if metric.name != name:
        raise UsageError(f"the run optimises {name!r}, not {metric.name!r}; leave out the metric, or start another run")
    return metric


def check_metric(metric: Metric, y: NDArray[Any], task: Task, weight: Weight = None) -> None:
    """Try a metric on random predictions, so that one that cannot work ends the run before it has begun.

    Raises
    ------
    UsageError
        If it raises, or returns anything but a number, which NaN is not.
    """
    rng = np.random.default_rng(0)
    n_classes = task.n_classes
    prediction = rng.dirichlet(np.ones(n_classes), len(y)) if n_classes else rng.permutation(y).astype(np.float64)
    if task.levels:
        prediction = np.column_stack([prediction] * len(task.levels))
    if isinstance(metric.function, _Tolerant):
        metric = replace(metric, function=metric.function.function)
    try:
        value = metric(y, prediction, weight)
    except Exception as error:
        said = f"it raised {type(error).__name__}: {error}"
    else:
        if isfinite(value):
            return
        said = f"it returned {value!r}"
    shape = f"(rows, {n_classes}) probabilities" if n_classes else "(rows,) values"
    if task.levels:
        shape = f"(rows, {len(task.levels)}) quantiles"
    given = "class codes" if n_classes else f"{y.min():g} to {y.max():g}"
    raise UsageError(
        f"metric {metric.name!r} must be a number for this target ({given}) and {shape}: {said}; choose another one"
    )


def silent_on_sign(asked: MetricLike | None) -> bool:
    """Return whether a metric is a function that does not say whether its greater values are better.

    >>> silent_on_sign(lambda y, prediction: 1.0), silent_on_sign("rmse")
    (True, False)
    """
    found = _imported(asked) if isinstance(asked, str) and ":" in asked else asked
    return callable(found) and not isinstance(found, Metric) and _greater_is_better(found) is None


@dataclass(frozen=True, slots=True)
class _Plain:
    """A function of the user."""

    function: Callable[..., float]
    weighted: bool

    def __call__(self, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight) -> float:
        if weight is None:
            return self.function(y, prediction)
        if not self.weighted:
            raise UsageError("it has no third parameter for the weights of the rows")
        return self.function(y, prediction, weight)


@dataclass(frozen=True, slots=True)
class _Tolerant:
    """A metric of the user's, not defined where it fails: what is special in one fold must not end the run."""

    function: Formula

    def __call__(self, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight) -> float:
        try:
            return self.function(y, prediction, weight)
        except Exception:
            return nan


def _ours(name: str, problem_type: ProblemType) -> bool:
    try:
        return name == "cost" or bool(get_metric(name, problem_type))
    except UsageError:
        return False


def _of_scikit_learn(asked: object) -> str | None:
    """Return the name of a function of scikit-learn that is a metric of ours, too: that one knows its sign."""
    name = getattr(asked, "__name__", "")
    return name if _from_scikit_learn(asked) and any(_ours(name, each) for each in ProblemType) else None


def _from_scikit_learn(asked: object) -> bool:
    return str(getattr(asked, "__module__", "")).startswith("sklearn.metrics")


def _written(code: object) -> str:
    """Return what code does as text: the same wherever it stands in a file, and in every process."""
    if isinstance(code, CodeType):
        return f"{code.co_code.hex()} {code.co_names} {_written(code.co_consts)}"
    if isinstance(code, tuple | frozenset):
        parts = map(_written, code)
        return f"({', '.join(sorted(parts) if isinstance(code, frozenset) else parts)})"
    return repr(code)


def _is_scorer(asked: object) -> bool:
    """Return whether something is what scikit-learn's ``make_scorer`` and ``get_scorer`` return."""
    return _from_scikit_learn(asked) and hasattr(asked, "_score_func")


def _function(asked: Any) -> Any:
    """Return the function inside a partial one, or inside a scorer; others as they are."""
    while isinstance(asked, partial):
        asked = asked.func
    return asked._score_func if _is_scorer(asked) else asked


def _greater_is_better(function: object) -> bool | None:
    """Return whether greater values of a function are better; None if it does not say so."""
    inner = _function(function)
    by_name = not getattr(inner, "__name__", "").endswith(_LOWER) if _from_scikit_learn(inner) else None
    said = getattr(function, "greater_is_better", getattr(inner, "greater_is_better", by_name))
    return None if said is None else bool(said)


def _takes_weight(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None, None, None)
    except (TypeError, ValueError):
        return False
    return True


def _imported(path: str) -> Any:
    module_name, _, name = path.partition(":")
    here = str(Path.cwd())
    if not {here, ""} & set(sys.path):
        sys.path.insert(0, here)  # where workers find it too
    try:
        module = import_module(module_name)
    except Exception as error:
        raise UsageError(f"metric {path!r} cannot be imported: {type(error).__name__}: {error}") from None
    if not hasattr(module, name):
        raise UsageError(
            f"metric {path!r} cannot be imported: {module_name} has no {name!r}{suggestion(name, dir(module))}"
        )
    return getattr(module, name)
