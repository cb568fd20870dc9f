from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typed_frames import TASKS, schema_of

from automl.data.table import Kind
from automl.features.matrix import Needs
from automl.features.pipeline import fit_features
from automl.features.select import FEWEST, TELLING, above_probes, crowded, distinct
from automl.features.supervision import FOLDS, supervise


@pytest.mark.parametrize("task", sorted(TASKS))
def test_signal_survives_and_noise_goes(task: str) -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(1500, 120)).astype(np.float32)
    signal = X[:, 3] + X[:, 50] - X[:, 110] + generator.normal(size=1500)
    cuts = {"binary": [0.5], "multiclass": [0.3, 0.7]}.get(task)
    y = signal if cuts is None else np.searchsorted(np.quantile(signal, cuts), signal)
    kept = above_probes(X, y, TASKS[task], random_state=0)
    assert {3, 50, 110} <= set(kept.tolist())
    assert FEWEST <= len(kept) < 60
    assert (np.diff(kept) > 0).all()


def test_only_crowded_tables_are_thinned() -> None:
    assert crowded(10_000, 101)
    assert crowded(200, 30)
    assert not crowded(10_000, 100)
    assert not crowded(50, FEWEST)


def test_wide_tables_are_thinned_in_dense_recipes_only() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{i}": generator.normal(size=300) for i in range(110)})
    schema = schema_of(**dict.fromkeys(frame, Kind.NUMERIC))
    y = frame["x7"].to_numpy()
    _, dense = fit_features(frame, y, schema, TASKS["regression"], Needs("impute"), random_state=0)
    assert "x7" in dense.names
    assert dense.columns < 80
    needs = Needs("impute", "onehot", "standard", sparse=True)
    _, sparse = fit_features(frame, y, schema, TASKS["regression"], needs, random_state=0)
    assert sparse.columns == 110


@pytest.mark.parametrize("task", sorted(TASKS))
def test_inner_folds_have_equal_means(task: str) -> None:
    generator = np.random.default_rng(0)
    y = generator.exponential(size=1003) if task == "regression" else generator.integers(0, TASKS[task].n_classes, 1003)
    supervision = supervise(y, TASKS[task], random_state=0)
    sizes = np.bincount(supervision.folds, minlength=FOLDS)
    assert sizes.max() - sizes.min() <= 3
    means = [supervision.values[supervision.folds == fold].mean(axis=0) for fold in range(FOLDS)]
    np.testing.assert_allclose(means, np.tile(supervision.values.mean(axis=0), (FOLDS, 1)), atol=0.03)


def test_absent_classes_have_no_column() -> None:
    supervision = supervise(np.array([0, 2, 2, 0]), TASKS["multiclass"], random_state=0)
    assert supervision.labels == ("a", "c")


@pytest.mark.parametrize(("known", "kept"), [(TELLING - 1, False), (TELLING, True)])
def test_what_is_nearly_always_missing_stays_if_enough_rows_have_it(known: int, kept: bool) -> None:
    column = np.full(20_000, np.nan)
    column[:known] = np.arange(known)
    other = np.random.default_rng(0).normal(size=20_000)
    assert distinct(np.column_stack([other, column]), (0, 0)).tolist() == [0, 1][: 1 + kept]
