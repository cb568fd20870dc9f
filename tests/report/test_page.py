"""The page: one file, nothing from outside, nothing from the table that is not escaped."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from pages import EVIL, Page, needs_nothing_else

from automl import inspect_table
from automl.report.page import CARDS


def table(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    y = draw.integers(0, 2, rows)
    return pd.DataFrame(
        {
            EVIL: np.round(draw.normal(y, 1.0), 3),
            "word": draw.choice([EVIL, "plain", "*rich* [bold]text[/]"], rows),
            "day": pd.date_range("2023-05-01", periods=rows, freq="D"),
            "flag": draw.choice(["no", "yes"], rows),
            "id": np.arange(rows),
            "note": [f"words of row {i} are many and differ" for i in range(rows)],
            "empty": None,
            "y": np.where(y == 1, EVIL, "<b>no</b>"),
        }
    )


@pytest.fixture(scope="module")
def page() -> str:
    frame = pd.concat([table(), table().head(10)], ignore_index=True)
    return inspect_table(frame, target="y", test=table(seed=1)).to_html()


def test_it_needs_nothing_else(page: str) -> None:
    assert needs_nothing_else(page)


def test_what_the_table_holds_is_text(page: str) -> None:
    assert "<script" not in page
    assert "<b>no" not in page
    assert sum(EVIL in text for text in Page(page).text) > 3


def test_it_has_every_part(page: str) -> None:
    assert {"findings", "target", "columns", "associations", "rows", "test"} <= set(Page(page).ids)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert 'role="img" aria-label="Distribution of day"' in page


def test_charts_take_their_colours_from_the_page(page: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) >= 2
    for chart in charts:
        assert "var(--bar)" in chart
        assert not re.findall(r"#0102|(?:fill|stroke): #(?!f{6})", chart)


def test_values_and_many_classes_are_drawn() -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"x": draw.normal(size=200), "k": draw.choice([f"k{i}" for i in range(30)], 200)})
    for target in ("x", "k"):
        Page(inspect_table(frame, target=target).to_html())
    Page(inspect_table(frame).to_html())


def test_a_wide_table_stays_small() -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(80, 120)).round(3), columns=[f"a rather long name {i}" for i in range(120)])
    report = inspect_table(frame.assign(y=draw.choice(["a", "b"], 80)), target="y")
    page = report.to_html()
    assert len(page.encode()) < 1_500_000
    assert page.count('<article class="column') == CARDS
    assert all(column.name in page for column in report.columns)


def test_a_notebook_shows_it() -> None:
    frame = inspect_table({"a": [1, 2, 3]})._repr_html_()
    assert frame.startswith("<iframe srcdoc=")
    assert "<svg" not in frame
