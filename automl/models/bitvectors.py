"""The leaves of many rows: every answer rules out the leaves on the other side, until one leaf of a tree is left.

See :mod:`automl.models.lookups`, which answers. Trees are read from LightGBM's text format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from automl.models.lightgbm_text import CATEGORICAL, ZERO_IS_MISSING, Fields, missing_right, numbers
from automl.models.lookups import NUMBER, Lookups, Splits, round_down

WORD: Final = 32
"""Leaves in a word."""
MOST: Final = 4
"""Words of a tree: with more, one without bits would not come out below all leaves."""
WORTH: Final = 48
"""Words of a tree, times columns, up to which libraries that walk down take longer."""
_MANTISSA, _BIAS = 23, 127


@dataclass(frozen=True, slots=True, eq=False)
class BitVectors:
    """Trees as tables.

    >>> from automl.models.lightgbm_text import fields
    >>> lines = "num_leaves=2|num_cat=0|split_feature=0|threshold=.5|decision_type=8|left_child=-1|right_child=-2"
    >>> trees = BitVectors.of(fields(f"tree\\n\\nTree=0\\n{lines}\\n\\nend of trees".replace("|", "\\n").encode()))
    >>> [leaves.tolist() for leaves in trees.leaves(np.array([[0.5], [0.6], [np.nan]], np.float32))]
    [[[0], [1], [1]]]
    """

    lookups: Lookups
    beyond: NDArray[np.uint32]
    """(words, trees) bits that are no leaves."""
    offsets: NDArray[np.int32]
    """(words, 1) from the exponent of the bit that is left to the leaf."""

    @classmethod
    def of(cls, trees: Sequence[Fields]) -> Self | None:
        """Bring trees into tables; None if they are so large that walking down is quicker."""
        leaves = np.array([int(tree["num_leaves"]) for tree in trees])
        words = -(-int(leaves.max(initial=1)) // WORD)
        kinds, column = numbers(trees, "decision_type", np.intp), numbers(trees, "split_feature", np.intp)
        if words > MOST or words * len(np.unique(column)) > WORTH or (kinds & ZERO_IS_MISSING).any():
            return None
        threshold, categorical = numbers(trees, "threshold", np.float64), (kinds & CATEGORICAL) > 0
        tree = np.repeat(np.arange(len(trees)), leaves - 1)
        left, right = _below(trees, tree, words)
        known = _sets(trees, tree[categorical], threshold[categorical].astype(np.intp))
        unknown_right = missing_right(kinds, threshold)
        splits = Splits(
            np.tile(column, words),
            np.tile(round_down(threshold), words),
            np.tile(unknown_right, words),
            np.tile(np.where(categorical, np.cumsum(categorical) - 1, NUMBER), words),
            known,
            np.concatenate([tree + word * len(trees) for word in range(words)]),
            np.where(categorical, right, left).ravel(),  # yes is above the threshold, or in the set that goes left
            np.where(categorical, left, right).ravel(),
        )
        first = np.arange(words)[:, None] * WORD
        within = np.clip(leaves - first, 0, WORD).astype(np.uint64)
        beyond = ~((np.uint64(1) << within) - np.uint64(1)).astype(np.uint32)
        return cls(Lookups.of(splits, beyond.size), beyond, (first - _BIAS).astype(np.int32))

    def leaves(self, X: NDArray[np.float32]) -> Iterator[NDArray[np.int32]]:
        """Yield (a few rows, trees): the number of the leaf that a row falls into."""
        for ruled_out in self.lookups.blocks(X):
            left = ~(ruled_out.reshape(-1, *self.beyond.shape) | self.beyond)
            exponents = left.astype(np.float32).view(np.int32) >> _MANTISSA
            yield (exponents + self.offsets).max(axis=1)


def _below(trees: Sequence[Fields], tree: NDArray[np.intp], words: int) -> Sequence[NDArray[np.uint32]]:
    """Return for each inner node the (words, nodes) bits of the leaves on its left and on its right."""
    nodes = len(tree)
    first = np.searchsorted(tree, tree)
    sides = []
    for name in ("left_child", "right_child"):
        child = numbers(trees, name, np.intp)
        leaf = np.where(child < 0, ~child, 0)
        bits = np.where((child < 0) & (leaf // WORD == np.arange(words)[:, None]), 1 << leaf % WORD, 0)
        sides.append((bits.astype(np.uint32), np.where(child < 0, nodes, child + first)))
    below = np.zeros((words, nodes + 1), np.uint32)
    while True:  # a level further up each time
        left, right = (bits | below[:, inner] for bits, inner in sides)
        both = left | right
        if np.array_equal(both, below[:, :nodes]):
            return left, right
        below[:, :nodes] = both


def _sets(trees: Sequence[Fields], tree: NDArray[np.intp], number: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return (nodes, codes + 2): what goes left of each set of a tree. A missing code, and higher ones, do not."""
    bounds, words = (numbers(trees, name, np.int64) for name in ("cat_boundaries", "cat_threshold"))
    sets = np.array([int(tree["num_cat"]) for tree in trees])
    sizes = np.diff(bounds)
    starts = np.cumsum(np.maximum(sizes, 0)) - np.maximum(sizes, 0)  # where a tree begins, bounds fall to 0
    at = (np.cumsum(sets + (sets > 0)) - sets - (sets > 0))[tree] + number
    place = np.arange(sizes[at].max(initial=0))
    within = place < sizes[at, None]
    chosen = np.where(within, words[np.where(within, starts[at, None] + place, 0)], 0).astype("<u4")
    flags = np.unpackbits(chosen.view(np.uint8), axis=1, bitorder="little").astype(np.bool_)
    return np.pad(flags, ((0, 0), (1, 1)))
