"""Symmetric trees for few rows: all levels of a tree ask one question each, so that the answers number the leaf.

A call of CatBoost takes 0.15 ms before the first tree is looked at; a few array steps over all questions take 0.03.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

_FILE: Final = "rows.npz"
Answers = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SymmetricTrees:
    """Trees whose levels ask whether a number is above a border, or what is known of a category."""

    number: NDArray[np.intp]
    """(numeric questions,) the column that is asked about."""
    border: NDArray[np.float32]
    missing: Answers
    """What the answer is where the number is missing."""
    category: NDArray[np.intp]
    """(categorical questions,) the column that is asked about."""
    known: Answers
    """(categorical questions, codes + 2): the answer for a missing code, each code, and higher ones."""
    questions: NDArray[np.intp]
    """(trees, depth): the numeric ones from 1, then the categorical ones; 0 is always false."""
    starts: NDArray[np.intp]
    """(trees,) the first leaf of each."""
    values: NDArray[np.float64]
    """(leaves of all trees, outputs)."""
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (rows, outputs)."""
        first = 1 + len(self.number)
        answers = np.zeros((len(X), first + len(self.category)), np.intp)
        numbers = X[:, self.number]
        np.greater(numbers, self.border, out=answers[:, 1:first], casting="unsafe")
        missing = np.isnan(numbers)
        if missing.any():
            np.copyto(answers[:, 1:first], self.missing, where=missing)
        if len(self.category):
            codes = np.fmin(np.fmax(X[:, self.category], -1.0), self.known.shape[1] - 2).astype(np.intp)
            answers[:, first:] = self.known[np.arange(len(self.category)), codes + 1]
        leaves = self.starts + answers[:, self.questions] @ (1 << np.arange(self.questions.shape[1]))
        total = np.add.accumulate(self.values.take(leaves, axis=0), axis=1)[:, -1]
        return np.asarray(total * self.scale + self.bias)

    @classmethod
    def of(
        cls,
        model: Mapping[str, Any],
        numeric: Sequence[int],
        categorical: Sequence[int],
        answers_of: Callable[[int], Answers],
    ) -> Self | None:
        """Read CatBoost's JSON format; None if a question is about several columns at once.

        Parameters
        ----------
        numeric, categorical
            The columns in the order in which CatBoost has them.
        answers_of
            (codes + 2, trees, depth) answers of all levels to a missing code of a categorical column, each code, and a
            higher one.
        """
        features, trees = model["features_info"], model["oblivious_trees"]
        splits = [tree["splits"] or () for tree in trees]
        floats = [(each, border) for each in features["float_features"] for border in each["borders"] or ()]
        used = sorted({split["split_index"] for levels in splits for split in levels})
        above, others = [i for i in used if i < len(floats)], [i for i in used if i >= len(floats)]
        sources = categories_asked(features, [i - len(floats) for i in others], categorical)
        if sources is None:
            return None
        place = {i: 1 + at for at, i in enumerate((*above, *others))}
        depth = max(map(len, splits), default=0)
        questions = np.zeros((len(trees), depth), np.intp)
        where: dict[int, tuple[int, int]] = {}
        for t, levels in enumerate(splits):
            for level, split in enumerate(levels):
                questions[t, level] = place[split["split_index"]]
                where[split["split_index"]] = (t, level)
        answers = {source: answers_of(source) for source in set(sources)}
        scale, bias = model["scale_and_bias"]
        leaves = [1 << len(levels) for levels in splits]
        values = list(chain.from_iterable(tree["leaf_values"] for tree in trees))
        return cls(
            np.array([numeric[floats[i][0]["feature_index"]] for i in above], np.intp),
            np.array([floats[i][1] for i in above], np.float32),
            np.array([floats[i][0]["nan_value_treatment"] == "AsTrue" for i in above], np.bool_),
            np.array(sources, np.intp),
            np.array([answers[source][:, *where[i]] for i, source in zip(others, sources, strict=True)], np.bool_),
            questions,
            np.cumsum([0, *leaves[:-1]]),
            np.array(values).reshape(sum(leaves), -1),
            np.array(scale, np.float64),
            np.array(bias, np.float64),
        )

    def save(self, folder: Path) -> None:
        """Write ``rows.npz``."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez(folder / _FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read what :meth:`save` wrote; None if nothing was."""
        if not (folder / _FILE).exists():
            return None
        with np.load(folder / _FILE, allow_pickle=False) as arrays:
            return cls(**arrays)


def categories_asked(
    features: Mapping[str, Any], questions: Sequence[int], categorical: Sequence[int]
) -> list[int] | None:
    """Return the column that each of some questions about categories looks at; None if one looks at several."""
    looked_at = [
        [{"cat_feature_index": each["feature_index"]}]
        for each in features.get("categorical_features", ())
        for _ in each.get("values", ())
    ]
    looked_at += [each["elements"] for each in features.get("ctrs", ()) for _ in each["borders"]]
    elements = [looked_at[question] for question in questions]
    if any(len(each) > 1 or "cat_feature_index" not in each[0] for each in elements):
        return None
    return [categorical[each[0]["cat_feature_index"]] for each in elements]
