"""Files that are written from templates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from pprint import pformat
from typing import Any


def render(folder: str, name: str, facts: Mapping[str, Any]) -> str:
    """Fill in a template of this package. Where it makes code, facts that come from the data must be literals."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - not HTML
        loader=FileSystemLoader(Path(__file__).parent / folder),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["literal"] = partial(pformat, width=110, sort_dicts=False)
    return environment.get_template(name).render(facts)
