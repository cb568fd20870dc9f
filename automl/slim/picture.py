"""The options for serving as a picture: what a row costs, and what that buys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from automl.slim.frontier import Option


def draw(options: Sequence[Option], chosen: Option, to: Path) -> None:
    """Write the scores of the options over their latencies as SVG; the chosen one is filled."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for option in options:
        taken = option.name == chosen.name
        axes.plot(option.row_ms, option.score.value, "o", color="C0", fillstyle="full" if taken else "none")
        axes.annotate(option.name, (option.row_ms, option.score.value), (4, 4), textcoords="offset points", fontsize=7)
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds for one row")
    axes.set_ylabel(options[0].predictor.metric)
    axes.set_title(f"{chosen.name}: {chosen.row_ms:.2f} ms, {chosen.size_bytes / 1e6:.1f} MB", fontsize=9)
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, format="svg")
