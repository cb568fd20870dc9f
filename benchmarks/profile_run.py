"""Say where the seconds of finished runs of ours went: ``python -m benchmarks.profile_run RUN [RUN ...]``.

A run is a run folder of ``automl fit``, or a folder that ``benchmarks.compare --runs`` kept, in which the start and the
end of the process are known too. All is read from the run's journal:

``wall``     seconds from the start of the process (or of the run) to its end (or to the last model that was saved)
``import``   to the start of the run, where the start of the process is known
``read``     from there to the first fold: the table is read, typed and split
``lanes``    from there until as many trials run at once as are planned: Ray is starting
``tuned``    from the start of the run to the first trial of the portfolio or the search
``gap ms``   median from the end of a trial to the start of the next one
``end``      from the last fold to the end: the last ensemble, the report, the exit; a fold that was cut off is here too
``save``     seconds in which the last model was written

Then the shares of the core-seconds (lanes x threads x wall): in features, in fits, in predictions of folds, and idle
until the first fold, until all lanes are used, between folds, and after the last one. The ensembles are made beside the
folds in the main process. Last, seconds and folds by family.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.process import CLOCK
from benchmarks.summary import grid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folder")
    profiles = [profile(run) for run in parser.parse_args().runs]
    for part in ("seconds", "shares"):
        rows = pd.DataFrame([{"run": each["run"], **each[part]} for each in profiles])
        print(f"{part}\n\n{grid(rows.columns, [text(row) for row in rows.itertuples(index=False)])}\n")
    families = pd.concat([each["families"] for each in profiles]).groupby(level=0).sum()
    shown = families.sort_values("fit", ascending=False).reset_index()
    print(f"families, all runs\n\n{grid(shown.columns, [text(row) for row in shown.itertuples(index=False)])}")


def text(row: tuple[Any, ...]) -> list[str]:
    return [f"{value:.4g}" if isinstance(value, float) else str(value) for value in row]


def profile(place: Path) -> dict[str, Any]:
    """Return a run's seconds, shares of its core-seconds, and seconds by family."""
    run = place if (place / "run.json").exists() else place / "model"
    about = json.loads((run / "run.json").read_text())
    begun, lanes = about["started"], about["plan"]["concurrency"]
    clock = json.loads((run.parent / CLOCK).read_text()) if (run.parent / CLOCK).exists() else {}
    start = clock.get("started", begun)
    saved = [file.stat().st_mtime for file in sorted((run / "models").glob("*/**/*")) if file.is_file()]
    newest = [file.stat().st_ctime for file in (run / "model").resolve().rglob("*") if file.is_file()]  # of links too
    end = start + clock["seconds"] if clock else max(saved)
    folds = pd.DataFrame([fold(file) for file in run.glob("trials/*/fold-*/record.json")])
    ends = sorted(json.loads(file.read_text())["at"] for file in run.glob("trials/*/end.json"))
    tuned = folds[folds["origin"].isin(["portfolio", "search"])].groupby("trial")["begun"].min()
    gaps = [min((moment - each for each in ends if each < moment), default=0.0) for moment in tuned]
    first, last = folds["begun"].min(), folds["finished"].max()
    full = filled(folds, lanes)
    seconds = {
        "wall": end - start,
        "import": begun - start,
        "read": first - begun,
        "lanes": full - first,
        "tuned": tuned.min() - begun,
        "gap ms": 1000 * pd.Series(gaps).median(),
        "end": end - last,
        "save": max(newest) - min(newest),
        "trials": folds["trial"].nunique(),
        "folds": len(folds),
    }
    spent = {name: folds[f"{name}_seconds"].sum() for name in ("feature", "fit", "predict")}
    total = lanes * (end - start)
    idle = {
        "idle at start": lanes * (first - start),
        "idle until all lanes": lanes * (full - first) - occupied(folds, first, full),
        "idle between": lanes * (last - full) - occupied(folds, full, last),
        "idle at end": lanes * (end - last),
    }
    families = folds.groupby("family").agg(
        features=("feature_seconds", "sum"),
        fit=("fit_seconds", "sum"),
        predict=("predict_seconds", "sum"),
        folds=("fold", "size"),
        trials=("trial", "nunique"),
    )
    shares = {f"{name} %": round(100 * value / total, 1) for name, value in (spent | idle).items()}
    return {"run": place.name, "seconds": seconds, "shares": shares, "families": families}


def fold(file: Path) -> dict[str, Any]:
    record = json.loads(file.read_text())
    candidate = json.loads((file.parent.parent / "candidate.json").read_text())
    seconds = record["feature_seconds"] + record["fit_seconds"] + record["predict_seconds"]
    return {**record, **candidate, "trial": file.parent.parent.name, "begun": record["finished"] - seconds}


def filled(folds: pd.DataFrame, lanes: int) -> float:
    """Return the first moment at which so many folds are in work at once; the end if there is none."""
    moments = np.sort(folds["begun"].to_numpy())
    at_once = [((folds["begun"] <= each) & (folds["finished"] > each)).sum() for each in moments]
    return float(
        next((m for m, count in zip(moments, at_once, strict=True) if count >= lanes), folds["finished"].max())
    )


def occupied(folds: pd.DataFrame, start: float, end: float) -> float:
    """Return the seconds of folds between two moments, lane by lane."""
    inside = folds["finished"].clip(upper=end) - folds["begun"].clip(lower=start)
    return float(inside.clip(lower=0).sum())


if __name__ == "__main__":
    main()
