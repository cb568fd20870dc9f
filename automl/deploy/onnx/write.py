"""Write a predictor as an ONNX file, if that answers as the predictor does."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import automl
from automl.deploy.onnx.check import largest_difference
from automl.deploy.onnx.graph import free, model
from automl.deploy.onnx.inputs import described, typed
from automl.errors import AutoMLError, UsageError
from automl.formula.symbol import NoFormula
from automl.predictor import Predictor

PACKAGES: Final = ("onnx", "onnxruntime")
LARGEST: Final = 2**31 - 1
"""Bytes of a file that holds everything, by the format of its messages."""


def write_onnx(predictor: Predictor, to: Path) -> None:
    """Write a new file; see :func:`content`.

    Raises
    ------
    AutoMLError
        If this model cannot be said in ONNX, or is not understood the same; says why and what to do.
    UsageError
        If a package is missing.
    """
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise UsageError(f"ONNX needs {' and '.join(absent)}, not installed here; pip install 'automl[onnx]'")
    try:
        to.write_bytes(content(predictor))
    except NoFormula as error:
        raise AutoMLError(
            f"this model cannot be said in ONNX: {error}; export what automl slim makes of it, or one of its "
            "run: --candidate ID"
        ) from None


def content(predictor: Predictor) -> bytes:
    """Return a predictor as ONNX: one input a column, ``label`` and ``probabilities``, ``prediction`` or ``quantiles``.

    The model's metadata says how far its answers were from those of the predictor, on what rows.
    """
    from onnx import helper

    na = predictor.reading.na  # their owner's words for missing, beside those of each column
    inputs = {column.name: typed(replace(column, missing=(*column.missing, *na))) for column in predictor.schema.used}
    raw = predictor.formula({name: values for _, read in inputs.values() for name, values in read.items()})
    outputs = _outputs(predictor, raw, frozenset(inputs))
    words = {column.name: described(column) for column in predictor.schema.used}
    made = model({name: given.dtype for name, (given, _) in inputs.items()}, outputs, words)
    if made.ByteSize() > LARGEST:
        raise NoFormula(f"it would take {made.ByteSize() / 1e9:.1f} GB, and a file has 2 GB at most")
    rows, difference = largest_difference(predictor, made.SerializeToString(), tuple(outputs))
    about = {
        "automl": automl.__version__,
        "target": predictor.task.target,
        "checked": f"{rows} rows, largest relative difference {difference:.1g}",
        "levels": " ".join(map(str, predictor.task.levels)),
    }
    helper.set_model_props(made, {name: value for name, value in about.items() if value})
    text: bytes = made.SerializeToString(deterministic=True)
    return text


def _outputs(predictor: Predictor, raw: Any, taken: frozenset[str]) -> dict[str, tuple[Any, list[str | int]]]:
    """Return the answers, and the shape of each, by names that no column has."""
    task = predictor.task
    if task.levels:
        return {free("quantiles", taken): (raw, ["rows", len(task.levels)])}
    if not task.classes:
        return {free("prediction", taken): (raw, ["rows"])}
    label: Any = predictor.decision(raw)
    return {
        free("label", taken): (label.look_up(task.labels), ["rows"]),
        free("probabilities", taken): (raw, ["rows", len(task.classes)]),
    }
