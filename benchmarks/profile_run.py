"""Say where the seconds of a finished run went: ``python benchmarks/profile_run.py RUN [RUN ...]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd


def profile(run: Path) -> dict[str, Any]:
    """Return the shares of a run's core-seconds, from its journal alone."""
    about = json.loads((run / "run.json").read_text())
    plan = about["plan"]
    rows = []
    for file in run.glob("trials/*/fold-*/record.json"):
        record = json.loads(file.read_text())
        origin = json.loads((file.parent.parent / "candidate.json").read_text())
        begun = record["finished"] - record["feature_seconds"] - record["fit_seconds"] - record["predict_seconds"]
        rows.append({**record, **origin, "begun": begun - about["started"]})
    folds = pd.DataFrame(rows)
    busy = float((folds["fit_seconds"] + folds["predict_seconds"]).sum())
    cores = plan["concurrency"] * plan["threads"]
    tuned = folds[folds["origin"].isin(["portfolio", "search"])]
    model = run / "model" / "manifest.json"
    wall = float(model.stat().st_mtime - about["started"])
    return {
        "run": run.name,
        "wall_s": round(wall, 1),
        "first_model_s": round(float((folds["begun"] + folds["fit_seconds"]).min()), 2),
        "first_tuned_s": round(float(tuned["begun"].min()), 2),
        "trials": len(folds.groupby(["family", folds["params"].astype(str)])),
        "folds": len(folds),
        "features_s": round(float(folds["feature_seconds"].sum()), 1),
        "not_fitting_%": round(100 * (1 - busy / (cores * (about["config"]["time_budget"] or wall))), 1),
        **{f"{name}_s": round(float(part["fit_seconds"].sum()), 1) for name, part in folds.groupby("family")},
    }


if __name__ == "__main__":
    print(pd.DataFrame([profile(Path(each)) for each in sys.argv[1:]]).to_string(index=False))
