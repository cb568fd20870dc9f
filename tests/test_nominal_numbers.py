"""Whole numbers that are names, from the fit to the prediction and to what is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, Predictor, load
from automl.deploy.export import export
from automl.explanation import explain

NOISE = 0.3


def table(rows: int, seed: int) -> pd.DataFrame:
    effects = np.random.default_rng(0).normal(size=200)
    draw = np.random.default_rng(seed)
    shop, size = draw.integers(0, 200, rows), draw.normal(size=rows)
    sales = effects[shop] + size + NOISE * draw.normal(size=rows)
    return pd.DataFrame({"shop": 5000 + 3 * shop, "size": np.round(size, 3), "sales": np.round(sales, 3)})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = AutoML(max_trials=3, folds=2, output=tmp_path_factory.mktemp("nominal") / "run")
    return model.fit(table(2_000, 1), target="sales").run_


@pytest.fixture(scope="module")
def predictor(run: Path) -> Predictor:
    return load(run)


def test_each_shop_is_known(predictor: Predictor) -> None:
    rows = table(1_000, 2)
    assert np.sqrt(np.mean((predictor.predict(rows) - rows["sales"]) ** 2)) < 2 * NOISE


def test_a_row_alone_is_predicted_as_among_others(predictor: Predictor) -> None:
    rows = table(40, 3).drop(columns="sales").astype(object)
    rows.iloc[0, 0], rows.iloc[1, 0], rows.iloc[2, 0] = None, 4, "5003"
    together = predictor.predict(pd.concat([rows] * 3))[:40]
    alone = [predictor.predict([row])[0] for row in rows.to_dict("records")]
    np.testing.assert_array_equal(alone, together)


def test_a_shop_is_explained_as_one_column(predictor: Predictor) -> None:
    told = explain(predictor, table(3, 4), pairs=2)
    assert list(told.names) == ["shop", "size"]


def test_onnx_knows_the_shops(run: Path, predictor: Predictor, tmp_path: Path) -> None:
    import onnxruntime

    rows = table(100, 5)
    session = onnxruntime.InferenceSession(export(run, tmp_path / "model.onnx", "onnx"))
    feeds = {name: rows[[name]].to_numpy(np.float64) for name in ("shop", "size")}
    np.testing.assert_allclose(session.run(None, feeds)[0].ravel(), predictor.predict(rows), rtol=1e-4)
