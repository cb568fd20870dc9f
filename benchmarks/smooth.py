"""Smooth functions of few rows: ours against scikit-learn's kernel machines and trees, on rows that nobody saw.

    python -m benchmarks.smooth --time 20
    python -m benchmarks.smooth --time 20 --families=-gaussian_process

RMSE, or log loss of classes, of 3,000 further rows.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl import AutoML
from benchmarks.measure import machine

Array = NDArray[np.float64]
TEST_ROWS: Final = 3_000
FUNCTIONS: Final[Mapping[str, tuple[int, int, float, Callable[[Array], Array]]]] = {
    "sum of sines": (300, 5, 0.1, lambda X: np.sin(2 * X).sum(axis=1)),
    "products, a square": (300, 6, 0.2, lambda X: X[:, 0] * X[:, 1] + X[:, 2] ** 2 - X[:, 3] * X[:, 4]),
    "friedman": (300, 10, 1.0, lambda X: _friedman((X + 2) / 4)),
    "arm of four joints": (500, 8, 0.05, lambda X: _reach(X)),
    "logs and a quotient": (400, 5, 0.1, lambda X: (X[:, 0] + X[:, 1]) / (1 + np.exp(X[:, 2]))),
    "steps": (400, 6, 0.3, lambda X: 2.0 * (X[:, 0] > 0) + 3.0 * (X[:, 1] > 0.5) * (X[:, 2] > 0)),
}
"""Training rows, columns, noise, and the function of columns between -2 and 2."""
CLASSES: Final[Mapping[str, tuple[int, int, Callable[[Array], Array]]]] = {
    "inside an ellipsoid": (400, 6, lambda X: np.square(X).sum(axis=1) - 8 + X[:, 0] * X[:, 1]),
    "saddle": (400, 5, lambda X: 3 * X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2])),
}
"""Training rows, columns, and the log odds."""


def _friedman(X: Array) -> Array:
    return 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]


def _reach(X: Array) -> Array:
    angles, lengths = np.cumsum(X[:, :4] * 0.8, axis=1), 0.5 + 0.1 * X[:, 4:]
    return np.asarray(np.hypot((lengths * np.cos(angles)).sum(axis=1), (lengths * np.sin(angles)).sum(axis=1)))


def drawn(name: str, seed: int) -> tuple[pd.DataFrame, pd.Series[Any], int]:
    """Return columns and target, and how many of the rows are for training."""
    rng = np.random.default_rng(seed)
    if name in FUNCTIONS:
        rows, columns, noise, function = FUNCTIONS[name]
        X = rng.uniform(-2, 2, (rows + TEST_ROWS, columns))
        y = function(X) + rng.normal(0, noise, len(X))
    else:
        rows, columns, odds = CLASSES[name]
        X = rng.uniform(-2, 2, (rows + TEST_ROWS, columns))
        y = (rng.random(len(X)) < 1 / (1 + np.exp(-odds(X)))).astype(float)
    return pd.DataFrame(X, columns=[f"x{column}" for column in range(columns)]), pd.Series(y, name="y"), rows


def others(classes: bool) -> Mapping[str, Any]:
    """Return scikit-learn's models, each tuned in the way that is usual for it."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    if classes:
        process = GaussianProcessClassifier(ConstantKernel() * RBF(2.0), random_state=0)
        return {"process": make_pipeline(StandardScaler(), process), "trees": HistGradientBoostingClassifier()}
    process = GaussianProcessRegressor(ConstantKernel() * RBF(2.0) + WhiteKernel(), normalize_y=True, random_state=0)
    grid = {"svr__C": [1, 10, 100], "svr__gamma": [0.03, 0.1, 0.3], "svr__epsilon": [0.01, 0.1]}
    return {
        "process": make_pipeline(StandardScaler(), process),
        "support vectors": GridSearchCV(make_pipeline(StandardScaler(), SVR()), grid),
        "trees": HistGradientBoostingRegressor(),
    }


def errors(name: str, seed: int, seconds: float, families: str | None) -> dict[str, float]:
    """Return the error of each on the rows that are left."""
    from sklearn.metrics import log_loss, root_mean_squared_error

    X, y, rows = drawn(name, seed)
    classes = name in CLASSES
    with tempfile.TemporaryDirectory() as folder:
        metric = "log_loss" if classes else "rmse"
        named = None if families is None else families.split(",")
        ours = AutoML(time_budget=seconds, metric=metric, families=named, output=Path(folder) / "run")
        found = {"ours": ours.fit(X[:rows], y[:rows]).evaluate(X[rows:], y[rows:])[metric]}
    for other, model in others(classes).items():
        model.fit(X[:rows], y[:rows])
        told = model.predict_proba(X[rows:]) if classes else model.predict(X[rows:])
        found[other] = log_loss(y[rows:], told) if classes else root_mean_squared_error(y[rows:], told)
    return found


def main() -> None:
    """Print one line a function."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=float, default=20, help="seconds for each fit of ours")
    parser.add_argument("--families", help="of ours, such as linear,lightgbm or -gaussian_process")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(", ".join(machine().values()))
    print("| function | rows | ours | process | support vectors | trees |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in (*FUNCTIONS, *CLASSES):
        found = errors(name, options.seed, options.time, options.families)
        cells = [
            f"{found[each]:.3g}" if each in found else "" for each in ("ours", "process", "support vectors", "trees")
        ]
        print(f"| {name} | {drawn(name, options.seed)[2]} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
