"""A table's report as one HTML page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

from automl.data.table import Kind
from automl.insights.base import Severity, chance, share
from automl.profile.record import ColumnProfile, TargetProfile
from automl.report.charts import histogram
from automl.report.numbers import number, quantile
from automl.report.template import environment

if TYPE_CHECKING:
    from automl.report.inspection import TableReport

CARDS: Final = 60
"""Columns that are drawn; further ones are only in the overview."""
FEW: Final = 8
"""Different values up to which each has its bar."""


def render(report: TableReport) -> str:
    """Return the page; what comes from the table is escaped."""
    templates = environment()
    templates.filters.update(number=number, sentence=sentence)
    templates.globals.update(share=share, chance=chance, quantile=quantile, chart=chart, target_chart=target_chart)
    columns = report.columns
    places = {column.name: i for i, column in enumerate(columns)}
    return templates.get_template("table.html.jinja").render(
        report=report,
        profile=report.profile,
        columns=columns,
        places=places,
        severities=[(severity, report.count(severity)) for severity in Severity],
        cards=CARDS,
    )


def sentence(text: str) -> Markup:
    """Return a sentence with its capital and full stop; what is in backticks is code.

    >>> sentence("use `--types a=<b>`")
    Markup('Use <code>--types a=&lt;b&gt;</code>.')
    """
    whole = str(escape(text[:1].upper() + text[1:] + "."))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", whole))  # noqa: S704 - escaped before


def chart(column: ColumnProfile, target: TargetProfile | None) -> Markup:
    """Return the histogram of a column, an empty string where bars of its values say more."""
    if column.histogram is None or (column.kind is not Kind.DATETIME and column.distinct <= FEW):
        return Markup()
    shares = target is not None and bool(target.classes)
    label = f"Distribution of {column.name}"
    return histogram(column.histogram, column.kind, label, overall=overall(target), shares=shares)


def overall(target: TargetProfile | None) -> float | None:
    """Return the mean of the target, or the share of the positive class; None if it has no mean."""
    if target is None or len(target.classes) > 2:
        return None
    return target.numbers.mean if target.numbers is not None else target.classes[1].count / target.rows


def target_chart(target: TargetProfile) -> Markup:
    """Return the histogram of a target of values."""
    if target.histogram is None:
        return Markup()
    return histogram(target.histogram, Kind.NUMERIC, f"Distribution of {target.name}", large=True)
