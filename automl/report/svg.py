"""Drawings as elements of a page: made by matplotlib, coloured by the page, so that they are light or dark as it is."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS: Final[Mapping[str, str]] = {
    "#010203": "var(--ink-soft)",
    "#010204": "var(--bar)",
    "#010205": "var(--target)",
    "#010206": "var(--line)",
}
"""Colours that matplotlib draws with, and what the page has in their place."""
INK, BAR, TARGET, LINE = _COLORS
STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 7.5,
    "axes.edgecolor": LINE,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 3,
    "axes.formatter.limits": (-4, 6),
    "axes.formatter.useoffset": False,
}


def svg(figure: Figure, label: str) -> Markup:
    """Return a figure as an element of a page."""
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
    )
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    for color, variable in _COLORS.items():
        drawn = drawn.replace(color, variable)
    drawn = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r' id="(?:figure|axes|patch|text|line2d|matplotlib\.axis|xtick|ytick|\w+Collection)_\d+"', "", drawn)
    drawn = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawn, count=1)
    drawn = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawn, count=1)
    drawn = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", drawn)
    drawn = re.sub(r"\s*\n\s*", " ", drawn)
    return Markup(drawn.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1))  # noqa: S704 - own drawing
