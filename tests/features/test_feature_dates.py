from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.features.dates import Dates


def part(dates: Dates, frame: pd.DataFrame, name: str) -> list[float]:
    return [float(value) for value in dates.transform(frame)[:, dates.names.index(name)]]


@given(st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=20))
@settings(deadline=None, max_examples=50)
def test_parts_are_those_of_the_calendar(moments: list[datetime]) -> None:
    frame = pd.DataFrame({"d": np.array(moments, "datetime64[us]")})
    dates = Dates.fit(frame, ("d",), cycles=False)
    assert part(dates, frame, "year(d)") == [moment.year for moment in moments]
    assert part(dates, frame, "month(d)") == [moment.month for moment in moments]
    assert part(dates, frame, "day(d)") == [moment.day for moment in moments]
    assert part(dates, frame, "weekday(d)") == [moment.weekday() for moment in moments]
    assert part(dates, frame, "yearday(d)") == [moment.timetuple().tm_yday for moment in moments]
    assert part(dates, frame, "hour(d)") == [moment.hour for moment in moments]
    days = [(moment - min(moments)).total_seconds() / 86400 for moment in moments]
    np.testing.assert_allclose(part(dates, frame, "stamp(d)"), days, atol=1e-8)


def test_missing_moments_are_missing_in_all_parts() -> None:
    frame = pd.DataFrame({"d": np.array(["2020-02-29", "NaT"], "M8[us]"), "e": np.array(["2020-03-01"] * 2, "M8[us]")})
    values = Dates.fit(frame, ("d", "e"), cycles=True).transform(frame)
    names = Dates.fit(frame, ("d", "e"), cycles=True).names
    of_d = [i for i, name in enumerate(names) if "(d" in name]
    assert np.isnan(values[1, of_d]).all()
    assert not np.isnan(values[0]).any()


def test_pairs_are_compared_in_days() -> None:
    frame = pd.DataFrame({"out": np.array(["2020-03-01T12:00"], "M8[us]"), "in": np.array(["2020-02-28"], "M8[us]")})
    assert part(Dates.fit(frame, ("out", "in"), cycles=False), frame, "days(out - in)") == [2.5]


def test_cycles_close() -> None:
    hours = pd.DataFrame({"d": np.datetime64("2020-01-01", "us") + np.arange(24) * np.timedelta64(1, "h")})
    dates = Dates.fit(hours, ("d",), cycles=True)
    circle = np.stack([part(dates, hours, "sin hour 1(d)"), part(dates, hours, "cos hour 1(d)")])
    steps = np.linalg.norm(circle - np.roll(circle, 1, axis=1), axis=0)
    np.testing.assert_allclose(steps, steps[0])


def test_many_columns_are_not_paired() -> None:
    frame = pd.DataFrame({f"d{i}": np.array(["2020-01-01"], "M8[us]") for i in range(7)})
    assert not any(name.startswith("days") for name in Dates.fit(frame, tuple(frame), cycles=False).names)
