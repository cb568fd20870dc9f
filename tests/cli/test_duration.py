import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.cli.duration import clock, parse_bytes, parse_seconds
from automl.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("90", 90), ("10m", 600), (" 1.5 h ", 5400), ("2H", 7200), ("1d", 86400)]
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("8GB", 8_000_000_000), ("512MiB", 2**29), ("1.5g", 1_500_000_000), ("100000000", 100_000_000)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "s", "-5s", "10 apples", "1h30", "nan", "inf", "1e3"])
def test_what_is_no_time_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="such as 10m; got"):
        parse_seconds(text)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 59 * 60 + 59))
def test_clock_says_what_was_given(seconds: int) -> None:
    minutes, rest = clock(seconds).removesuffix("s").rpartition("m")[::2]
    assert 60 * int(minutes or 0) + int(rest) == seconds
