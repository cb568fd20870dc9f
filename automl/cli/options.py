"""Arguments and options that several commands take; those of a table are in ``table``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Run folder, or exported model: a folder or a file.")]
Trust = Annotated[
    Path | None,
    typer.Option(metavar="PUBLIC.pem", help="Refuse a model that this key has not signed; see export --sign."),
]
RunMetric = Annotated[
    str | None, typer.Option("--metric", metavar="MODULE:FUNCTION", help="The run's metric, if it is one of your own.")
]
Keep = Annotated[
    list[str] | None, typer.Option(metavar="COL", help="Column to copy to the output, such as id; repeatable.")
]
RayAddress = Annotated[
    str | None, typer.Option(metavar="ADDR", help="Running Ray cluster; without, one of this machine alone.")
]
ProblemType = Annotated[str | None, typer.Option(metavar="binary|multiclass|regression|quantile")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report with charts to one page.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def write_page(place: Path, page: str) -> None:
    """Write a page of HTML; its folder is made if it is missing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(page, encoding="utf-8")
