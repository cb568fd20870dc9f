"""Say where the seconds of finished runs went, from their journals: ``python benchmarks/profile_run.py RUN [RUN ...]``.

``first model s``  from the start to the first model that was fitted
``first tuned s``  to the start of the first trial of the portfolio or the search
``gap ms``         median from the end of a trial to the start of the next one
``features s``     core-seconds in features, which all trials share
``idle %``         share of the core-seconds that no model was fitted or predicted with; a fold that the deadline cut
                   off counts as idle
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd


def profile(run: Path) -> dict[str, Any]:
    """Return a line of the table."""
    about = json.loads((run / "run.json").read_text())
    started, plan = about["started"], about["plan"]
    folds = pd.DataFrame([fold(file) for file in run.glob("trials/*/fold-*/record.json")])
    ends = sorted(json.loads(file.read_text())["at"] for file in run.glob("trials/*/end.json"))
    tuned = folds[folds["origin"].isin(["portfolio", "search"])].groupby("trial")["begun"].min()
    gaps = [min((begun - end for end in ends if end < begun), default=0.0) for begun in tuned]
    busy = (folds["fit_seconds"] + folds["predict_seconds"]).sum()
    wall = about["config"]["time_budget"] or max(ends) - started
    return {
        "run": run.name,
        "first model s": round(folds["finished"].min() - started, 2),
        "first tuned s": round(tuned.min() - started, 2),
        "gap ms": round(1000 * pd.Series(gaps).median()),
        "trials": folds["trial"].nunique(),
        "folds": len(folds),
        "features s": round(folds["feature_seconds"].sum(), 1),
        "idle %": round(100 * (1 - busy / (plan["concurrency"] * plan["threads"] * wall)), 1),
    } | {f"{family} s": round(part["fit_seconds"].sum(), 1) for family, part in folds.groupby("family")}


def fold(file: Path) -> dict[str, Any]:
    record = json.loads(file.read_text())
    candidate = json.loads((file.parent.parent / "candidate.json").read_text())
    seconds = record["feature_seconds"] + record["fit_seconds"] + record["predict_seconds"]
    return {**record, **candidate, "trial": file.parent.parent.name, "begun": record["finished"] - seconds}


if __name__ == "__main__":
    print(pd.DataFrame([profile(Path(each)) for each in sys.argv[1:]]).fillna(0).to_string(index=False))
