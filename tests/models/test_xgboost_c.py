"""XGBoost's library says what its package says, to the last bit, and the package is not imported for it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from automl.models.xgboost_c import Trees

COLUMNS = 4


def table(rows: int, seed: int) -> NDArray[np.float32]:
    """Numbers with gaps, and codes in the first column."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, COLUMNS)).astype(np.float32)
    X[:, 0] = rng.integers(0, 40, rows)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


@pytest.fixture(scope="module", params=[1, 3], ids=["numbers", "classes"])
def booster(request: pytest.FixtureRequest) -> xgboost.Booster:
    X, outputs = table(500, 0), request.param
    y = np.nan_to_num(X[:, 0] % 3 + X[:, 1])
    settings = {"objective": "reg:squarederror", "verbosity": 0}
    if outputs > 1:
        y = np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
        settings = {"objective": "multi:softprob", "num_class": outputs, "verbosity": 0}
    kinds = ["c", "float", "float", "float"]
    return xgboost.train(settings, xgboost.DMatrix(X, y, feature_types=kinds, enable_categorical=True), 20)


def test_margins_are_those_of_the_package(booster: xgboost.Booster) -> None:
    trees = Trees(bytes(booster.save_raw("ubj")))
    for rows in (1, 2, 1_000):
        X = table(rows, rows)
        np.testing.assert_array_equal(trees.margins(X), booster.inplace_predict(X, predict_type="margin"))
        turned = np.asfortranarray(X)
        np.testing.assert_array_equal(trees.margins(turned), trees.margins(X))


def test_threads_may_share_a_model(booster: xgboost.Booster) -> None:
    trees = Trees(bytes(booster.save_raw("ubj")))
    tables = [table(300, seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(trees.margins, tables))
    for X, found in zip(tables, together, strict=True):
        np.testing.assert_array_equal(found, trees.margins(X))


def test_what_is_no_model_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="XGBoost: "):
        Trees(b"{no model}")


def test_other_columns_are_refused(booster: xgboost.Booster) -> None:
    with pytest.raises(ValueError, match="grown on 4 columns, got 3"):
        Trees(bytes(booster.save_raw("ubj"))).margins(table(5, 0)[:, :3])


def test_the_package_is_not_imported(booster: xgboost.Booster, tmp_path: Path) -> None:
    (tmp_path / "model.ubj").write_bytes(bytes(booster.save_raw("ubj")))
    program = (
        "import sys, numpy as np; from pathlib import Path; from automl.models.xgboost_c import Trees\n"
        f"print(Trees(Path(sys.argv[1]).read_bytes()).margins(np.zeros((3, {COLUMNS}), np.float32)).shape[0])\n"
        "print('xgboost' in sys.modules or 'sklearn' in sys.modules)\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "model.ubj")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.split() == ["3", "False"]
