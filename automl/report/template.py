"""The templates of pages: everything that is put into them is escaped."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES: Final = Path(__file__).parent / "templates"


def framed(page: str, title: str) -> str:
    """Return a page as a notebook shows it: in a frame, which keeps its style to itself."""
    return f'<iframe srcdoc="{escape(page)}" style="width:100%;height:48rem;border:0" title="{title}"></iframe>'


def environment() -> Environment:
    """Return the templates with what all pages share: their style."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    found.globals.update(style=Markup(style))  # noqa: S704 - our own file
    return found
