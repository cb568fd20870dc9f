"""AutoML for tables: the best model your time allows, an honest score, a safe endpoint.

>>> from automl import AutoML, load
>>> AutoML(time_budget=60).fit("churn.csv", target="churn")                              # doctest: +SKIP
>>> load("runs/churn").predict("new.csv").shape
(5,)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl.artifact import load
    from automl.config import ReadOptions
    from automl.deploy.batch import predict_files
    from automl.experiment import AutoML
    from automl.explanation import Explanation, explain
    from automl.models.registry import register_family
    from automl.predictor import Predictor
    from automl.report.evaluation import ModelReport, evaluate
    from automl.report.inspection import TableReport, inspect_table

__version__ = "0.1.0"
__all__ = [
    "AutoML",
    "Explanation",
    "ModelReport",
    "Predictor",
    "ReadOptions",
    "TableReport",
    "__version__",
    "evaluate",
    "explain",
    "inspect_table",
    "load",
    "predict_files",
    "register_family",
]

_HOMES = {
    "AutoML": "automl.experiment",
    "Explanation": "automl.explanation",
    "ModelReport": "automl.report.evaluation",
    "Predictor": "automl.predictor",
    "ReadOptions": "automl.config",
    "TableReport": "automl.report.inspection",
    "evaluate": "automl.report.evaluation",
    "explain": "automl.explanation",
    "inspect_table": "automl.report.inspection",
    "load": "automl.artifact",
    "predict_files": "automl.deploy.batch",
    "register_family": "automl.models.registry",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that ``import automl`` costs nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'automl' has no attribute {name!r}")
