"""CatBoost's trees as plain ones: what they ask about categories, alone or together, becomes columns of ranks.

A statistic of categories is compared with several borders. So the answers to all of them are one number, the borders
that it is above, and that can be looked up: CatBoost itself is asked once for each combination of categories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.formula.symbol import NoFormula
from automl.formula.trees import Tree, summed

MOST: Final = 500_000
"""Combinations of categories that a look-up may have."""

Answers = Callable[[Mapping[str, Any]], Callable[[NDArray[np.float32], int, int], NDArray[np.integer]]]
"""From a model in CatBoost's JSON format to what tells the leaves of some rows, (rows, trees), in a range of trees."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What a look-up depends on: the code of a column, or whether its number is above a border."""

    column: int
    border: float | None = None

    def size(self, cardinality: int) -> int:
        return cardinality + 1 if self.border is None else 2


@dataclass(frozen=True, slots=True)
class _Rank:
    """A look-up, and the questions that it answers, by rising border."""

    parts: tuple[_Part, ...]
    questions: tuple[int, ...]


class CatBoostTrees:
    """A model in CatBoost's JSON format over a matrix whose columns are ``numeric``, then ``categorical``."""

    def __init__(
        self, model: Mapping[str, Any], numeric: Sequence[int], categorical: Sequence[int], cardinality: int
    ) -> None:
        self._model, self._numeric, self._categorical = model, numeric, categorical
        self._cardinality = cardinality
        features = model["features_info"]
        self._floats = [(each, border) for each in features["float_features"] for border in each["borders"] or ()]
        self._missing_above = {
            numeric[each["feature_index"]]: each["nan_value_treatment"] == "AsTrue"
            for each in features["float_features"]
        }
        if "oblivious_trees" in model:
            self._trees = [_symmetric(tree) for tree in model["oblivious_trees"]]
        else:
            self._trees = [nested(tree) for tree in model["trees"]]
        self._ranks = list(self._asked(features))

    def formula(self, X: Any, answers: Answers) -> Any:
        """Return (rows, outputs): the sums of the trees."""
        first = len(self._numeric) + len(self._categorical)
        column, threshold = np.zeros(self._last + 1, np.intp), np.zeros(self._last + 1)
        missing_left = np.zeros(self._last + 1, np.bool_)
        for question, (feature, border) in enumerate(self._floats):
            column[question] = self._numeric[feature["feature_index"]]
            threshold[question] = border
            missing_left[question] = not self._missing_above[int(column[question])]
        for place, rank in enumerate(self._ranks):
            for above, question in enumerate(rank.questions):
                column[question], threshold[question] = first + place, above
        if self._ranks:
            X = np.concatenate([X, self._looked_up(X, answers)], axis=1)
        trees = [
            Tree(column[asked], threshold[asked], missing_left[asked], left, right, {})
            for asked, left, right, _ in self._trees
        ]
        scale, bias = self._model["scale_and_bias"]
        values = np.concatenate([leaves for *_, leaves in self._trees])
        return summed(X, trees, values.reshape(len(values), -1)) * np.array(scale, np.float64) + np.array(bias)

    @property
    def outputs(self) -> int:
        """Sums a row."""
        return len(self._model["scale_and_bias"][1])

    @property
    def _last(self) -> int:
        return max((int(asked.max(initial=0)) for asked, *_ in self._trees), default=0)

    def _asked(self, features: Mapping[str, Any]) -> Iterable[_Rank]:
        """Yield what has to be looked up."""
        used = {question for asked, *_ in self._trees for question in asked.tolist()}
        question = len(self._floats)
        for each in features.get("categorical_features", ()):
            for _ in each.get("values", ()):
                if question in used:
                    yield _Rank((_Part(self._categorical[each["feature_index"]]),), (question,))
                question += 1
        for each in features.get("ctrs", ()):
            questions = range(question, question + len(each["borders"]))
            rising = [question + int(i) for i in np.argsort(each["borders"]) if question + int(i) in used]
            if rising:
                yield _Rank(tuple(dict.fromkeys(map(self._part, each["elements"]))), tuple(rising))
            question = questions.stop

    def _part(self, element: Mapping[str, Any]) -> _Part:
        if "cat_feature_index" in element:
            return _Part(self._categorical[element["cat_feature_index"]])
        return _Part(self._numeric[element["float_feature_index"]], element["border"])

    def _looked_up(self, X: Any, answers: Answers) -> Any:
        """Return the symbol of the ranks, (rows, ranks) float32."""
        parts = list(dict.fromkeys(part for rank in self._ranks for part in rank.parts))
        cells = np.concatenate([self._cell(X, part) for part in parts], axis=1)
        tables = self._tables(answers)
        starts = np.cumsum([0, *map(len, tables[:-1])])
        most = max(len(rank.parts) for rank in self._ranks)
        which, strides = (np.zeros((most, len(self._ranks)), np.int64) for _ in range(2))
        for place, rank in enumerate(self._ranks):
            sizes = [part.size(self._cardinality) for part in rank.parts]
            for i, part in enumerate(rank.parts):
                which[i, place], strides[i, place] = parts.index(part), prod(sizes[i + 1 :])
        places: Any = starts
        for columns, stride in zip(which, strides, strict=True):
            places = places + cells[:, columns] * stride
        ranks = np.concatenate(tables)
        return places.look_up(ranks.astype(np.min_scalar_type(int(ranks.max())))).astype(np.float32)

    def _cell(self, X: Any, part: _Part) -> Any:
        """Return the symbol of the place of each row along one side of a table."""
        value = X[:, np.array([part.column])]
        if part.border is None:
            return np.where(np.isnan(value), np.float32(0), value + np.float32(1)).astype(np.int64)
        missing = np.float32(np.inf if self._missing_above[part.column] else -np.inf)
        above = np.greater(np.where(np.isnan(value), missing, value), np.float32(part.border))
        return above.astype(np.int64)

    def _tables(self, answers: Answers) -> list[NDArray[np.integer]]:
        """Return the ranks of all combinations, a flat table each: the last part changes first."""
        order = [question for rank in self._ranks for question in rank.questions]
        leaves = answers(one_question_each(self._model, order))
        tables, start = [], 0
        for rank in self._ranks:
            end = start + len(rank.questions)
            tables.append(leaves(self._combinations(rank.parts), start, end).sum(axis=1))
            start = end
        return tables

    def _combinations(self, parts: Sequence[_Part]) -> NDArray[np.float32]:
        """Return a row for each combination, as models see it."""
        sizes = [part.size(self._cardinality) for part in parts]
        if prod(sizes) > MOST:
            raise NoFormula(f"CatBoost looks at {prod(sizes):,} combinations of categories, which are too many")
        columns = len(self._numeric) + len(self._categorical)
        rows = np.zeros((prod(sizes), columns), np.float32)
        above: dict[int, list[tuple[float, NDArray[np.intp]]]] = {}
        for part, cell in zip(parts, np.indices(sizes).reshape(len(sizes), -1), strict=True):
            if part.border is None:
                rows[:, part.column] = cell - 1
            else:
                above.setdefault(part.column, []).append((part.border, cell))
        for column, borders in above.items():
            rising = sorted(borders, key=lambda each: each[0])
            values = [rising[0][0], *(np.nextafter(np.float32(b), np.float32(np.inf)) for b, _ in rising)]
            rows[:, column] = np.array(values, np.float32)[sum(cell for _, cell in rising)]
        return rows


_Asked = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]
"""The questions of the inner nodes of a tree, its children left and right, see :class:`Tree`, and its leaves."""


def one_question_each(model: Mapping[str, Any], questions: Sequence[int]) -> Mapping[str, Any]:
    """Return a model of a tree for each of some questions, whose leaf is the answer."""
    nothing = [0] * 2 * len(model["scale_and_bias"][1])
    trees = [{"splits": [{"split_index": i}], "leaf_values": nothing, "leaf_weights": [1, 1]} for i in questions]
    return {**{name: value for name, value in model.items() if name != "trees"}, "oblivious_trees": trees}


def _symmetric(tree: Mapping[str, Any]) -> _Asked:
    """Return a tree whose levels ask one question each; the answers are the bits of the leaf."""
    questions = [split["split_index"] for split in tree["splits"] or ()]
    none = np.zeros(0, np.intp)
    left, right = [none], [none]
    for level in range(len(questions)):
        below = np.arange(1 << level)
        for children, answered in ((left, below), (right, below + (1 << level))):
            last = level + 1 == len(questions)
            children.append(-1 - answered if last else answered + (2 << level) - 1)
    asked = np.repeat(np.array(questions, np.intp), [1 << level for level in range(len(questions))])
    values = np.array(tree["leaf_values"]).reshape(1 << len(questions), -1)
    return asked, np.concatenate(left), np.concatenate(right), values


def nested(tree: Mapping[str, Any]) -> _Asked:
    """Return a tree that is written as nodes in nodes."""
    nodes: list[list[int]] = []
    values: list[Any] = []

    def entered(node: Mapping[str, Any]) -> int:
        if "split" not in node:
            values.append(node["value"])
            return -len(values)
        place = len(nodes)
        nodes.append([node["split"]["split_index"], 0, 0])
        nodes[place][1:] = entered(node["left"]), entered(node["right"])
        return place

    entered(tree)
    asked, left, right = np.array(nodes, np.intp).reshape(-1, 3).T
    return asked, left, right, np.array(values, np.float64).reshape(len(values), -1)
