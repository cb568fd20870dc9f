"""Who wins: contestants compared set by set, with intervals from a bootstrap over the sets.

A contestant is an engine at a budget, ``flaml@60``. A run that failed counts as the constant prediction. The loss of a
contestant on a set is its distance to the best score there, in units of the distance between the constant prediction
and that best score: 0 is the best, 1 is the constant prediction or worse. Losses that differ by less than ``TIE`` are a
tie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.scores import GREATER_IS_BETTER

HGB = "hgb"
TIE = 0.001
SMALL, LARGE = 2_000, 20_000
SIZES = ("small", "medium", "large")
RESAMPLES = 1_000
PRIOR = 0.5
"""Drawn games that every pair that met is given in advance: without it who always wins has no finite rating."""


@dataclass(frozen=True)
class Comparison:
    """One contestant against another, on the sets that both have."""

    wins: int
    ties: int
    losses: int
    share: float
    """Of the sets that were won, ties half."""
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.wins} / {self.ties} / {self.losses}"


def contestant(result: dict[str, Any]) -> str:
    busy = f"+busy{result['busy']}" if result.get("busy") else ""
    return f"{result['engine']}@{result['time']:g}{busy}"


def losses(results: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return (sets, contestants) losses, NaN where a contestant was not run. Seeds are averaged."""
    scores = score_table(results)
    about = {result["set"]: result for result in results}
    table = {}
    for name, row in scores.iterrows():
        sign = -1 if GREATER_IS_BETTER[about[name]["metric"]] else 1
        row, constant = sign * row, sign * about[name]["baseline_constant"]
        reach = constant - row.min()
        table[name] = ((row - row.min()) / reach).clip(upper=1.0) if reach > 0 else row.where(row.isna(), 1.0)
    return pd.DataFrame(table).T.reindex(columns=scores.columns)


def score_table(results: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return (sets, contestants) scores, that of scikit-learn's histogram boosting (from meta.json) among them."""
    rows = pd.DataFrame(
        [(each["set"], contestant(each), each.get("score", each["baseline_constant"])) for each in results]
        + [(each["set"], HGB, each["baseline_hgb"]) for each in results],
        columns=["set", "contestant", "score"],
    )
    return rows.pivot_table(index="set", columns="contestant", values="score", aggfunc="mean", sort=True)


def sizes(results: Sequence[dict[str, Any]]) -> pd.Series:
    """Return ``small``, ``medium`` or ``large`` by set."""
    rows = {each["set"]: each["n_train"] for each in results}
    named = {name: SIZES[(count >= SMALL) + (count >= LARGE)] for name, count in rows.items()}
    return pd.Series(named, dtype=object)


def compare(table: pd.DataFrame, ours: str, other: str) -> Comparison:
    both = table[[ours, other]].dropna()
    points = points_of(both[ours].to_numpy(), both[other].to_numpy())
    low, high = bootstrap(len(points), lambda rows: float(points[rows].mean()))
    counts = [int((points == value).sum()) for value in (1.0, 0.5, 0.0)]
    return Comparison(*counts, float(points.mean()) if len(points) else np.nan, low, high)


def points_of(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 where ``one`` has the smaller loss, 0.5 at a tie, 0 where it has the larger one."""
    difference = other - one
    return np.where(np.abs(difference) < TIE, 0.5, (difference > 0).astype(float))


def bootstrap(count: int, statistic: Callable[[NDArray[np.int64]], float]) -> tuple[float, float]:
    """Return the 95% interval of a statistic of resampled sets; NaN if there are none."""
    if count == 0:
        return np.nan, np.nan
    random = np.random.default_rng(0)
    values = [statistic(random.integers(count, size=count)) for _ in range(RESAMPLES)]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def ranks(table: pd.DataFrame) -> pd.Series:
    """Return mean ranks (1 is the best) on the sets that all contestants have; ties share a rank."""
    return (table.dropna() / TIE).round().rank(axis=1).mean()


def elo(table: pd.DataFrame) -> pd.Series:
    """Return Elo ratings from all pairs, the average being 1000: 400 more means 10 wins for each loss.

    Bradley and Terry's model, fitted with Hunter's minorization (Annals of Statistics 32, 2004).
    """
    return pd.Series(rated(duels(table)), index=table.columns)


def elo_intervals(table: pd.DataFrame, resamples: int = 200) -> pd.DataFrame:
    """Return the 95% intervals of :func:`elo` by contestant, as columns ``low`` and ``high``."""
    games, random = duels(table), np.random.default_rng(0)
    drawn = [rated(games[random.integers(len(games), size=len(games))]) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return pd.DataFrame({"low": low, "high": high}, index=table.columns)


def duels(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return (sets, contestants, contestants) points of the row against the column, NaN where they did not meet."""
    values = table.to_numpy(dtype=float)
    one, other = values[:, :, None], values[:, None, :]
    points = np.where(np.isnan(one + other), np.nan, points_of(one, other))
    points[:, np.eye(values.shape[1], dtype=bool)] = np.nan
    return points


def rated(games: NDArray[np.float64], rounds: int = 500) -> NDArray[np.float64]:
    met = (~np.isnan(games)).sum(axis=0).astype(float)
    points = np.nansum(games, axis=0) + np.where(met > 0, PRIOR / 2, 0.0)
    met = met + np.where(met > 0, PRIOR, 0.0)
    strength = np.ones(games.shape[1])
    for _ in range(rounds):
        expected = (met / (strength[:, None] + strength[None, :])).sum(axis=1)
        strength = np.where(expected > 0, points.sum(axis=1) / np.where(expected > 0, expected, 1.0), strength)
        strength = strength / np.exp(np.log(strength).mean())
    ratings: NDArray[np.float64] = 1000 + 400 * np.log10(strength)
    return ratings
