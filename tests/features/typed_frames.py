"""Typed frames of any make, and tasks for them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from numpy.typing import NDArray

from automl.data.table import MISSING, UNSEEN, Column, Kind, ProblemType, Schema, Task
from automl.features.matrix import Needs

ALL_NEEDS = [
    Needs(missing, categories, scaling, text, sparse)
    for missing, categories, (scaling, text, sparse) in itertools.product(
        ("native", "impute"),
        ("codes", "numbers", "onehot"),
        (("none", "svd", False), ("standard", "tfidf", True), ("robust", "svd", False), ("quantile", "svd", False)),
    )
    if missing == "impute" or scaling == "none"
]
ALL_NEEDS += [replace(needs, arithmetic=True) for needs in ALL_NEEDS if needs.text == "svd"]
TASKS = {
    "binary": Task("y", ProblemType.BINARY, "", ("no", "yes")),
    "multiclass": Task("y", ProblemType.MULTICLASS, "", ("a", "b", "c")),
    "regression": Task("y", ProblemType.REGRESSION, ""),
}
WORDS = ("fire", "flood", "Deputy", "Sheriff II", "manager", "http://t.co/1", "2024!", "Ünïcode ß", "?")


def schema_of(**kinds: Kind | tuple[str, ...]) -> Schema:
    """Return a schema; categories in place of a kind make a categorical column."""
    return Schema(
        tuple(
            Column(name, Kind.CATEGORICAL, "", kind) if isinstance(kind, tuple) else Column(name, kind, "")
            for name, kind in kinds.items()
        )
    )


def texts(values: list[str]) -> Any:
    return pd.array(values, dtype="string[pyarrow]")


def cells(column: Column, rows: int, generator: np.random.Generator, *, missing: float) -> Any:
    """Return random typed cells of a column."""
    gone = generator.random(rows) < missing
    match column.kind:
        case Kind.NUMERIC:
            exponents = generator.choice([0, 3, 300], rows)
            return np.where(gone, np.nan, generator.normal(size=rows).round(1) * 10.0**exponents)
        case Kind.BOOLEAN:
            return np.where(gone, np.nan, generator.integers(0, 2, rows).astype(np.float64))
        case Kind.CATEGORICAL:
            codes = generator.integers(0, max(1, len(column.categories)), rows)
            return np.where(gone | (not column.categories), MISSING, codes).astype(np.int32)
        case Kind.DATETIME:
            moments = generator.integers(-(10**16), 10**16, rows).astype("datetime64[us]")
            return np.where(gone, np.datetime64("NaT", "us"), moments)
        case _:
            lines = [" ".join(generator.choice(WORDS, generator.integers(0, 6)).tolist()) for _ in range(rows)]
            return texts(["" if lost else line for lost, line in zip(gone.tolist(), lines, strict=True)])


def frame_of(schema: Schema, rows: int, generator: np.random.Generator, *, missing: float) -> pd.DataFrame:
    return pd.DataFrame({c.name: cells(c, rows, generator, missing=missing) for c, _ in schema.typed})


def target_of(task: Task, rows: int, generator: np.random.Generator) -> NDArray[Any]:
    if task.problem_type is ProblemType.REGRESSION:
        return generator.normal(size=rows)
    return generator.integers(0, task.n_classes, rows)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    kinds = draw(st.lists(st.sampled_from([kind for kind in Kind if kind.used]), min_size=1, max_size=5))
    columns = []
    for i, kind in enumerate(kinds):
        size = draw(st.sampled_from([0, 1, 2, 9, 25, 60])) if kind is Kind.CATEGORICAL else 0
        categories = tuple(f"{WORDS[j % 9]} value {j}" for j in range(size))
        worded = size > 0 and draw(st.booleans())
        nominal = kind is Kind.NUMERIC and draw(st.booleans())
        codes = tuple(map(str, range(40))) if nominal else categories
        form = "AA9" if size > 0 and draw(st.booleans()) else ""
        length = 0 if kind.single or kind is Kind.TEXT else draw(st.sampled_from([1, 3]))
        codes = ("# kg", "# g") if kind is Kind.TEMPLATE else codes
        columns.append(Column(f"c{i}", kind, "", codes, worded=worded, nominal=nominal, built=form, length=length))
    return Schema(tuple(columns))


def strange_rows(schema: Schema) -> pd.DataFrame:
    """Return rows in which everything is missing, unseen, or as large as it can be."""
    largest = float(np.finfo(np.float64).max)
    values: dict[Kind, Any] = {
        Kind.NUMERIC: np.array([np.nan, largest, -largest]),
        Kind.BOOLEAN: np.array([np.nan, 1.0, 0.0]),
        Kind.CATEGORICAL: np.array([MISSING, UNSEEN, UNSEEN], np.int32),
        Kind.DATETIME: np.array(["NaT", "0001-01-01", "9999-12-31"], "datetime64[us]"),
        Kind.TEXT: texts(["", "\U0001f525 ß\x00\n", "x" * 20_000]),
    }
    return pd.DataFrame({column.name: values[column.kind] for column, _ in schema.typed})
