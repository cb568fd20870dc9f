"""What is said about rows that know of each other, and that nothing is said about clean tables."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.data.repeated_rows import repeated_rows
from automl.data.schema import apply_schema, infer_schema
from automl.insights.registry import find
from automl.profile.measure import quick_profile
from automl.profile.rows import Rows

DATASETS = Path(__file__).parents[2] / "datasets"
ROWS = 200
OF_VALIDATION = ("time_order", "repeated_identifier")


def said(frame: pd.DataFrame) -> list[str]:
    """Return the options that a fit suggests for the rows of a table."""
    found = find(quick_profile(Rows.of(frame, infer_schema(frame)), folds=None), in_fit=True)
    return [re.findall(r"(?:time|groups)='\w+'", each.message)[0] for each in found if each.insight in OF_VALIDATION]


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"x": np.random.default_rng(0).normal(size=ROWS), **columns})


DAYS = pd.date_range("2024-01-01", periods=ROWS, freq="D").strftime("%d.%m.%Y").to_numpy()
SHUFFLED = np.random.default_rng(1).permutation(ROWS)


@pytest.mark.parametrize(
    ("frame", "suggested"),
    [
        (table(when=DAYS), ["time='when'"]),
        (table(when=DAYS[::-1]), ["time='when'"]),
        (table(when=DAYS[SHUFFLED]), []),
        (table(when=np.repeat(DAYS[:4], 50)), []),
        (table(patient_id=SHUFFLED // 4), ["groups='patient_id'"]),
        (table(customerID=[f"c-{i // 3}" for i in SHUFFLED]), ["groups='customerID'"]),
        (table(patient_id=SHUFFLED), []),
        (table(age=SHUFFLED // 4), []),
        (table(status_id=SHUFFLED % 5), []),
    ],
)
def test_what_is_suggested(frame, suggested) -> None:
    assert said(frame) == suggested


@pytest.mark.parametrize("name", ["breast_cancer", "churn", "diabetes", "wine"])
def test_clean_tables_are_met_with_silence(name: str) -> None:
    assert said(pd.read_csv(DATASETS / f"{name}.csv")) == []


def test_repeated_rows_are_found_in_every_kind_of_column() -> None:
    frame = table(when=DAYS, words=[f"some words about {i} things" for i in SHUFFLED], kind=list("ab") * 100)
    frame.loc[7, "x"] = np.nan
    typed = apply_schema(frame, infer_schema(frame))
    assert repeated_rows(typed) is None
    twice = pd.concat([typed, typed.iloc[[7, 3]]], ignore_index=True)
    codes = repeated_rows(twice)
    assert codes is not None
    assert (codes[7], codes[3]) == (codes[200], codes[201])
    assert len(set(codes)) == ROWS
