"""The report on a model: how good it is on a labelled table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from automl.config import AS_FOUND, ReadOptions
from automl.data.reading import Reading
from automl.data.source import display, is_path
from automl.data.table import Task
from automl.errors import UsageError, option
from automl.evaluation.assessment import Assessment, Comparison, assess
from automl.evaluation.costs import CostsLike
from automl.evaluation.custom import MetricLike
from automl.evaluation.decision import Decision
from automl.evaluation.metric import Metric
from automl.evaluation.metrics import metrics_for
from automl.labelled import Labelled, optimised
from automl.predictor import Predictor, predictor_of
from automl.report.numbers import number


@dataclass(frozen=True, slots=True, eq=False)
class ModelReport:
    """What :func:`evaluate` found; a notebook shows it as the HTML report."""

    name: str
    """The file, or ``table``."""
    reading: Reading
    task: Task
    metric: str
    """What was optimised."""
    decision: Decision
    trained: str
    """When the model was saved, ISO 8601."""
    rows: int
    """Rows that count: those with a target and a weight."""
    left_out: int
    """The others."""
    weighted: bool
    """Whether rows count by their weight."""
    weighing: str
    """The same in words; empty if they count alike, as in training."""
    comparison: Comparison | None
    """None if the code of the metric that was optimised is not known here."""
    assessment: Assessment

    @property
    def verdict(self) -> str:
        """Return in one line whether the model is as good as was expected after training."""
        compared = self.comparison
        if compared is None and self.metric == "cost":
            way_out = f"to compare, too, give {option('cost_matrix')}"
            return f"the model optimised a cost matrix, which it does not hold; {way_out}"
        if compared is None:
            return f"the model optimised {self.metric!r}, whose code it does not hold; give it to compare, too"
        if compared.inside is None:
            return f"{compared.metric} cannot be compared: it is not defined on these rows, or was not after training"
        return f"{compared.metric} {number(compared.found.value)} {_relation(compared)}"

    @property
    def unexpected(self) -> bool:
        """Whether the score is surely none that was to be expected after training."""
        compared = self.comparison
        return compared is not None and compared.inside is False and not compared.open

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values; what is not defined is None."""
        found = self.comparison
        record = {
            "name": self.name,
            "reading": self.reading.to_json(),
            "target": self.task.target,
            "problem_type": self.task.problem_type,
            "positive": self.task.positive,
            "metric": self.metric,
            "decision": self.decision.to_json(),
            "trained": self.trained,
            "rows": self.rows,
            "left_out": self.left_out,
            "weighted": self.weighted,
            "weighing": self.weighing,
            "verdict": self.verdict,
            "inside": None if found is None else found.inside,
            "reported": None if found is None else found.reported,
            "assessment": self.assessment,
        }
        plain: dict[str, Any] = orjson.loads(orjson.dumps(record))
        return plain

    def __repr__(self) -> str:
        return f"ModelReport({self.name}: {self.verdict})"

    def to_html(self) -> str:
        """Return one page that needs nothing else: no network, no script, no other file."""
        from automl.report.model_page import render

        return render(self)

    def _repr_html_(self) -> str:
        from automl.report.template import framed

        return framed(self.to_html(), "Model report")


def evaluate(
    model: object,
    data: object,
    y: object = None,
    *,
    metric: MetricLike | None = None,
    cost_matrix: CostsLike | None = None,
    weight: object = None,
    read: ReadOptions | None = None,
    random_state: int = 0,
) -> ModelReport:
    """Predict a labelled table, and say how good that is and whether it is as good as was expected after training.

    Intervals take the rows to be independent: of several rows a patient they are too narrow.

    Parameters
    ----------
    model
        A fitted :class:`~automl.AutoML`, or what :func:`automl.load` returns.
    data
        A labelled table (pandas, polars, pyarrow, dict of lists), or what :func:`~automl.data.io.read_table` reads.
    y
        (rows,) target values; None = a column of the table has them.
    metric, cost_matrix
        What was optimised, if it is a metric of your own or a cost matrix: the model does not hold it.
    weight
        How much each row counts: the name of a column, or one number of at least 0 a row; default: as in training,
        if the table has that column.
    read
        Where a file is written otherwise than the training table was.
    random_state
        Seed of the rows that are drawn for charts, and of the blocks that intervals are made of.

    Raises
    ------
    DataError
        If the table lacks the target or other columns, or no row has a target.
    UsageError
        If ``metric`` is not what was optimised, or ``model`` is none.

    >>> from automl import evaluate, load
    >>> evaluate(load("runs/churn"), "churn.csv").verdict  # doctest: +ELLIPSIS
    'roc_auc 0... is better than the ... expected after training: was the model trained on these rows?'
    """
    model = predictor_of(model)
    own = _known(model, metric, cost_matrix)
    rows = Labelled.of(model, data, y=y, weight=weight, as_trained=True, options=read or AS_FOUND)
    task = replace(model.task, decimal=rows.reading.decimal)
    assessment = assess(
        task,
        rows.y,
        rows.raw,
        _metrics(own, model),
        decision=model.decision,
        residuals=model.residuals,
        weight=rows.weight,
        random_state=random_state,
    )
    first = assessment.scores[0]
    compared = Comparison(first.name, first.greater_is_better, model.score, first.score)
    return ModelReport(
        name=display(data) if is_path(data) else "table",
        reading=rows.reading,
        task=task,
        metric=model.metric,
        decision=model.decision,
        trained=model.manifest["created"],
        rows=len(rows.y),
        left_out=rows.left_out,
        weighted=rows.weight is not None,
        weighing=rows.weighing,
        comparison=None if own is None else compared,
        assessment=assessment,
    )


def _relation(compared: Comparison) -> str:
    found, reported = compared.found, compared.reported
    expected = f"the {number(reported.low)} to {number(reported.high)} expected after training"
    if compared.inside:
        return f"lies inside {expected} (out of fold {number(reported.value)})"
    outside = f"is {'better' if compared.better else 'worse'} than {expected}"
    if compared.open:
        return f"{outside}, but these rows leave it open ({number(found.low)} to {number(found.high)})"
    if compared.better:
        return f"{outside}: was the model trained on these rows?"
    return f"{outside}: do these rows differ from those it was trained on?"


def _known(model: Predictor, metric: MetricLike | None, cost_matrix: CostsLike | None) -> Metric | None:
    """Return the metric that was optimised; None if it is the user's own and not given."""
    try:
        return optimised(model, metric, cost_matrix)
    except UsageError:
        if metric is not None or cost_matrix is not None:
            raise
        return None


def _metrics(own: Metric | None, model: Predictor) -> list[Metric]:
    """Return every metric of the problem type, what was optimised first."""
    every = metrics_for(model.task.problem_type, n_features=len(model.schema.used), levels=model.task.levels)
    first = [] if own is None else [own]
    return first + [each for each in every if own is None or each.name != own.name]
