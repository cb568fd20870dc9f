"""Results as tables and a plot: ``python -m benchmarks.summary RESULTS ... [--ours ours@60] [--against a,b]``.

Prints a summary and writes it as ``.md`` and ``.svg`` beside the first file. A contestant is an engine at a budget, so
``--ours ours@60 --against autogluon-best_quality@300`` compares a minute of ours with five minutes of AutoGluon.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.plot import plot
from benchmarks.results import read
from benchmarks.standings import (
    HGB,
    SIZES,
    TIE,
    compare,
    contestant,
    elo,
    elo_intervals,
    losses,
    ranks,
    score_table,
    sizes,
)

QUIET = 0.2
Results = Sequence[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--ours", help="contestant, such as ours@60; by default the first of ours")
    parser.add_argument("--against", help="contestants, separated by commas; by default all")
    parser.add_argument("--output", type=Path, help="where to write, without suffix; by default beside the first file")
    options = parser.parse_args()
    found = read(options.results)
    against = options.against.split(",") if options.against else None
    try:
        print(write(found, options.output or options.results[0].with_suffix(""), ours=options.ours, against=against))
    except ValueError as error:
        sys.exit(str(error))


def write(results: Results, output: Path, *, ours: str | None = None, against: Sequence[str] | None = None) -> str:
    """Return the summary as markdown, and write it and its plot."""
    results = latest(results)
    if not results:
        return "no results"
    names = list(dict.fromkeys(contestant(each) for each in results))
    ours = ours or next((name for name in names if name.startswith("ours")), names[0])
    against = [name for name in [*names, HGB] if name != ours] if against is None else list(against)
    unknown = {ours, *against} - {*names, HGB}
    if unknown:
        raise ValueError(f"no results of {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    shown = [each for each in results if contestant(each) in {ours, *against}]
    text = markdown(shown, ours, against)
    output.with_suffix(".md").write_text(f"{text}\n", encoding="utf-8")
    plot(losses(shown)[[ours, *against]], sizes(shown), ours, output.with_suffix(".svg"))
    return text


def latest(results: Results) -> list[dict[str, Any]]:
    """Return the last result of every run, so that a repeated one replaces its failure."""
    return list({(contestant(each), each["set"], each["seed"]): each for each in results}.values())


def markdown(results: Results, ours: str, against: Sequence[str]) -> str:
    table = losses(results)[[ours, *against]]
    parts = [
        f"## {ours} against the others",
        standings(table, sizes(results), ours, against),
        f"Wins / ties / losses of {ours}; `share`: of the sets won, ties half, with its 95% bootstrap interval over "
        f"the sets. A tie: losses that differ by less than {TIE:g}. `loss`: mean distance to the best score of a set, "
        "in units of the distance from the constant prediction to it, over the sets that were run; a failed run counts "
        "as that prediction. "
        f"`rank`: on the {len(table.dropna())} sets that all have.",
        "## Costs",
        costs(results, [name for name in [ours, *against] if name != HGB]),
        "## Scores",
        scores(results, [ours, *against]),
        measured(results),
    ]
    return "\n\n".join(parts)


def standings(table: pd.DataFrame, size: pd.Series, ours: str, against: Sequence[str]) -> str:
    ratings, intervals, rank = elo(table), elo_intervals(table), ranks(table)
    rows = []
    for name in [ours, *against]:
        duel = [""] * (2 + len(SIZES))
        if name != ours:
            total = compare(table, ours, name)
            groups = [compare(table[(size == group).reindex(table.index)], ours, name) for group in SIZES]
            duel = [str(total), f"{total.share:.0%} ({total.low:.0%} to {total.high:.0%})", *map(str, groups)]
        low, high = intervals.loc[name]
        rating = f"{ratings[name]:.0f} ({low:.0f} to {high:.0f})"
        rows.append([name, *duel, f"{rank[name]:.2f}", f"{table[name].mean():.3f}", rating])
    return grid(["engine@s", "wins", "share", *(f"{group} sets" for group in SIZES), "rank", "loss", "Elo"], rows)


def costs(results: Results, names: Sequence[str]) -> str:
    rows = []
    for name in names:
        runs = [each for each in results if contestant(each) == name]
        ended = pd.DataFrame([each for each in runs if not each.get("error")])
        if not runs or ended.empty:
            rows.append([name, str(len(runs)), str(len(runs)), *["-"] * 6])
            continue
        rows.append(
            [
                name,
                str(len(runs)),
                str(len(runs) - len(ended)),
                f"{ended['fit_seconds'].mean():.1f}",
                f"{ended['overrun_seconds'].max():.1f}",
                f"{ended['rows_per_second'].median():,.0f}",
                f"{ended['row_ms'].median():.1f}" if "row_ms" in ended else "-",
                f"{ended['peak_bytes'].max() / 1e9:.2f}",
                f"{ended['model_bytes'].median() / 1e6:.1f}",
            ]
        )
    header = ["engine@s", "runs", "failed", "fit s", "most over s", "rows/s", "ms a row", "peak GB", "model MB"]
    return grid(header, rows)


def scores(results: Results, names: Sequence[str]) -> str:
    about = {each["set"]: each for each in results}
    failed = {(each["set"], contestant(each)): each["error"] for each in results if each.get("error")}
    table = score_table(results)

    def cell(place: str, name: str) -> str:
        value = table.loc[place, name] if name in table else float("nan")
        return "failed" if (place, name) in failed else "-" if pd.isna(value) else f"{value:.5g}"

    rows = [
        [place, about[place]["metric"], f"{about[place]['baseline_constant']:.5g}", *(cell(place, n) for n in names)]
        for place in table.index
    ]
    why = [f"- {place}, {name}: {' '.join(error.split())[:200]}" for (place, name), error in sorted(failed.items())]
    return "\n".join([grid(["set", "metric", "constant", *names], rows), *(["", "Failed:", "", *why] if why else [])])


def measured(results: Results) -> str:
    """Return how honest the reported scores were, and what was measured where."""
    inside = [each["inside"] for each in results if "inside" in each]
    honest = f"{sum(inside)} of {len(inside)} test scores inside the interval that ours had reported." if inside else ""
    versions = {each["engine"]: each["versions"] for each in results}
    where = sorted({each["machine"] for each in results})
    dates = sorted({each["date"] for each in results})
    disturbed = sum(each.get("others_cores", 0.0) > QUIET for each in results)
    noise = f" In {disturbed} of {len(results)} runs other processes used more than {QUIET:g} cores." * (disturbed > 0)
    when = " to ".join(dict.fromkeys([dates[0], dates[-1]]))
    installed = [
        f"- {engine}: {', '.join(f'{name} {number}' for name, number in numbers.items())}"
        for engine, numbers in sorted(versions.items())
    ]
    return "\n".join([honest + noise, "", f"{when}, {'; '.join(where)}:", "", *installed]).strip()


def grid(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(header), *map(list, rows)]
    cells.insert(1, ["---"] * len(cells[0]))
    return "\n".join(f"| {' | '.join(each.replace('|', '/') for each in row)} |" for row in cells)


if __name__ == "__main__":
    main()
