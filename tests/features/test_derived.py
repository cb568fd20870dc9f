from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import rankdata

from automl.data.rows import RowReader
from automl.data.schema import apply_schema, infer_schema
from automl.data.schema_file import read_schema, schema_from_json, schema_text, schema_to_json
from automl.data.table import MISSING, Column, Kind, ProblemType, Schema, Task
from automl.deadline import Deadline
from automl.evaluation.validation import make_folds
from automl.features.derived import with_derived_columns
from automl.features.nominal import JUMPS, jumps

VALUES = Task("y", ProblemType.REGRESSION, "")
BINARY = Task("y", ProblemType.BINARY, "", ("no", "yes"))
CLASSES = Task("y", ProblemType.MULTICLASS, "", ("a", "b", "c"))
SHOPS = 300
ROWS = 4_000


def shops(seed: int = 0) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Shops whose codes say nothing but which shop it is, and something that grows with their size."""
    draw = np.random.default_rng(seed)
    shop, size = draw.integers(0, SHOPS, ROWS), draw.integers(0, SHOPS, ROWS)
    y = draw.normal(size=SHOPS)[shop] + size / SHOPS + 0.5 * draw.normal(size=ROWS)
    return pd.DataFrame({"shop": 1000 + 7 * shop, "size": size}), y


def found(frame: pd.DataFrame, y: NDArray[np.generic], task: Task, schema: Schema | None = None, **settled: Any):
    """The schema and the typed frame."""
    schema = infer_schema(frame) if schema is None else schema
    folds = make_folds(y, task.problem_type, folds=5, random_state=0)
    return with_derived_columns(
        apply_schema(frame, schema), schema, y, task, split=folds.split, folds=folds.run, random_state=0, **settled
    )


def targets(y: NDArray[np.float64]) -> list[tuple[NDArray[np.generic], Task]]:
    thirds = np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
    return [(y, VALUES), (np.exp(3 * y), VALUES), ((thirds == 2).astype(np.int64), BINARY), (thirds, CLASSES)]


@pytest.mark.parametrize("seed", range(3))
def test_codes_are_told_from_quantities(seed: int) -> None:
    frame, y = shops(seed)
    for target, task in targets(y):
        schema, typed = found(frame, target, task)
        assert [column.nominal for column in schema.columns] == [True, False]
        assert sorted(map(int, schema["shop"].categories)) == sorted(set(frame["shop"]))
        assert typed.equals(apply_schema(frame, schema))


@pytest.mark.parametrize("seed", range(10))
def test_numbers_that_say_nothing_stay_numbers(seed: int) -> None:
    draw = np.random.default_rng(seed)
    for different in (12, 100, 1_000):
        numbers = draw.integers(0, different, ROWS)
        heavy = draw.standard_t(2, ROWS) + numbers / different
        assert next(jumps(numbers.astype(np.float64), [rankdata(heavy)])) < JUMPS
        frame = pd.DataFrame({"numbers": numbers, "other": draw.normal(size=ROWS)})
        rare = (draw.random(ROWS) < 0.02).astype(np.int64)  # a single one among few rows is a jump
        assert not found(frame, rare, BINARY)[0]["numbers"].nominal


def test_what_is_not_known_in_time_is_not_read() -> None:
    frame, y = shops()
    schema, typed = found(frame, y, VALUES, deadline=Deadline.after(-1.0))
    assert schema == infer_schema(frame)
    assert list(typed) == ["shop", "size"]


def test_jumps_that_another_column_tells_of_need_no_categories() -> None:
    frame, _ = shops()
    effect = np.random.default_rng(1).normal(size=4_000)
    told = effect[frame["shop"]]
    y = told + np.random.default_rng(2).normal(size=ROWS)
    assert found(frame, y, VALUES)[0]["shop"].nominal
    assert not found(frame.assign(told=told), y, VALUES)[0]["shop"].nominal


def test_what_its_owner_says_stays() -> None:
    frame, y = shops()
    schema = infer_schema(frame, overrides={"shop": "numeric"})
    same, typed = found(frame, y, VALUES, schema, settled={"shop"})
    assert same == schema
    assert list(typed) == ["shop", "size"]
    assert not found(frame.assign(**{"shop as category": y}), y, VALUES)[0]["shop"].nominal


def test_missing_numbers_and_fractions() -> None:
    frame, y = shops()
    frame.loc[::7, "shop"] = -99_999
    schema, typed = found(frame, y, VALUES)
    assert schema["shop"].nominal
    assert "-99999" not in schema["shop"].categories
    assert (typed["shop as category"][::7] == MISSING).all()
    assert not found(frame.assign(shop=frame["shop"] + 0.5), y, VALUES)[0]["shop"].nominal


def test_pieces_of_codes_are_kept_where_they_tell_new_rows_more() -> None:
    draw = np.random.default_rng(0)
    deck, number, side = draw.integers(0, 6, ROWS), draw.integers(0, 900, ROWS), draw.integers(0, 2, ROWS)
    cabin = [f"{'ABCDEF'[d]}/{n}/{'PS'[s]}" for d, n, s in zip(deck, number, side, strict=True)]
    frame, noise = pd.DataFrame({"cabin": cabin, "size": draw.normal(size=ROWS)}), draw.normal(size=ROWS)
    schema, typed = found(frame, deck % 2 + side + number / 900 + 0.5 * noise, VALUES)
    assert schema["cabin"].built == "A9A"
    assert "cabin part 3" in typed
    assert typed.equals(apply_schema(frame, schema))
    schema, typed = found(frame, noise, VALUES)
    assert schema["cabin"].built == ""
    assert list(typed) == ["cabin", "size"]
    assert found(frame, noise, VALUES, settled={"cabin"})[0]["cabin"].built == "A9A"


SCHEMA = Schema((Column("c", Kind.NUMERIC, "", nominal=True, categories=("30", "7", "-2"), missing=("999",)),))
CELLS = st.sampled_from([30, 7, -2, 7.0, 7.5, "7", " 30 ", "7.0", "", None, "999", 999, "inf", "1e400", 2**70, "8"])


@given(st.lists(CELLS, min_size=1, max_size=8))
def test_a_row_is_typed_as_a_table_is(cells: list[object]) -> None:
    rows = [{"c": cell} for cell in cells]
    typed = RowReader.of(SCHEMA)(rows)
    expected = apply_schema(pd.DataFrame({"c": pd.Series(cells, dtype=object)}), SCHEMA)
    assert typed is not None
    assert list(typed) == ["c", "c as category"]
    for name, values in typed.items():
        np.testing.assert_array_equal(values, expected[name].to_numpy())


def test_it_is_kept_in_files() -> None:
    assert schema_from_json(schema_to_json(SCHEMA)) == SCHEMA
    frame, _ = shops()
    text = schema_text(SCHEMA)
    assert "30" not in text
    edited = infer_schema(frame, edited=read_schema([{"name": "shop", "kind": "numeric", "nominal": True}]))
    categories = edited["shop"].categories
    assert edited["shop"].derived == (Column("shop as category", Kind.CATEGORICAL, "set by hand", categories),)
    assert len(edited["shop"].categories) == SHOPS
