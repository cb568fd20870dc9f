"""Kinds decided on whole columns, and applied to later tables."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import uuid
from datetime import time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.io import read_data
from automl.data.numerals import Style, parse_numbers
from automl.data.rows import RowReader
from automl.data.schema import _numbers_at_once, apply_schema, infer_schema
from automl.data.schema_file import schema_from_json, schema_to_json
from automl.data.table import MISSING, UNSEEN, Column, Kind, Schema
from automl.errors import DataError, DataWarning, SchemaError, UsageError


def infer(values: object, name: str = "c") -> Column:
    return infer_schema(pd.DataFrame({name: pd.Series(values)})).columns[0]


def typed(values: object, later: object = None, **overrides: Kind) -> list[object]:
    """Infer from a column, apply to a later one."""
    schema = infer_schema(pd.DataFrame({"c": pd.Series(values)}), overrides=overrides)
    return apply_schema(pd.DataFrame({"c": pd.Series(values if later is None else later)}), schema)["c"].tolist()


NUMBERS = [str(i) for i in range(60)]
SENTENCES = [f"the number {i} is a nice one" for i in range(30)]
NOT_SORTED = [7, 3, 9, 1, 5, *range(10, 40)]

KINDS = {
    "plain": (["1", "-2.5", "1e5"], Kind.NUMERIC),
    "with missing words": (["1", "?", "N/A", "null", "-", "None", " ", "NaN", "2"], Kind.NUMERIC),
    "with a few other words": ([*NUMBERS, "unknown"], Kind.NUMERIC),
    "half words": (["1", "a", "2", "b"], Kind.CATEGORICAL),
    "zip codes": (["01234", "99999", "01234"], Kind.CATEGORICAL),
    "months with zeros": (["01", "02", "12"], Kind.NUMERIC),
    "dollars": (["$1,200.50", "-$3", "$7.00"], Kind.NUMERIC),
    "percent": (["12%", "15.5 %"], Kind.NUMERIC),
    "centimetres": ([f"{i} cm" for i in range(20)], Kind.NUMERIC),
    "seconds": ([f"{i}s" for i in range(20)], Kind.NUMERIC),
    "letters of houses": ([f"{i}{letter}" for i in range(10) for letter in ("", "", "a", "b", "c")], Kind.CATEGORICAL),
    "rooms": (["1A", "2A", "3A"], Kind.CATEGORICAL),
    "chinese sentences": (
        ["我们今天在城里看了" + "房车人书"[i % 4] * (i % 7) + chr(0x4E00 + i) for i in range(40)],
        Kind.TEXT,
    ),
    "chinese names": (["王李张刘"[i % 4] + chr(0x4E00 + i) * (i % 2 + 1) for i in range(40)], Kind.IDENTIFIER),
    "cyrillic names": ([f"Иван{chr(0x430 + i) * (i % 5 + 1)}ов" for i in range(32)], Kind.IDENTIFIER),
    "addresses of pages": (
        [f"https://{'abcde'[i % 5] * (i % 6 + 1)}.org/{'xyz'[i % 3]}/p{chr(97 + i % 26)}{i}" for i in range(40)],
        Kind.TEXT,
    ),
    "addresses of mail": (
        [f"{chr(97 + i % 26) * (i % 9 + 3)}.smith{i}@example.{'com' if i % 2 else 'org'}" for i in range(40)],
        Kind.TEXT,
    ),
    "formulas": (["C" * (i % 8) + "(=O)Oc1ccccc1C(=O)" + "NOCS"[i % 4] * (i // 8 + 1) for i in range(40)], Kind.TEXT),
    "files": ([f"images/camera_{i % 3}/{i:06}_{i**3}.jpg" for i in range(40)], Kind.IDENTIFIER),
    "units of a weight": ([f"{i}.5 {'kg' if i % 2 else 'lb'}" for i in range(40)], Kind.TEMPLATE),
    "numbers of books": ([f"{10**9 + 7919 * i}{'X' if i % 11 == 0 else i % 10}" for i in range(40)], Kind.IDENTIFIER),
    "times of day": ([f"{i % 24:02}:{7 * i % 60:02}" for i in range(40)], Kind.NUMERIC),
    "few times of day": (["8:00", "12:30"] * 20, Kind.CATEGORICAL),
    "ratios": ([f"{i}:{i + 1}" for i in range(30)] * 2, Kind.CATEGORICAL),
    "marks in brackets": ([f"({i % 12})" for i in range(30)], Kind.CATEGORICAL),
    "bands and cups": ([f"{i}{cup}" for i in range(30, 38) for cup in "ABCD"], Kind.IDENTIFIER),
    "uuids": ([str(uuid.UUID(int=7**40 * i)) for i in range(1, 40)], Kind.IDENTIFIER),
    "hashes": ([hashlib.sha1(bytes([i])).hexdigest() for i in range(40)], Kind.IDENTIFIER),
    "invoices": ([f"INV-2024-{i:05}" for i in range(40)], Kind.IDENTIFIER),
    "cancelled invoices": (
        [*(f"{536365 + 3 * i}" for i in range(600)), *(f"C{i}" for i in range(20))],
        Kind.IDENTIFIER,
    ),
    "long phone numbers": ([f"+1-555-{i:03}-{7 * i:04}" for i in range(40)], Kind.IDENTIFIER),
    "versions": ([f"{i // 10}.{i % 10}.0" for i in range(40)], Kind.IDENTIFIER),
    "accounts": (
        [f"{'DE' if i % 2 else 'FR76'}{'0' * (i % 3)}{7**22 + i * 7**20}" for i in range(40)],
        Kind.IDENTIFIER,
    ),
    "decimal comma": (["1,5", "2,25", "-3"], Kind.NUMERIC),
    "lists of numbers": (["1,2", "1,2,3", "2,4"], Kind.CATEGORICAL),
    "underscores": (["40_57", "41_10"], Kind.CATEGORICAL),
    "addresses": (["10.0.0.1", "192.168.1.1"], Kind.CATEGORICAL),
    "zeros and ones": (["0", "1", "0"], Kind.NUMERIC),
    "yes and no": (["yes", "No", "YES", None], Kind.BOOLEAN),
    "bools": ([True, False, True], Kind.BOOLEAN),
    "bools with missing": ([True, False, None], Kind.BOOLEAN),
    "yes or missing": (["yes", None, "yes"], Kind.CATEGORICAL),
    "names": (["Ann", "Bob", "Ann"], Kind.CATEGORICAL),
    "category type": (pd.Categorical([1, 2, 1]), Kind.CATEGORICAL),
    "free text": (SENTENCES, Kind.TEXT),
    "hand-typed names": ([f"near place {i}" for i in range(30)], Kind.TEXT),
    "many names that repeat": ([f"job title {i % 10}" for i in range(90)], Kind.CATEGORICAL),
    "codes": ([f"A-{i}" for i in range(30)], Kind.IDENTIFIER),
    "row numbers": (list(range(1, 40)), Kind.IDENTIFIER),
    "whole floats in order": ([float(i) for i in range(40)], Kind.NUMERIC),
    "unique whole numbers": (NOT_SORTED, Kind.NUMERIC),
    "unique floats": (np.random.default_rng(0).normal(size=50), Kind.NUMERIC),
    "constant": (["x", "x", "x"], Kind.CONSTANT),
    "all missing": ([None, "?", ""], Kind.CONSTANT),
    "iso dates": (["2024-01-31", "2024-02-01"], Kind.DATETIME),
    "compact dates": ([20240100 + i for i in range(1, 32)], Kind.DATETIME),
    "date type": (pd.to_datetime(["2024-01-31", "2024-02-01"]), Kind.DATETIME),
    "months": ([f"{year}-{month:02}" for year in range(2001, 2012) for month in range(1, 13)], Kind.DATETIME),
    "months of one year": ([f"2004-{month:02}" for month in range(1, 13)], Kind.DATETIME),
    "seasons": ([f"{year}-{year % 100 + 1:02}" for year in range(2001, 2012)] * 4, Kind.CATEGORICAL),
    "codes of year and month": ([f"{4000 + 97 * i % 5000}-{i % 12 + 1:02}" for i in range(90)], Kind.IDENTIFIER),
    "fractions": (["1/2", "3/4"], Kind.CATEGORICAL),
    "phone numbers": (["555-1234", "555-9876"], Kind.CATEGORICAL),
    "durations": (pd.to_timedelta(["1 day", "2 days"]), Kind.NUMERIC),
}


@pytest.mark.parametrize(("values", "kind"), KINDS.values(), ids=KINDS.keys())
def test_kind(values: object, kind: Kind) -> None:
    column = infer(values)
    assert column.kind is kind
    assert column.reason


def test_a_name_makes_unique_whole_numbers_an_identifier() -> None:
    assert infer(NOT_SORTED, "customer_id").kind is Kind.IDENTIFIER
    assert infer([*NOT_SORTED, 7], "customer_id").kind is Kind.NUMERIC
    assert infer(np.linspace(0, 1, 50), "id").kind is Kind.NUMERIC


NUMERALS = {
    "dollars": (["$1,200.50", "-$3", "7"], [1200.5, -3.0, 7.0]),
    "thousands": (["1,200", "15,000", "900"], [1200.0, 15000.0, 900.0]),
    "blanks": (["3 000", "12 500"], [3000.0, 12500.0]),
    "decimal comma": (["1.200,50", "3,1"], [1200.5, 3.1]),
    "three decimals": (["0,125", "1,250"], [0.125, 1.25]),
    "percent": (["12%", "15.5 %"], [12.0, 15.5]),
    "other currencies": (["₩1,200", "₩5"], [1200.0, 5.0]),
    "reals": (["R$ 1.200,50", "R$ 3,5"], [1200.5, 3.5]),
    "zloty": ([f"{i},25 zł" for i in range(12)], [i + 0.25 for i in range(12)]),
    "brackets": ([*NUMBERS, "(1,200)"], [*map(float, NUMBERS), -1200.0]),
    "brackets and dollars": ([*(f"${i}" for i in range(9)), "($1,200.50)", "$(3)"], [*range(9), -1200.5, -3.0]),
    "a minus behind": (
        [*(f"{i}.25" for i in range(9)), "1,544.75-", "$3-", "−4"],
        [*(i + 0.25 for i in range(9)), -1544.75, -3.0, -4.0],
    ),
    "several currencies": (
        [*(f"${i}.5" for i in range(9)), "€25.20", "-£3.10", "1,000 USD"],
        [*(i + 0.5 for i in range(9)), 25.2, -3.1, 1000.0],
    ),
    "scales": ([*(f"{i}K" for i in range(9)), "1.5M", "2bn", "7"], [*range(0, 9000, 1000), 1.5e6, 2e9, 7.0]),
    "euros with scales": ([*(f"€{i}.5K" for i in range(9)), "€1.2M", "€0"], [*range(500, 9000, 1000), 1.2e6, 0.0]),
    "euros of which some have a scale": ([*(f"€{i}K" for i in range(9)), "€750"], [*range(0, 9000, 1000), 750.0]),
    "thousands beside less": ([*(f"{i}.5k" for i in range(9)), "90", "7"], [*range(500, 9000, 1000), 90.0, 7.0]),
    "one scale is a unit": ([f"{i}K" for i in range(12)], [*range(12)]),
    "capital letters": ([*(f"{i} kg" for i in range(30)), "71 Kg", "72 KG"], [*range(30), 71.0, 72.0]),
    "infinite": (["inf", "1", "-2"], [None, 1.0, -2.0]),
    "kronor": ([f"SEK {i},5{i:02d}" for i in range(1, 13)], [1000.0 * i + 500 + i for i in range(1, 13)]),
    "rupees": ([f"Rs. {i},500" for i in range(1, 13)], [1000.0 * i + 500 for i in range(1, 13)]),
    "at least": ([*(f"{i},000+" for i in range(1, 13)), "0"], [*range(1000, 13_000, 1000), 0.0]),
    "about": ([*map(str, range(9)), "~30", "~ 40"], [*range(9), 30.0, 40.0]),
    "dots among hundreds": (
        [*(f"{i}.{i:03d}" for i in range(1, 13)), "7", "999"],
        [*(1001.0 * i for i in range(1, 13)), 7.0, 999.0],
    ),
    "dots with few digits": ([*(f"{i}.125" for i in range(1, 13)), "1.5"], [*(i + 0.125 for i in range(1, 13)), 1.5]),
    "ranges": ([*map(str, range(30)), "1133 - 1384", "5 to 8"], [*range(30), 1258.5, 6.5]),
    "ranges of dollars": ([*(f"${i}" for i in range(30)), "$10-$20"], [*range(30), 15.0]),
    "bounds": ([*map(str, range(30)), "<5", "> 100", "≥7", "<=0.05"], [*range(30), 5.0, 100.0, 7.0, 0.05]),
    "bounds with units": ([*(f"{i} mg/L" for i in range(30)), "<5 mg/L"], [*range(30), 5.0]),
    "mostly bounds": ([*map(str, range(12)), *(f">={i}" for i in range(30))], [*range(12), *range(30)]),
    "several units": ([*map(str, range(100)), "3 Acres", "4Perch"], [*range(100), None, None]),
}


AMOUNTS = [f"{10_000 + 7 * i:,}.{i % 89 + 10}" for i in range(30_000)]
RARE = {"brackets": ("({:,.2f})", -1), "dollars": ("${}", 1)}


@pytest.mark.parametrize(("form", "sign"), RARE.values(), ids=RARE.keys())
def test_a_form_that_is_too_rare_for_the_sample_is_read(form: str, sign: int) -> None:
    rare = range(7, 30_000, 2000)
    values = [form.format(place) if place in rare else amount for place, amount in enumerate(AMOUNTS)]
    read = typed(values)
    assert [read[place] for place in rare] == [sign * place for place in rare]
    assert not np.isnan(read).any()


def test_amounts_beside_many_other_codes_are_no_identifier() -> None:
    column = infer([*(f"{i}.25" for i in range(970)), *(f"n{i}" for i in range(30))])
    assert column.kind is Kind.NUMERIC
    assert len(column.missing) == 30


TIMES = {
    "of day": ([f"{hour}:30" for hour in range(24)], [3600.0 * hour + 1800 for hour in range(24)]),
    "of half a day": (
        [f"{hour}:00 {half}M" for half in "AP" for hour in range(1, 13)],
        [3600.0 * h for h in (*range(1, 12), 0, *range(13, 24), 12)],
    ),
    "with seconds": ([f"{i}:00:00.5" for i in range(12)], [3600 * i + 0.5 for i in range(12)]),
    "as objects": ([time(hour, 30) for hour in range(24)], [3600.0 * hour + 1800 for hour in range(24)]),
    "durations": ([timedelta(hours=i) for i in range(-20, 80)], [3600.0 * i for i in range(-20, 80)]),
    "durations in words": ([f"{i}h {i}m" for i in range(1, 12)], [3660.0 * i for i in range(1, 12)]),
    "ages in words": (
        [*(f"{i} weeks" for i in range(2, 12)), "1 day", "2 hours and 3 min"],
        [*(604_800.0 * i for i in range(2, 12)), 86_400.0, 7380.0],
    ),
    "durations of pandas": ([pd.Timedelta(hours=i) for i in range(-20, 80)], [3600.0 * i for i in range(-20, 80)]),
}


@pytest.mark.parametrize(("values", "seconds"), TIMES.values(), ids=TIMES.keys())
def test_times_are_read_in_seconds(values: list[object], seconds: list[float]) -> None:
    assert typed(pd.Series(values, dtype=object)) == seconds
    assert typed([*map(str, values), "unknown"])[:-1] == seconds
    assert typed(list(map(str, values)), ["1:02:03", "90", None])[:2] == [3723.0, 90.0]


@pytest.mark.parametrize(("values", "numbers"), NUMERALS.values(), ids=NUMERALS.keys())
def test_numbers(values: list[str], numbers: list[float | None]) -> None:
    assert [None if np.isnan(x) else x for x in typed(values)] == numbers


@pytest.mark.parametrize("lowest", [0, 1])
def test_two_digits_beside_letters_are_codes(lowest: int) -> None:
    departments = [f"{i:02d}" for i in range(lowest, 96)] * 3
    assert infer([*departments, "2A", "2B"]).kind is Kind.CATEGORICAL
    assert infer(departments).kind is Kind.NUMERIC


def test_what_an_older_schema_counts_as_missing_stays_so() -> None:
    older = Schema((Column("c", Kind.NUMERIC, "", unit="kg", missing=("-1", "(3)", "71 Kg")),))
    cells = ["71 kg", "71 Kg", "(3)", "-3", "-1.0", "72 KG"]
    expected = [71.0, None, None, -3.0, None, 72.0]
    result = apply_schema(pd.DataFrame({"c": cells}), older)["c"]
    assert [None if np.isnan(x) else x for x in result] == expected
    reader = RowReader.of(older)
    np.testing.assert_array_equal(reader([{"c": cell} for cell in cells])["c"], result)


def test_every_sign_of_a_currency_is_known() -> None:
    signs = [chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) == "Sc"]
    assert [sign for sign in signs if parse_numbers([f"{sign}5"], Style(sign)).tolist() != [5.0]] == []


def test_a_certain_decimal_comma_settles_the_other_columns() -> None:
    ambiguous = ["1,250", "2,500"]
    assert typed(ambiguous) == [1250.0, 2500.0]
    frame = pd.DataFrame({"a": ambiguous, "b": ["0,5", "1,5"], "c": ["1.5", "2.5"]})
    result = apply_schema(frame, infer_schema(frame))
    assert result.to_dict("list") == {"a": [1.25, 2.5], "b": [0.5, 1.5], "c": [1.5, 2.5]}


def test_a_letter_behind_few_numbers_is_no_unit() -> None:
    column = infer([*NUMBERS, "207a", "207a"])
    assert (column.kind, column.unit, column.missing) == (Kind.NUMERIC, None, ("207a",))


DATES = {
    "day first": (["13/01/2024", "02/03/2024"], ["2024-01-13", "2024-03-02"]),
    "month first": (["01/13/2024", "02/03/2024"], ["2024-01-13", "2024-02-03"]),
    "dots": (["01.02.2024 10:30", "02.03.2024 00:00"], ["2024-02-01 10:30", "2024-03-02"]),
    "time zone": (["2015-09-01 02:00:00+02:00", "2015-09-01T05:00:00Z"], ["2015-09-01", "2015-09-01 05:00"]),
    "afternoon": (["1/5/2024 3:15 PM", "12/31/2024 12:05 am"], ["2024-01-05 15:15", "2024-12-31 00:05"]),
    "month names": (["Jan 5, 2024", "March 6, 2024"], ["2024-01-05", "2024-03-06"]),
    "short years": (["05-Jan-24", "06-Mar-99"], ["2024-01-05", "1999-03-06"]),
    "months only": (["Aug-2003", "Sep-2004"], ["2003-08-01", "2004-09-01"]),
    "mail": (
        ["Wed, 03 Jan 2024 10:00:00 +0200", "Thu, 04 Jan 2024 01:00:00 +0200"],
        ["2024-01-03 08:00", "2024-01-03 23:00"],
    ),
    "missing": (["2024-01-05", "?"], ["2024-01-05", None]),
    "browsers": (["1/5/2024, 3:15:07 PM", "12/31/2024, 12:05:00\u202fAM"], ["2024-01-05 15:15:07", "2024-12-31 00:05"]),
    "basic format": (["20240131T103015Z", "20240201T103015Z"], ["2024-01-31 10:30:15", "2024-02-01 10:30:15"]),
    "nothing between": (["20240131103015", "20240201103015"], ["2024-01-31 10:30:15", "2024-02-01 10:30:15"]),
    "compact day": (["20240131 10:30", "20240201 10:30"], ["2024-01-31 10:30", "2024-02-01 10:30"]),
    "named zones": (["2024-01-05 10:30:00 EST", "2024-07-05 10:30:00 EDT"], ["2024-01-05 15:30", "2024-07-05 14:30"]),
    "logs": (
        ["10/Oct/2023:13:55:36 -0700", "11/Oct/2023:13:55:36 -0700"],
        ["2023-10-10 20:55:36", "2023-10-11 20:55:36"],
    ),
    "short zone": (["01/02/2024 10:30-05", "01/13/2024 10:30-05"], ["2024-01-02 15:30", "2024-01-13 15:30"]),
    "posts": (
        ["Mon Sep 07 12:34:56 +0000 2015", "Tue Sep 08 12:34:56 +0000 2015"],
        ["2015-09-07 12:34:56", "2015-09-08 12:34:56"],
    ),
    "ordinals": (
        ["March 3rd, 2024 at 3:15 PM", "March 21st, 2024 at 3:15 AM"],
        ["2024-03-03 15:15", "2024-03-21 03:15"],
    ),
    "weekday": (["Monday, January 15, 2024", "Tuesday, January 16, 2024"], ["2024-01-15", "2024-01-16"]),
    "German": (["15. März 2024", "1. Dez. 2024"], ["2024-03-15", "2024-12-01"]),
    "French": (["1 févr. 2024", "14 juil. 2024", "15 aout 2024"], ["2024-02-01", "2024-07-14", "2024-08-15"]),
    "Portuguese": (["5 de março de 2024", "6 de outubro de 2024"], ["2024-03-05", "2024-10-06"]),
    "Chinese": (["2024年3月5日", "2024年10月6日"], ["2024-03-05", "2024-10-06"]),
    "no end": (["2024-01-31", "2024-02-01", "9999-12-31"], ["2024-01-31", "2024-02-01", None]),
    "no date": ([*(f"202401{i}" for i in range(10, 30)), "00000000"], [*(f"2024-01-{i}" for i in range(10, 30)), None]),
    "some times": (["13/01/2024", "14/01/2024 10:30"], ["2024-01-13", "2024-01-14 10:30"]),
    "some seconds": (
        ["13.01.2024 10:30", "13.01.2024 10:30:15", "14.01.2024"],
        ["2024-01-13 10:30", "2024-01-13 10:30:15", "2024-01-14"],
    ),
    "some afternoons": (["Jan 13, 2024 at 3:15 PM", "Jan 14, 2024"], ["2024-01-13 15:15", "2024-01-14"]),
    "some zones": (["13/01/2024 10:30 +0200", "14/01/2024"], ["2024-01-13 08:30", "2024-01-14"]),
    "time first": (["13:20:05 12 Sep 2019", "09:00:00 1 Oct 2019"], ["2019-09-12 13:20:05", "2019-10-01 09:00"]),
    "months": ([f"01/{i:02d}/2023" for i in range(1, 13)], [f"2023-{i:02d}-01" for i in range(1, 13)]),
}


@pytest.mark.parametrize(("values", "dates"), DATES.values(), ids=DATES.keys())
def test_dates(values: list[str], dates: list[str | None]) -> None:
    assert pd.Series(typed(values)).equals(pd.Series(pd.to_datetime(dates, format="mixed")))


@pytest.mark.parametrize("form", ["%y-%m-%d", "%y/%m/%d", "%d-%m-%y", "%d/%m/%y", "%m/%d/%y"])
@pytest.mark.parametrize("count", [40, 900])
def test_the_part_of_two_digits_that_varies_least_is_the_year(form: str, count: int) -> None:
    days = pd.date_range("2019-01-01", periods=count, freq="2D")
    column = infer([*days.strftime(form), "unknown"])
    assert column.format == form
    assert "no value" not in column.reason
    column = infer(days[:5].strftime(form))
    assert "no value tells day, month and year apart" in column.reason


def test_few_dates_with_a_time_of_day_settle_the_layout() -> None:
    days = pd.date_range("2019-01-01", periods=900)
    values = [f"{day:%d/%m/%Y} 10:30" if i % 100 == 99 else f"{day:%d/%m/%Y}" for i, day in enumerate(days)]
    column = infer(values)
    assert (column.kind, column.format, column.missing) == (Kind.DATETIME, "%d/%m/%Y %H:%M", ())
    assert typed(values)[98:100] == [days[98], days[99] + pd.Timedelta("10:30:00")]


@pytest.mark.parametrize("every", [2, 5, 100])
def test_dates_of_two_forms_are_read_whichever_is_the_more_frequent(every: int) -> None:
    days = pd.date_range("2019-01-01", periods=900)
    for one, other in (("%Y-%m-%d", "%d.%m.%Y"), ("%d.%m.%Y", "%Y-%m-%d")):
        values = [day.strftime(other if i % every == 0 else one) for i, day in enumerate(days)]
        column = infer(values)
        assert (column.kind, column.format, column.missing) == (Kind.DATETIME, "%d.%m.%Y", ())
        assert re.search(r"'\d\d\.\d\d\.\d{4}' tells", column.reason)
        assert typed(values) == list(days)


def test_day_and_month_that_are_never_told_apart_are_said() -> None:
    column = infer(["01/02/2024", "03/04/2024"])
    assert column.format == "%m/%d/%Y"
    assert "day and month" in column.reason


def test_dates_that_are_certain_settle_the_others_of_the_table() -> None:
    frame = pd.DataFrame({"open": ["01/02/2024", "03/04/2024"], "certain": ["13.01.2024", "02.03.2024"]})
    schema = infer_schema(frame)
    assert (schema["open"].format, schema["open"].ambiguous) == ("%d/%m/%Y", False)
    assert "'certain' tells day and month apart" in schema["open"].reason
    assert apply_schema(frame, schema)["open"].dt.month.tolist() == [2, 4]
    against = infer_schema(frame.assign(other=["01/31/2024", "03/04/2024"]))["open"]
    assert (against.format, against.ambiguous) == ("%m/%d/%Y", True)
    hand = infer_schema(frame, edited=[{"name": "open", "kind": "datetime", "format": "%m/%d/%Y"}])["open"]
    assert (hand.format, hand.ambiguous) == ("%m/%d/%Y", False)


def test_categories_are_ordered_and_matched_however_they_are_written() -> None:
    assert infer(["b", "a", "c", "b", " c"]).categories == ("b", "c", "a")
    assert typed(["1", "2", "1"], [2, 1, 3], c=Kind.CATEGORICAL) == [1, 0, UNSEEN]
    assert typed([1, 2, 1], [2.0, None, 1.0], c=Kind.CATEGORICAL) == [1, MISSING, 0]
    assert typed(["True", "x", "True"], [True, "?", "x"]) == [0, MISSING, 1]


@pytest.mark.parametrize("cells", [[1234, 99999, 7], [1234.0, None, 99999.0], ["1234", "01234", "99999.0"]])
def test_codes_with_zeros_are_known_where_a_program_has_made_numbers_of_them(cells: list[object]) -> None:
    schema = infer_schema(pd.DataFrame({"zip": ["01234", "99999", "01234"]}))
    known = {"1234": 0, "01234": 0, "1234.0": 0, "99999": 1, "99999.0": 1, "7": UNSEEN, "None": MISSING}
    expected = [known[str(cell)] for cell in cells]
    assert apply_schema(pd.DataFrame({"zip": cells}), schema)["zip"].tolist() == expected
    assert [apply_schema(pd.DataFrame({"zip": [cell]}), schema)["zip"].iloc[0] for cell in cells] == expected
    rows = RowReader.of(schema)([{"zip": cell} for cell in cells])
    assert rows is not None
    assert rows["zip"].tolist() == expected


@pytest.mark.parametrize("later", [[2.0, 1.5, 0.7], ["2.0", "1.500", "0.70"], ["2", "1.50", None]])
def test_decimals_are_known_however_many_zeros_they_end_with(later: list[object]) -> None:
    """A file holds ``2.00`` where a program has 2.0."""
    schema = infer_schema(pd.DataFrame({"engine": ["2.00", "1.50", "electric", "2.00", "electric", "2.00"]}))
    expected = [schema["engine"].categories.index("2.00"), schema["engine"].categories.index("1.50")]
    typed = apply_schema(pd.DataFrame({"engine": later}), schema)["engine"].tolist()
    assert typed == [*expected, MISSING if later[2] is None else UNSEEN]
    rows = RowReader.of(schema)([{"engine": cell} for cell in later])
    assert rows is not None
    assert rows["engine"].tolist() == typed


def test_days_are_categories_as_dates_too() -> None:
    days = pd.Series(["2024-01-01", "2024-01-02", "2024-01-01"])
    schema = infer_schema(days.to_frame("day"), overrides={"day": "categorical"})
    assert apply_schema(pd.to_datetime(days).to_frame("day"), schema)["day"].tolist() == [0, 1, 0]


def test_decimals_of_arrow_are_numbers_beside_decimal_commas() -> None:
    schema = infer_schema(pd.DataFrame({"price": ["1,5", "2,25", "0,125", "1,875"] * 30}))
    later = pd.Series([Decimal("1.500")] * 2, dtype=pd.ArrowDtype(pa.decimal128(10, 3)))
    table, _ = read_data(later.to_frame("price"))
    assert apply_schema(table, schema)["price"].tolist() == [1.5, 1.5]


def test_numbers_that_are_names_by_hand_may_stand_beside_words() -> None:
    frame = pd.DataFrame({"shop": ["7", "12", "unknown", "7"] * 30, "none": [None] * 120})
    asked = [{"name": name, "kind": "numeric", "nominal": True} for name in frame]
    schema = infer_schema(frame, edited=asked)
    assert schema["shop"].categories == ("7", "12")
    typed = apply_schema(frame, schema)
    assert typed["shop as category"].tolist()[:4] == [0, 1, MISSING, 0]
    assert set(typed["none as category"]) == {MISSING}


def test_a_long_column_of_plain_numbers_is_read_at_once() -> None:
    """Cell by cell a million rows took 27 s."""
    texts = pd.Series(["1.5", " 2", None] * 100, dtype="str")
    column = infer_schema(texts.to_frame("x")).columns[0]
    np.testing.assert_array_equal(_numbers_at_once(texts, column), [1.5, 2.0, np.nan] * 100)


def test_booleans_are_matched_however_they_are_written() -> None:
    later = ["TRUE", "no", True, 0, "1", None]
    assert [None if np.isnan(x) else x for x in typed(["No", "Yes"], later)] == [1.0, 0.0, 1.0, 0.0, 1.0, None]
    assert typed(["m", "f"], ["f", "m"], c=Kind.BOOLEAN) == [0.0, 1.0]


def test_other_words_of_training_stay_missing_but_new_ones_are_errors() -> None:
    values = [*NUMBERS, "unknown"]
    assert infer(values).missing == ("unknown",)
    assert np.isnan(typed(values)[-1])
    with pytest.raises(SchemaError, match=r"column 'c' was numeric in training, got 'abc' in row 2") as caught:
        typed(values, ["1", "abc", "unknown", "abc"])
    assert caught.value.cells == ((2, "c", "abc"), (4, "c", "abc"))


def test_all_wrong_columns_are_named_at_once() -> None:
    train = pd.DataFrame({"age": ["41", "5"], "born": ["2024-01-31", "2024-02-01"], "paid": ["yes", "no"]})
    later = pd.DataFrame({"age": ["x"], "born": ["soon"], "paid": ["maybe"]})
    with pytest.raises(SchemaError) as caught:
        apply_schema(later, infer_schema(train))
    assert [cell[1] for cell in caught.value.cells] == ["age", "born", "paid"]
    assert "'soon'" in str(caught.value)


def test_what_has_another_unit_is_missing_in_later_tables_as_it_was_in_training() -> None:
    schema = infer_schema(pd.DataFrame({"area": [*map(str, range(1000, 1100)), "3 Acres", "4Perch"]}))
    assert schema["area"].tolerant
    with pytest.warns(DataWarning, match=r"column 'area': '5 Acres' counts as missing, as its like did in training"):
        typed = apply_schema(pd.DataFrame({"area": ["1500", "5 Acres"]}), schema)
    np.testing.assert_array_equal(typed["area"], [1500.0, np.nan])
    with pytest.raises(SchemaError, match=r"got 'Berlin' in row 2"):
        apply_schema(pd.DataFrame({"area": ["5 Acres", "Berlin"]}), schema)


def test_wrong_cells_are_named_in_the_order_of_their_rows() -> None:
    schema = infer_schema(pd.DataFrame({"size": ["1", "2", "3", "?"] * 20}))
    words = [f"word {number % 7}" if number % 3 else str(number) for number in range(50)] + [None, "?"]
    with pytest.raises(SchemaError) as caught:
        apply_schema(pd.DataFrame({"size": words}), schema)
    assert caught.value.cells == tuple((row, "size", word) for row, word in enumerate(words[:50], 1) if "word" in word)


def test_columns_are_matched_by_name() -> None:
    schema = infer_schema(pd.DataFrame({"age": [1, 2], "name": ["a", "b"], "none": [0, 0]}))
    shuffled = pd.DataFrame({"other": [9, 9], "name": ["b", "a"], " age ": [5, 6]}, index=[7, 7])
    assert apply_schema(shuffled, schema).to_dict("list") == {"age": [5.0, 6.0], "name": [1, 0]}
    with pytest.raises(SchemaError, match=r"'age' \(did you mean 'aeg'\?\), 'name'"):
        apply_schema(pd.DataFrame({"aeg": [1]}), schema)


def test_kinds_set_by_hand() -> None:
    frame = pd.DataFrame(
        {"a": ["1", "2"], "b": ["x", "3"], "c": ["2024-01-01", "never"], "d": ["u", "v"], "e": ["x", "x"]}
    )
    kinds = {"a": Kind.TEXT, "b": Kind.NUMERIC, "c": Kind.DATETIME, "d": Kind.IDENTIFIER, "e": Kind.CATEGORICAL}
    schema = infer_schema(frame, overrides=kinds)
    assert {column.name: column.kind for column in schema.columns} == kinds
    assert list(apply_schema(frame, schema)) == ["a", "b", "c", "e"]
    with pytest.raises(DataError, match="cannot be numeric"):
        infer_schema(frame, overrides={"d": Kind.NUMERIC})
    with pytest.raises(DataError, match="cannot be datetime"):
        infer_schema(frame, overrides={"d": Kind.DATETIME})
    with pytest.raises(UsageError, match="did you mean"):
        infer_schema(frame.rename(columns={"a": "age"}), overrides={"aeg": Kind.NUMERIC})


JOBS = [f"{job} {grade}" for job in ("Fire Fighter", "Police Officer", "School Nurse") for grade in range(20)]


def test_values_that_are_phrases_are_kept_as_text_too() -> None:
    frame = pd.DataFrame({"job": [*JOBS, None] * 5, "code": [f"X-{i % 61:06d}" for i in range(305)]})
    schema = infer_schema(frame)
    assert [(column.name, column.kind, column.worded) for column in schema.columns] == [
        ("job", Kind.CATEGORICAL, True),
        ("code", Kind.CATEGORICAL, False),
    ]
    assert schema.texts == ("job in words",)
    rows = pd.DataFrame({"job": ["Police Officer 1", "Chief Nurse", None], "code": ["1", "2", "3"]})
    typed = apply_schema(rows, schema)
    assert set(typed).issuperset({"job", "code", "job in words"})
    assert typed["job"].tolist() == [JOBS.index("Police Officer 1"), UNSEEN, MISSING]
    assert typed["job in words"].tolist() == ["Police Officer 1", "Chief Nurse", ""]


def test_words_can_be_refused_and_make_way_for_a_column_of_their_name() -> None:
    frame = pd.DataFrame({"job": JOBS * 5})
    assert not infer_schema(frame, overrides={"job": "categorical"})["job"].worded
    assert not infer_schema(frame, edited=[{"name": "job", "kind": "categorical"}])["job"].worded
    assert infer_schema(frame, edited=[{"name": "job", "kind": "categorical", "worded": True}])["job"].worded
    assert not infer_schema(frame.assign(**{"job in words": 1.5}))["job"].worded


def test_a_table_without_usable_columns_keeps_its_rows() -> None:
    frame = pd.DataFrame({"x": ["a", "a", "a"]})
    assert apply_schema(frame, infer_schema(frame)).shape == (3, 0)


DTYPES = {
    Kind.NUMERIC: "float64",
    Kind.BOOLEAN: "float64",
    Kind.CATEGORICAL: "int32",
    Kind.DATETIME: "datetime64[us]",
    Kind.TEXT: "string",
}
cell = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.sampled_from(
        ["yes", "No", "?", "1", "2.5", "$3", "1,200", "01234", "13/01/2024", "2024-01-31", "inf", "a b c d e"]
    ),
)
column = st.one_of(
    st.lists(cell, min_size=70, max_size=70),
    st.lists(st.sampled_from(["1", "2,5", "$3", "x"]), min_size=70, max_size=70),
    st.lists(st.floats(), min_size=70, max_size=70),
    st.lists(st.booleans(), min_size=70, max_size=70),
    st.lists(st.datetimes().map(str), min_size=70, max_size=70),
    st.lists(st.one_of(st.none(), st.integers(), st.booleans(), st.text(max_size=3)), min_size=70, max_size=70),
)


@settings(max_examples=60, deadline=None)
@given(
    values=st.one_of(
        st.lists(st.one_of(st.none(), st.integers(-9, 9) | st.integers(), st.floats()), min_size=70, max_size=70),
        st.lists(
            st.one_of(st.none(), st.sampled_from(["1", "yes", " a b", "a b", "1.0", "?"])), min_size=70, max_size=70
        ),
        st.lists(st.one_of(st.booleans(), st.integers(0, 1), st.sampled_from(["1", "x"])), min_size=70, max_size=70),
    )
)
def test_objects_are_typed_alike_in_long_and_short_tables(values: list[object]) -> None:
    frame = pd.DataFrame({"c": pd.Series(values, dtype=object)})
    schema = infer_schema(frame)
    parts = [apply_schema(frame[start : start + 10].reset_index(drop=True), schema) for start in range(0, 70, 10)]
    pd.testing.assert_frame_equal(apply_schema(frame, schema), pd.concat(parts, ignore_index=True))


@settings(max_examples=60, deadline=None)
@given(columns=st.lists(column, min_size=1, max_size=3))
def test_laws_of_any_table(columns: list[list[object]]) -> None:
    frame = pd.DataFrame({f"c{i}": pd.Series(values) for i, values in enumerate(columns)})
    schema = infer_schema(frame)
    result = apply_schema(frame, schema)
    assert {name: str(dtype) for name, dtype in result.dtypes.items()} == {
        c.name: DTYPES[c.kind] for c, _ in schema.typed
    }
    assert len(result) == len(frame)
    for used in schema.used:
        if used.kind is Kind.CATEGORICAL:
            assert result[used.name].between(MISSING, len(used.categories) - 1).all()
        if used.kind is Kind.NUMERIC:
            assert not np.isinf(result[used.name]).any()
    assert schema_from_json(json.loads(json.dumps(schema_to_json(schema)))) == schema
    some = frame.iloc[10:13]  # a small batch takes another way to the same cells
    pd.testing.assert_frame_equal(apply_schema(some, schema), result.iloc[10:13].reset_index(drop=True))


def test_dates_that_stand_for_none_are_missing_however_they_come() -> None:
    days = ["2024-01-31", "9999-12-31", "2024-03-01"] * 9
    column = Column("closed", Kind.DATETIME, "", missing=("9999-12-31",))
    texts, moments = pd.DataFrame({"closed": days}), pd.DataFrame({"closed": pd.to_datetime(days)})
    for frame in (texts, moments):
        assert apply_schema(frame, Schema((column,)))["closed"].isna().tolist() == [False, True, False] * 9
    row = RowReader.of(Schema((column,)))([{"closed": "9999-12-31"}])
    assert row is not None
    assert np.isnat(row["closed"]).all()


def test_a_flag_beside_a_null_is_the_number_that_it_is_alone() -> None:
    schema = infer_schema(pd.DataFrame({"paid": [0.0, 1.0, 2.0, 1.0] * 9}), overrides={"paid": "numeric"})
    alone = apply_schema(pd.DataFrame([{"paid": True}]), schema)["paid"].tolist()
    beside = apply_schema(pd.DataFrame([{"paid": True}, {"paid": None}, {"paid": False}]), schema)["paid"].tolist()
    assert alone == beside[:1] == [1.0]
    assert np.isnan(beside[1])
    assert beside[2] == 0.0


@pytest.mark.parametrize("word", ["unbekannt", "Varies with device", "k. A.", "没有"])
def test_a_word_for_no_value_in_any_language_leaves_numbers_numbers(word: str) -> None:
    values = [f"{number / 7:.2f}" for number in range(85)] + [word] * 15
    column = infer(values)
    assert (column.kind, column.missing) == (Kind.NUMERIC, (word,))
    assert np.isnan(typed(values)[-1])  # type: ignore[call-overload]
    assert infer([*map(str, range(10)), *([word] * 30)]).kind is Kind.CATEGORICAL


@pytest.mark.parametrize("name", ["userid", "CUSTOMERID", "patient_id", "orderids"])
def test_ids_of_things_are_known_by_name(name: str) -> None:
    assert infer(NOT_SORTED, name).kind is Kind.IDENTIFIER
