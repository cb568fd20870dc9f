"""Numbers in a few fixed texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import AutoML, explain, load
from automl.data.rows import RowReader
from automl.data.schema import apply_schema, infer_schema, with_decimal
from automl.data.table import MISSING, UNSEEN, Kind, ProblemType, Schema, Task
from automl.data.templates import take_apart
from automl.errors import DataError
from automl.profile.measure import profile_table
from automl.profile.rows import Rows

MANY = range(1, 201)
TEXTS: dict[str, tuple[list[str], list[str], list[float]]] = {
    "units": ([f"{i / 7:.2f} {'kg' if i % 3 else 'g'}" for i in MANY], ["# kg", "# g"], [0.14]),
    "units without a blank": ([f"{i}{'GB' if i % 3 else 'MB'}" for i in MANY], ["#GB", "#MB"], [1]),
    "sizes": ([f"{i} x {i / 2} x {i + 1} cm" for i in MANY], ["# x # x # cm"], [1, 0.5, 2]),
    "amounts": ([f"₹{i},500" if i % 3 else f"₹{i / 10} Lakh" for i in MANY], ["₹#", "₹# Lakh"], [1500]),
    "a point": ([f"POINT (-{i}.5 {i + 3}.25)" for i in MANY], ["POINT (# #)"], [-1.5, 4.25]),
    "some words": (
        [f"{i} min" if i % 9 else f"{i} Seasons" if i % 2 else "not yet" for i in MANY],
        ["# min", "# Seasons", "not yet"],
        [1],
    ),
    "several": (
        [f"{i}Nm@ {2 * i}rpm" if i % 3 else f"{i / 10}kgm at {i}-{3 * i}rpm" for i in MANY],
        ["#Nm@ #rpm", "#kgm at #-#rpm"],
        [1, 2, np.nan],
    ),
}


@pytest.mark.parametrize(("cells", "texts", "first"), TEXTS.values(), ids=TEXTS)
def test_numbers_and_the_text_around_them_are_columns(cells: list[str], texts: list[str], first: list[float]) -> None:
    schema = infer_schema(pd.DataFrame({"c": cells}))
    column = schema["c"]
    assert (column.kind, list(column.categories), column.length) == (Kind.TEMPLATE, texts, len(first))
    typed = apply_schema(pd.DataFrame({"c": cells}), schema)
    numbers = [f"c[{place}]" for place in range(1, len(first) + 1)]
    assert typed.columns.tolist() == numbers + ["c template"] * (len(texts) > 1)
    np.testing.assert_array_equal(typed.loc[0, numbers].to_numpy(np.float64), first)
    if len(texts) > 1:
        assert [texts[code] for code in typed["c template"][:9]] == [take_apart(cell).text for cell in cells[:9]]


@pytest.mark.parametrize(
    "cells",
    [
        [f"Invoice {i}" for i in MANY],
        [f"+41 79 {i:03d} {i % 90 + 10} 67" for i in MANY],
        [f"10.0.{i}.{i % 7}" for i in MANY],
        [f"{i}{'ABC'[i % 3]}" for i in MANY],
        [f"{i} {'ABCDEFGHIJKLMNOP'[i % 16]}ford St" for i in MANY],
        [f"I saw {i} {['birds', 'cats', 'men'][i % 3]} at {'abcdefghijklmnop'[i % 16]} {'!' * (i % 4)}" for i in MANY],
        [f"{i % 5}.5 kg" if i % 2 else f"{i % 5} lb" for i in MANY],
        ["drama|war", "love|war", "drama|love|sport 3"] * 30,
    ],
    ids=["names", "telephones", "addresses", "houses", "streets", "sentences", "few", "lists"],
)
def test_what_is_no_template(cells: list[str]) -> None:
    assert infer_schema(pd.DataFrame({"c": cells}))["c"].kind is not Kind.TEMPLATE


def test_later_cells_are_never_wrong() -> None:
    schema = infer_schema(pd.DataFrame({"c": TEXTS["several"][0]}))
    later = pd.DataFrame({"c": ["7 horses", "5Nm@ 1,200rpm or 3", "?", None, "no number", 4]})
    typed = apply_schema(later, schema)
    assert typed["c template"].tolist() == [UNSEEN, UNSEEN, MISSING, MISSING, UNSEEN, UNSEEN]
    wanted = [[7, np.nan, np.nan], [5, 1200, 3], [np.nan] * 3, [np.nan] * 3, [np.nan] * 3, [4, np.nan, np.nan]]
    np.testing.assert_array_equal(typed.iloc[:, :3], np.array(wanted))
    few = RowReader.of(schema)([{"c": cell} for cell in later["c"]])
    pd.testing.assert_frame_equal(pd.DataFrame(few), typed)


@given(st.lists(st.text("0123456789.,-+ #kgx", max_size=9) | st.integers() | st.none(), min_size=1, max_size=5))
def test_rows_are_the_same_one_by_one(cells: list[object]) -> None:
    schema = infer_schema(pd.DataFrame({"c": TEXTS["several"][0]}))
    few = RowReader.of(schema)([{"c": cell} for cell in cells])
    pd.testing.assert_frame_equal(
        pd.DataFrame(few), apply_schema(pd.DataFrame({"c": pd.Series(cells, dtype=object)}), schema)
    )


def test_decimal_commas() -> None:
    frame = pd.DataFrame({"c": [f"1.{i:03d},5 {'kg' if i % 3 else 'g'}" for i in MANY]})
    schema = infer_schema(frame, decimal=",")
    assert apply_schema(frame, schema)["c[1]"][0] == 1001.5
    later = pd.DataFrame({"c": ["1,001.5 kg"]})
    assert apply_schema(later, with_decimal(schema, ".", ","))["c[1]"].tolist() == [1001.5]


def test_a_kind_by_hand() -> None:
    frame = pd.DataFrame({"c": [f"Invoice {i}" for i in MANY], "d": ["a", "b"] * 100})
    assert infer_schema(frame, overrides={"c": "template"})["c"].categories == ("Invoice #",)
    with pytest.raises(DataError, match="'d' cannot be template"):
        infer_schema(frame, overrides={"d": "template"})


def test_reports_and_explanations_know_them_by_their_column(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kilos = rng.gamma(2, 2, 400)
    cells = [
        f"{k:.3f} kg" if heavy else f"{k * 1000:,.0f} g" for k, heavy in zip(kilos, rng.random(400) < 0.5, strict=True)
    ]
    frame = pd.DataFrame({"weight": cells, "noise": rng.normal(size=400)})
    schema, task = infer_schema(frame), Task("price", ProblemType.REGRESSION, "")
    profile = profile_table(Rows.of(frame, schema, task, kilos), test=(frame.head(100), schema))
    told = {column.name: column for column in profile.columns}
    assert (told["weight"].power or 0) > 0.5 > (told["noise"].power or 0)
    assert profile.shift is not None
    assert {shift.name for shift in profile.shift.columns} == {"weight", "noise"}
    model = AutoML(max_trials=2, folds=2, n_jobs=1, output=tmp_path / "run").fit(
        frame.assign(price=kilos), target="price"
    )
    stored = load(model.run_)
    assert isinstance(stored.schema, Schema)
    assert np.corrcoef(stored.predict(frame), kilos)[0, 1] > 0.9
    np.testing.assert_array_equal(stored.predict(frame.iloc[[7]]), stored.predict(frame)[7:8])
    explained = explain(stored, frame.head(3))
    assert list(explained.names) == ["weight", "noise"]
