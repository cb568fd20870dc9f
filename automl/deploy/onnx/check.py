"""Whether an ONNX file answers as its predictor does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.table import Column, Kind
from automl.deploy.onnx.inputs import feeds
from automl.formula.symbol import NoFormula
from automl.predictor import Predictor

ROWS: Final = 500
"""Made-up rows."""
MISSING: Final = 0.1
"""Share of their cells that are missing; as many are words that training has not seen."""
TOLERANCE: Final = 1e-5
"""Relative to a prediction plus the mean size of all. Linear models, networks and XGBoost add up in single precision,
in an order of their own, so that 1e-7 to 2e-6 are seen; all others come out within 1e-14."""


def largest_difference(predictor: Predictor, onnx: bytes, outputs: Sequence[str]) -> tuple[int, float]:
    """Return how many rows were compared, golden and made-up ones, and the largest relative difference.

    Raises
    ------
    NoFormula
        If that is beyond ``TOLERANCE``, or a label is not the one of its probabilities.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    frame = pd.concat([golden(predictor), made_up(predictor)], ignore_index=True)
    expected = predictor.raw(frame)
    *label, got = session.run(list(outputs), feeds(frame, predictor.typed(frame), predictor.schema))
    sizes = np.abs(expected)
    difference = float((np.abs(got - expected) / (sizes + (sizes.mean() or 1.0))).max())
    if not difference <= TOLERANCE:
        raise NoFormula(f"its answers would be off by {difference:.1g}, more than {TOLERANCE:.0g}")
    if label and (label[0] != predictor.answers(got)).any():
        raise NoFormula("its labels would be others")
    return len(frame), difference


def golden(predictor: Predictor) -> pd.DataFrame:
    """Return the raw training rows that a predictor keeps."""
    return predictor.example_frame().astype(object)


def made_up(predictor: Predictor) -> pd.DataFrame:
    """Return raw rows with values near those of the golden ones and training, some missing, far away or new."""
    rng = np.random.default_rng(0)
    known = predictor.typed(golden(predictor))
    columns = {column.name: _cells(column, known[column.name].to_numpy(), rng) for column in predictor.schema.used}
    unused = {column.name: [None] * ROWS for column in predictor.schema.columns if not column.kind.used}
    return pd.DataFrame(columns | unused, dtype=object)


def _cells(column: Column, known: NDArray[Any], rng: np.random.Generator) -> NDArray[np.object_]:
    """Return raw cells of a column."""
    fate = rng.random(ROWS)
    if column.kind is Kind.NUMERIC:
        seen = known[np.isfinite(known)] if np.isfinite(known).any() else np.zeros(1)
        near = rng.choice(seen, ROWS) + rng.normal(0, rng.choice([0, 1], ROWS) * (np.ptp(seen) or 1.0))
        far = rng.choice([1e30, -1e30, 1e300, np.inf, 0.0], ROWS)
        cells = np.where(fate < MISSING, np.nan, np.where(fate > 1 - MISSING, far, near))
        return cells.astype(object)
    words = np.array(column.categories or ("",), dtype=object)
    cells = rng.choice(words, ROWS)
    cells[fate < MISSING] = rng.choice(np.array(["", "NA", None, "?"], dtype=object), (fate < MISSING).sum())
    if column.kind is not Kind.BOOLEAN:  # where another word is an error
        cells[fate > 1 - MISSING] = "never seen before"
    return cells
