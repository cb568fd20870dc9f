"""What the owner of a table should hear before a metric is optimised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.booleans import TRUE_WORDS
from automl.data.table import Label
from automl.errors import option
from automl.evaluation.metric import Metric, Weight

_UNEVEN: Final = 0.8
"""Share of the most frequent class from which predicting nothing else looks good."""
_BLIND: Final = ("accuracy", "error_rate", "f1_micro", "precision_micro", "recall_micro")


def imbalance_advice(metric: Metric, y: NDArray[Any], classes: Sequence[Label], weight: Weight = None) -> str | None:
    """Return a warning if a metric that counts rows is asked for where nearly all rows are of one class.

    >>> from automl.data.table import ProblemType
    >>> from automl.evaluation.metrics import get_metric
    >>> accuracy = get_metric("accuracy", ProblemType.BINARY)
    >>> imbalance_advice(accuracy, np.array([0] * 9 + [1]), ("no", "yes"))
    "90% of the rows are 'no', so accuracy says little of the others; balanced_accuracy, mcc and f1 do"
    """
    if metric.name not in _BLIND:
        return None
    counts = np.bincount(y, weight, len(classes))
    share = counts.max() / counts.sum()
    if share < _UNEVEN:
        return None
    others = "balanced_accuracy, mcc and f1" if len(classes) == 2 else "balanced_accuracy, mcc and f1_macro"
    common = classes[int(counts.argmax())]
    return f"{share:.0%} of the rows are {common!r}, so {metric.name} says little of the others; {others} do"


def positive_advice(metric: Metric, y: NDArray[Any], classes: Sequence[Label], weight: Weight = None) -> str | None:
    """Return a warning if a metric of the positive class may be of the wrong one: most rows have it, and its name is
    not one that says yes.

    >>> from automl.data.table import ProblemType
    >>> from automl.evaluation.metrics import get_metric
    >>> f1 = get_metric("f1", ProblemType.BINARY)
    >>> positive_advice(f1, np.array([0] + [1] * 9), ("fraud", "ok"))
    "f1 is of 'ok', which 90% of the rows are; positive='fraud' makes it of 'fraud', positive='ok' settles it"
    """
    if len(classes) != 2 or not metric.of_positive or says_yes(classes[1]):
        return None
    share = float(np.average(y, weights=weight))
    if share <= 0.5:
        return None
    other, positive = classes
    return (
        f"{metric.name} is of {positive!r}, which {share:.0%} of the rows are; {option('positive', other)} makes it "
        f"of {other!r}, {option('positive', positive)} settles it"
    )


def says_yes(label: Label) -> bool:
    """Return whether a class is the positive one by its name."""
    return str(label).casefold() in {"1", *TRUE_WORDS}
