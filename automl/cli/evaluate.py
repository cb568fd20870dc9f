"""``automl evaluate``."""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.options import Html, Json, Model, Trust, write_page
from automl.cli.table import Table, reads_table
from automl.config import AS_FOUND, ReadOptions

if TYPE_CHECKING:
    from automl.evaluation.assessment import Assessment
    from automl.report.evaluation import ModelReport


@reads_table
def evaluate(
    model: Model,
    data: Table,
    html: Html = None,
    weight: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Column that says how much each row counts; default: that of the training."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="MODULE:FUNCTION", help="What was optimised, if it is one of your own.")
    ] = None,
    cost_matrix: Annotated[
        str | None, typer.Option(metavar="FILE", help="What was optimised, if it is a cost matrix.")
    ] = None,
    trust: Trust = None,
    read: ReadOptions = AS_FOUND,
    json: Json = False,
) -> None:
    """Score a model on a labelled table: every metric, calibration, and whether it keeps what training promised."""
    from automl.artifact import load
    from automl.report.evaluation import evaluate as evaluate_model

    predictor = load(model, trust=trust)
    report = evaluate_model(predictor, data, metric=metric, cost_matrix=cost_matrix, weight=weight, read=read)
    if html is not None:
        write_page(html, report.to_html())
    if json:
        print(dumps(report.to_json(), ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(_lines(report)))
        print(f"\nreport: {html}" if html is not None else "\n--html FILE draws calibration, decisions and errors")


def _lines(report: ModelReport) -> Iterator[str]:
    """Yield the verdict, what is behind it, and every metric."""
    from automl.report.numbers import figure

    yield f"{report.name}  {report.reading.describe()}"
    if report.left_out:
        yield f"{report.left_out:,} rows without a target{' or a weight' if report.weighted else ''} are left out"
    if report.weighing:
        yield report.weighing
    yield report.verdict
    yield from _behind(report.assessment, report)
    yield ""
    if report.task.positive is not None:
        yield f"positive class: {report.task.positive}"
    scores = report.assessment.scores
    cells = [(each.name, *map(figure, (each.score.value, each.score.low, each.score.high))) for each in scores]
    table = [("metric", "value", "low", "high"), *cells]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for name, *numbers in table:
        yield "  ".join(
            [name.ljust(widths[0]), *(each.rjust(size) for each, size in zip(numbers, widths[1:], strict=True))]
        )


def _behind(found: Assessment, report: ModelReport) -> Iterator[str]:
    """Yield how far predictions mean what they say."""
    if found.classes is not None:
        told = found.classes.reliability
        yield f"expected calibration error {told.error:.1%} (by chance alone {told.by_chance:.1%})"
        if decision := report.decision.describe(report.task.classes):
            yield decision
    if found.values is not None and found.values.intervals:
        shares = [each.share for each in found.values.intervals]
        held = ", ".join(f"{each.value:.1%} in those of {each.expected:.0%}" for each in shares)
        yield f"of the values lie in their prediction intervals: {held}"
    if found.levels:
        named = zip(report.task.level_names, found.levels, strict=True)
        yield "of the values: " + ", ".join(f"{share.value:.1%} below {name}" for name, share in named)
