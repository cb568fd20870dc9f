"""Every metric by its name, in its natural sign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Final

from automl.data.table import ProblemType
from automl.errors import UsageError, suggestion
from automl.evaluation import classification, quantiles, regression
from automl.evaluation import confusion as cm
from automl.evaluation.decision import OfClasses
from automl.evaluation.metric import Formula, Metric, Surrogate

_BINARY: Final = (ProblemType.BINARY,)
_CLASSES: Final = (ProblemType.BINARY, ProblemType.MULTICLASS)
_MANY_CLASSES: Final = (ProblemType.MULTICLASS,)
_VALUES: Final = (ProblemType.REGRESSION,)
_QUANTILES: Final = (ProblemType.QUANTILE,)
_MANY: Final = 10_000
"""Rows from which on ranks take long, and the log loss chooses as well."""


def _decided(
    name: str,
    formula: cm.Scores,
    problem_types: tuple[ProblemType, ...] = _CLASSES,
    bounds: tuple[float, float] = (0.0, 1.0),
    *,
    greater: bool = True,
    decides: bool = True,
) -> Metric:
    of_positive = problem_types == _BINARY
    return Metric(name, problem_types, greater, OfClasses(formula), bounds, decides=decides, of_positive=of_positive)


def _ranked(name: str, function: Formula, problem_types: tuple[ProblemType, ...] = _CLASSES) -> Metric:
    return Metric(name, problem_types, True, function, surrogate="log_loss", surrogate_rows=_MANY)


def _error(name: str, function: Formula, surrogate: Surrogate = None, *, quantile: float | None = None) -> Metric:
    return Metric(name, _VALUES, False, function, (0.0, inf), surrogate, quantile=quantile)


def _deviance(name: str, function: Formula, least: float = regression.TINY) -> Metric:
    return replace(_error(name, function), least=least)


def _of_logarithms(name: str, function: Formula) -> Metric:
    return replace(_deviance(name, function, regression.LOWEST), of_logarithms=True)


def _share(name: str, function: Formula, surrogate: Surrogate = None, *, quantile: float | None = None) -> Metric:
    return Metric(name, _VALUES, True, function, (-inf, 1.0), surrogate, quantile=quantile)


def _averaged(name: str, scores: cm.Scores) -> tuple[Metric, ...]:
    """Return the metric of class 1 and its means over classes."""
    return (
        _decided(name, partial(cm.positive, scores=scores), _BINARY, decides=name not in ("precision", "recall")),
        _decided(f"{name}_macro", partial(cm.macro, scores=scores)),
        _decided(f"{name}_weighted", partial(cm.weighted, scores=scores)),
    )


METRICS: Final = (
    _decided("accuracy", cm.accuracy),
    _decided("balanced_accuracy", cm.balanced_accuracy),
    *_averaged("f1", cm.fbetas),
    *_averaged("precision", cm.precisions),
    *_averaged("recall", cm.recalls),
    *(_decided(f"{name}_micro", cm.accuracy) for name in ("f1", "precision", "recall")),  # where a row has one class
    _ranked("roc_auc", classification.roc_auc),
    replace(_ranked("average_precision", classification.average_precision), of_positive=True),
    Metric("log_loss", _CLASSES, False, classification.log_loss, (0.0, inf), "log_loss"),
    Metric("brier", _CLASSES, False, classification.brier, (0.0, 2.0)),
    _decided("mcc", cm.mcc, bounds=(-1.0, 1.0)),
    _decided("cohen_kappa", cm.cohen_kappa, bounds=(-1.0, 1.0)),
    _decided("quadratic_kappa", cm.quadratic_kappa, bounds=(-1.0, 1.0)),
    _decided("error_rate", cm.error_rate, greater=False),
    *_averaged("jaccard", cm.jaccards),
    _decided("jaccard_micro", cm.jaccard_micro),
    _decided("positive_likelihood_ratio", cm.positive_likelihood_ratio, _BINARY, (0.0, inf), decides=False),
    _decided(
        "negative_likelihood_ratio", cm.negative_likelihood_ratio, _BINARY, (0.0, inf), greater=False, decides=False
    ),
    _ranked("roc_auc_ovr_weighted", classification.roc_auc_ovr_weighted, _MANY_CLASSES),
    _ranked("roc_auc_ovo", classification.roc_auc_ovo, _MANY_CLASSES),
    _ranked("roc_auc_ovo_weighted", classification.roc_auc_ovo_weighted, _MANY_CLASSES),
    Metric("d2_log_loss", _CLASSES, True, classification.d2_log_loss, (-inf, 1.0), "log_loss"),
    Metric("d2_brier", _CLASSES, True, classification.d2_brier, (-inf, 1.0)),
    _error("rmse", regression.rmse, "squared_error"),
    _error("mse", regression.mse, "squared_error"),
    _error("mae", regression.mae, quantile=0.5),
    replace(_error("mape", regression.mape, quantile=0.5), relative=True),
    _error("wape", regression.wape, quantile=0.5),
    _of_logarithms("rmsle", regression.rmsle),
    _of_logarithms("msle", regression.msle),
    _error("median_absolute_error", regression.median_absolute_error, quantile=0.5),
    _error("max_error", regression.max_error),
    _deviance("poisson_deviance", regression.poisson_deviance),
    _deviance("gamma_deviance", regression.gamma_deviance),
    _share("r2", regression.r2, "squared_error"),
    _share("adjusted_r2", partial(regression.adjusted_r2, n_features=0), "squared_error"),
    _share("explained_variance", regression.explained_variance),
    _share("d2_absolute_error", partial(regression.d2_pinball, quantile=0.5), quantile=0.5),
    Metric("pinball", _QUANTILES, False, partial(quantiles.pinball, levels=()), (0.0, inf)),
    Metric("d2_pinball", _QUANTILES, True, partial(quantiles.d2_pinball, levels=()), (-inf, 1.0)),
    Metric("coverage_error", _QUANTILES, False, partial(quantiles.coverage_error, levels=())),
)
"""Every metric without an argument; :func:`metrics_for` tells them what else they depend on."""


@dataclass(frozen=True, slots=True)
class _WithArgument:
    """Metrics that differ by a number behind an ``@``."""

    build: Callable[[str, float], Metric]
    default: float
    low: float
    high: float
    whole: bool = False

    def __call__(self, name: str, given: str) -> Metric:
        try:
            value = float(given) if given else self.default
        except ValueError:
            value = inf
        if not self.low <= value <= self.high or (self.whole and value % 1):
            number = f"a {'whole ' if self.whole else ''}number from {self.low:g} to {self.high:g}"
            raise UsageError(f"metric {name!r} takes {number}, such as {name}@{self.default:g}; got {given!r}")
        return self.build(f"{name}@{value:g}", value)


_QUANTILE: Final = (0.5, 0.001, 0.999)
_POWER: Final = (1.5, 1, 3)
_WITH_ARGUMENT: Final[Mapping[str, _WithArgument]] = {
    "fbeta": _WithArgument(
        lambda name, beta: _decided(name, partial(cm.positive, scores=partial(cm.fbetas, beta=beta)), _BINARY),
        *(2, 0.01, 100),
    ),
    "lift": _WithArgument(
        lambda name, share: replace(
            _ranked(name, partial(classification.lift, share=share), _BINARY), bounds=(0.0, 1 / share), of_positive=True
        ),
        *(0.1, 0.001, 1),
    ),
    "top_k_accuracy": _WithArgument(
        lambda name, k: _ranked(name, partial(classification.top_k_accuracy, k=k), _MANY_CLASSES), *(2, 1, 1000, True)
    ),
    "pinball": _WithArgument(
        lambda name, share: _error(name, partial(regression.pinball, quantile=share), quantile=share), *_QUANTILE
    ),
    "d2_pinball": _WithArgument(
        lambda name, share: _share(name, partial(regression.d2_pinball, quantile=share), quantile=share), *_QUANTILE
    ),
    "tweedie_deviance": _WithArgument(
        lambda name, power: _deviance(name, partial(regression.tweedie_deviance, power=power)), *_POWER
    ),
    "d2_tweedie": _WithArgument(
        lambda name, power: replace(_share(name, partial(regression.d2_tweedie, power=power)), least=regression.TINY),
        *_POWER,
    ),
}

_ALIASES: Final[Mapping[str, str]] = {
    "auc": "roc_auc",
    "roc_auc_ovr": "roc_auc",
    "pr_auc": "average_precision",
    "logloss": "log_loss",
    "acc": "accuracy",
    "matthews_corrcoef": "mcc",
    "brier_score_loss": "brier",
    "zero_one_loss": "error_rate",
    "hamming_loss": "error_rate",
    "medae": "median_absolute_error",
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "root_mean_squared_log_error": "rmsle",
    "mean_squared_log_error": "msle",
    "mean_poisson_deviance": "poisson_deviance",
    "mean_gamma_deviance": "gamma_deviance",
    "mean_tweedie_deviance": "tweedie_deviance",
    "mean_pinball_loss": "pinball",
}
"""scikit-learn's names, without ``neg_`` and ``_score``, and short forms."""
_DEFAULTS: Final[Mapping[ProblemType, str]] = {
    ProblemType.BINARY: "roc_auc",
    ProblemType.MULTICLASS: "log_loss",
    ProblemType.REGRESSION: "rmse",
    ProblemType.QUANTILE: "pinball",
}


def get_metric(name: str, problem_type: ProblemType, *, n_features: int = 0, levels: quantiles.Levels = ()) -> Metric:
    """Return a metric by name.

    Case, hyphens, scikit-learn's ``neg_`` and ``_score``, and a few short forms (``AUC``, ``logloss``) do not matter;
    the sign is always the natural one. ``pinball@0.9``, ``lift@0.1``, ``top_k_accuracy@3``, ``fbeta@2`` and
    ``tweedie_deviance@1.5`` take a number.

    Parameters
    ----------
    n_features
        Number of feature columns, for ``adjusted_r2``, which is ``r2`` without any.
    levels
        Of the quantiles that are predicted, if they are.

    Raises
    ------
    UsageError
        If there is no such metric, or none for this problem type.

    >>> get_metric("AUC", ProblemType.BINARY).name
    'roc_auc'
    >>> get_metric("neg_root_mean_squared_error", ProblemType.REGRESSION).name
    'rmse'
    >>> get_metric("pinball@0.9", ProblemType.REGRESSION).name
    'pinball@0.9'
    """
    plain, _, argument = name.lower().replace("-", "_").removeprefix("neg_").partition("@")
    wanted = _ALIASES.get(plain, plain.removesuffix("_score"))
    known = {each.name: each for each in metrics_for(problem_type, n_features=n_features, levels=levels)}
    found: Metric | None = None
    if wanted in _WITH_ARGUMENT and wanted not in known:
        found = _WITH_ARGUMENT[wanted](wanted, argument)
    elif not argument:
        found = known.get(wanted) or next((each for each in METRICS if each.name == wanted), None)
    if found is not None and problem_type in found.problem_types:
        return found
    with_argument = [each for each, build in _WITH_ARGUMENT.items() if problem_type in build(each, "").problem_types]
    names = [*known, *with_argument]
    if found is None:
        hint = suggestion(wanted, [*names, *_ALIASES])
        raise UsageError(f"metric {name!r} is unknown{hint}; choose one of {', '.join(names)}, or give module:function")
    fitting = " or ".join(found.problem_types)
    raise UsageError(
        f"metric {name!r} is for {fitting} problems, this one is {problem_type}; choose one of {', '.join(names)}"
    )


def _told(metric: Metric, n_features: int, levels: quantiles.Levels) -> Metric:
    """Return the metric; ``adjusted_r2`` with the number of features, those of quantiles with their levels."""
    if isinstance(metric.function, partial) and metric.problem_types == _QUANTILES:
        return replace(metric, function=partial(metric.function, levels=levels))
    if metric.name != "adjusted_r2":
        return metric
    return replace(metric, function=partial(regression.adjusted_r2, n_features=n_features))


def metrics_for(problem_type: ProblemType, *, n_features: int = 0, levels: quantiles.Levels = ()) -> tuple[Metric, ...]:
    """Return all metrics for a problem type that take no argument; the others are those of :func:`get_metric`.

    >>> [metric.name for metric in metrics_for(ProblemType.REGRESSION)][:3]
    ['rmse', 'mse', 'mae']
    """
    return tuple(_told(metric, n_features, levels) for metric in METRICS if problem_type in metric.problem_types)


def default_metric(problem_type: ProblemType, *, levels: quantiles.Levels = ()) -> Metric:
    """Return the metric that is optimised unless the user names one.

    >>> default_metric(ProblemType.MULTICLASS).name
    'log_loss'
    """
    return get_metric(_DEFAULTS[problem_type], problem_type, levels=levels)
