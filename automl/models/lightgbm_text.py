"""LightGBM's text format of trees, read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from automl.formula.trees import Tree

CATEGORICAL: Final = 1
MISSING_LEFT: Final = 2
ZERO_IS_MISSING: Final = 4
NAN_IS_MISSING: Final = 8
"""Bits of a node's ``decision_type``."""
Fields = Mapping[str, str]
"""What is said of one tree."""


def fields(text: bytes) -> list[Fields]:
    """Return what is said of each tree in LightGBM's text format."""
    blocks = text.decode().split("\nTree=")[1:]
    bodies = (block.split("\n\n", 1)[0].split("\n")[1:] for block in blocks)
    return [dict(line.split("=", 1) for line in body if line) for body in bodies]


def numbers(trees: Sequence[Fields], name: str, kind: DTypeLike) -> NDArray[Any]:
    """Return the numbers of one field, of one tree after the other."""
    words = " ".join(tree.get(name, "") for tree in trees).split()
    return np.array(words, np.float64).astype(kind)


def missing_right(kinds: NDArray[np.intp], threshold: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where NaN goes right; where training saw nothing missing, it counts as 0."""
    return np.where(kinds & NAN_IS_MISSING, (kinds & MISSING_LEFT) == 0, threshold < 0)


def tree_of(said: Fields) -> tuple[Tree, NDArray[np.float64]]:
    """Return a tree, and what its leaves are worth."""

    def numbers_of(name: str, kind: DTypeLike) -> NDArray[Any]:
        return numbers([said], name, kind)

    threshold, kinds = numbers_of("threshold", np.float64), numbers_of("decision_type", np.intp)
    bounds, words = numbers_of("cat_boundaries", np.intp), numbers_of("cat_threshold", np.uint32)
    codes = {}
    for node in np.flatnonzero(kinds & CATEGORICAL).tolist():
        at = int(threshold[node])
        bits = np.unpackbits(words[bounds[at] : bounds[at + 1]].astype("<u4").view(np.uint8), bitorder="little")
        codes[node] = np.flatnonzero(bits)
    feature, left, right = (numbers_of(name, np.intp) for name in ("split_feature", "left_child", "right_child"))
    tree = Tree(feature, threshold, ~missing_right(kinds, threshold), left, right, codes)
    return tree, numbers_of("leaf_value", np.float64)


def written(trees: Sequence[Tree], columns: int) -> bytes:
    """Return a model of trees that see so many columns; what their leaves are worth is not in it."""
    blocks = [_block(tree, number) for number, tree in enumerate(trees)]
    names = (f"f{i}" for i in range(columns))
    head = {
        "version": "v4",
        "num_class": "1",
        "num_tree_per_iteration": "1",
        "label_index": "0",
        "max_feature_idx": str(columns - 1),
        "feature_names": " ".join(names),
        "feature_infos": " ".join(["none"] * columns),
        "tree_sizes": _joined(len(block) for block in blocks),
    }
    lines = "".join(f"{name}={value}\n" for name, value in head.items())
    return f"tree\n{lines}\n{''.join(blocks)}end of trees\n".encode("ascii")


def _block(tree: Tree, number: int) -> str:
    inner = len(tree.feature)
    if not inner:
        return f"Tree={number}\nnum_leaves=1\nnum_cat=0\nleaf_value=0\n\n"
    above = np.nextafter(tree.threshold, np.float32(np.inf))
    between = (tree.threshold.astype(np.float64) + above) / 2  # nine digits stay between two float32 numbers
    thresholds = [f"{value:.9g}" for value in between.tolist()]
    kinds = NAN_IS_MISSING + MISSING_LEFT * tree.missing_left.astype(np.intp)
    words: list[int] = []
    bounds = [0]
    for at, (node, codes) in enumerate(sorted(tree.codes.items())):
        thresholds[node], kinds[node] = str(at), CATEGORICAL
        words += _bits(codes)
        bounds.append(len(words))
    lines = {
        "num_leaves": str(inner + 1),
        "num_cat": str(len(tree.codes)),
        "split_feature": _joined(tree.feature.tolist()),
        "threshold": " ".join(thresholds),
        "decision_type": _joined(kinds.tolist()),
        "left_child": _joined(tree.left.tolist()),
        "right_child": _joined(tree.right.tolist()),
        "leaf_value": " ".join(["0"] * (inner + 1)),
    }
    if words:
        lines |= {"cat_boundaries": _joined(bounds), "cat_threshold": _joined(words)}
    return f"Tree={number}\n" + "".join(f"{name}={value}\n" for name, value in lines.items()) + "\n"


def _bits(codes: NDArray[np.integer]) -> list[int]:
    """Return a set of codes as the bits of 32-bit words, at least one."""
    flags = np.zeros((int(codes.max(initial=0)) // 32 + 1) * 32, np.bool_)
    flags[codes] = True
    words: list[int] = np.packbits(flags, bitorder="little").view("<u4").tolist()
    return words


def _joined(values: Iterable[int]) -> str:
    return " ".join(map(str, values))
