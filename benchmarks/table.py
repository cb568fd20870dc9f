"""Results of ``run.py`` as a markdown table: ``python benchmarks/table.py results.jsonl``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HEADER = ("set", "metric", "score", "expected", "constant", "hgb", "wins", "candidates", "over s", "GB", "MB")


def markdown(results: Iterable[dict[str, Any]]) -> str:
    """Return the last result of every set, a summary, and where it was measured."""
    latest = {result["name"]: result for result in results}
    if not latest:
        return "no results"
    rows = [latest[name] for name in sorted(latest)]
    lines = [line(HEADER), line(["---"] * len(HEADER)), *(line(cells(row)) for row in rows)]
    ended = [row for row in rows if not row.get("error")]
    inside = sum(row["inside"] for row in ended)
    last = rows[-1]
    versions = ", ".join(f"{name} {number}" for name, number in last["versions"].items())
    return "\n".join(
        [
            *lines,
            "",
            f"{len(rows)} sets at {last['time']:g} s: {len(rows) - len(ended)} failed, "
            f"{sum(wins(row, 'baseline_constant') for row in ended)} better than the constant, "
            f"{sum(wins(row, 'baseline_hgb') for row in ended)} better than gradient boosting (hgb); "
            f"{inside} of {len(ended)} test scores inside the expected interval; "
            f"largest overrun {max((row['overrun_seconds'] for row in ended), default=0):.2f} s.",
            "",
            f"{max(row['date'] for row in rows)}, {last['machine']}, {versions}.",
        ]
    )


def wins(row: dict[str, Any], baseline: str) -> bool:
    greater_is_better = row["metric"] == "roc_auc"
    better: bool = row["score"] > row[baseline] if greater_is_better else row["score"] < row[baseline]
    return better


def cells(row: dict[str, Any]) -> list[str]:
    baselines = [f"{row[name]:.5g}" for name in ("baseline_constant", "baseline_hgb")]
    if row.get("error"):
        return [row["name"], row["metric"], "failed", row["error"].replace("\n", " ").replace("|", "/"), *baselines]
    return [
        row["name"],
        row["metric"],
        f"{row['score']:.5g}",
        f"{row['estimate']['low']:.5g} to {row['estimate']['high']:.5g}",
        *baselines,
        "yes" if wins(row, "baseline_hgb") else "no",
        str(row["candidates"]),
        f"{row['overrun_seconds']:.2f}",
        f"{row['peak_bytes'] / 1e9:.2f}",
        f"{row['model_bytes'] / 1e6:.1f}",
    ]


def line(row: Iterable[str]) -> str:
    return f"| {' | '.join(row)} |"


if __name__ == "__main__":
    print(markdown(json.loads(each) for each in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
