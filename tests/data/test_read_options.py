"""What the owner of a file knows better than its content tells."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.config import FitConfig, ReadOptions
from automl.data.batches import open_batches
from automl.data.io import read_data, read_table
from automl.data.reading import Reading
from automl.data.schema import apply_schema, infer_schema, with_decimal
from automl.data.table import ProblemType
from automl.data.task import encode_target, infer_task
from automl.errors import DataError, UsageError


def read(data: str | bytes, options: ReadOptions | None = None, like: Reading | None = None) -> pd.DataFrame:
    content = data.encode() if isinstance(data, str) else data
    return read_table(io.BytesIO(content), reading=like, options=options or ReadOptions())[0]


def typed(data: str, options: ReadOptions) -> dict[str, list[object]]:
    frame, reading = read_table(io.BytesIO(data.encode()), options=options)
    return apply_schema(frame, infer_schema(frame, decimal=reading.decimal)).to_dict("list")


def test_a_separator_is_not_questioned() -> None:
    assert read("a b\n1 x,y\n2 z\n", ReadOptions(sep=" ")).to_dict("list") == {"a": ["1", "2"], "b": ["x,y", "z"]}
    assert list(read("a;b,c\n1;2,3\n", ReadOptions(sep=","))) == ["a;b", "c"]
    assert list(read("a;b,c\n1;2,3\n", ReadOptions(sep=";"))) == ["a", "b,c"]
    assert list(read("a,b\n1,2\n", ReadOptions(sep=";"))) == ["a,b"]
    assert list(read("a^b\n1^2\n", ReadOptions(sep="^"))) == ["a", "b"]
    assert read('a\tb\n"x\ty"\t2\n', ReadOptions(sep="tab")).to_dict("list") == {"a": ["x\ty"], "b": ["2"]}


def test_an_encoding_is_not_questioned() -> None:
    cities = "city,x\nŁódź,1\n".encode("cp1250")
    assert read(cities, ReadOptions(encoding="cp1250"))["city"].tolist() == ["Łódź"]
    assert read("city,x\nBern,1\n".encode("utf-8-sig"), ReadOptions(encoding="utf-8")).columns[0] == "city"
    with pytest.raises(DataError, match="not written in utf-8"):
        read(cities, ReadOptions(encoding="utf-8"))
    with pytest.raises(DataError, match="zero bytes"):
        read("a,b\n1,2\n".encode("utf-16-le"), ReadOptions(encoding="utf-8"))


def test_a_decimal_mark_settles_what_is_ambiguous() -> None:
    table = "a;b;c\n1,250;1.500;1.5\n2,500;12.000;2.5\n"
    comma = {"a": [1.25, 2.5], "b": [1500.0, 12000.0], "c": [1.5, 2.5]}
    assert typed(table, ReadOptions(decimal=",")) == comma
    assert typed(table, ReadOptions(decimal=".")) == {"a": [1250.0, 2500.0], "b": [1.5, 12.0], "c": [1.5, 2.5]}
    assert typed(table.replace("2,500", "0,500"), ReadOptions()) == comma | {"a": [1.25, 0.5]}


PAIRS = "pair,price\n" + "".join(f'"{i % 7},{i % 5}",{i}.556\n' for i in range(1, 20))


def test_quoted_pairs_are_no_decimal_comma_of_the_table() -> None:
    assert typed(PAIRS, ReadOptions())["price"][:2] == [1.556, 2.556]
    assert typed(PAIRS, ReadOptions(decimal=","))["price"][:2] == [1556.0, 2556.0]
    assert typed('a,b\n"0,5",x\n"1,5",y\n', ReadOptions())["a"] == [0.5, 1.5]


def test_one_comma_against_several_dots_is_not_that_of_the_table() -> None:
    frame = pd.DataFrame({"pair": ["3,7", "1,2"], "price": ["4.556", "2.691"], "a": ["0.5", "2"], "b": ["1.25", "7.5"]})
    assert read_data(frame)[1].decimal == "."
    assert read_data(frame[["pair", "price", "a"]])[1].decimal == ","


def test_the_target_has_the_decimal_mark_of_the_table() -> None:
    prices = "x;price\n0,5;1,250\n1,5;2,500\n0,1;3,125\n"
    frame, reading = read_table(io.BytesIO(prices.encode()))
    task = infer_task(frame["price"], "price", decimal=reading.decimal, problem_type=ProblemType.REGRESSION)
    assert encode_target(frame["price"], task)[0].tolist() == [1.25, 2.5, 3.125]


def test_further_words_for_missing_hold_for_every_column_and_later_files() -> None:
    options = ReadOptions(na=["n.v.", "999"])
    frame, reading = read_table(io.BytesIO(b"a,b\n1,x\n999, n.v. \n3,y\n"), options=options)
    assert frame.isna().sum().tolist() == [1, 1]
    assert reading.describe() == "',' separated, utf-8, 'n.v.', '999' missing, 3 rows x 2 columns"
    assert read("a,b\n999,z\n", like=reading)["a"].isna().all()
    assert not read("a,b\n999,z\nn,z\n", ReadOptions(na=["n"]), reading)["a"].isna().iloc[0]
    memory, remembered = read_data({"a": [1.0, 999.0], "b": ["n.v.", 999]}, options=options)
    assert memory.isna().to_numpy().tolist() == [[False, True], [True, True]]
    assert remembered.na == ("n.v.", "999")


CODES = pd.DataFrame(
    {"y": [999.0, 1.5, 2.25], "id": ["007", "999", "n.v."], "n": [-99, 999, 4], "f": np.float32([-99.9, 0.5, 1.0])}
)
CODED = ["999", "-99", "-99.9", "n.v.", "7"]


def as_text(form: str, frame: pd.DataFrame) -> str:
    return frame.assign(y=frame["y"].map(form.format), n=frame["n"].map("{:.1f}".format)).to_csv(index=False)


@pytest.mark.parametrize("format", ["csv", "padded", "german", "parquet", "excel", "json", "decimals", "frame"])
def test_a_number_that_means_missing_is_one_however_it_is_written(format: str, tmp_path: Path) -> None:
    path = tmp_path / "table"
    if format == "parquet":
        CODES.to_parquet(path)
    elif format == "excel":
        pytest.importorskip("openpyxl")
        CODES.astype({"f": float}).round(3).to_excel(path.with_suffix(".xlsx"), index=False)
        path = path.with_suffix(".xlsx")
    elif format == "json":
        path.write_text(CODES.astype({"f": float}).round(3).to_json(orient="records"))
    elif format == "german":
        path.write_text(CODES.to_csv(index=False, sep=";", decimal=",", float_format="%.2f"))
    elif format != "frame":
        path.write_text(as_text("{:+.3f}" if format == "padded" else "{}", CODES))
    source = CODES.assign(y=CODES["y"].map(Decimal)) if format == "decimals" else CODES
    options = ReadOptions(na=CODED)
    frame, found = read_data(source if format in ("frame", "decimals") else path, options=options)
    assert frame.isna().T.to_numpy().tolist() == [
        [True, False, False],
        [False, True, True],
        [True, True, False],
        [True, False, False],
    ]
    assert found.unmet == ("7",)
    assert "'n.v.' missing, no cell is '7'" in found.describe()


def test_the_words_for_missing_do_not_tell_the_decimal_mark() -> None:
    text = "a;b\n" + "-99.0;1,250\n" * 4 + "2;3,5\n"
    frame, reading = read_table(io.BytesIO(text.encode()), options=ReadOptions(na=["-99.0", "1,25"]))
    assert reading.decimal == ","
    assert frame.isna().sum().tolist() == [4, 4]


def test_a_column_may_be_nothing_but_such_words() -> None:
    assert read("a;b\n1,5;x\n1,5;y\n", ReadOptions(na=["1,5"]))["a"].isna().all()


def test_what_is_asked_of_a_later_file_wins_over_the_first() -> None:
    _, first = read_table(io.BytesIO("a;b\n0,5;x\n".encode("latin-1")))
    frame, later = read_table(io.BytesIO(b"a|b\n1.5|x\n"), reading=first, options=ReadOptions(sep="|", decimal="."))
    assert frame.to_dict("list") == {"a": ["1.5"], "b": ["x"]}
    assert (first.decimal, later.decimal) == (",", ".")
    _, parquet = read_data({"a": [1.5]})
    assert read_table(io.BytesIO(b"a;b\n0,5;x\n"), reading=parquet)[1].decimal == ","


WRONG = [
    ({"sep": ""}, "sep must be one character"),
    ({"sep": ",,"}, "sep must be one character"),
    ({"sep": '"'}, "sep must be one character"),
    ({"decimal": ";"}, r"decimal must be one of \., ,"),
    ({"encoding": "utf8000"}, "encoding must be a text encoding"),
    ({"encoding": "base64"}, "encoding must be a text encoding"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[str(options) for options, _ in WRONG])
def test_options_that_cannot_be(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ReadOptions(**options)


def test_options_come_back_from_json() -> None:
    config = FitConfig(read=ReadOptions(sep=";", na=["x"]), schema=({"name": "a", "kind": "text"},))
    stored = config.to_json()
    assert FitConfig.from_json(stored).read == config.read
    older = {name: value for name, value in stored.items() if name not in ("read", "schema")}
    assert FitConfig.from_json(older).read == ReadOptions()


def test_readings_of_older_versions_are_known() -> None:
    older = Reading.from_json({"format": "csv", "encoding": "utf-8", "delimiter": ";", "header": ["a"]})
    assert (older.decimal, older.na, older.files) == (".", (), 1)
    now = Reading("csv", "utf-8", ";", decimal=",", na=("x",), header=("a", "b"), rows=2)
    assert Reading.from_json(now.to_json()) == now


def test_numbers_that_are_no_table_of_text_keep_their_type() -> None:
    frame, _ = read_data(
        pd.DataFrame({"a": np.arange(3), "t": pd.date_range("2024-01-01", periods=3)}), options=ReadOptions(na=["1"])
    )
    assert frame["a"].isna().tolist() == [False, True, False]
    assert frame["t"].dtype.kind == "M"


def test_a_later_table_in_memory_is_read_as_the_first_one() -> None:
    frame = pd.DataFrame({"size": ["n.v.", "1,5"], "city": ["Ulm", "n.v."]})
    _, reading = read_data(frame, options=ReadOptions(na=["n.v."], decimal=","))
    later, found = read_data(frame, reading=reading)
    assert later.isna().sum().tolist() == [1, 1]
    assert (found.na, found.decimal) == (("n.v.",), ",")


MIXED = pd.DataFrame({"eu": ["6,2", "0,5", "12,25"], "us": ["47,993", "1,200.5", "2,500"]})
"""Columns with different marks, as where two tables were joined."""
GERMAN = pd.DataFrame({"preis": ["5.643,83 €", "500 €", "7,5 €"], "menge": ["47.993", "1.250", "2.500"]})
"""Only the first column tells the mark of the second."""


@pytest.mark.parametrize(("table", "sep"), [(MIXED, ","), (GERMAN, ";")], ids=["mixed", "german"])
@pytest.mark.parametrize("format", ["csv", "json", "parquet", "excel"])
def test_cells_are_read_alike_in_every_format_and_one_by_one(
    tmp_path: Path, table: pd.DataFrame, sep: str, format: str
) -> None:
    table.to_csv(tmp_path / "train.csv", sep=sep, index=False)
    frame, first = read_table(tmp_path / "train.csv")
    schema = infer_schema(frame, decimal=first.decimal)
    expected = apply_schema(frame, schema)
    for number, rows in enumerate([table, *(table.iloc[[i]] for i in range(len(table)))]):
        path = tmp_path / f"{number}.{format}"
        {
            "csv": lambda t, p: t.to_csv(p, sep=sep, index=False),
            "json": lambda t, p: t.to_json(p, orient="records"),
            "parquet": lambda t, p: t.to_parquet(p),
            "excel": lambda t, p: t.to_excel(p, index=False, engine="openpyxl"),
        }[format](rows, path)
        later, found = read_table(path, reading=first)
        typed_later = apply_schema(later, with_decimal(schema, found.decimal, first.decimal))
        pd.testing.assert_frame_equal(typed_later, expected.iloc[rows.index].reset_index(drop=True))
        with open_batches(path, reading=first, options=ReadOptions()) as batches:
            assert batches.options.decimal == first.decimal


def test_a_frame_whose_texts_tell_the_mark_tells_it_for_files(tmp_path: Path) -> None:
    _, first = read_data(MIXED)
    MIXED.to_csv(tmp_path / "later.csv", index=False)
    assert read_table(tmp_path / "later.csv", reading=first)[1].decimal == first.decimal == ","
