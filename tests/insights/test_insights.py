"""Every insight fires on a small table made for it, and none on a table with nothing wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from automl import inspect_table
from automl.data.schema import infer_schema
from automl.data.task import encode_target, infer_task
from automl.insights.base import Finding, Severity
from automl.insights.registry import INSIGHTS, find
from automl.profile.measure import quick_profile
from automl.profile.rows import Rows

ROWS = 400
WORDS = ["red", "green", "blue", "black", "white", "grey", "brown", "pink"]


@dataclass(frozen=True)
class Made:
    """A table, and its test table if it needs one."""

    frame: pd.DataFrame
    target: str = "y"
    test: pd.DataFrame | None = None


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clean(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Columns of all plain kinds that tell something of a balanced target, each a little."""
    draw = rng(seed)
    y = draw.integers(0, 2, rows)
    shade = np.where(draw.random(rows) < 0.5, y, draw.integers(0, 2, rows))
    return pd.DataFrame(
        {
            "width": np.round(draw.normal(y, 1.2), 3),
            "height": np.round(draw.normal(-y, 1.3), 3),
            "colour": np.where(shade == 1, draw.choice(["red", "blue"], rows), draw.choice(["green", "black"], rows)),
            "grade": draw.integers(1, 6, rows) + y,
            "y": np.where(y == 1, "yes", "no"),
        }
    )


def amounts(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """The same with a target of numbers."""
    frame = clean(seed, rows)
    signal = frame["width"] - frame["height"] + frame["grade"] + (frame["colour"] == "red")
    return frame.assign(y=np.round(100 + 10 * signal + rng(seed + 1).normal(0, 20, rows), 2))


def classes(counts: dict[str, int]) -> Made:
    y = np.repeat(list(counts), list(counts.values()))
    place = rng().permutation(len(y))
    return Made(clean(rows=len(y)).assign(y=y[place]))


def with_rare(common: str, *rare: str) -> pd.Series:
    words = rng(3).choice([*WORDS, common], ROWS)
    words[: len(rare)] = rare
    return pd.Series(words)


def dates(rows: int = ROWS) -> pd.Series:
    return pd.Series(pd.date_range("2021-01-01", periods=rows, freq="7h").strftime("%Y-%m-%d %H:%M"))


def replaced(frame: pd.DataFrame, column: str, value: object, every: int, start: int = 0) -> pd.DataFrame:
    cells = frame[column].astype(object)
    cells[start::every] = value
    return frame.assign(**{column: cells})


def percent(values: pd.Series, every: int) -> pd.Series:
    """Numbers in percent, but for some that lack the sign."""
    return pd.Series([f"{x:.3f}" if i % every == 0 else f"{100 * x:.1f}%" for i, x in enumerate(values)])


def leaked() -> Made:
    frame = amounts()
    return Made(frame.assign(paid=frame["y"] * 1.2 + rng(9).normal(0, 3, ROWS)))


def stretched() -> Made:
    """Two far values make a straight line of what follows the others loosely."""
    frame = amounts()
    frame.loc[[10, 20], "y"] = [900.0, 700.0]
    return Made(frame.assign(follows=frame["y"] + rng(5).normal(0, 14, ROWS)))


def totals() -> Made:
    """The last row holds the sums of the others."""
    frame = amounts().select_dtypes("number")
    return Made(pd.concat([frame, frame.sum().to_frame().T], ignore_index=True))


def chance_rows() -> Made:
    draw = rng(3)
    frame = pd.DataFrame({f"x{i}": np.round(draw.normal(size=2000), 3) for i in range(3)})
    return Made(frame.assign(y=draw.choice(["no", "yes"], 2000)))


def sorted_rows() -> Made:
    """All but the first rows in the order of the target."""
    frame = pd.concat([clean().head(20), clean().tail(-20).sort_values("y")], ignore_index=True)
    return Made(frame.assign(id=np.arange(1000, 1000 + ROWS)))


def repeated() -> Made:
    frame = clean()
    return Made(pd.concat([frame, frame.iloc[:40]], ignore_index=True))


def relabelled() -> Made:
    frame = clean()
    again = frame.iloc[:20].assign(y=lambda rows: np.where(rows["y"] == "yes", "no", "yes"))
    return Made(pd.concat([frame, again], ignore_index=True))


def against(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Made:
    return Made(clean(), test=change(clean(seed=7).drop(columns="y")))


MADE: dict[str, Callable[[], Made]] = {
    "leakage": leaked,
    "target_correlation": stretched,
    "duplicates_across_folds": repeated,
    "tiny_class": lambda: classes({"no": 380, "yes": 12}),
    "misspelt_classes": lambda: Made(replaced(clean(), "y", "Yes", 9)),
    "disguised_target": lambda: Made(replaced(amounts(), "y", -999, 40)),
    "words_in_target": lambda: Made(replaced(amounts(), "y", "n/k", 50)),
    "weak_signal": chance_rows,
    "heavy_tailed_target": lambda: Made(replaced(amounts(), "y", 9000, 130)),
    "frequent_target_value": lambda: Made(replaced(amounts(), "y", 0, 4)),
    "unbalanced_classes": lambda: classes({"a": 3000, "b": 2000, "c": 25}),
    "many_classes": lambda: classes({f"kind {i}": 12 for i in range(120)}),
    "missing_target": lambda: Made(replaced(clean(), "y", "", 40)),
    "absent_in_test": lambda: against(lambda test: test.drop(columns="width")),
    "unreadable_in_test": lambda: against(lambda test: test.assign(width="wide")),
    "told_apart": lambda: against(lambda test: test.assign(width=test["width"] * 3 + 4)),
    "shifted_columns": lambda: against(lambda test: test.assign(width=test["width"] + 1)),
    "unseen_categories": lambda: against(lambda test: replaced(test, "colour", "violet", 8)),
    "test_rows_in_training": lambda: Made(clean(), test=clean().drop(columns="y").head(80)),
    "time_order": lambda: Made(clean().assign(day=dates())),
    "ambiguous_dates": lambda: Made(clean().assign(day=[f"{i % 12 + 1:02}/{i % 7 + 1:02}/2024" for i in range(ROWS)])),
    "repeated_identifier": lambda: Made(clean().assign(patient_id=rng().integers(1000, 1100, ROWS))),
    "telling_identifier": sorted_rows,
    "duplicate_rows": repeated,
    "conflicting_labels": relabelled,
    "disguised_missing": lambda: Made(replaced(clean(), "width", 999, 90)),
    "misspelt_categories": lambda: Made(clean().assign(town=with_rare("Springfield", "Sprngfield", "SPRINGFIELD"))),
    "mixed_units": lambda: Made(clean().assign(rate=percent(clean()["width"], 3))),
    "high_cardinality": lambda: Made(clean().assign(code=[f"k{i % 150}" for i in range(ROWS)])),
    "stray_words": lambda: Made(replaced(clean(), "width", "broken", 100)),
    "mostly_missing": lambda: Made(clean().assign(width=lambda f: f["width"].where(f.index % 3 == 0))),
    "cells_as_names": lambda: Made(clean().set_axis(["0.25", "-1.5", "red", "4", "y"], axis=1)),
    "rare_categories": lambda: Made(clean().assign(colour=with_rare("orange", "lilac").replace(WORDS[:4], "orange"))),
    "duplicate_columns": lambda: Made(clean().assign(wide=lambda f: f["width"])),
    "redundant_columns": lambda: Made(clean().assign(inches=lambda f: np.round(f["width"] / 2.54, 3))),
    "uninformative": lambda: Made(clean().assign(noise=np.round(rng(4).normal(size=ROWS), 3))),
    "constant": lambda: Made(clean().assign(country="Freedonia")),
    "identifier": lambda: Made(clean().assign(code=[f"A-{7919 * i % 100_003}" for i in range(ROWS)])),
}
"""A table for each insight, by its name: a new insight needs one."""


def findings(made: Made, folder: Path) -> list[Finding]:
    """What a report says of a table in a file, and what a fit does."""
    return [*reported(made, folder), *said_by_a_fit(made)]


def reported(made: Made, folder: Path) -> tuple[Finding, ...]:
    made.frame.to_csv(folder / "train.csv", index=False)
    if made.test is not None:
        made.test.to_csv(folder / "test.csv", index=False)
    test = None if made.test is None else folder / "test.csv"
    return inspect_table(folder / "train.csv", target=made.target, test=test).findings


def said_by_a_fit(made: Made) -> tuple[Finding, ...]:
    features = made.frame.drop(columns=made.target).astype(str)
    task = infer_task(made.frame[made.target].astype(str), made.target)
    y, known = encode_target(made.frame[made.target].astype(str), task)
    rows = Rows.of(features[known], infer_schema(features[known]), task, y[known])
    return find(quick_profile(rows, folds=np.arange(len(rows)) % 3), in_fit=True)


@pytest.mark.parametrize("name", [insight.name for insight in INSIGHTS])
def test_it_fires_on_the_table_made_for_it(name: str, tmp_path: Path) -> None:
    made = MADE[name]()
    said = said_by_a_fit(made) if name == "duplicates_across_folds" else reported(made, tmp_path)
    found = [finding for finding in said if finding.insight == name]
    assert found
    for finding in found:
        assert finding.evidence
        assert finding.fix
        assert "\n" not in finding.message
        assert not finding.evidence.endswith(".")


def test_every_name_is_used_once() -> None:
    names = [insight.name for insight in INSIGHTS]
    assert len(names) == len(set(names)) == len(MADE)


@pytest.mark.parametrize("make", [clean, amounts])
def test_nothing_is_said_where_nothing_is_wrong(make: Callable[[], pd.DataFrame], tmp_path: Path) -> None:
    assert findings(Made(make(), test=make(seed=8).drop(columns="y")), tmp_path) == []  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("load", "true"),
    [
        (datasets.load_iris, {"duplicate_rows"}),
        (datasets.load_wine, set()),
        (datasets.load_diabetes, set()),
        (datasets.load_breast_cancer, {"redundant_columns"}),
    ],
    ids=["iris", "wine", "diabetes", "breast_cancer"],
)
def test_clean_sets_have_only_true_findings(load: Callable[..., object], true: set[str]) -> None:
    frame = load(as_frame=True).frame  # type: ignore[attr-defined]
    found = inspect_table(frame, target="target").findings
    assert {finding.insight for finding in found} - {"uninformative"} == true


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.02])
def test_a_planted_leak_is_the_gravest_finding(noise: float, tmp_path: Path) -> None:
    frame = clean()
    flipped = rng(1).random(ROWS) < noise
    leak = np.where(flipped, np.where(frame["y"] == "yes", "no", "yes"), frame["y"])
    for name, values in {"words": leak, "numbers": (leak == "yes") * 7.5 + 2}.items():
        found = findings(Made(frame.assign(outcome=values)), tmp_path)
        assert (found[0].insight, found[0].severity, found[0].columns) == ("leakage", Severity.HIGH, ("outcome",)), name
        assert "types={'outcome': 'identifier'}" in found[0].message


def test_many_leaks_are_one_message(tmp_path: Path) -> None:
    frame = clean()
    leaks = {f"after {i}": np.where(frame["y"] == "yes", i, -i) for i in range(1, 8)}
    found = [each for each in findings(Made(frame.assign(**leaks)), tmp_path) if each.insight == "leakage"]
    assert len(found) == 2, "one of the report, one of the fit"
    assert set(found[0].columns) == set(leaks)


def test_an_almost_complete_leak_stands_out(tmp_path: Path) -> None:
    frame = clean()
    mostly = np.where(rng(1).random(ROWS) < 0.07, "unclear", frame["y"])
    found = [each for each in findings(Made(frame.assign(outcome=mostly)), tmp_path) if each.insight == "leakage"]
    assert found
    assert found[0].columns == ("outcome",)


def test_limits_of_detection_count_as_their_number_and_are_said(tmp_path: Path) -> None:
    made = Made(replaced(clean(), "width", "<0.2", 8))
    (found,) = [each for each in reported(made, tmp_path) if each.insight == "stray_words"]
    assert (found.columns, found.severity) == (("width",), Severity.LOW)
    assert "limits, '<0.2'" in found.evidence
    assert "count as their number; write half of it" in found.fix


def test_misspelt_classes_are_said_before_a_fit_but_grades_are_not() -> None:
    words = rng(2).choice(["yes", "no", "YES", "unclear"], ROWS)
    words[:3] = ["unclaer", "Yes ", "Unclear"]
    said = [each for each in said_by_a_fit(Made(clean().assign(y=words))) if each.insight == "misspelt_classes"]
    assert [each.severity for each in said] == [Severity.HIGH]
    assert "'yes' beside 'YES'" in said[0].evidence
    grades = Made(clean().assign(y=rng(2).choice(["A", "A-", "B+", "B", "B-"], ROWS)))
    assert "misspelt_classes" not in {each.insight for each in said_by_a_fit(grades)}


def test_a_target_in_percent_of_which_some_lack_the_sign_is_said(tmp_path: Path) -> None:
    made = Made(amounts().assign(y=percent(amounts()["y"], 4)))
    (found,) = [each for each in reported(made, tmp_path) if each.insight == "mixed_units"]
    assert found.evidence == "only 75.0 % of the cells of 'y' have the sign %, and all are read alike"
    assert found.columns == ("y",)


def test_zeros_without_a_sign_and_dollars_without_theirs_mean_the_same(tmp_path: Path) -> None:
    rates = percent(clean()["width"], ROWS + 1)
    rates[::5] = "0"
    dollars = [f"${i}.5" if i % 3 else f"{i}.5" for i in range(ROWS)]
    made = Made(clean().assign(rate=rates, price=dollars))
    assert "mixed_units" not in {each.insight for each in reported(made, tmp_path)}
    several = Made(clean().assign(price=[f"{'€$'[i % 2]}{i}.5" for i in range(ROWS)]))
    assert [each.columns for each in said_by_a_fit(several) if each.insight == "mixed_units"] == [("price",)]


def test_a_row_of_sums_is_no_correlation(tmp_path: Path) -> None:
    assert "target_correlation" not in {each.insight for each in findings(totals(), tmp_path)}


def few_values(rows: int) -> pd.DataFrame:
    random = rng(5)
    columns = {name: random.choice(WORDS[:values], rows) for name, values in (("a", 3), ("b", 2), ("c", 4))}
    return pd.DataFrame(columns).assign(y=random.choice(["no", "yes"], rows))


def test_rows_that_can_hardly_differ_are_no_copies(tmp_path: Path) -> None:
    repeated = {"duplicate_rows", "duplicates_across_folds", "test_rows_in_training"}
    made = Made(few_values(1_000), test=few_values(300).drop(columns="y"))
    assert not repeated & {finding.insight for finding in reported(made, tmp_path)}
    assert not repeated & {finding.insight for finding in said_by_a_fit(made)}


def test_an_index_that_is_measured_identifies_nothing(tmp_path: Path) -> None:
    table = clean().assign(heat_index=np.round(rng(6).normal(30, 4, ROWS), 1))
    assert "repeated_identifier" not in {finding.insight for finding in reported(Made(table), tmp_path)}


def test_a_column_that_goes_missing_is_named(tmp_path: Path) -> None:
    train, test = clean(), clean(seed=8).drop(columns="y")
    name = next(name for name in test if test[name].dtype.kind == "f")
    test.loc[rng(7).random(len(test)) < 0.6, name] = np.nan
    shifted = [f for f in reported(Made(train, test=test), tmp_path) if f.insight == "shifted_columns"]
    assert [finding.columns for finding in shifted] == [(name,)]
