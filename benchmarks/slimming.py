"""What smaller models cost: ``python -m benchmarks.slimming DATASETS [--sets ...] [--time 60] [--folder runs]``.

Fits each data set (``train.csv.gz``, ``test.csv.gz``, ``meta.json``), slims the run, and scores every option on the
test rows, which nothing before has seen. Prints a table: time of one row, bytes, out-of-fold score, test score.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pandas as pd

from automl import AutoML
from automl.slim import Option, slim
from benchmarks.scores import score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--time", type=float, default=60)
    parser.add_argument("--folder", type=Path, default=Path("runs/slimming"))
    options = parser.parse_args()
    for name in options.sets or sorted(path.name for path in options.datasets.iterdir()):
        report(options.datasets / name, options.time, options.folder / name)


def report(data: Path, seconds: float, folder: Path) -> None:
    meta = json.loads((data / "meta.json").read_text(encoding="utf-8"))
    if not (folder / "run" / "model").exists():
        model = AutoML(time_budget=seconds, metric=meta["metric"], output=folder / "run")
        model.fit(data / "train.csv.gz", target=meta["target"])
    test = pd.read_csv(data / "test.csv.gz", dtype=str, keep_default_na=False)
    labels = test.pop(meta["target"])
    shutil.rmtree(folder / "small", ignore_errors=True)
    measured, _ = slim(folder / "run", folder / "small")
    full = measured[0]
    print(f"\n{data.name}, {meta['metric']}: the full ensemble takes {full.row_ms:.2f} ms a row")
    for option in sorted(measured, key=lambda option: -option.row_ms):
        predicted = option.predictor.predict_frame(test, proba=full.predictor.classes_ is not None)
        tested = score(meta["metric"], labels, predicted, positive=meta.get("positive_class"))
        print(describe(option, full, tested), flush=True)


def describe(option: Option, full: Option, tested: float) -> str:
    quicker = full.row_ms / option.row_ms
    size = option.size_bytes / 1e6
    return (
        f"  {option.name:26} {option.row_ms:8.3f} ms  {quicker:6.1f} x  {size:7.2f} MB  "
        f"out of fold {option.score.value:9.5g}  test {tested:9.5g}"
    )


if __name__ == "__main__":
    main()
