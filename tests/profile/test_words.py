"""Misspelt categories are found, and different words are left alone."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.profile.words import look_alikes


def alike(**counts: int) -> dict[str, str]:
    return {found.rare: found.frequent for found in look_alikes(counts)}


@pytest.mark.parametrize(
    "rare",
    ["new york", "New  York", "NEW-YORK", "New York.", "New Yokr", "New Yorkk", "New Yor", "Newyork", "New Yrok"],
)
def test_another_way_to_write_it(rare: str) -> None:
    assert alike(**{"New York": 90, rare: 2, "Boston": 50}) == {rare: "New York"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("11th", "12th"),
        ("1.5", "15"),
        ("A1", "A2"),
        ("male", "female"),
        ("typical", "atypical"),
        ("INLAND", "ISLAND"),
        ("Austria", "Australia"),
        ("Slovakia", "Slovenia"),
        ("Iran", "Iraq"),
        ("group 10", "group 20"),
        ("3-4", "34"),
        ("<=50K", ">50K"),
        ("Specialist I", "Specialist II"),
        ("DS MCCF Custody", "DS MCDC Custody"),
        ("B", "B-"),
        ("1", "-1"),
        ("AA", "Aa"),
    ],
)
def test_another_thing(one: str, other: str) -> None:
    assert alike(**{one: 900, other: 3}) == {}


def test_names_of_people_are_no_slips() -> None:
    names = {f"{first}{last}": 9 for first in ("an", "bri", "car", "dor", "el") for last in ("na", "lo", "rine")}
    assert alike(**names, brinas=1, carlos=1, BRINA=1) == {"BRINA": "brina"}


def test_two_frequent_words_are_two_things() -> None:
    assert alike(**{"lecturer": 40, "lecturers": 35}) == {}


@settings(max_examples=40)
@given(st.dictionaries(st.text(string.ascii_letters + string.digits + " -.", max_size=9), st.integers(1, 99)))
def test_the_frequent_one_is_at_least_as_frequent(counts: dict[str, int]) -> None:
    for found in look_alikes(counts):
        assert found.rare != found.frequent
        assert counts[found.frequent] >= counts[found.rare] == found.count
