"""A model's report as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from markupsafe import Markup

from automl.evaluation.assessment import Classes, Values
from automl.evaluation.calibration import Share
from automl.report.diagrams import agreement, agreement_of_values, curve, errors_over_predictions
from automl.report.numbers import figure
from automl.report.template import environment

if TYPE_CHECKING:
    from automl.report.evaluation import ModelReport

CLASSES: Final = 20
"""Classes that are shown in the confusion matrix: those with most rows."""
FEW: Final = 6
"""Classes up to which their names stand upright above the matrix."""
LISTED: Final = 100
"""Classes that are listed."""


def render(report: ModelReport) -> str:
    """Return the page; what comes from the table is escaped."""
    templates = environment()
    templates.filters.update(figure=figure, percent=percent)
    templates.globals.update(
        reliability_chart=reliability_chart,
        roc_chart=roc_chart,
        precision_chart=precision_chart,
        values_chart=values_chart,
        errors_chart=errors_chart,
        levels_chart=levels_chart,
    )
    classes = report.assessment.classes
    return templates.get_template("model.html.jinja").render(
        report=report,
        found=report.assessment,
        shown=[] if classes is None else most_frequent(classes),
        few=FEW,
        listed=LISTED,
    )


def percent(value: float) -> str:
    """Return a share in percent.

    >>> percent(0.8312)
    '83.1 %'
    """
    return f"{100 * value:.1f} %"


def most_frequent(classes: Classes) -> list[int]:
    """Return the codes of the classes that the confusion matrix shows, in their order."""
    rows = np.array([each.rows for each in classes.each])
    return sorted(np.argsort(-rows, kind="stable")[:CLASSES].tolist())


def reliability_chart(classes: Classes) -> Markup:
    """Return the reliability curve."""
    two = len(classes.each) == 2
    observed = "positive rows" if two else "rows where it is right"
    return agreement(classes.reliability.bins, "Reliability curve", expected="predicted probability", observed=observed)


def roc_chart(classes: Classes) -> Markup:
    """Return the ROC curve of two classes."""
    assert classes.ranking is not None
    negative, positive = (tuple(row) for row in classes.confusion)
    chosen = negative[1] / sum(negative), positive[1] / sum(positive)
    return curve(
        (0.0, *classes.ranking.false_positives),
        (0.0, *classes.ranking.recall),
        "ROC curve",
        x="negative rows that are raised in vain",
        y="positive rows that are found",
        chance=((0.0, 0.0), (1.0, 1.0)),
        chosen=chosen,
    )


def precision_chart(classes: Classes) -> Markup:
    """Return the precision-recall curve of two classes."""
    assert classes.ranking is not None
    positive = classes.each[1]
    share = classes.ranking.positives
    return curve(
        (0.0, *classes.ranking.recall),
        (classes.ranking.precision[0], *classes.ranking.precision),
        "Precision-recall curve",
        x="positive rows that are found (recall)",
        y="found rows that are positive (precision)",
        chance=((0.0, share), (1.0, share)),
        chosen=(positive.recall, positive.precision) if positive.predicted else None,
        steps=True,
    )


def values_chart(values: Values) -> Markup:
    """Return values over predictions."""
    return agreement_of_values(values.points, "Actual over predicted")


def errors_chart(values: Values) -> Markup:
    """Return errors over predictions."""
    return errors_over_predictions(values.points, values.errors, "Residuals over predicted")


def levels_chart(shares: tuple[Share, ...]) -> Markup:
    """Return the coverage of each quantile."""
    return agreement(shares, "Coverage of the quantiles", expected="level", observed="values below")
