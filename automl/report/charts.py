"""Histograms of columns, with the mean of the target below."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from automl.data.table import Kind
from automl.profile.record import Histogram
from automl.report.svg import BAR, LINE, STYLE, TARGET, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Affine2D

_LABELS: Final = 0.42
"""Inches for the labels of the target's axis; fixed, so that charts beside each other are aligned."""
_YEAR: Final = 31_556_952.0
_DATES: Final = (-970 * _YEAR, 7_030 * _YEAR)
"""Seconds since 1970 of the years 1000 and 9000, between which matplotlib labels dates; others are drawn as years."""
_GAP: Final = 0.12
"""Blank part of the width of a bin."""
_ROWS: Final = 5
"""Rows of a bin from which the mean of the target says something."""


def histogram(
    drawn: Histogram,
    kind: Kind,
    label: str,
    *,
    overall: float | None = None,
    shares: bool = False,
    large: bool = False,
) -> Markup:
    """Return a histogram; below it, if it knows them, the means of the target with the overall one dashed.

    Parameters
    ----------
    label
        What the chart shows, for those who cannot see it.
    overall
        Mean of the target in all rows; None = do not draw the target.
    shares
        Whether the means are shares of a class.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if kind is Kind.DATETIME and not _DATES[0] < drawn.edges[0] < drawn.edges[-1] < _DATES[1]:
        kind, drawn = Kind.NUMERIC, replace(drawn, edges=tuple(1970 + edge / _YEAR for edge in drawn.edges))
    with rc_context(STYLE | {"svg.hashsalt": label}):  # ids differ from those of the charts beside it
        known = [] if overall is None else _known(drawn, kind)
        height = 1.7 if large else 1.6 if known else 1.15
        figure = Figure(figsize=(5.0 if large else 4.1, height))
        left = _LABELS / 4.1 if known else 0.01
        floor = 0.22 / height
        split = floor + (0.34 if known else 0.0)
        upper = figure.add_axes((left, split, 0.98 - left, 0.98 - split))
        _bars(upper, drawn, kind)
        if overall is not None and known:
            lower = figure.add_axes((left, floor, 0.98 - left, split - floor - 0.06), sharex=upper)
            _means(lower, known, overall, shares)
            upper.tick_params(labelbottom=False)
        return svg(figure, label)


def _places(drawn: Histogram, kind: Kind) -> list[float]:
    """Return the edges as matplotlib takes them: dates in days."""
    return [edge / 86_400 if kind is Kind.DATETIME else edge for edge in drawn.edges]


def _known(drawn: Histogram, kind: Kind) -> list[tuple[float, float]]:
    """Return the middle of each bin that has enough rows, and its mean of the target."""
    places = _places(drawn, kind)
    return [
        ((low + high) / 2, mean)
        for low, high, count, mean in zip(places, places[1:], drawn.counts, drawn.target, strict=False)
        if mean is not None and count >= _ROWS
    ]


def _bars(axis: Axes, drawn: Histogram, kind: Kind) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    places = _places(drawn, kind)
    width = places[1] - places[0]
    lefts = [(place + _GAP / 2 * width, count) for place, count in zip(places, drawn.counts, strict=False) if count]
    boxes = [Path.unit_rectangle().transformed(_box(left, (1 - _GAP) * width, count)) for left, count in lefts]
    axis.add_patch(PathPatch(Path.make_compound_path(*boxes), facecolor=BAR, linewidth=0, clip_on=False))
    axis.set_yticks([])
    axis.set_xlim(places[0] - 0.01 * (places[-1] - places[0]), places[-1] + 0.01 * (places[-1] - places[0]))
    axis.set_ylim(0, 1.05 * max(drawn.counts))
    if kind is Kind.DATETIME:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(
            ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
        )
    else:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        largest = max(abs(places[0]), abs(places[-1]))
        axis.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, largest)))


def _box(left: float, width: float, height: float) -> Affine2D:
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(width, height).translate(left, 0)


def tick(value: float, largest: float) -> str:
    """Return a short label on an axis that goes up to ``largest``.

    >>> [tick(value, 20_000) for value in (0.0, 5_000.0, 20_000.0)], tick(0.25, 1), tick(3.5e6, 4e6)
    (['0', '5k', '20k'], '0.25', '3.5M')
    """
    for power, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if largest >= 10 * power or (largest >= power and power > 1e3):
            return f"{value / power:.4g}{letter}" if value else "0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _means(axis: Axes, known: list[tuple[float, float]], overall: float, shares: bool) -> None:
    values = [mean for _, mean in known]
    low, high = min(*values, overall), max(*values, overall)
    axis.axhline(overall, color=LINE, linewidth=0.8, linestyle=(0, (3, 2)), clip_on=False)
    axis.plot(*zip(*known, strict=True), color=TARGET, linewidth=1.3, marker="o", markersize=2.4, clip_on=False)
    room = 0.12 * ((high - low) or 1.0)
    axis.set_ylim(low - room, high + room)
    ends = [low, high] if high > low else [high]
    largest = max(abs(low), abs(high))
    axis.set_yticks(
        ends, labels=[f"{100 * end:.0f} %" if shares else tick(float(f"{end:.3g}"), largest) for end in ends]
    )
