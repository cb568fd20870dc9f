"""CatBoost's trees that are not symmetric, for few rows: LightGBM's library finds the leaves, see ``leaves``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from automl.formula.trees import Tree
from automl.models.catboost_trees import Answers, nested, one_question_each
from automl.models.leaves import LeafTable
from automl.models.symmetric import categories_asked


@dataclass(frozen=True, slots=True, eq=False)
class NestedTrees:
    """Trees whose nodes ask whether a number is above a border, or what is known of a category."""

    leaves: LeafTable
    categorical: NDArray[np.intp]
    """The columns of codes; the trees see 0 where one is missing, and each code plus one."""
    cardinality: int
    """The highest of these columns: higher codes are all alike."""

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (rows, outputs): the sums in the order in which CatBoost adds."""
        if len(self.categorical):
            X = X.copy()
            X[:, self.categorical] = np.fmin(np.fmax(X[:, self.categorical], -1), self.cardinality) + 1
        return np.asarray(np.add.accumulate(self.leaves(X), axis=1)[:, -1] + self.leaves.base)

    @classmethod
    def of(
        cls,
        model: Mapping[str, Any],
        numeric: Sequence[int],
        categorical: Sequence[int],
        cardinality: int,
        answers: Answers,
    ) -> Self | None:
        """Read CatBoost's JSON format; None if a question is about several columns at once."""
        features, trees = model["features_info"], [nested(tree) for tree in model["trees"]]
        floats = [(each, border) for each in features["float_features"] for border in each["borders"] or ()]
        asked = np.unique(np.concatenate([questions for questions, *_ in trees]))
        others = [int(question) for question in asked if question >= len(floats)]
        sources = categories_asked(features, [question - len(floats) for question in others], categorical)
        scale, bias = model["scale_and_bias"]
        if sources is None or scale != 1:
            return None
        columns = np.zeros(int(asked.max(initial=-1)) + 1, np.intp)
        borders, missing_left = np.zeros(len(columns), np.float32), np.zeros(len(columns), np.bool_)
        for question in asked[asked < len(floats)].tolist():
            each, borders[question] = floats[question]
            columns[question] = numeric[each["feature_index"]]
            missing_left[question] = each["nan_value_treatment"] != "AsTrue"
        columns[others] = sources
        left_codes = _left_codes(model, others, sources, cardinality, len(numeric) + len(categorical), answers)
        plain = []
        for questions, left, right, _ in trees:
            nodes = np.flatnonzero(questions >= len(floats)).tolist()
            codes = {node: left_codes[int(questions[node])] for node in nodes}
            plain.append(Tree(columns[questions], borders[questions], missing_left[questions], left, right, codes))
        values = np.concatenate([leaves for *_, leaves in trees])
        table = LeafTable.of(plain, values, np.array(bias, np.float64), len(numeric) + len(categorical))
        return cls(table, np.array(categorical, np.intp), cardinality)

    def save(self, folder: Path) -> None:
        """Write the table of leaves, unless it is too large."""
        self.leaves.save(folder)

    @classmethod
    def load(cls, folder: Path, categorical: Sequence[int], cardinality: int) -> Self | None:
        """Read what :meth:`save` wrote; None if nothing was."""
        leaves = LeafTable.load(folder)
        return None if leaves is None else cls(leaves, np.array(categorical, np.intp), cardinality)


def _left_codes(
    model: Mapping[str, Any],
    questions: Sequence[int],
    sources: Sequence[int],
    cardinality: int,
    columns: int,
    answers: Answers,
) -> dict[int, NDArray[np.intp]]:
    """Return which codes, plus one, answer each question about a category with no: CatBoost itself is asked."""
    if not questions:
        return {}
    leaves = answers(one_question_each(model, questions))
    found = {}
    for place, (question, source) in enumerate(zip(questions, sources, strict=True)):
        rows = np.zeros((cardinality + 2, columns), np.float32)
        rows[:, source] = np.arange(-1, cardinality + 1)
        found[question] = np.flatnonzero(leaves(rows, place, place + 1)[:, 0] == 0)
    return found
