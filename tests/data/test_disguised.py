"""Missing values in disguise: treated as such only where nothing else explains them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.data.disguised import disguised_numbers
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Column, Kind, Schema
from automl.errors import SchemaError

RNG = np.random.default_rng(0)
AGES = RNG.integers(18, 90, 300).astype(float)
AMOUNTS = RNG.exponential(1000, 300).round(2)
DISGUISED = {
    "999 as an age": ([*AGES, 999, 999], (999.0,)),
    "-999 and 9999": ([*AGES, *[-999] * 3, *[9999] * 3], (-999.0, 9999.0)),
    "0 as a year": ([*RNG.integers(1900, 2020, 300), 0, 0, 0], (0.0,)),
    "-1 as days since": ([*RNG.integers(0, 800, 300), *[-1] * 50], (-1.0,)),
}
HONEST = {
    "once": [*AGES, 999],
    "ages": AGES,
    "amounts with zeros": [*AMOUNTS, *[0] * 200],
    "counts": RNG.integers(0, 60, 300),
    "a rating of -1": RNG.integers(-1, 30, 300),
    "a balance": RNG.normal(0, 100, 300).round(),
    "the largest value, cut off": [*(AMOUNTS * 40).clip(0, 40_000), *[99_999] * 20],
    "few others": [1, 2, 3, 1, 2, 999, 999],
    "nothing": [],
    "only -1": [-1.0] * 40,
}


@pytest.mark.parametrize(("numbers", "found"), DISGUISED.values(), ids=DISGUISED.keys())
def test_numbers_that_stand_for_missing(numbers: list[float], found: tuple[float, ...]) -> None:
    assert disguised_numbers(np.array([*numbers, np.nan])) == found


@pytest.mark.parametrize("numbers", HONEST.values(), ids=HONEST.keys())
def test_numbers_that_mean_what_they_say(numbers: list[float]) -> None:
    assert disguised_numbers(np.array([*numbers, np.nan], dtype=float)) == ()


@pytest.mark.parametrize("text", [True, False], ids=["text", "numbers"])
@pytest.mark.parametrize("fractions", [0.0, 0.25], ids=["whole", "fractions"])
def test_they_are_missing_in_later_tables_too(text: bool, fractions: float) -> None:
    ages = pd.Series([*(AGES + fractions), 999, 999])
    frame = pd.DataFrame({"age": ages.map(lambda age: f"{age:g}").astype("str") if text else ages})
    schema = infer_schema(frame)
    assert schema["age"].missing == ("999",)
    assert "999 in 2 cells, apart from all others, count as missing" in schema["age"].reason
    assert apply_schema(frame, schema)["age"].isna().sum() == 2
    later = pd.DataFrame({"age": ["999", "999.0", "41"]})
    assert apply_schema(later, schema)["age"].isna().tolist() == [True, True, False]
    assert apply_schema(pd.DataFrame({"age": [999]}), schema)["age"].isna().all()


def infer(values: object) -> tuple[Column, Schema, pd.DataFrame]:
    frame = pd.DataFrame({"c": pd.Series(values)})
    schema = infer_schema(frame)
    return schema["c"], schema, frame


def test_words_among_numbers_and_dates_are_missing_however_many_they_are() -> None:
    column, schema, frame = infer([*map(str, range(60)), *["unknown"] * 40, *["n.a."] * 9])
    assert column.kind is Kind.NUMERIC
    assert column.missing == ("n.a.", "unknown")
    assert column.score == pytest.approx(60 / 109, abs=1e-3)
    assert apply_schema(frame, schema)["c"].isna().sum() == 49
    with pytest.raises(SchemaError, match="got 'soon'"):
        apply_schema(pd.DataFrame({"c": ["soon"]}), schema)
    assert infer([*[f"2024-01-{day}" for day in range(10, 30)], *["not available"] * 9])[0].kind is Kind.DATETIME
    assert infer([*map(str, range(60)), *["small"] * 40])[0].kind is Kind.CATEGORICAL


@pytest.mark.parametrize(
    ("written", "zero"),
    [("2024-01-{}", "0000-00-00"), ("2024-01-{} 10:30:00", "0000-00-00 00:00:00"), ("{}.01.2024", "00.00.0000")],
)
def test_the_date_of_zeros_is_missing(written: str, zero: str) -> None:
    """As MySQL writes a date that is not there."""
    column, schema, frame = infer([*[written.format(day) for day in range(10, 30)], *[zero] * 9])
    assert column.kind is Kind.DATETIME
    assert apply_schema(frame, schema)["c"].isna().sum() == 9


@pytest.mark.parametrize("values", [[0.5, 1.5], ["1", "2"], ["2024-01-31", "2024-02-01"], ["yes", "no"]])
def test_words_that_training_has_not_seen_are_missing_too(values: list[object]) -> None:
    schema = infer(values)[1]
    later = pd.DataFrame({"c": ["unknown", "n.a.", "#DIV/0!", str(values[0])]})
    assert apply_schema(later, schema)["c"].isna().tolist() == [True, True, True, False]


MEASURES = [str(i / 8) for i in range(1, 1990)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([*MEASURES, *(f"err {letter}" for letter in "abcdefghijk")], Kind.NUMERIC),
        ([*MEASURES, *(f"err {letter}{mark}" for letter in "abcdefghijk" for mark in "+-*")], Kind.NUMERIC),
        ([*map(str, range(1990)), *(f"C{i}" for i in range(11))], Kind.IDENTIFIER),
        ([*(["7", "8", "9"] * 400), *"abcdefghijk"], Kind.CATEGORICAL),
        ([*MEASURES, *(f"<{i / 100}" for i in range(60))], Kind.NUMERIC),
        ([*MEASURES, *(f"<{i / 100}" for i in range(1000))], Kind.NUMERIC),
        ([*(["0.5", "1.25", "2"] * 400), *["<0.2"] * 400], Kind.NUMERIC),
        ([*(["0.5", "1.25", "2"] * 400), *["<0.2"] * 1300], Kind.CATEGORICAL),
    ],
    ids=["errors", "many errors", "codes with a letter", "codes", "limits", "many limits", "one", "more than numbers"],
)
def test_how_many_other_words_numbers_may_have(values: list[str], kind: Kind) -> None:
    assert infer(values)[0].kind is kind


def test_a_limit_that_training_has_not_seen_is_missing_too() -> None:
    schema = infer(MEASURES)[1]
    later = pd.DataFrame({"c": ["<0.05", "> 100 mg/l", "0.5"]})
    assert apply_schema(later, schema)["c"].isna().tolist() == [True, True, False]
    with pytest.raises(SchemaError, match="got '<b>'"):
        apply_schema(pd.DataFrame({"c": ["<b>"]}), schema)


def test_words_among_words_are_a_category_and_said() -> None:
    column, _, _ = infer(["a", "b", "unknown", "a"])
    assert column.categories == ("a", "b", "unknown")
    assert "'unknown' stays a value of its own" in column.reason
