"""What every family must keep. A new family inherits these tests: one class with one attribute."""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from automl.data.constraints import Constraints
from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.features.matrix import Matrix, Needs
from automl.models.base import Family, FitContext, FoldData, Model, Params, Progress, Shape
from automl.models.constant import Constant
from automl.models.target import validation_loss
from automl.tuning.configuration import Configuration
from automl.tuning.study import Study

SUFFIXES = {".json", ".txt", ".ubj", ".cbm", ".npy", ".npz"}
CARDINALITIES = (4, 12)
CLASSES = {ProblemType.BINARY: 2, ProblemType.MULTICLASS: 4, ProblemType.REGRESSION: 0}


def make_fold(problem_type: ProblemType, needs: Needs, rows: int = 300) -> tuple[FoldData, Shape]:
    """Three numeric columns, the first with gaps if the family takes them, and two of categories if it takes codes."""
    rng = np.random.default_rng(3)
    n_classes = CLASSES[problem_type]
    X = rng.normal(size=(rows + 100, 5)).astype(np.float32)
    codes = [rng.integers(cardinality, size=len(X)) for cardinality in CARDINALITIES]
    signal = 2 * X[:, 0] + X[:, 1] * X[:, 2] + codes[0] + rng.normal(0, 0.3, len(X))
    y = signal
    if problem_type.classification:
        y = np.digitize(signal, np.quantile(signal, np.arange(1, n_classes) / n_classes)).astype(np.int64)
    categorical = needs.categories == "codes"
    for place, column in enumerate(codes):
        X[:, 3 + place] = column if categorical else (column - column.mean()) / column.std()
    if needs.missing == "native":
        X[rng.random(X.shape) < 0.05] = np.nan

    def matrix(values: np.ndarray) -> Matrix:
        columns = ((3, 4), CARDINALITIES) if categorical else ((), ())
        return Matrix(np.ascontiguousarray(values), tuple("abcde"), *columns)

    data = FoldData(matrix(X[:rows]), y[:rows], matrix(X[rows:]), y[rows:])
    return data, Shape(problem_type, rows, 5, n_classes, numeric=4)


def run(family: Family, data: FoldData, params: Params, context: FitContext) -> tuple[Model, list[Progress]]:
    """Run a fit to its end."""
    reports, fit = [], family.fit(data, params, context)
    while True:
        try:
            reports.append(next(fit))
        except StopIteration as end:
            return end.value, reports


@functools.cache
def fitted(family: Family, problem_type: ProblemType) -> tuple[Model, FoldData, Shape]:
    """Train the default once for all tests."""
    data, shape, params = start(family, problem_type)
    return run(family, data, params, FitContext(shape))[0], data, shape


@functools.cache
def glimpsed(family: Family, problem_type: ProblemType, number: int) -> tuple[Model, FoldData]:
    """Train a configuration of the portfolio for a moment, once for all tests."""
    _, shape, _ = start(family, problem_type)
    params = family.portfolio(shape)[number]
    data, _ = make_fold(problem_type, family.needs(params))
    return run(family, data, params, FitContext(shape, deadline=Deadline.after(0.15)))[0], data


def start(family: Family, problem_type: ProblemType) -> tuple[FoldData, Shape, Params]:
    """Return a fold and the family's default for it."""
    params = family.portfolio(Shape(problem_type, 300, 5, CLASSES[problem_type]))[0]
    return *make_fold(problem_type, family.needs(params)), params


def drawn(family: Family, shape: Shape) -> list[Params]:
    """Return a few configurations of the search; none if the family has nothing to search."""
    study = Study(family, shape, random_state=0)
    asked = [study.ask() for _ in range(5)] if study else []
    return [Configuration.of(candidate.params).own for candidate in asked if candidate]


def check(prediction: np.ndarray, rows: int, shape: Shape) -> None:
    """Shape, finiteness, probabilities that sum to 1."""
    assert prediction.dtype == np.float64
    assert np.isfinite(prediction).all()
    if not shape.problem_type.classification:
        assert prediction.shape == (rows,)
        return
    assert prediction.shape == (rows, shape.n_classes)
    assert (prediction >= 0).all()
    np.testing.assert_allclose(prediction.sum(axis=1), 1, atol=1e-12)


def take(X: Matrix, rows: Sequence[int] | slice) -> Matrix:
    """Return some rows of a matrix."""
    return replace(X, values=np.ascontiguousarray(X.values[rows]))


def link(model: Model, X: Matrix, shape: Shape) -> np.ndarray:
    """Return what the trees add up to, but for what is the same in all classes."""
    prediction = model.predict(X)
    return np.log(prediction[:, 1:] / prediction[:, :1]) if shape.n_classes else prediction[:, None]


def steps(model: Model, X: Matrix, column: int, shape: Shape) -> np.ndarray:
    """Return by how much the prediction rises from one value of a column to the next, all others fixed."""
    grid = np.linspace(-3, 3, 40, dtype=np.float32)
    values = np.repeat(X.values[:30], len(grid), axis=0)
    values[:, column] = np.tile(grid, 30)
    prediction = model.predict(replace(X, values=values))
    return np.diff((prediction[:, 1] if shape.n_classes else prediction).reshape(30, -1), axis=1)


def together(model: Model, X: Matrix, columns: tuple[int, int], shape: Shape) -> float:
    """Return the largest second difference when two columns change to the values of another row."""
    (a, b), other = columns, np.roll(X.values, 1, axis=0)

    def changed(*which: int) -> np.ndarray:
        values = X.values.copy()
        values[:, which] = other[:, which]
        return link(model, replace(X, values=values), shape)

    return float(np.abs(changed(a, b) - changed(a) - changed(b) + changed()).max())


class FamilyContract:
    """Inherit, and set ``families``."""

    families: ClassVar[tuple[Family, ...]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "problem_type" in metafunc.fixturenames:
            cases = [(family, kind) for family in self.families for kind in family.problem_types if kind in CLASSES]
            metafunc.parametrize(("family", "problem_type"), cases, ids=[f"{a.name}-{b}" for a, b in cases])
        elif "family" in metafunc.fixturenames:
            metafunc.parametrize("family", self.families, ids=[family.name for family in self.families])

    def test_beats_the_constant(self, family, problem_type):
        model, data, shape = fitted(family, problem_type)
        prediction = model.predict(data.X_valid)
        check(prediction, 100, shape)
        constant, _ = run(Constant(), data, {}, FitContext(shape))
        reached, floor = (validation_loss(data.y_valid, m.predict(data.X_valid)) for m in (model, constant))
        assert reached < 0.85 * floor or (family.baseline and reached == floor)

    def test_weights_count_like_repeated_rows(self, family, problem_type):
        """Every row says two things: the weights say which one is believed."""
        if family.baseline or not family.weighted:
            return
        data, shape, params = start(family, problem_type)
        opposite = data.y_train.max() - data.y_train if shape.n_classes else -data.y_train
        twice, weight = np.tile(np.arange(300), 2), np.repeat([1.6, 0.4], 300)
        often = np.repeat(np.arange(600), np.repeat([4, 1], 300))
        said = replace(data, X_train=take(data.X_train, twice), y_train=np.concatenate([data.y_train, opposite]))
        repeated = replace(data, X_train=take(said.X_train, often), y_train=said.y_train[often])
        weighted, wanted, plain = (
            validation_loss(data.y_valid, run(family, each, params, FitContext(shape))[0].predict(data.X_valid))
            for each in (replace(said, weight_train=weight), repeated, said)
        )
        assert weighted <= wanted + 0.5 * (plain - wanted)

    def test_equal_weights_are_no_weights(self, family, problem_type):
        model, data, shape = fitted(family, problem_type)
        ones = replace(data, weight_train=np.ones(300), weight_valid=np.ones(100))
        same, _ = run(family, ones, family.portfolio(shape)[0], FitContext(shape))
        np.testing.assert_allclose(same.predict(data.X_valid), model.predict(data.X_valid), rtol=0.02, atol=0.02)

    @pytest.mark.parametrize("quantile", [0.5, 0.9])
    def test_a_quantile_is_aimed_at_or_left_to_others(self, family, quantile):
        if ProblemType.REGRESSION not in family.problem_types:
            return
        data, shape, params = start(family, ProblemType.REGRESSION)
        noise = np.random.default_rng(0).gamma(1.0, 3.0, size=400)  # its mean is 3, its median 2.1
        data = replace(data, y_train=data.y_train + noise[:300], y_valid=data.y_valid + noise[300:])
        aimed, mean = (run(family, data, params, FitContext(shape, quantile=each))[0] for each in (quantile, None))
        losses = [
            validation_loss(data.y_valid, each.predict(data.X_valid), quantile=quantile) for each in (aimed, mean)
        ]
        check(aimed.predict(data.X_valid), 100, shape)
        assert losses[0] < losses[1] * (1.02 if quantile == 0.5 else 1.0) + 1e-12
        if ProblemType.QUANTILE in family.problem_types:
            below = (data.y_valid <= aimed.predict(data.X_valid)).mean()
            assert abs(below - quantile) < 0.15

    @pytest.mark.parametrize("quantile", [None, 0.5])
    def test_monotone_constraints_hold_for_all_configurations(self, family, problem_type, quantile):
        """Along two columns, against what the data say of one; also beside categories and gaps in others."""
        if not family.monotone or problem_type is ProblemType.MULTICLASS or (quantile and problem_type.classification):
            return
        _, shape, _ = start(family, problem_type)
        constraints = Constraints.of({"a": "decreasing", "b": "increasing"}, None)
        for params in [*family.portfolio(shape), *drawn(family, shape)]:
            data, _ = make_fold(problem_type, family.needs(params))
            data = replace(data, X_train=replace(data.X_train, sources=tuple((name,) for name in "abcde")))
            context = FitContext(shape, constraints=constraints, quantile=quantile, deadline=Deadline.after(0.15))
            model, _ = run(family, data, params, context)
            for column, direction in ((0, -1), (1, 1)):
                assert (direction * steps(model, data.X_valid, column, shape)).min() >= -1e-7

    def test_interaction_constraints_hold(self, family, problem_type):
        """The trees of a single model add up by group: on the scale of the sum the second difference is 0."""
        if not family.interactions or family.baseline:
            return
        data, shape, params = start(family, problem_type)
        data = replace(data, X_train=replace(data.X_train, sources=tuple((name,) for name in "abcde")))
        apart = Constraints.of(None, [["a", "c"], ["b"]])
        free, kept = (
            run(family, data, params, FitContext(shape, constraints=each))[0] for each in (Constraints(), apart)
        )
        assert together(kept, data.X_valid, (1, 2), shape) < 1e-3 < together(free, data.X_valid, (1, 2), shape)
        assert together(kept, data.X_valid, (0, 3), shape) < 1e-3
        assert together(kept, data.X_valid, (0, 2), shape) > 1e-3

    def test_the_unit_of_the_target_changes_little(self, family, problem_type):
        if problem_type is not ProblemType.REGRESSION or family.baseline:
            return
        shape = start(family, problem_type)[1]
        for params in family.portfolio(shape)[:3]:
            data, _ = make_fold(problem_type, family.needs(params))
            small = replace(data, y_train=data.y_train / 1e3, y_valid=data.y_valid / 1e3)
            plain, scaled = (
                validation_loss(each.y_valid, run(family, each, params, context)[0].predict(each.X_valid))
                for each, context in ((each, FitContext(shape, Deadline.after(1.0))) for each in (data, small))
            )
            assert scaled * 1e6 < 1.3 * plain

    def test_what_is_carried_to_further_folds_is_a_hyperparameter(self, family, problem_type):
        model, _, shape = fitted(family, problem_type)
        for name in family.carried:
            chosen = {**family.portfolio(shape)[0], name: model.details[name]}
            data, _ = make_fold(problem_type, family.needs(chosen))
            again, _ = run(family, data, chosen, FitContext(shape))
            assert again.details[name] == model.details[name]

    def test_a_refit_goes_as_far_as_the_fit_without_looking_at_validation_rows(self, family, problem_type):
        model, data, shape = fitted(family, problem_type)
        _, _, params = start(family, problem_type)
        params = family.settled(params, model.details)
        if params is None:
            return
        seen = replace(data, X_valid=data.X_train, y_valid=data.y_train)
        again, _ = run(family, seen, params, FitContext(shape))
        rounds = again.details.get("rounds")
        assert rounds == model.details.get("best_rounds", rounds)
        np.testing.assert_allclose(again.predict(data.X_valid), model.predict(data.X_valid), rtol=1e-6)

    def test_a_row_alone_equals_the_row_in_a_batch(self, family, problem_type):
        model, data, _ = fitted(family, problem_type)
        batch = model.predict(data.X_valid)
        alone = np.concatenate([model.predict(take(data.X_valid, [row])) for row in range(20)])
        np.testing.assert_array_equal(alone, batch[:20])

    def test_save_and_load_change_nothing(self, family, problem_type, tmp_path):
        model, data, _ = fitted(family, problem_type)
        model.save(tmp_path)
        loaded = family.load(tmp_path)
        np.testing.assert_array_equal(loaded.predict(data.X_valid), model.predict(data.X_valid))
        assert loaded.details == model.details
        (tmp_path / "again").mkdir()
        loaded.save(tmp_path / "again")
        again = family.load(tmp_path / "again")
        np.testing.assert_array_equal(again.predict(data.X_valid), model.predict(data.X_valid))

    def test_the_form_for_few_rows_predicts_the_same(self, family, problem_type, tmp_path):
        """For every configuration of the portfolio, also for codes and gaps that training lacks."""
        _, shape, _ = start(family, problem_type)
        for number in range(len(family.portfolio(shape))):
            model, data = glimpsed(family, problem_type, number)
            folder = tmp_path / str(number)
            folder.mkdir()
            model.save(folder)
            model.save_for_few_rows(folder)
            values = np.array(data.X_valid.values.copy())
            if data.X_valid.categorical:
                values[:5, 3:] = [[100, 100], [np.nan, 0], [0, 11], [4, 12], [np.nan, np.nan]]
                values[5:10, :3] = np.nan
            X, few = replace(data.X_valid, values=values), family.load(folder)
            np.testing.assert_allclose(few.predict(take(X, slice(10))), model.predict(X)[:10], rtol=1e-13, atol=1e-13)

    def test_saved_files_hold_no_code(self, family, problem_type, tmp_path):
        model, _, _ = fitted(family, problem_type)
        model.save(tmp_path)
        files = list(tmp_path.iterdir())
        assert files
        assert {file.suffix for file in files} <= SUFFIXES
        for file in files:
            _assert_no_pickle(file)

    def test_equal_seeds_give_equal_models(self, family, problem_type):
        model, data, shape = fitted(family, problem_type)
        again, _ = run(family, data, family.portfolio(shape)[0], FitContext(shape))
        np.testing.assert_array_equal(again.predict(data.X_valid), model.predict(data.X_valid))

    def test_reports_at_the_rungs(self, family, problem_type):
        data, shape, params = start(family, problem_type)
        model, reports = run(family, data, params, FitContext(shape, rungs=(0.1, 0.3)))
        assert [report.rung for report in reports] in ([], [0], [0, 1])
        for report in reports:
            check(report.prediction, 100, shape)
        # watching a fit must not change it
        np.testing.assert_array_equal(
            model.predict(data.X_valid), fitted(family, problem_type)[0].predict(data.X_valid)
        )

    def test_a_deadline_in_the_past_gives_a_model(self, family, problem_type):
        data, shape, params = start(family, problem_type)
        model, _ = run(family, data, params, FitContext(shape, deadline=Deadline.after(-1)))
        check(model.predict(data.X_valid), 100, shape)

    def test_one_training_class_or_value(self, family, problem_type):
        data, shape, params = start(family, problem_type)
        model, _ = run(family, replace(data, y_train=np.ones_like(data.y_train)), params, FitContext(shape))
        prediction = model.predict(data.X_valid)
        check(prediction, 100, shape)
        assert prediction.mean(axis=0).argmax() == 1 if shape.n_classes else np.allclose(prediction, 1)

    def test_a_class_that_training_lacks_keeps_its_column(self, family, problem_type):
        if problem_type is not ProblemType.MULTICLASS:
            return
        data, shape, params = start(family, problem_type)
        y = np.where(data.y_train == 1, 0, data.y_train)
        model, _ = run(family, replace(data, y_train=y), params, FitContext(shape))
        prediction = model.predict(data.X_valid)
        check(prediction, 100, shape)
        assert prediction.mean(axis=0).argmin() == 1

    def test_codes_and_gaps_that_training_lacks(self, family, problem_type):
        model, data, shape = fitted(family, problem_type)
        values = data.X_valid.values.copy()
        if data.X_valid.categorical:
            values[:30, data.X_valid.categorical] = 999
            values[30:60, data.X_valid.categorical] = np.nan
        values[60:, :3] *= 1e6
        check(model.predict(replace(data.X_valid, values=values)), 100, shape)

    def test_portfolio_and_space_train(self, family, problem_type):
        _, shape, _ = start(family, problem_type)
        for number, params in enumerate(family.portfolio(shape)):
            model, data = glimpsed(family, problem_type, number)
            check(model.predict(data.X_valid), 100, shape)
            assert family.memory(shape, params) > 0
        preview = family.preview(shape)
        for params in [*([] if preview is None else [preview]), *drawn(family, shape)]:
            data, _ = make_fold(problem_type, family.needs(params))
            context = FitContext(shape, deadline=Deadline.after(0.05))
            model, _ = run(family, data, params, context)
            check(model.predict(data.X_valid), 100, shape)
            assert family.memory(shape, params) > 0

    def test_portfolio_lies_in_its_names(self, family, problem_type):
        _, shape, _ = start(family, problem_type)
        portfolio = family.portfolio(shape)
        assert len({tuple(sorted(params.items())) for params in portfolio}) == len(portfolio)
        known = family.defaults(shape)
        assert not known or set(family.space(shape)).union(*portfolio) <= set(known)
        assert all(isinstance(value, bool | int | float | str) for params in portfolio for value in params.values())
        seen: dict[str, object] = {}
        for name, dimension in family.space(shape).items():
            assert dimension.when is None or dimension.when[0] in seen
            seen[name] = dimension

    def test_an_unknown_hyperparameter_is_an_error(self, family, problem_type):
        data, shape, _ = start(family, problem_type)
        with pytest.raises(KeyError, match="no_such_thing"):
            run(family, data, {"no_such_thing": 1}, FitContext(shape))

    def test_memory_grows_with_the_table(self, family, problem_type):
        sizes = [Shape(problem_type, rows, 20, CLASSES[problem_type]) for rows in (1_000, 10_000, 1_000_000)]
        needed = [family.memory(shape, family.portfolio(shape)[0]) for shape in sizes]
        assert 0 < needed[0] <= needed[1] <= needed[2]
        assert isinstance(needed[0], int)

    def test_training_prints_and_leaves_nothing(self, family, tmp_path, monkeypatch, capfd):
        monkeypatch.chdir(tmp_path)
        kind = next(kind for kind in reversed(family.problem_types) if kind in CLASSES)
        data, shape, params = start(family, kind)
        run(family, data, params, FitContext(shape, deadline=Deadline.after(0.1)))
        assert capfd.readouterr() == ("", "")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_every_configuration_has_an_estimator_that_trains(self, family, problem_type):
        model, data, shape = fitted(family, problem_type)
        few = {
            name: min(value, 3) if name in ("rounds", "best_rounds") else value for name, value in model.details.items()
        }
        X, y = np.nan_to_num(data.X_train.dense[:, :3]), data.y_train
        for quantile in (None,) if problem_type.classification else (None, 0.5, 0.9):
            for params in family.portfolio(shape):
                estimator = family.estimator(params, FitContext(shape, quantile=quantile), few)
                if estimator is None:  # a family from outside need not have one
                    continue
                limit = {"max_iter": 5} if "max_iter" in estimator.params else {}
                made = getattr(import_module(estimator.module), estimator.name)(**{**estimator.params, **limit})
                assert len(made.fit(X, y).predict(X)) == len(X)


def _assert_no_pickle(file: Path) -> None:
    assert not file.read_bytes().startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"))
    if file.suffix == ".npy":
        np.load(file, allow_pickle=False)
    if file.suffix == ".npz":
        with zipfile.ZipFile(file) as archive, np.load(file, allow_pickle=False) as arrays:
            assert all(name.endswith(".npy") for name in archive.namelist())
            assert all(arrays[name].dtype != object for name in arrays.files)
