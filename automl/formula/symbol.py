"""An array without values: what numpy does to it is written down, in operators of ONNX.

Code that turns scores into predictions runs on symbols as it is, so that there is one of it. Where code fills arrays,
asks for their sizes, or calls a library, it has a second form for symbols beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from automl.errors import AutoMLError


class NoFormula(AutoMLError):  # noqa: N818 - says what there is not
    """Something has no formula; the message says what, without a way out."""


@dataclass(frozen=True, eq=False)
class Symbol(NDArrayOperatorsMixin):
    """What an operator makes of its inputs.

    >>> x = Symbol.named("x", np.float32)
    >>> y = np.exp(np.clip(x, 0, 9))[:, 0] / 2
    >>> y.operator, y.dtype.name, y.ndim
    ('Div', 'float32', 1)
    """

    operator: str
    """The operator of ONNX; empty for a column of the table, whose only input is its name."""
    inputs: tuple[Any, ...]
    """Symbols and arrays."""
    dtype: np.dtype[Any]
    ndim: int
    """1 = (rows,); 2 = (rows, columns)."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The attributes of the operator."""

    @classmethod
    def named(cls, name: str, dtype: Any) -> Symbol:
        """Return a column of the table, (rows, 1)."""
        return cls("", (name,), np.dtype(dtype), 2)

    def then(self, operator: str, *others: Any, dtype: Any = None, ndim: int | None = None, **settings: Any) -> Symbol:
        """Return what an operator makes of this, and of further inputs; its type and dimensions stay if none are given.

        ``settings`` are the attributes of the operator.
        """
        known = self.dtype if dtype is None else np.dtype(dtype)
        return Symbol(operator, (self, *others), known, self.ndim if ndim is None else ndim, settings)

    def astype(self, dtype: Any) -> Symbol:
        """Return the same values of another type."""
        return self if self.dtype == dtype else self.then("Cast", dtype=dtype)

    def max(self, axis: int, keepdims: bool = False) -> Symbol:
        """Return the highest along an axis."""
        return self._reduced("ReduceMax", axis, keepdims)

    def sum(self, axis: int, keepdims: bool = False) -> Symbol:
        """Return the sum along an axis."""
        return self._reduced("ReduceSum", axis, keepdims)

    def argmax(self, axis: int) -> Symbol:
        """Return where the highest is along an axis, the first of equal ones."""
        return self.then("ArgMax", dtype=np.int64, ndim=self.ndim - 1, axis=axis, keepdims=0)

    def argmin(self, axis: int) -> Symbol:
        """Return where the lowest is along an axis, the first of equal ones."""
        return self.then("ArgMin", dtype=np.int64, ndim=self.ndim - 1, axis=axis, keepdims=0)

    def look_up(self, table: NDArray[Any]) -> Symbol:
        """Return the rows of a table that this holds the places of."""
        return Symbol("Gather", (table, self), table.dtype, self.ndim + table.ndim - 1, {"axis": 0})

    def __getitem__(self, key: tuple[Any, ...]) -> Symbol:
        """Return a column, some columns by their places, or all of them with a further axis behind."""
        if len(key) == self.ndim + 1 and key[-1] is None:
            return self.then("Unsqueeze", np.array([self.ndim]), ndim=self.ndim + 1)
        places = np.asarray(key[1], np.int64)
        return self.then("Gather", places, ndim=1 + places.ndim, axis=1)

    def __array__(self, *_: Any) -> NDArray[Any]:
        raise TypeError("a symbol has no values")

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, out: object = None) -> Any:
        """Write down a function of numpy or scipy; with ``out`` the result replaces what Python assigned to."""
        if method != "__call__":
            return NotImplemented
        if function.__name__ in _COMPOSED:
            return _COMPOSED[function.__name__](*inputs)
        operator = _OPERATORS.get(function.__name__)
        return NotImplemented if operator is None else _elementwise(operator, inputs)

    def __array_function__(
        self, function: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        return _FUNCTIONS[function](*args, **kwargs) if function in _FUNCTIONS else NotImplemented

    def _reduced(self, operator: str, axis: int, keepdims: bool) -> Symbol:
        return self.then(operator, np.array([axis]), ndim=self.ndim - (not keepdims), keepdims=int(keepdims))


_OPERATORS: Final = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "negative": "Neg",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "maximum": "Max",
    "minimum": "Min",
    "matmul": "MatMul",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "equal": "Equal",
    "isnan": "IsNaN",
    "isinf": "IsInf",
    "logical_not": "Not",
    "logical_or": "Or",
}
"""What functions of numpy are called."""
_TESTS: Final = ("Greater", "GreaterOrEqual", "Equal", "IsNaN", "IsInf", "Not", "Or")


def _elementwise(operator: str, inputs: Sequence[Any]) -> Symbol:
    """Return a symbol of the common type of the inputs, or of truths."""
    typed = _of_common_type(inputs)
    dtype = np.dtype(np.bool_) if operator in _TESTS else typed[0].dtype
    return Symbol(operator, typed, dtype, max(each.ndim for each in typed))


def _of_common_type(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return symbols and arrays of the type that numpy would give to what it makes of them."""
    common = np.result_type(*(each.dtype if isinstance(each, Symbol) else each for each in values))
    return tuple(each.astype(common) if isinstance(each, Symbol) else np.asarray(each, common) for each in values)


_COMPOSED: Final[Mapping[str, Callable[..., Any]]] = {
    "square": lambda x: x * x,
    "expit": lambda x: 1 / (1 + np.exp(-x)),
    "expm1": lambda x: np.exp(x) - 1,
    "isfinite": lambda x: np.logical_not(np.logical_or(np.isnan(x), np.isinf(x))),
}


def _clip(x: Symbol, low: float, high: float) -> Symbol:
    return x.then("Clip", np.array(low, x.dtype), np.array(high, x.dtype))


def _where(condition: Symbol, chosen: Any, other: Any) -> Symbol:
    typed = _of_common_type((chosen, other))
    return condition.then("Where", *typed, dtype=typed[0].dtype)


def _concatenate(parts: Sequence[Symbol], axis: int) -> Symbol:
    first, *others = parts
    return first.then("Concat", *others, axis=axis) if others else first


def _column_stack(parts: Sequence[Symbol]) -> Symbol:
    return _concatenate([part[:, None] if part.ndim == 1 else part for part in parts], axis=1)


def _sort(x: Symbol, axis: int) -> Symbol:
    width = x.then("Shape", dtype=np.int64, ndim=1, start=axis, end=axis + 1)
    return x.then("TopK", width, axis=axis, largest=0, sorted=1)


_FUNCTIONS: Final[Mapping[Callable[..., Any], Callable[..., Any]]] = {
    np.clip: _clip,
    np.where: _where,
    np.concatenate: _concatenate,
    np.column_stack: _column_stack,
    np.sort: _sort,
    np.zeros_like: lambda x: x - x,
}
"""Functions that are no element by element ones."""
