"""From symbols to an ONNX model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.formula.symbol import Symbol

OPSET: Final = 18
ML_OPSET: Final = 5
"""The first one with trees in double precision."""
IR: Final = 10
_ML: Final = "ai.onnx.ml"
_OF_ML: Final = ("LabelEncoder", "TreeEnsemble")


class Graph:
    """Nodes and constants, each entered once."""

    def __init__(self, taken: Sequence[str]) -> None:
        self._taken = frozenset(taken)
        self._names: dict[int, str] = {}
        self._constants: dict[tuple[object, ...], str] = {}
        self._kept: list[Symbol] = []
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def enter(self, symbol: Symbol, name: str | None = None) -> str:
        """Enter a symbol and all that it is made of, and return its name, which is given or new."""
        for each in _in_order(symbol, self._names):
            self._names[id(each)] = self._enter(each, name if each is symbol else None)
            self._kept.append(each)  # or its identity might be taken by another one
        return self._names[id(symbol)]

    def _enter(self, symbol: Symbol, name: str | None) -> str:
        from onnx import helper

        if not symbol.operator:
            return str(symbol.inputs[0])
        domain = _ML if symbol.operator in _OF_ML else ""
        inputs = [self._input(each) for each in symbol.inputs]
        outputs = [name or self._new(len(self.nodes), "value")]
        if symbol.operator == "TopK":
            outputs.append(self._new(len(self.nodes), "places"))  # which nobody asks for, but must have a name
        node = helper.make_node(symbol.operator, inputs, outputs, domain=domain)
        settings = {"to": _type(symbol.dtype)} if symbol.operator == "Cast" else symbol.settings
        node.attribute.extend(_attribute(symbol.operator, domain, *each) for each in settings.items())
        self.nodes.append(node)
        return outputs[0]

    def _input(self, value: Any) -> str:
        return self._names[id(value)] if isinstance(value, Symbol) else self._constant(np.asarray(value))

    def _constant(self, array: NDArray[Any]) -> str:
        from onnx import numpy_helper

        key = array.dtype.str, array.shape, tuple(array.tolist()) if array.dtype == object else array.tobytes()
        if key not in self._constants:
            self._constants[key] = self._new(len(self._constants), "constant")
            self.initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), self._constants[key]))
        return self._constants[key]

    def _new(self, number: int, kind: str) -> str:
        return free(f"{kind}-{number}", self._taken)


def model(
    inputs: Mapping[str, Any], outputs: Mapping[str, tuple[Symbol, Sequence[Any]]], described: Mapping[str, str]
) -> Any:
    """Return the ``onnx.ModelProto`` that computes symbols.

    Parameters
    ----------
    inputs
        The type of each column, (rows, 1), by its name.
    outputs
        The symbols by their names, which no input has, each with its shape.
    described
        What the inputs take, by their names.
    """
    from onnx import helper

    graph = Graph((*inputs, *outputs))
    given = [
        helper.make_tensor_value_info(name, _type(np.dtype(dtype)), ["rows", 1], described[name])
        for name, dtype in inputs.items()
    ]
    answered = []
    for name, (symbol, shape) in outputs.items():
        graph.enter(symbol.then("Identity"), name)
        answered.append(helper.make_tensor_value_info(name, _type(symbol.dtype), shape))
    return helper.make_model(
        helper.make_graph(graph.nodes, "automl", given, answered, graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(_ML, ML_OPSET)],
        ir_version=IR,
        producer_name="automl",
    )


def free(name: str, taken: frozenset[str]) -> str:
    """Return a name that is not taken.

    >>> free("label", frozenset({"label", "age"}))
    'label_'
    """
    while name in taken:
        name += "_"
    return name


def _in_order(symbol: Symbol, known: Mapping[int, str]) -> Iterator[Symbol]:
    """Yield what is not known yet, each after all that it is made of."""
    waiting, seen = [(symbol, False)], set[int]()
    while waiting:
        each, ready = waiting.pop()
        if ready:
            yield each
        elif id(each) not in known and id(each) not in seen:
            seen.add(id(each))
            waiting.append((each, True))
            waiting.extend((part, False) for part in each.inputs if isinstance(part, Symbol))


def _attribute(operator: str, domain: str, name: str, value: Any) -> Any:
    """Return an attribute of the type that the operator declares."""
    from onnx import defs, helper, numpy_helper

    version = ML_OPSET if domain else OPSET
    declared = defs.get_schema(operator, version, domain).attributes[name].type
    if declared == defs.OpSchema.AttrType.TENSOR:
        return helper.make_attribute(name, numpy_helper.from_array(np.asarray(value)))
    if isinstance(value, np.ndarray):
        value = value.astype(np.int64).tolist()
    return helper.make_attribute(name, value)


def _type(dtype: np.dtype[Any]) -> int:
    from onnx import TensorProto, helper

    return int(TensorProto.STRING if dtype.kind == "O" else helper.np_dtype_to_tensor_dtype(dtype))
