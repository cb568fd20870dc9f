"""``automl inspect``."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from automl.cli.options import Html, Json, ProblemType, write_page
from automl.cli.table import Table, Types, parse_types, reads_table
from automl.config import AS_FOUND, ReadOptions

if TYPE_CHECKING:
    from rich.console import Console

    from automl.profile.record import ColumnProfile
    from automl.report.inspection import TableReport

_COLUMNS: Final = 20
"""Columns that are listed."""
_NAME: Final = 24
"""Letters of a name that are always shown."""
_COLORS: Final = {"high": "bold red", "medium": "yellow", "low": "bright_black"}


@reads_table
def inspect(
    data: Table,
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    test: Annotated[str | None, typer.Option(metavar="FILE", help="Table to compare with.")] = None,
    html: Html = None,
    problem_type: ProblemType = None,
    types: Types = None,
    read: ReadOptions = AS_FOUND,
    json: Json = False,
) -> None:
    """Say what the owner of a table should know before any training."""
    from automl.report.inspection import inspect_table

    kinds = parse_types(types)
    report = inspect_table(data, target=target, test=test, types=kinds, read=read, problem_type=problem_type)
    if html is not None:
        write_page(html, report.to_html())
    if json:
        print(dumps(report.to_json(), ensure_ascii=False, allow_nan=False))
    else:
        _print(report, html)


def _print(report: TableReport, html: Path | None) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, emoji=False)
    profile = report.profile
    console.print(Text(report.name, style="bold"), end="  ")
    console.print(Text(report.reading.describe()))
    if profile.target is not None:
        target = profile.target
        console.print(Text(f"target {target.name}: {target.problem_type} ({target.reason})"))
    if profile.sampled < profile.rows:
        console.print(Text(f"statistics are from {profile.sampled:,} rows drawn at random", style="bright_black"))
    _print_findings(report, console)
    _print_columns(report, console)
    console.print()
    console.print(Text(f"report: {html}" if html is not None else "--html FILE draws all of it"))


def _print_findings(report: TableReport, console: Console) -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.print()
    if not report.findings:
        console.print("nothing found that would mislead a model or its score")
    for finding in report.findings:
        console.print(Text.assemble((f"{finding.severity:<8}", _COLORS[finding.severity]), (finding.title, "bold")))
        console.print(Padding(Text(finding.evidence), (0, 0, 0, 8)))
        fix = Text.assemble(*((part, ("bright_black", "cyan")[i % 2]) for i, part in enumerate(finding.fix.split("`"))))
        console.print(Padding(fix, (0, 0, 0, 8)))


def _print_columns(report: TableReport, console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from automl.insights.base import share

    shown = report.columns[:_COLUMNS]
    widths = {
        "column": min(_NAME, max(len(column.name) for column in shown)),
        "kind": max(len(column.kind) for column in shown),
        "missing": 7,
        "different": 9,
        "power": 5,
    }
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    for heading, width in widths.items():
        justify: Literal["left", "right"] = "left" if heading in ("column", "kind") else "right"
        table.add_column(heading, justify=justify, no_wrap=True, width=max(width, len(heading)))
    table.add_column("values", no_wrap=True, ratio=1)
    for column in shown:
        power = "" if column.power is None else f"{column.power:.2f}"
        missing = share(column.missing, report.profile.sampled)
        name, values = (Text(text, overflow="ellipsis") for text in (column.name, _values(column)))
        table.add_row(name, column.kind.value, missing, f"{column.distinct:,}", power, values)
    console.print(table)
    if len(report.columns) > _COLUMNS:
        console.print(f"and {len(report.columns) - _COLUMNS} further columns")


def _values(column: ColumnProfile) -> str:
    """Return the range of numbers and dates, else the most frequent values."""
    from automl.report.numbers import quantile

    if column.numbers is None or column.kind == "boolean":
        return ", ".join(each.value for each in column.top[:4])
    return " .. ".join(quantile(column, level) for level in (0.0, 0.5, 1.0))
