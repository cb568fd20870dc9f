"""How a table is written, as options that every command which reads one takes."""

from __future__ import annotations

from collections.abc import Sequence
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
Sep = Annotated[str | None, typer.Option(metavar="CHAR", help="Separator of a CSV file; tab for a tab.")]
Encoding = Annotated[str | None, typer.Option(metavar="NAME", help="Encoding of a text file, such as latin-1.")]
Decimal = Annotated[str | None, typer.Option(metavar=".|,", help="Decimal mark of numbers in text.")]
Na = Annotated[
    list[str] | None, typer.Option(metavar="TEXT", help="Cells that count as missing, such as n.v. or 999; repeatable.")
]
Sheet = Annotated[str | None, typer.Option(metavar="NAME", help="Sheet of a workbook.")]
Query = Annotated[str | None, typer.Option(metavar="SQL", help="Query that selects the rows from a database.")]
Types = Annotated[
    list[str] | None, typer.Option(metavar="COL=KIND", help="Kind of a column, such as zip=categorical; repeatable.")
]


def read_options(
    sep: str | None,
    encoding: str | None,
    decimal: str | None,
    na: Sequence[str] | None,
    sheet: str | None,
    query: str | None,
) -> ReadOptions:
    """Return the options as the library takes them."""
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
