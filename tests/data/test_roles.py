"""Role columns leave the features, and are read as groups or moments."""

import numpy as np
import pandas as pd
import pytest

from automl.data.roles import Roles, group_codes, moments
from automl.data.training import TrainingTable
from automl.errors import DataError, UsageError

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "who": ["x", "y", "x"]}, index=[7, 8, 9])


def test_a_column_or_values_take_a_role() -> None:
    rest, roles = Roles.take(FRAME, groups="who")
    assert list(rest) == ["a"]
    assert roles.given == "groups"
    rest, roles = Roles.take(FRAME, time=[3, 1, 2])
    assert list(rest) == ["a", "who"]
    assert roles.time is not None
    assert roles[np.array([True, False, True])].time.tolist() == [3, 2]
    assert Roles.take(FRAME)[1].given is None


@pytest.mark.parametrize("values", [FRAME[["who"]], FRAME[["who"]].to_numpy(), [["x"], ["y"], ["x"]]])
def test_values_may_come_as_a_table_of_one_column(values) -> None:
    assert Roles.take(FRAME, groups=values)[1].groups.tolist() == ["x", "y", "x"]
    assert TrainingTable.read(FRAME[["a"]], values).target.tolist() == ["x", "y", "x"]


@pytest.mark.parametrize(
    ("roles", "error", "message"),
    [
        ({"groups": "whom"}, DataError, "no column 'whom'; did you mean 'who'"),
        ({"time": [1, 2]}, DataError, "the table has 3 rows, time has 2"),
        ({"time": FRAME}, DataError, r"time must have one value a row, got a DataFrame of shape \(3, 2\)"),
        ({"time": "a", "groups": "who"}, UsageError, "got groups and time"),
    ],
)
def test_wrong_roles_are_refused(roles, error, message) -> None:
    with pytest.raises(error, match=message):
        Roles.take(FRAME, **roles)


def test_rows_without_a_group_are_alone() -> None:
    assert group_codes(pd.Series([1.0, 2.0, np.nan, 1.0, np.nan])).tolist() == [0, 1, 2, 0, 3]
    assert group_codes(pd.Series(["1", "1.0", "?"])).tolist() == [0, 0, 1]
    assert group_codes(pd.Series(["b", None, "c"], dtype=pd.CategoricalDtype(["a", "b", "c"]))).tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    "time",
    [
        ["2024-01-31", "2024-02-01", "2024-12-24"],
        ["31/01/2024", "01/02/2024", "24/12/2024"],
        ["Jan 2024", "Feb 2024", "Dec 2024"],
        ["2008-09", "2009-10", "2010-11"],
        ["9", "10", "11"],
        [2019, 2020, 2021],
        [0.5, 1e9, 1e18],
        pd.to_datetime(["2024-01-31", "2024-02-01", "2024-12-24"], utc=True),
        pd.to_timedelta([1, 2, 300], unit="h"),
    ],
)
def test_times_are_read_in_order(time) -> None:
    shuffled = pd.Series(time, name="when").iloc[[2, 0, 1]]
    assert np.argsort(moments(shuffled)).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (["2024-01-31", None, "2024-12-24"], "'when' has 'nothing' in row 2"),
        (["Rome", "Oslo", "Rome"], "'when' has 'Rome' in row 1"),
        ([1.0, 2.0, np.inf], "'when' has 'inf' in row 3"),
        (["2024-01-31", "2024-02-30", "2024-12-24"], "'when' has '2024-02-30' in row 2"),
    ],
)
def test_a_row_without_a_time_is_refused(time, said) -> None:
    with pytest.raises(DataError, match=said):
        moments(pd.Series(time, name="when"))
