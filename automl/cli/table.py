"""How a table is written, as options that every command which reads one takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated

import typer

from automl.config import ReadOptions
from automl.errors import UsageError

Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="CSV, Parquet, Arrow, JSON or Excel file; a pattern such as 'part-*.csv'; s3://... or https://...; "
        "the URL of a database, with --query; - is stdin.",
    ),
]
Types = Annotated[
    list[str] | None, typer.Option(metavar="COL=KIND", help="Kind of a column, such as zip=categorical; repeatable.")
]


def reads_table(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of how its table is written, in the place of its parameter ``read``."""
    own, options = (signature(each, eval_str=True) for each in (command, _read_options))

    @wraps(command)
    def run(**given: object) -> None:
        said = {name: given.pop(name) for name in options.parameters}
        command(**given, read=_read_options(**said))  # type: ignore[arg-type]  # typer has read them as they are declared

    parameters: list[Parameter] = []
    for each in own.parameters.values():
        parameters += options.parameters.values() if each.name == "read" else [each]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer goes by
    return run


def _read_options(
    sep: Annotated[str | None, typer.Option(metavar="CHAR", help="Separator of a CSV file; tab for a tab.")] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Encoding of a text file, such as latin-1.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(metavar=".|,", help="Decimal mark of numbers in text.")] = None,
    na: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Cells that count as missing, such as n.v. or 999; repeatable."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Sheet of a workbook.")] = None,
    query: Annotated[
        str | None, typer.Option(metavar="SQL", help="Query that selects the rows from a database.")
    ] = None,
) -> ReadOptions:
    return ReadOptions(sep=sep, encoding=encoding, decimal=decimal, na=tuple(na or ()), sheet=sheet, query=query)


def parse_types(types: Sequence[str] | None) -> dict[str, str]:
    """Return kinds by column."""
    return parse_by_column(types, "--types COL=KIND", "zip=categorical")


def parse_by_column(given: Sequence[str] | None, option: str, example: str) -> dict[str, str]:
    """Return what is said of columns from ``COL=WORD``; a column's own name may hold ``=``."""
    name, form = option.split()
    for each in given or ():
        if "=" not in each:
            raise UsageError(f"{name} must be {form}, such as {example}; got {each!r}")
    found: dict[str, str] = {}
    for column, _, word in (each.rpartition("=") for each in given or ()):
        if found.setdefault(column, word) != word:
            raise UsageError(f"{name} says two things of {column!r}, {found[column]} and {word}; keep one of them")
    return found
