import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.codes import built, pattern, piece
from automl.data.rows import RowReader
from automl.data.schema import apply_schema, infer_schema
from automl.data.schema_file import schema_from_json, schema_to_json
from automl.data.table import Column, Kind, Schema

LISTS = {
    "cabins": ([f"{deck}/{i:03d}/{side}" for deck in "ABC" for i in range(20) for side in "PS"], "A9A"),
    "pressures": ([f"{100 + i}/{60 + i % 30}" for i in range(50)], "99"),
    "screens": ([f"{640 + 40 * i}x{480 + 20 * i}" for i in range(20)], "9A9"),
    "rooms": ([f"{i} {kind}" for i in range(1, 9) for kind in ("BHK", "Bedroom")], "9A"),
    "decks": ([*(f"{deck}{i}" for deck in "ABC" for i in range(20)), "C23 C25 C27", "D", "F G73"], "A9"),
    "some longer": ([*(f"{i}:30" for i in range(24)), *(f"{i}:10 13 Jun" for i in range(24))], "999A"),
    "words": ([f"{a} {b}" for a in "abcdef" for b in "ghi"], ""),
    "numbers": ([str(i) for i in range(40)], ""),
    "mixed": ([*(f"{i}cm" for i in range(20)), *(f"{i}'{i}" for i in range(20)), *(f"x{i}" for i in range(20))], ""),
    "few": ([f"{i}/S" for i in range(9)], ""),
}


@pytest.mark.parametrize(("values", "form"), LISTS.values(), ids=LISTS.keys())
def test_how_codes_are_built(values: list[str], form: str) -> None:
    found = built(values)
    assert found == form if form != "999A" else found.startswith("99")


@given(st.text("aZé7_ 0/-.", max_size=12), st.text("A9", min_size=1, max_size=4))
def test_a_pattern_finds_the_piece(value: str, form: str) -> None:
    found = re.search(pattern(form), value)
    expected = piece(value, form)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert (found[1].lstrip("0") or "0" if form[-1] == "9" else found[1]) == expected


def cabins() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    cells = [f"{draw.choice(list('ABC'))}/{draw.integers(0, 60):03d}/{draw.choice(['P', 'S'])}" for _ in range(300)]
    return pd.DataFrame({"cabin": cells})


def test_pieces_are_columns() -> None:
    frame = cabins()
    schema = infer_schema(frame)
    assert schema["cabin"].kind is Kind.CATEGORICAL
    typed = apply_schema(frame, schema)
    assert list(typed) == ["cabin", "cabin part 1", "cabin part 2", "cabin part 3"]
    deck, number, side = (column for column, _ in schema.typed[1:])
    parts = frame["cabin"].str.split("/", expand=True)
    assert [deck.categories[code] for code in typed["cabin part 1"]] == parts[0].tolist()
    assert typed["cabin part 2"].tolist() == parts[1].astype(float).tolist()
    assert [side.categories[code] for code in typed["cabin part 3"]] == parts[2].tolist()
    assert number.kind is Kind.NUMERIC
    assert schema_from_json(schema_to_json(schema)) == schema


def test_what_never_differs_is_no_column() -> None:
    frame = pd.DataFrame({"city": [f"city_{i % 40}" for i in range(200)]})
    assert list(apply_schema(frame, infer_schema(frame))) == ["city", "city part 2"]
    assert list(apply_schema(frame, infer_schema(frame, overrides={"city": "categorical"}))) == ["city"]


def test_pieces_make_way_for_columns_of_their_names() -> None:
    frame = cabins().assign(**{"cabin part 2": range(300)})
    schema = infer_schema(frame, overrides={"cabin part 2": "numeric"})
    assert list(apply_schema(frame, schema)) == ["cabin", "cabin part 2"]


CELLS = st.sampled_from(
    ["A/001/P", " B/7/S ", "D/8/T", "A", "A/x/P", "7/A", "", None, "?", "none of it", 12, 1.5, "A/²/P"]
)


@given(st.lists(CELLS, min_size=1, max_size=8))
def test_a_row_is_typed_as_a_table_is(cells: list[object]) -> None:
    column = Column("c", Kind.CATEGORICAL, "", ("A/1/P", "B/2/S", "A/3/P"), missing=("none of it",), built="A9A")
    rows, schema = [{"c": cell} for cell in cells], Schema((column,))
    typed = RowReader.of(schema)(rows)
    expected = apply_schema(pd.DataFrame({"c": pd.Series(cells, dtype=object)}), schema)
    assert typed is not None
    assert list(typed) == ["c", "c part 1", "c part 2", "c part 3"]
    for name, values in typed.items():
        np.testing.assert_array_equal(values, expected[name].to_numpy())
