from dataclasses import replace

import numpy as np

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.models.base import FitContext
from automl.models.constant import Constant


def test_the_mean_is_predicted_though_the_deadline_has_passed(problem, trained):
    data, shape = problem(ProblemType.REGRESSION)
    model, _ = trained(Constant().fit(data, {}, FitContext(shape, Deadline.after(-1))))
    np.testing.assert_allclose(model.predict(data.X_valid), data.y_train.mean())


def test_class_frequencies_survive_saving(problem, trained, tmp_path):
    data, shape = problem(ProblemType.MULTICLASS, 3)
    model, _ = trained(Constant().fit(data, {}, FitContext(shape)))
    model.save(tmp_path)
    loaded = Constant().load(tmp_path).predict(data.X_valid)
    np.testing.assert_array_equal(loaded, model.predict(data.X_valid))
    expected = (np.bincount(data.y_train) + 1) / (len(data.y_train) + 3)
    np.testing.assert_allclose(loaded[0], expected)


def test_weights_count_like_repeated_rows(problem, trained):
    for kind, classes in ((ProblemType.REGRESSION, 0), (ProblemType.MULTICLASS, 3)):
        data, shape = problem(kind, classes)
        weight = np.random.default_rng(0).integers(1, 4, len(data.y_train))
        repeated = replace(data, y_train=np.repeat(data.y_train, weight))
        for quantile in (None, 0.9) if not classes else (None,):
            context = FitContext(shape, quantile=quantile)
            outputs = [
                trained(Constant().fit(each, {}, context))[0].predict(data.X_valid)[0]
                for each in (replace(data, weight_train=weight.astype(float)), repeated)
            ]
            np.testing.assert_allclose(*outputs)
