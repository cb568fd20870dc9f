"""Write generated data sets of unusual shapes, to be measured like real ones: ``python -m benchmarks.generate FOLDER``.

``rows``: 1,000,000 x 30 to train on, a fifth of it categories, some cells missing. ``wide``: 400 x 1,500, of which 20
columns tell. ``classes``: 30 classes of unequal frequency. The noise is known, so that no engine can be perfect.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

TEST_SHARE = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=list(MAKERS), metavar="NAME", help=f"of {list(MAKERS)}")
    options = parser.parse_args()
    for name in options.names:
        write(options.folder / name, MAKERS[name](np.random.default_rng(0)))


def rows(random: np.random.Generator, count: int = 1_250_000) -> pd.DataFrame:
    numbers = random.normal(size=(count, 24)).astype(np.float32).round(4)
    codes = random.integers(0, [3, 5, 10, 30, 100, 1_000], size=(count, 6))
    effects = [random.normal(scale=0.5, size=1_000)[codes[:, i]] for i in range(6)]
    signal = numbers[:, 0] * numbers[:, 1] + np.sin(2 * numbers[:, 2]) + np.maximum(numbers[:, 3], 0) + sum(effects)
    numbers[random.random(numbers.shape) < 0.03] = np.nan
    table = pd.DataFrame(numbers, columns=[f"n{i}" for i in range(24)])
    for i in range(6):
        table[f"c{i}"] = np.array([f"v{code}" for code in range(1_000)])[codes[:, i]]
    table["y"] = np.where(signal + random.logistic(size=count) > np.median(signal), "yes", "no")
    return table


def wide(random: np.random.Generator) -> pd.DataFrame:
    values = random.normal(size=(400, 1_500))
    signal = values[:, :20] @ random.normal(size=20)
    table = pd.DataFrame(values.round(4), columns=[f"x{i}" for i in range(1_500)])
    table["y"] = np.where(signal + random.normal(scale=2, size=400) > 0, "yes", "no")
    return table


def classes(random: np.random.Generator) -> pd.DataFrame:
    shares = random.dirichlet(np.full(30, 3.0))
    values, y = make_classification(
        6_000, 25, n_informative=12, n_classes=30, weights=shares, n_clusters_per_class=1, flip_y=0.1, random_state=0
    )
    table = pd.DataFrame(values.round(4), columns=[f"x{i}" for i in range(25)])
    table["y"] = [f"class {code:02}" for code in y]
    return table


MAKERS: dict[str, Callable[[np.random.Generator], pd.DataFrame]] = {"rows": rows, "wide": wide, "classes": classes}


def write(place: Path, table: pd.DataFrame) -> None:
    """Write train and test rows, and what the comparison must know of them."""
    place.mkdir(parents=True, exist_ok=True)
    cut = round(len(table) * (1 - TEST_SHARE))
    train, test = table[:cut], table[cut:]
    train.to_csv(place / "train.csv", index=False)
    test.to_csv(place / "test.csv", index=False)
    shares = train["y"].value_counts(normalize=True).sort_index()
    binary = len(shares) == 2
    constant = 0.5 if binary else log_loss(test["y"], np.tile(shares, (len(test), 1)), labels=list(shares.index))
    about = {
        "name": place.name,
        "target": "y",
        "problem_type": "binary" if binary else "multiclass",
        "metric": "roc_auc" if binary else "log_loss",
        "n_train": len(train),
        "n_test": len(test),
        "n_features": table.shape[1] - 1,
        "baseline_constant": constant,
        "baseline_hgb": constant,
        **({"positive_class": "yes"} if binary else {}),
    }
    (place / "meta.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
