"""Metrics in the words of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from automl.data.table import ProblemType, Task
from automl.evaluation.metrics import default_metric

_CLASSES: Final = "prediction.argmax(axis=1)"
_OF_CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "accuracy": ("accuracy_score", ""),
    "balanced_accuracy": ("balanced_accuracy_score", ""),
    "mcc": ("matthews_corrcoef", ""),
    "cohen_kappa": ("cohen_kappa_score", ""),
    "error_rate": ("zero_one_loss", ""),
    "f1": ("f1_score", ""),
    "precision": ("precision_score", ""),
    "recall": ("recall_score", ""),
    **{
        f"{name}_{average}": (f"{name}_score", f', average="{average}"')
        for name in ("f1", "precision", "recall")
        for average in ("macro", "weighted", "micro")
    },
}
_OF_VALUES: Final[Mapping[str, str]] = {
    "rmse": "root_mean_squared_error",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "rmsle": "root_mean_squared_log_error",
    "msle": "mean_squared_log_error",
    "median_absolute_error": "median_absolute_error",
    "max_error": "max_error",
    "r2": "r2_score",
    "explained_variance": "explained_variance_score",
}


@dataclass(frozen=True, slots=True)
class Scoring:
    """A metric, the function of ``sklearn.metrics`` and the call of it on ``y`` and ``prediction``."""

    name: str
    function: str
    call: str

    @classmethod
    def of(cls, name: str, task: Task) -> Scoring:
        """Return a metric; where scikit-learn has none such, the one that is usual for the problem.

        >>> Scoring.of("mae", Task("y", ProblemType.REGRESSION, "")).call
        'mean_absolute_error(y, prediction)'
        """
        found = _found(name, task.problem_type)
        return found or cls.of(default_metric(task.problem_type).name, task)


def _found(name: str, problem_type: ProblemType) -> Scoring | None:
    binary = problem_type is ProblemType.BINARY
    likely = "prediction[:, 1]" if binary else "prediction"
    if name in _OF_VALUES:
        return Scoring(name, _OF_VALUES[name], f"{_OF_VALUES[name]}(y, prediction)")
    if name in _OF_CLASSES:
        function, further = _OF_CLASSES[name]
        return Scoring(name, function, f"{function}(y, {_CLASSES}{further})")
    plain, _, share = name.partition("@")
    if plain == "pinball":
        return Scoring(name, "mean_pinball_loss", f"mean_pinball_loss(y, prediction, alpha={float(share)})")
    several = "" if binary else ', multi_class="ovr"'
    calls = {
        "roc_auc": ("roc_auc_score", f"roc_auc_score(y, {likely}{several})"),
        "average_precision": ("average_precision_score", f"average_precision_score(y, {likely})"),
        "log_loss": ("log_loss", "log_loss(y, prediction, labels=range(len(CLASSES)))"),
        "brier": ("brier_score_loss", f"brier_score_loss(y, {likely})"),
    }
    return Scoring(name, *calls[name]) if name in calls else None
