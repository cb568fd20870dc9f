"""One small booster that learns from an ensemble (Buciluă, Caruana, Niculescu-Mizil 2006; Hinton et al. 2015)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.table import ProblemType, Schema
from automl.evaluation.metric import Weight
from automl.features.matrix import Matrix
from automl.models.boosting import Trained
from automl.models.lightgbm import LightGBMModel
from automl.models.target import softmax

LEAVES: Final = 32
DISTANCE: Final = 8.0
"""Rounds times learning rate."""
LEARNING_RATES: Final = (0.03, 0.3)
SWAPPED: Final = 0.3
"""Part of the cells of a made-up row that come from another row."""
_LEAST_HESSIAN: Final = 1e-3


def made_up(frame: pd.DataFrame, schema: Schema, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return typed rows like those of a frame, in which some cells are from another row: further questions for the
    teacher.

    >>> from automl.data.table import Column, Kind
    >>> frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    >>> schema = Schema((Column("a", Kind.NUMERIC, ""), Column("b", Kind.NUMERIC, "")))
    >>> made_up(frame, schema, 1000, np.random.default_rng(0)).drop_duplicates().shape
    (9, 2)
    """
    base, other = rng.integers(len(frame), size=(2, rows))
    takes = {column.name: np.where(rng.random(rows) < SWAPPED, other, base) for column in schema.used}
    return pd.DataFrame({each.name: frame[each.name].take(takes[source]).array for each, source in schema.typed})


def distil(
    X: Matrix,
    soft: NDArray[np.float64],
    problem_type: ProblemType,
    *,
    rounds: int,
    weight: Weight = None,
    random_state: int = 0,
) -> LightGBMModel:
    """Train on what a teacher says of the rows, with one thread.

    Parameters
    ----------
    soft
        (rows,) values or (rows, classes) probabilities.
    rounds
        Trees, or rounds of one tree a class.
    weight
        (rows,) how much each counts.
    """
    import lightgbm

    learning_rate = float(np.clip(DISTANCE / rounds, *LEARNING_RATES))
    settings: dict[str, Any] = {
        "objective": "regression",
        "learning_rate": learning_rate,
        "num_leaves": LEAVES,
        "min_data_in_leaf": max(2, min(20, X.rows // 500)),
        "seed": random_state,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    label = soft
    if problem_type is ProblemType.BINARY:
        settings["objective"], label = "cross_entropy", soft[:, 1]
    elif problem_type is ProblemType.MULTICLASS:
        settings |= {"objective": _softmax_towards(soft, weight), "num_class": soft.shape[1]}
        label = soft.argmax(axis=1)
    data = lightgbm.Dataset(X.dense, label=label, weight=weight, categorical_feature=list(X.categorical))
    booster = lightgbm.train(settings, data, num_boost_round=rounds)
    trained = Trained(rounds, rounds, learning_rate, float("nan"), "rounds")
    return LightGBMModel(booster.model_to_string().encode(), problem_type.classification, trained)


def _softmax_towards(soft: NDArray[np.float64], weight: Weight) -> Any:
    """Return LightGBM's objective for probabilities of several classes: the cross-entropy with those of the teacher."""
    counted = 1.0 if weight is None else weight[:, None]

    def objective(margins: NDArray[np.float64], _: object) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        said = softmax(margins)
        return (said - soft) * counted, np.maximum(2 * said * (1 - said), _LEAST_HESSIAN) * counted

    return objective
