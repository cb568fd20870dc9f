"""A few rows take another way through a predictor than many, and come out the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, load

ROWS = 300


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=ROWS),
            "price": rng.gamma(2, 10, ROWS),
            "city": rng.choice(list("abcdefghijkl"), ROWS),
            "paid": rng.choice(["yes", "no"], ROWS),
            "day": (np.datetime64("2024-01-01") + rng.integers(0, 300, ROWS)).astype(str),
        }
    ).mask(rng.random((ROWS, 5)) < 0.05)
    noise = rng.normal(0, 0.3, ROWS)
    return frame.assign(y=np.where(np.nan_to_num(frame["size"]) + (frame["city"] < "d") + noise > 0.3, "p", "n"))


@pytest.fixture(scope="module")
def saved(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = AutoML(max_trials=9, folds=2, output=tmp_path_factory.mktemp("few") / "run").fit(table, target="y")
    return model.save(tmp_path_factory.mktemp("few") / "model")


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    features = table.drop(columns="y").astype(object)
    return features.where(features.notna(), None).to_dict("records")


def test_every_model_of_a_saved_predictor_has_been_brought_into_its_quick_form(saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    models = {f"models/{m['candidate']}/fold-{f['fold']}" for m in manifest["members"] for f in m["folds"]}
    assert set(manifest["quick"]) == models
    trees = [m["candidate"] for m in manifest["members"] if m["family"] in ("xgboost", "random_forest", "extra_trees")]
    assert {f"models/{candidate}/fold-0/rows.npz" for candidate in trees} <= set(manifest["files"])


@pytest.mark.parametrize("few", [1, 5, 16, 17, 64, 65])
def test_rows_one_by_one_are_predicted_as_in_a_frame(saved: Path, table: pd.DataFrame, few: int) -> None:
    predictor, rows = load(saved), rows_of(table)[:130]
    whole = predictor.predict_proba(table.drop(columns="y").head(130))
    parts = [predictor.predict_proba(rows[start : start + few]) for start in range(0, len(rows), few)]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-12, atol=1e-12)
    assert predictor.predict(rows[:1]).tolist() == predictor.predict(table.head(1)).tolist()


def test_blocks_on_many_cores_are_put_together_in_order(saved: Path, table: pd.DataFrame) -> None:
    predictor = load(saved)
    many = pd.concat([table.drop(columns="y")] * 30, ignore_index=True)
    once = predictor.predict_proba(table)
    np.testing.assert_array_equal(predictor.predict_proba(many), np.tile(once, (30, 1)))


def test_a_row_needs_no_library_of_trees(saved: Path, table: pd.DataFrame) -> None:
    program = (
        "import json, sys, automl\n"
        "model = automl.load(sys.argv[1])\n"
        "model.predict_proba(json.loads(sys.argv[2]))\n"
        "print(sorted({'xgboost', 'catboost', 'lightgbm', 'sklearn', 'ray', 'fastapi'} & set(sys.modules)))\n"
    )
    arguments = [sys.executable, "-c", program, str(saved), json.dumps(rows_of(table)[:1])]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=True)
    trees = {"xgboost", "catboost", "lightgbm", "ray", "fastapi"}
    assert not trees & set(json.loads(done.stdout.replace("'", '"')))
