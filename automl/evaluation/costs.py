"""A cost matrix: what it costs to predict one class where another is true."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from automl.data.table import Label, ProblemType
from automl.data.task import class_code
from automl.errors import UsageError
from automl.evaluation.confusion import cost
from automl.evaluation.decision import Decision, OfClasses
from automl.evaluation.metric import Metric

Costs = Mapping[str, Mapping[str, float]]
"""Costs by true class, then by predicted class."""


CostsLike = str | Path | pd.DataFrame | Mapping[Any, Mapping[Any, float]]
"""What costs are read from."""


def read_costs(source: CostsLike) -> dict[str, dict[str, float]]:
    """Return costs from a nested mapping, a JSON file of one, a CSV file, or a frame.

    The CSV file has a row for each true class, named in its first column, and a column for each predicted class; so has
    the frame, whose rows are named by its index.

    >>> read_costs({"yes": {"no": 5}, "no": {"yes": 1}})
    {'yes': {'no': 5.0}, 'no': {'yes': 1.0}}
    """
    table = _from_file(Path(source)) if isinstance(source, str | Path) else source
    try:
        table = table.to_dict("index") if isinstance(table, pd.DataFrame) else table
        return {str(true): {str(chosen): float(each) for chosen, each in row.items()} for true, row in table.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise UsageError(
            f'a cost matrix holds a number for each true and predicted class, such as {{"yes": {{"no": 5}}}}; {error}'
        ) from None


def cost_metric(costs: Costs, classes: Sequence[Label]) -> Metric:
    """Return the metric ``cost``, the mean cost of a row when the class of least expected cost is chosen.

    A class that is predicted rightly costs nothing unless the matrix says otherwise; every other cost must be there.

    Raises
    ------
    UsageError
        If a class is unknown, a cost is missing, or a wrong class is cheaper than the right one.
    """
    matrix: list[list[float | None]] = [
        [0.0 if i == j else None for j in range(len(classes))] for i in range(len(classes))
    ]
    for true, row in costs.items():
        for chosen, each in row.items():
            matrix[class_code(classes, true, "the cost matrix")][class_code(classes, chosen, "the cost matrix")] = each
    for i, line in enumerate(matrix):
        for j, value in enumerate(line):
            if value is None or not isfinite(value):
                raise UsageError(
                    f"the cost matrix needs a cost for {classes[j]!r} predicted where {classes[i]!r} is true"
                )
            if value < (line[i] or 0.0):
                raise UsageError(
                    f"the right class must be the cheapest: the cost matrix has {value:g} for {classes[j]!r} predicted "
                    f"where {classes[i]!r} is true, and {line[i]:g} for {classes[i]!r}"
                )
    table = tuple(tuple(value or 0.0 for value in line) for line in matrix)
    bounds = min(map(min, table)), max(map(max, table))
    problem_type = ProblemType.BINARY if len(classes) == 2 else ProblemType.MULTICLASS
    function = OfClasses(partial(cost, costs=table), Decision(costs=table))
    return Metric("cost", (problem_type,), False, function, bounds, decides=True)


def _from_file(path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"a cost matrix is a nested mapping or a CSV or JSON file; there is no file {str(path)!r}")
    is_json = path.suffix.lower() == ".json"
    try:
        text = path.read_text(encoding="utf-8-sig")
        if is_json:
            return json.loads(text)
        head, *rows = [row for row in csv.reader(text.splitlines()) if row]
    except ValueError as error:
        form = "JSON" if is_json else "a CSV file with a header, in UTF-8"
        raise UsageError(f"the cost matrix {str(path)!r} is not {form}: {error}") from None
    return {row[0]: dict(zip(head[1:], row[1:], strict=False)) for row in rows}
