"""The plot of a comparison: wins, Elo, and losses by size of the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.standings import SIZES, compare, elo, elo_intervals

COLOURS = ("#2a7f62", "#c9c9c9", "#b8433c")
MARKERS = ("o", "s", "D")


def plot(table: pd.DataFrame, size: pd.Series, ours: str, output: Path) -> None:
    """Draw the (sets, contestants) losses; the best contestant stands on top."""
    from matplotlib.figure import Figure

    ratings = elo(table).sort_values()
    names, places = list(ratings.index), np.arange(len(ratings))
    figure = Figure(figsize=(13, 1.5 + 0.45 * len(names)), layout="constrained")
    duels, rating, loss = figure.subplots(1, 3, sharey=True)
    duels.set_yticks(places, names)

    for place, name in zip(places, names, strict=True):
        if name == ours:
            continue
        result, start = compare(table, ours, name), 0
        total = max(1, result.wins + result.ties + result.losses)
        for count, colour in zip((result.wins, result.ties, result.losses), COLOURS, strict=True):
            duels.barh(place, count / total, left=start / total, color=colour)
            start += count
        duels.plot([result.low, result.high], [place, place], color="black", linewidth=1.5)
        duels.plot([result.share], [place], "|", color="black", markersize=12)
        duels.text(1.02, place, str(result), va="center", fontsize=8)
    duels.axvline(0.5, color="black", linewidth=0.5, linestyle=":")
    duels.set_xlim(0, 1.25)
    duels.set_title(f"{ours}: wins / ties / losses")
    duels.set_xlabel("share of sets won (ties half, 95%)")

    intervals = elo_intervals(table).loc[names]
    rating.hlines(places, intervals["low"], intervals["high"], color="#666666")
    rating.plot(ratings, places, "o", color="#1f4e79")
    rating.set_title("Elo (average 1000, 95%)")
    rating.grid(axis="x", alpha=0.3)

    for group, marker in zip(SIZES, MARKERS, strict=True):
        part = table[(size == group).reindex(table.index)]
        if len(part):
            loss.plot(part[names].mean(), places, marker, alpha=0.7, label=f"{group} ({len(part)} sets)")
    loss.set_title("mean loss")
    loss.set_xlabel("0 the best, 1 the constant prediction")
    loss.grid(axis="x", alpha=0.3)
    loss.legend(fontsize=8, loc="lower right")
    figure.savefig(output)
