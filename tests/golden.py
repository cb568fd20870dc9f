"""Write a golden predictor of this version: ``python tests/golden.py format-1-next``. Never over an old one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from automl import AutoML, artifact, assembly, load
from automl.assembly import About, Ensemble
from automl.blend import Blend
from automl.tuning.champion import member
from automl.tuning.journal import Journal
from automl.tuning.store import read_run


def table() -> pd.DataFrame:
    """Every kind of column, with gaps."""
    rng = np.random.default_rng(0)
    rows = 120
    number = rng.normal(size=rows).round(3)
    frame = pd.DataFrame(
        {
            "number": np.where(rng.random(rows) < 0.1, np.nan, number),
            "color": rng.choice(["red", "green", "blue", None], rows),
            "flag": rng.choice(["yes", "no"], rows),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), unit="D"),
            "note": [" ".join(rng.choice(["good", "bad", "late", "early", "cold", "warm"], 8)) for _ in range(rows)],
        }
    )
    return frame.assign(label=np.where(number + rng.normal(0, 0.3, rows) > 0, "up", "down"))


def main() -> None:
    place = Path(__file__).parent / "golden" / sys.argv[1]
    place.mkdir(parents=True)
    frame = table()
    run = AutoML(max_trials=14, folds=2, n_jobs=2, output=place / "run").fit(frame, target="label").run_
    stored, journal = read_run(run), Journal(run)
    # one of each family, so that each native format is kept
    trials = {trial.candidate.family: trial for trial in journal.trials()}
    members = [member(journal, trial, run=2) for trial in trials.values()]
    equal = Blend(np.full(len(members), 1 / len(members)))
    about = About(stored.about.schema, stored.about.task, "roc_auc", stored.about.reading, stored.about.examples)
    plain = assembly.write(place / "plain", Ensemble(members, equal, load(run).score), about, {})
    artifact.copy(plain, place / "model.automl.tar.gz")  # with every form that is quick for few rows
    rows = frame.drop(columns="label").tail(30)
    rows.to_csv(place / "rows.csv", index=False)
    load(place / "model.automl.tar.gz").predict_frame(pd.read_csv(place / "rows.csv"), proba=True).to_csv(
        place / "predictions.csv", index=False
    )
    shutil.rmtree(place / "run")
    shutil.rmtree(place / "plain")


if __name__ == "__main__":
    main()
