"""What is written down gives what numpy gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from automl.deploy.onnx.graph import model
from automl.formula.symbol import Symbol
from automl.formula.trees import Tree, cut, summed

TRUTHS = np.isnan, np.isinf, np.isfinite
FUNCTIONS: list[Callable[[Any], Any]] = [
    lambda x: 2 - x * np.float32(3) / 7,
    lambda x: np.exp(-np.square(x)),
    lambda x: np.log(np.maximum(x, 1e-6)),
    lambda x: np.expm1(np.clip(x, -1, 2)),
    lambda x: expit(np.minimum(x, 9.0)),
    lambda x: np.sqrt(np.clip(x, 0, 5)).astype(np.float32),
    lambda x: (x - x.max(axis=1, keepdims=True)).sum(axis=1),
    lambda x: np.sort(x, axis=1)[:, np.array([2, 0])],
    lambda x: np.column_stack([x[:, 1], x, np.zeros_like(x)]),
    lambda x: np.column_stack([x[:, 0], x[:, 2]]) @ np.array([[1.0], [2.0]]),
    lambda x: np.where(np.greater(x, 0), x, np.float64(np.nan)),
    lambda x: (x[:, :, None] * np.arange(6.0).reshape(3, 2)).sum(axis=1),
    lambda x: (x[:, 0] >= x[:, 1]).astype(np.int64),
    lambda x: np.logical_or(np.equal(x, 0), np.logical_not(np.isnan(x))),
    *(lambda x, test=test: test(x) for test in TRUTHS),
]


def computed(symbol: Symbol, values: np.ndarray) -> np.ndarray:
    shape: list[Any] = ["rows", None, None][: symbol.ndim]
    inputs = {f"x{i}": column[:, None] for i, column in enumerate(values.T)}
    types, words = dict.fromkeys(inputs, values.dtype), dict.fromkeys(inputs, "")
    content = model(types, {"out": (symbol, shape)}, words).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    answer: np.ndarray = onnxruntime.InferenceSession(content, options).run(["out"], inputs)[0]
    return answer


def of_columns(values: np.ndarray) -> Symbol:
    """Return the symbol of a matrix."""
    symbol: Symbol = np.concatenate([Symbol.named(f"x{i}", values.dtype) for i in range(values.shape[1])], axis=1)
    return symbol


@pytest.mark.parametrize("function", FUNCTIONS, ids=range(len(FUNCTIONS)))
@settings(max_examples=8)
@given(values=arrays(np.float64, (4, 3), elements=st.floats(-20, 20, width=32)))
def test_functions_are_those_of_numpy(function: Callable[[Any], Any], values: np.ndarray) -> None:
    for typed in (values, values.astype(np.float32)):
        symbol, expected = function(of_columns(typed)), function(typed)
        got = computed(symbol, typed)
        assert (got.dtype, got.ndim) == (expected.dtype, expected.ndim) == (symbol.dtype, symbol.ndim)
        rtol = 1e-5 if expected.dtype == np.float32 else 1e-13
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol)


def test_missing_and_infinite_values_go_their_way() -> None:
    values = np.array([[np.nan, np.inf, -np.inf]])
    for test in TRUTHS:
        np.testing.assert_array_equal(computed(test(of_columns(values)), values), test(values))
    np.testing.assert_array_equal(computed(np.clip(of_columns(values), -1, 1), values), [[np.nan, 1, -1]])


def test_what_is_not_known_is_an_error() -> None:
    x = Symbol.named("x0", np.float64)
    for function in (np.sin, np.add.reduce, np.median, np.asarray, lambda x: x[0]):
        with pytest.raises((TypeError, IndexError)):
            function(x)


@given(thresholds=st.lists(st.integers(-9, 9), unique=True, max_size=12).map(sorted))
def test_a_cut_finds_the_place_of_a_value(thresholds: list[int]) -> None:
    tree = cut(0, np.array(thresholds, np.float64))
    values = np.arange(-10, 11) / 1.0
    places = computed(summed(Symbol.named("x0", np.float64), [tree], np.arange(len(thresholds) + 1.0)), values[:, None])
    np.testing.assert_array_equal(places[:, 0], np.searchsorted(thresholds, values))


def test_sets_of_codes_missing_values_and_single_leaves() -> None:
    one = np.zeros(1, np.intp)
    ask = Tree(one, np.zeros(1), np.ones(1, np.bool_), one - 1, one - 2, {0: np.array([0, 3, 70, 255])})
    none = Tree(one, np.zeros(1), np.ones(1, np.bool_), one - 1, one - 2, {0: np.array([], np.intp)})
    below = Tree(one, np.full(1, 70.0), np.ones(1, np.bool_), one - 1, one - 2, {})
    leaf = Tree(one[:0], np.zeros(0), np.zeros(0, np.bool_), one[:0], one[:0], {})
    values = np.array([0.0, 1.0, 3.0, 70.0, 255.0, np.nan], np.float32)[:, None]
    symbol = summed(Symbol.named("x0", np.float32), [ask, none, below, leaf], np.array([1.0, 0, 9, 10, 200, 100, 1000]))
    inside, low = np.array([1, 0, 1, 1, 1, 0]), np.array([1, 1, 1, 1, 0, 1])
    expected = inside + 10 + np.where(low, 200, 100) + 1000
    np.testing.assert_array_equal(computed(symbol, values)[:, 0], expected)


def test_a_leaf_may_have_several_outputs() -> None:
    one = np.zeros(1, np.intp)
    tree = Tree(one, np.zeros(1), np.zeros(1, np.bool_), one - 1, one - 2, {})
    symbol = summed(Symbol.named("x0", np.float64), [tree, tree], np.array([[1.0, 2], [3, 4], [10, 20], [30, 40]]))
    np.testing.assert_array_equal(computed(symbol, np.array([[-1.0], [1.0]])), [[11, 22], [33, 44]])
