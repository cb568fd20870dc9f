"""Measure the command line on a folder of data sets: ``python benchmarks/run.py FOLDER [--time 60] [--only a,b]``.

A data set is a folder with ``train.csv[.gz]``, ``test.csv[.gz]`` and ``meta.json`` (target, problem_type, metric,
baseline_constant, baseline_hgb, and positive_class if binary). Every run is a fresh ``automl fit`` and ``automl
predict``; test labels are read here only, to score the predictions. A run is one line of ``--output``; sets that have a
line for the same time already are skipped, so a stopped benchmark goes on when it is called again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from sklearn.metrics import roc_auc_score
from table import markdown

AUTOML = Path(sys.executable).with_name("automl")
LIBRARIES = ("automl", "ray", "lightgbm", "xgboost", "catboost", "scikit-learn")
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True)
class Finished:
    """How a command ended, and what it took."""

    stdout: str
    seconds: float
    peak_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--time", type=float, default=60, help="seconds for each data set")
    parser.add_argument("--only", help="names of data sets, separated by commas")
    parser.add_argument("--output", type=Path, default=Path("results.jsonl"))
    parser.add_argument("--runs", type=Path, help="keep the run folders here")
    options = parser.parse_args()

    wanted = options.only.split(",") if options.only else None
    sets = [file.parent for file in sorted(options.folder.glob("*/meta.json"))]
    done = {line["name"] for line in read(options.output) if line["time"] == options.time and not line.get("error")}
    for place in sets:
        if place.name in done or (wanted and place.name not in wanted):
            continue
        with tempfile.TemporaryDirectory() as folder:
            result = measure(place, options.time, (options.runs or Path(folder)).absolute() / place.name)
        with options.output.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        print(place.name, result.get("error") or f"{result['metric']} {result['score']:.5g}", file=sys.stderr)
    print(markdown(line for line in read(options.output) if line["time"] == options.time))


def read(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []


def measure(place: Path, seconds: float, run: Path) -> dict[str, Any]:
    """Fit, predict and score one data set; a failure is a result too."""
    meta = json.loads((place / "meta.json").read_text(encoding="utf-8"))
    copied = ("target", "problem_type", "metric", "baseline_constant", "baseline_hgb")
    result = {"name": place.name, "time": seconds, **{key: meta[key] for key in copied}, **machine()}
    try:
        return result | fit_and_score(place, meta, seconds, run)
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        return result | {"error": f"{type(error).__name__}: {error}"}


def fit_and_score(place: Path, meta: dict[str, Any], seconds: float, run: Path) -> dict[str, Any]:
    train, test = (next(place.glob(f"{part}.csv*")) for part in ("train", "test"))
    predicted = run.with_name(f"{run.name}-predictions.csv")
    run.parent.mkdir(parents=True, exist_ok=True)
    options = ["--target", meta["target"], "--metric", meta["metric"], "--time", f"{seconds:g}s", "--json"]
    fitted = execute(["fit", str(train), *options, "--output", str(run)], limit=2 * seconds + 120)
    report = json.loads(fitted.stdout)
    proba = [] if meta["problem_type"] == "regression" else ["--proba"]
    prediction = execute(["predict", str(run), str(test), *proba, "--output", str(predicted)], limit=600)
    estimate = report["score"]
    score = scored(meta, test, predicted)
    return {
        "score": score,
        "estimate": estimate,
        "inside": estimate["low"] <= score <= estimate["high"],
        "candidates": len(report["leaderboard"]),
        "fit_seconds": fitted.seconds,
        "overrun_seconds": max(0.0, fitted.seconds - seconds),
        "peak_bytes": fitted.peak_bytes,
        "model_bytes": sum(file.stat().st_size for file in (run / "model").resolve().rglob("*") if file.is_file()),
        "predict_seconds": prediction.seconds,
    }


def execute(arguments: list[str], *, limit: float) -> Finished:
    """Run ``automl`` in a fresh process, and watch the memory of all its processes, shared pages counted once."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        started, peak = time.perf_counter(), 0
        process = psutil.Popen([str(AUTOML), *arguments], stdout=stdout, stderr=stderr)
        while True:
            try:
                code = process.wait(timeout=SAMPLE_SECONDS)
                break
            except psutil.TimeoutExpired:
                peak = max(peak, memory(process))
            if time.perf_counter() - started > limit:
                for each in [*process.children(recursive=True), process]:
                    each.kill()
                raise RuntimeError(f"automl {arguments[0]} was killed after {limit:g} s")
        seconds = time.perf_counter() - started
        stdout.seek(0)
        stderr.seek(0)
        if code != 0:
            raise RuntimeError(f"automl {arguments[0]} left with {code}: {stderr.read().strip()[-300:]}")
        return Finished(stdout.read(), seconds, peak)


def memory(process: psutil.Process) -> int:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            used = each.memory_full_info()
        except psutil.Error:
            continue  # it has just ended
        total += getattr(used, "pss", used.rss)
    return total


def scored(meta: dict[str, Any], test: Path, predicted: Path) -> float:
    """Return the metric of meta.json on the test labels. Labels are compared as stripped text."""
    target = meta["target"]
    y = pd.read_csv(test, usecols=[target], dtype=str, keep_default_na=False)[target].str.strip()
    table = pd.read_csv(predicted)
    if len(table) != len(y):
        raise ValueError(f"{len(table)} predictions for {len(y)} rows")
    if meta["metric"] == "rmse":
        return float(np.sqrt(np.mean((table["prediction"] - y.astype(float)) ** 2)))
    columns = {name.removeprefix("probability_").strip(): name for name in table if name.startswith("probability_")}
    if meta["metric"] == "roc_auc":
        positive = meta["positive_class"]
        return float(roc_auc_score(y == positive, table[columns[positive]]))
    if meta["metric"] == "log_loss":
        right = [table[columns[label]].iloc[row] if label in columns else 0.0 for row, label in enumerate(y)]
        return float(-np.mean(np.log(np.clip(right, np.finfo(float).eps, 1))))
    raise ValueError(f"metric of meta.json must be rmse, roc_auc or log_loss, got {meta['metric']!r}")


def machine() -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, Python {platform.python_version()}",
        "versions": {name: version(name) for name in LIBRARIES},
    }


if __name__ == "__main__":
    main()
