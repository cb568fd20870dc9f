"""scikit-learn's tools take it for one of their own."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.metrics import RocCurveDisplay, f1_score, get_scorer, mean_squared_error
from sklearn.model_selection import cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from automl import AutoML, evaluate, load
from automl.errors import AutoMLError, DataError
from automl.tuning.store import read_run

TINY: dict[str, Any] = {"max_trials": 1, "folds": 2}
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(120, 2))
Y = (X[:, 0] + DRAW.normal(0, 0.3, 120) > 0).astype(int)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_scikit_learn_scores_explains_and_draws_it() -> None:
    model = AutoML(**TINY, output="own").fit(X, Y)
    importance = permutation_importance(model, X, Y, n_repeats=2, random_state=0).importances_mean
    assert importance[0] > importance[1]
    assert RocCurveDisplay.from_estimator(model, X, Y).roc_auc == pytest.approx(model.score(X, Y))
    piped = make_pipeline(SimpleImputer(), AutoML(**TINY, output="piped")).fit(X, Y)
    assert set(piped.predict(X)) == {0, 1}
    assert piped.score(X, Y) > 0.8


def test_splits_have_every_class_if_the_options_tell_of_classes() -> None:
    iris, species = load_iris(return_X_y=True)  # sorted by species
    assert cross_val_score(AutoML(**TINY, problem_type="multiclass"), iris, species, cv=3).min() > -0.5
    with pytest.raises(DataError, match=r"'0' is no class .* or train on rows of every class"):
        cross_val_score(AutoML(**TINY), iris, species, cv=3, error_score="raise")


def test_weights_and_groups_are_routed_to_it() -> None:
    weight, groups = np.r_[np.ones(90), np.zeros(30)], np.arange(120) // 10
    split = [(np.arange(60), np.arange(60, 120))]
    with config_context(enable_metadata_routing=True):
        model = AutoML(**TINY).set_fit_request(groups=True, sample_weight=False).set_score_request(sample_weight=True)
        given = {"params": {"sample_weight": weight, "groups": groups}, "cv": split, "error_score": "raise"}
        found = cross_validate(clone(model), X, Y, **given, return_estimator=True)
        trained = found["estimator"][0]
        assert found["test_score"][0] == trained.score(X[60:90], Y[60:90])
        problem = read_run(trained.run_).problem
        assert (problem.weight, problem.groups.tolist()) == (None, groups[:60].tolist())
        with pytest.raises(UnsetMetadataPassedError, match=r"AutoML\.score"):
            cross_validate(AutoML(**TINY).set_fit_request(groups=True, sample_weight=True), X, Y, **given)
        with pytest.raises(TypeError, match="colour"):
            model.set_fit_request(colour=True)


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", None])
def test_it_is_cross_validated(scoring: str | None) -> None:
    split = [(np.arange(60), np.arange(60, 120))]
    assert cross_val_score(AutoML(**TINY, output="run"), X, Y, cv=split, scoring=scoring) > 0.8


RANKED = ["low", "medium", "high"]


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"positive": "bad"}, np.where(Y, "good", "bad")),
        ({}, pd.Series(pd.Categorical(np.where(Y, "high", "low"), ["low", "high"], ordered=True))),
        ({}, pd.Series(pd.Categorical(np.take(RANKED, Y + (X[:, 0] > 1)), RANKED, ordered=True))),
    ],
    ids=["positive", "two in order", "three in order"],
)
def test_its_scorers_see_sorted_classes(options: dict[str, Any], y: Any) -> None:
    """They take no other order, and do not look."""
    model = AutoML(**TINY, **options, output="run").fit(X, y)
    for each in (model, load(model.run_)):
        assert each.classes_ is not None
        assert each.classes_.tolist() == sorted(set(y))
        shares = pd.DataFrame(each.predict_proba(X), columns=each.classes_)
        named = model.predictor_.predict_frame(X, proba=True)
        pd.testing.assert_frame_equal(
            shares, named[[f"probability_{label}" for label in shares]].set_axis(list(shares), axis=1)
        )
    of_true = shares.to_numpy()[np.arange(len(y)), shares.columns.get_indexer(np.asarray(y))]
    assert get_scorer("neg_log_loss")(model, X, y) == pytest.approx(np.log(of_true).mean())
    assert get_scorer("roc_auc_ovr")(model, X, y) > 0.9
    calibrated = CalibratedClassifierCV(AutoML(**TINY, **options), cv=2).fit(X, y)
    assert get_scorer("roc_auc_ovr")(calibrated, X, y) > 0.9


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, None),
        ({"problem_type": "multiclass"}, "classifier"),
        ({"problem_type": "regression", "metric": "mae"}, "regressor"),
        ({"quantiles": (0.1, 0.9)}, "regressor"),
        ({"class_weight": "balanced"}, "classifier"),
        ({"metric": "neg_log_loss"}, "classifier"),
        ({"metric": "r2"}, "regressor"),
        ({"metric": "mypackage:gain"}, None),
        ({"metric": "unknown"}, None),
    ],
)
def test_what_it_is_shows_before_a_fit_as_far_as_the_options_tell(options: dict[str, Any], kind: str | None) -> None:
    model = AutoML(**options)
    assert (is_classifier(model), is_regressor(model)) == (kind == "classifier", kind == "regressor")
    assert hasattr(model, "predict_proba") == (kind != "regressor")


def test_that_it_is_not_fitted_comes_back_from_another_process() -> None:
    """As joblib sends it; one class, which an except clause can name."""
    with pytest.raises(AutoMLError) as first:
        AutoML().predict(X)
    again = pickle.loads(pickle.dumps(first.value))
    assert (type(again), str(again)) == (type(first.value), str(first.value))


def test_before_a_fit_it_is_not_fitted() -> None:
    model = AutoML()
    for asked in (model.predict, model.score, check_is_fitted):
        with pytest.raises(NotFittedError):
            asked(X if asked is not check_is_fitted else model)
    with pytest.raises(AutoMLError, match="not fitted yet; call fit first"):
        model.predict(X)
    assert not any(hasattr(model, name) for name in ("classes_", "feature_names_in_", "n_features_in_"))


def test_the_score_is_what_was_optimised_and_greater_is_better() -> None:
    y = X[:, 0] * 3 + X[:, 1]
    model = AutoML(**TINY, output="numbers").fit(X, y)
    assert is_regressor(model)
    assert not hasattr(model, "predict_proba")
    assert model.score(X, y) == pytest.approx(-np.sqrt(mean_squared_error(y, model.predict(X))))
    weight = np.r_[np.zeros(60), np.ones(60)]
    assert model.score(X, y, weight) == pytest.approx(model.score(X[60:], y[60:]))
    table = pd.DataFrame(X, columns=["a", "b"]).assign(y=np.where(Y, "yes", "no"))
    classes = AutoML(**TINY, metric="f1", output="classes").fit(table, target="y")
    assert is_classifier(classes)
    predicted = classes.predict(table)
    assert classes.score(table) == pytest.approx(f1_score(table["y"], predicted, pos_label="yes"))
    assert classes.score(table[["a", "b"]], table["y"]) == classes.score(table)
    assert (classes.feature_names_in_.tolist(), classes.n_features_in_) == (["a", "b"], 2)
    with pytest.raises(DataError, match="one value a row"):
        classes.score(table, table["y"].head(3))


def test_a_target_beside_the_table_is_scored_against_everywhere() -> None:
    model = AutoML(**TINY, output="run").fit(X, Y)
    table = pd.DataFrame(X, columns=["x0", "x1"]).assign(target=Y)
    assert model.evaluate(X, Y) == model.evaluate(table)
    pd.testing.assert_frame_equal(model.leaderboard(X, Y), model.leaderboard(table))
    assert evaluate(model, X, Y).assessment.scores == evaluate(model, table).assessment.scores
    for asked in (model.evaluate, model.leaderboard, lambda X, y: evaluate(model, X, y)):
        with pytest.raises(DataError, match="y must have one value a row: the table has 120 rows, y has 3"):
            asked(X, Y[:3])


@pytest.mark.parametrize("kind", [np.random.RandomState, np.random.default_rng])
def test_seeds_are_drawn_by_generators_and_kept_by_the_run(kind: Callable[[int], Any]) -> None:
    models = [AutoML(**TINY, random_state=kind(5)).fit(X, Y) for _ in range(2)]
    seeds = [read_run(model.run_).config.random_state for model in models]
    assert seeds[0] == seeds[1]
    np.testing.assert_array_equal(models[0].predict_proba(X), models[1].predict_proba(X))
    generator = kind(5)
    drawn = [read_run(AutoML(**TINY, random_state=generator).fit(X, Y).run_).config.random_state for _ in range(2)]
    assert (drawn[0], drawn[1] != drawn[0]) == (seeds[0], True)


def test_without_a_seed_one_is_drawn_which_makes_the_same_model_again() -> None:
    some, other = (AutoML(**TINY, random_state=None).fit(X, Y) for _ in range(2))
    seeds = [read_run(model.run_).config.random_state for model in (some, other)]
    assert seeds[0] != seeds[1]
    again = AutoML(**TINY, random_state=seeds[0]).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), some.predict_proba(X))
    assert AutoML.resume(some.run_, time_budget=2).random_state == seeds[0]


def test_only_what_is_not_by_default_is_shown() -> None:
    assert repr(AutoML(resample=False, random_state=0, folds=3, on_progress=print)) == "AutoML(folds=3)"
    model = AutoML(**TINY, output="run").fit(X, Y)
    resumed = AutoML.resume("run", time_budget=2)
    assert repr(resumed) == f"AutoML(time_budget=2, folds=2, output={Path('run')!r})"
    assert resumed.get_params() | {"time_budget": None, "max_trials": 1} == model.get_params() | {"output": Path("run")}
