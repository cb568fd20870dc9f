"""Diagrams of how good predictions are: shares beside what was expected, curves of thresholds, values and errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from markupsafe import Markup

from automl.evaluation.assessment import Errors
from automl.evaluation.calibration import Share
from automl.report.charts import tick
from automl.report.svg import BAR, INK, LINE, STYLE, TARGET, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE: Final = (4.1, 3.0)
_DASHED: Final = (0, (3, 2))
_ROOM: Final = 0.04
"""Part of an axis that stays blank at both ends."""
_BULK: Final = 0.005
"""Part of the points at each end that does not stretch an axis."""

Pair = tuple[float, float]


def agreement(shares: Sequence[Share], label: str, *, expected: str, observed: str) -> Markup:
    """Return what was observed, with its intervals, over what was expected: on the diagonal is right."""
    most = max(max(each.expected, each.high) for each in shares)
    limits = (0.0, 1.0) if most > 0.5 else (0.0, 1.1 * most)
    places = [each.expected for each in shares]
    values = [each.value for each in shares]
    with _figure(label) as (figure, axis):
        axis.plot(limits, limits, color=INK, linewidth=0.8, linestyle=_DASHED)
        axis.vlines(places, [each.low for each in shares], [each.high for each in shares], color=BAR, linewidth=3.2)
        axis.plot(places, values, color=TARGET, linewidth=1.2, marker="o", markersize=3.2)
        _square(axis, limits, expected, observed)
        return svg(figure, label)


def curve(
    places: Sequence[float],
    values: Sequence[float],
    label: str,
    *,
    x: str,
    y: str,
    chance: tuple[Pair, Pair],
    chosen: Pair | None,
    steps: bool = False,
) -> Markup:
    """Return a curve of all thresholds, with a dot where the model decides.

    Parameters
    ----------
    chance
        The ends of the line on which guessing lies.
    steps
        Whether a value holds from the place before it on.
    """
    with _figure(label) as (figure, axis):
        axis.plot(*zip(*chance, strict=True), color=INK, linewidth=0.8, linestyle=_DASHED)
        axis.plot(places, values, color=TARGET, linewidth=1.3, drawstyle="steps-pre" if steps else "default")
        if chosen is not None:
            axis.plot(*chosen, color=TARGET, marker="o", markersize=5.5, clip_on=False, zorder=3)
        _square(axis, (0.0, 1.0), x, y)
        return svg(figure, label)


def agreement_of_values(points: Sequence[Pair], label: str) -> Markup:
    """Return values over predictions, both on the same scale: on the diagonal is right."""
    limits = _limits([each for pair in points for each in pair])
    with _figure(label) as (figure, axis):
        _cloud(axis, points)
        axis.plot(limits, limits, color=INK, linewidth=0.8, linestyle=_DASHED)
        axis.set_ylim(limits)
        _scaled(axis, limits, "predicted", "actual")
        return svg(figure, label)


def errors_over_predictions(points: Sequence[Pair], errors: Sequence[Errors], label: str) -> Markup:
    """Return value - prediction over the prediction, with the median and the middle 90 % of similar predictions."""
    residuals = [(prediction, value - prediction) for prediction, value in points]
    places = [each.prediction for each in errors]
    with _figure(label) as (figure, axis):
        lows, highs = [each.low for each in errors], [each.high for each in errors]
        axis.fill_between(places, lows, highs, color=BAR, alpha=0.35, linewidth=0)
        _cloud(axis, residuals)
        axis.axhline(0, color=INK, linewidth=0.8, linestyle=_DASHED)
        axis.plot(places, [each.median for each in errors], color=TARGET, linewidth=1.3, marker="o", markersize=2.4)
        axis.set_ylim(_limits([each for _, each in residuals]))
        _scaled(axis, _limits([each for each, _ in residuals]), "predicted", "actual - predicted")
        return svg(figure, label)


@contextmanager
def _figure(label: str) -> Iterator[tuple[Figure, Axes]]:
    """Open a figure with one axis in the style of the page; what is drawn must be saved inside."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE | {"svg.hashsalt": label, "axes.spines.left": True, "axes.labelcolor": INK}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axis = figure.add_subplot()
        axis.grid(color=LINE, linewidth=0.5)
        axis.set_axisbelow(True)
        yield figure, axis


def _square(axis: Axes, limits: Pair, x: str, y: str) -> None:
    """Label axes of shares."""
    room = _ROOM * (limits[1] - limits[0])
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    axis.set(xlim=(limits[0] - room, limits[1] + room), ylim=(limits[0] - room, limits[1] + room), xlabel=x, ylabel=y)


def _scaled(axis: Axes, limits: Pair, x: str, y: str) -> None:
    """Label axes of numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set(xlim=limits, xlabel=x, ylabel=y)
    for scale, ends in ((axis.xaxis, limits), (axis.yaxis, axis.get_ylim())):
        largest = max(map(abs, ends))
        scale.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        scale.set_major_formatter(partial(_ticked, largest))


def _ticked(largest: float, value: float, _: object) -> str:
    return tick(value, largest)


def _cloud(axis: Axes, points: Sequence[Pair]) -> None:
    axis.plot(*zip(*points, strict=True), color=BAR, marker="o", markersize=2.2, markeredgewidth=0, linestyle="none")


def _limits(values: Sequence[float]) -> Pair:
    """Return the ends of an axis: of nearly all values, so that a few do not hide the others."""
    low, high = np.quantile(values, [_BULK, 1 - _BULK]).tolist()
    room = _ROOM * (high - low or max(abs(high), 1.0))
    return low - room, high + room
