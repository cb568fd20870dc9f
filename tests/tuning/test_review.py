import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, root_mean_squared_error

from automl import AutoML
from automl.errors import ArtifactError
from automl.tuning.review import out_of_fold

RNG = np.random.default_rng(4)


def table(rows: int) -> pd.DataFrame:
    frame = pd.DataFrame({"a": RNG.normal(size=rows), "b": RNG.normal(size=rows), "day": np.arange(rows)})
    return frame.assign(y=frame.a * 3 + RNG.normal(size=rows))


def fit(X: object, **options: object) -> AutoML:
    return AutoML(max_trials=1, families=["lightgbm"], problem_type="regression").fit(X, target="y", **options)


def test_predictions_out_of_fold_are_what_the_score_is_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = table(300)
    frame.loc[[0, 5, 9], "y"] = np.nan
    model = fit(frame)
    found = model.out_of_fold()
    assert found.index.tolist() == sorted({*range(300)} - {0, 5, 9})
    y = frame.y.iloc[found.index]
    assert root_mean_squared_error(y, found.prediction) == pytest.approx(model.score_.value)
    folds = out_of_fold(AutoML.resume(model.run_, time_budget=2).run_).fold  # in a run that was read
    assert folds.equals(found.fold)
    assert folds.nunique() == 8


def test_noise_is_not_predicted_out_of_fold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = table(400).assign(y=RNG.permutation(np.arange(400) % 2))
    model = AutoML(max_trials=1, families=["extra_trees"]).fit(frame, target="y")
    found = model.out_of_fold()
    assert roc_auc_score(frame.y, model.predict_proba(frame)[:, 1]) > 0.9  # rows that it has seen
    assert roc_auc_score(frame.y, found.probability_1) == pytest.approx(0.5, abs=0.1)
    assert set(found.prediction) <= {0, 1}


def test_rows_of_the_past_and_of_another_table_have_their_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    by_time = fit(table(300), time="day").out_of_fold()
    assert by_time.index.tolist() == list(range(300 - len(by_time), 300))  # the oldest block is only trained on
    other = table(50)
    other.loc[7, "y"] = np.nan
    assert fit(table(300), valid=other).out_of_fold().index.tolist() == [*range(7), *range(8, 50)]


def test_a_folder_without_a_model_has_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = fit(table(60))
    (model.run_ / "out_of_fold.npy").unlink()
    with pytest.raises(ArtifactError, match="has a model"):
        model.out_of_fold()
