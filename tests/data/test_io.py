"""CSV files as people write them: nothing is lost in silence."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from automl.config import AS_FOUND, ReadOptions
from automl.data.batches import open_batches
from automl.data.cells import text_of
from automl.data.io import as_frame, read_data, read_table
from automl.data.reading import Reading
from automl.data.roles import series_of
from automl.data.source import is_path
from automl.data.task import infer_task
from automl.errors import DataError


def read(content: bytes | str, reading: Reading | None = None) -> pd.DataFrame:
    data = content.encode() if isinstance(content, str) else content
    return read_table(io.BytesIO(data), reading=reading)[0]


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("table.csv", content)
    return buffer.getvalue()


CITIES = "city;size\nZürich;1,5\nKöln;2,25\n"

SAME_TABLE = {
    "utf-8": CITIES.encode(),
    "byte order mark": CITIES.encode("utf-8-sig"),
    "utf-16": CITIES.encode("utf-16"),
    "utf-16 without a mark": CITIES.encode("utf-16-le"),
    "latin-1": CITIES.encode("latin-1"),
    "tab": CITIES.replace(";", "\t").encode(),
    "bar": CITIES.replace(";", "|").encode(),
    "quoted": b'city,size\n"Z\xc3\xbcrich","1,5"\n"K\xc3\xb6ln","2,25"\n',
    "windows lines": CITIES.replace("\n", "\r\n").encode(),
    "old mac lines": CITIES.replace("\n", "\r").encode(),
    "mixed lines": CITIES.replace("\n", "\r\n", 1).encode(),
    "no last line end": CITIES.rstrip().encode(),
    "blank lines": CITIES.replace("\n", "\n\n").encode(),
    "blanks in the header": CITIES.replace("city;size", " city; size ").encode(),
    "comments": ("# made by hand\n# on, monday\n" + CITIES).encode(),
    "title": ("Report of the day\n\n" + CITIES).encode(),
    "titles of a spreadsheet": ("Report of the day;\n;\n" + CITIES).encode(),
    "delimiter named": ("sep=;\n" + CITIES).encode(),
    "delimiter named in quotes": ('"sep=;"\r\nReport;\n' + CITIES).encode(),
    "delimiter at the end": CITIES.replace("\n", ";\n").encode(),
    "gzip": gzip.compress(CITIES.encode()),
    "bz2": bz2.compress(CITIES.encode()),
    "zip": zipped(CITIES.encode()),
    "zstd": pa.compress(CITIES.encode(), codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("content", SAME_TABLE.values(), ids=SAME_TABLE.keys())
def test_the_same_table_however_it_is_written(content: bytes) -> None:
    frame = read(content)
    assert frame.to_dict("list") == {"city": ["Zürich", "Köln"], "size": ["1,5", "2,25"]}
    assert set(frame.dtypes.astype(str)) == {"string"}


def test_cells_are_kept_as_they_are() -> None:
    frame = read('zip,note,empty\n01234,"two\nlines ""quoted""",\n99999, 5" disk,?\n')
    assert frame["zip"].tolist() == ["01234", "99999"]
    assert frame["note"].tolist() == ['two\nlines "quoted"', ' 5" disk']
    assert frame["empty"].isna().tolist() == [True, False]


def test_an_integer_column_may_turn_to_words_late() -> None:
    frame = read("a,b\n" + "".join(f"{i},x\n" for i in range(30_000)) + "late,x\n")
    assert len(frame) == 30_001
    assert frame["a"].iloc[-1] == "late"


def test_apostrophes_are_quotes_only_where_they_must_be() -> None:
    assert read("a,b\n'x, y',2\n'z',3\n")["a"].tolist() == ["x, y", "z"]
    assert read("a,b\n1,'\n2,'\n")["b"].tolist() == ["'", "'"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("a;b\nKöln;1\n", "cp1252"),
        ("Größe;x\n1;2\n", "cp1252"),
        ("\n".join(["город;x", *["Москва;1", "Санкт-Петербург;2", "Новосибирск;3"] * 9]), "cp1251"),
        ("\n".join(["都市;x", *["東京は日本の首都です;1", "大阪の人口は多いです;2"] * 9]), "shift_jis"),
    ],
)
def test_the_encoding_is_told_from_few_and_many_letters(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)).iloc[0, 0] == text.splitlines()[1].split(";")[0]


def test_a_decimal_comma_in_every_cell_is_no_delimiter() -> None:
    assert read("x;y\n0,5;1,25\n1,5;2,5\n").to_dict("list") == {"x": ["0,5", "1,5"], "y": ["1,25", "2,5"]}
    assert read("x;y\n" + "0,5;1,25\n" * 99).shape == (99, 2)


def test_a_header_may_begin_with_a_hash() -> None:
    assert list(read("#id,age\n1,2\n3,4\n")) == ["#id", "age"]


def test_a_comment_above_numbers_is_their_header() -> None:
    buffer = io.BytesIO()
    np.savetxt(buffer, np.arange(12.0).reshape(4, 3), delimiter=",", header="made by hand\na,b,y")
    assert read(buffer.getvalue()).astype(float).to_dict("list") == {
        "a": [0, 3, 6, 9],
        "b": [1, 4, 7, 10],
        "y": [2, 5, 8, 11],
    }
    assert list(read("# a,b\nc,d\n1,2\n")) == ["c", "d"]
    assert list(read("# 0.5,1\n1,2\n3,4\n")) == ["1", "2"]


def test_the_delimiter_that_a_file_names_is_not_questioned(tmp_path: Path) -> None:
    text = "sep=|\na,b|c,d\n1,2|3,4\n5,6|7,8\n"
    assert list(read(text)) == ["a,b", "c,d"]
    (tmp_path / "t.csv").write_text(text)
    frame, reading = read_table(tmp_path / "t.csv")
    assert (reading.delimiter, reading.skipped) == ("|", 1)
    with open_batches(tmp_path / "t.csv", reading=reading, options=ReadOptions()) as batches:
        pd.testing.assert_frame_equal(next(iter(batches.read())).frame, frame)


def test_a_row_may_be_long() -> None:
    long = "x" * 2_500_000
    assert read(f"a,b\n1,{long}\n2,y\n")["b"].tolist() == [long, "y"]
    with pytest.raises(DataError, match="line 3 has 3 values but the header has 2"):
        read(f"a,b\n1,{long}\n2,y,z\n")


def test_columns_without_a_name_are_called_as_in_a_frame_of_pandas() -> None:
    text = ",b,\n0,2,3\n1,4,5\n"
    assert list(read(text)) == list(pd.read_csv(io.StringIO(text))) == ["Unnamed: 0", "b", "Unnamed: 2"]


def test_cells_and_headers_may_be_long() -> None:
    names = [f"measurement_number_{i}" for i in range(5000)]
    assert list(read(",".join(names) + "\n" + ",".join("1" * 5000) + "\n")) == names
    frame = read('a,b\n"' + "x " * 100_000 + '",1\n2,3\n')
    assert len(frame["a"].iloc[0]) == 200_000
    assert frame["b"].tolist() == ["1", "3"]


def test_blank_lines_of_a_single_column_are_missing_cells() -> None:
    assert read('a\n1\n\n3\n""\n\n')["a"].fillna("missing").tolist() == ["1", "missing", "3", "missing"]


WRONG = {
    "empty": (b"", "empty"),
    "blank lines only": (b"\n\n", "empty"),
    "header only": (b"a,b\n", "no rows"),
    "duplicate header": (b"a,b, a\n1,2,3\n", "'a' 2 times"),
    "short row": (b"a,b\n1,2\n3\n", "line 3 has 1 value"),
    "long row": (b"a,b\n1,2\n3,4\n5,6,7\n", "line 4 has 3 values"),
    "long row after comments": (b"# x\na,b\n1,2\n5,6,7\n", "line 4 has 3 values"),
    "late long row": (b"a,b\n" + b"1,2\n" * 40_000 + b"1,2,3\n", "line 40002 has 3 values"),
    "open quote": (b'a,b\n1,"x\n2,y\n', "line 2 has a quote that is not closed"),
    "text after a quote": (b'a,b\n1,"x\n2,"y\n', "line 2 has a quote that is not closed"),
    "damaged gzip": (gzip.compress(b"a,b\n1,2\n" * 99)[:-9], "damaged"),
    "damaged bz2": (bz2.compress(b"a,b\n1,2\n" * 99)[:-9], "damaged"),
    "damaged zstd": (pa.compress(b"a,b\n1,2\n" * 99, codec="zstd", asbytes=True)[:-9], "damaged"),
    "damaged zip": (zipped(b"a,b\n1,2\n")[:40], "damaged"),
    "damaged parquet": (b"PAR1 and nothing else", "damaged"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_one_clear_line(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"did you mean 'train\.csv'"):
        read_table(tmp_path / "trian.csv")
    with pytest.raises(DataError, match="must be a file"):
        read_table(tmp_path)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    assert read_table("-")[0].to_dict("list") == {"a": ["1"], "b": ["2"]}


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    frame.to_parquet(tmp_path / "t.parquet")
    back, reading = read_table(tmp_path / "t.parquet")
    assert back["a"].dtype == np.int64
    assert back["c"].dtype.kind == "M"
    assert reading.format == "parquet"


def test_a_later_file_is_read_the_same_way() -> None:
    _, reading = read_table(io.BytesIO(CITIES.encode("latin-1")))
    assert Reading.from_json(reading.to_json()) == reading
    assert reading.describe() == "';' separated, cp1252, decimal comma, 2 rows x 2 columns"
    assert read("text;x\na, b, c;1\n", reading).to_dict("list") == {"text": ["a, b, c"], "x": ["1"]}
    assert read("city;size\nÖtz;1\n".encode("latin-1"), reading)["city"].tolist() == ["Ötz"]
    assert read("city;size\nÖtz;1\n", reading)["city"].tolist() == ["Ötz"]


def test_a_later_file_may_have_another_separator_and_then_its_own_decimal_mark(tmp_path: Path) -> None:
    _, comma = read_table(io.BytesIO(b"city,size\nBern,1.5\nUlm,2.25\n"))
    _, semicolon = read_table(io.BytesIO(b"city;size\nBern;1,5\nUlm;2,25\n"))
    assert (comma.decimal, semicolon.decimal) == (".", ",")
    assert read("city;size\nRom;3,5\n", comma).to_dict("list") == {"city": ["Rom"], "size": ["3,5"]}
    for content, known in (("city;size\nRom;3,5\n", comma), ("city,size\nRom,3.5\n", semicolon)):
        path = tmp_path / "later.csv"
        path.write_text(content)
        decimal = "," if known is comma else "."
        assert read_table(path, reading=known)[1].decimal == decimal
        with open_batches(path, reading=known, options=AS_FOUND) as table:
            assert table.options.decimal == decimal
            (batch,) = table.read()
            assert list(batch.frame) == ["city", "size"]
    with pytest.raises(DataError, match="holds semicolon"):
        read("town;area\nRom;3,5\n", comma)  # no column of the first file
    (tmp_path / "a.csv").write_text("city,size\nBern,1.5\n")
    (tmp_path / "b.csv").write_text("city;size\nBern;1,5\n")
    with pytest.raises(DataError, match=r"b.csv is separated by ';', not by ','; rewrite it"):
        read_table(tmp_path / "*.csv")


JOINED = "a,b,note\n1,2,x\na,b,note\n3,4,\n5,b,note\na,b,note\n"


@pytest.mark.parametrize("mark", ["", "\ufeff", "Report of the year\n\n"])
def test_a_header_that_comes_again_is_no_row(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "joined.csv"
    path.write_text(mark + JOINED, encoding="utf-8")
    frame, reading = read_table(path)
    assert cells_of(frame) == [["1", "2", "x"], ["3", "4", ""], ["5", "b", "note"]]
    assert reading.headers == 2
    assert "the header left out 2 more times, " in reading.describe()
    with open_batches(path, reading=reading, options=AS_FOUND) as table:
        assert table.rows == 3
        assert cells_of(pd.concat([batch.frame for batch in table.read()])) == cells_of(frame)


def test_the_name_of_a_single_column_may_be_a_cell() -> None:
    assert read("a\n1\na\n")["a"].tolist() == ["1", "a"]
    assert read("# a,b\n1,2\na,b\na,b\n")["a"].tolist() == ["1", "a", "a"]  # the first line is another one


cell_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=12)


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[str]) -> list[list[str]]:
    width = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8))


def written(rows: list[list[str]], delimiter: str, quoting: int, line_end: str) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerows([[f"c{i}" for i in range(len(rows[0]))], *rows])
    return buffer.getvalue().encode()


def cells_of(frame: pd.DataFrame) -> list[list[str]]:
    return frame.fillna("").to_numpy(object).tolist()


writing = {
    "delimiter": st.sampled_from([",", ";", "\t", "|"]),
    "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    "line_end": st.sampled_from(["\n", "\r\n"]),
}


@settings(max_examples=60, deadline=None)
@given(rows=tables(cell_text), **writing)
def test_any_cells_come_back_with_a_known_dialect(
    rows: list[list[str]], delimiter: str, quoting: int, line_end: str
) -> None:
    frame = read(written(rows, delimiter, quoting, line_end), Reading("csv", delimiter=delimiter))
    assert cells_of(frame) == rows


@settings(max_examples=60, deadline=None)
@given(rows=tables(st.text("abc 019.-_äé\n\"'", max_size=12)), **writing)
def test_cells_come_back_with_a_sniffed_dialect(
    rows: list[list[str]], delimiter: str, quoting: int, line_end: str
) -> None:
    assert cells_of(read(written(rows, delimiter, quoting, line_end))) == rows


CELLS = {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    "data",
    [pd.DataFrame(CELLS), pl.DataFrame(CELLS), pa.table(CELLS), CELLS, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]],
    ids=["pandas", "polars", "pyarrow", "dict of lists", "list of dicts"],
)
def test_tables_of_other_libraries(data: object) -> None:
    assert as_frame(data).to_dict("list") == CELLS


@pytest.mark.parametrize("library", [pl.DataFrame, pa.table], ids=["polars", "pyarrow"])
def test_large_identifiers_beside_nulls_keep_their_digits(library: Callable[[object], object]) -> None:
    assert as_frame(library({"id": [2**60 + 1, None], "x": [1, None]}))["id"].tolist() == [2**60 + 1, None]


def test_an_array_and_numbered_columns_get_text_names() -> None:
    assert list(as_frame(np.zeros((2, 3)))) == ["x0", "x1", "x2"]
    assert list(as_frame(pd.DataFrame(np.zeros((2, 2))))) == ["0", "1"]


@pytest.mark.parametrize("data", [5, [1, 2], {"a": 1}, np.zeros(3), {"a": [1], "b": [1, 2]}, "x.csv"])
def test_what_is_no_table_is_refused(data: object) -> None:
    with pytest.raises(DataError):
        as_frame(data)


@pytest.mark.parametrize(
    ("data", "way_out"),
    [
        (csr_matrix(np.eye(2)), r"got csr_matrix; give its \.toarray\(\)"),
        (pl.LazyFrame({"a": [1]}), r"got LazyFrame; give its \.collect\(\)"),
        (pa.RecordBatch.from_pydict(CELLS), r"got RecordBatch; give pyarrow\.table\(batch\)"),
        (pd.DataFrame(CELLS).to_records(), r"got recarray of records; give pandas\.DataFrame\(array\)"),
        (np.zeros(3), r"got ndarray of shape \(3,\); give one of two dimensions: array\.reshape\(-1, 1\) is a column"),
        (np.zeros((3, 2, 2)), r"got ndarray of shape \(3, 2, 2\); give one of two dimensions$"),
        ([[1, 2], [3, 4]], r"or use a frame, or numpy\.array"),
    ],
)
def test_what_could_be_a_table_is_refused_with_a_way_out(data: object, way_out: str) -> None:
    with pytest.raises(DataError, match=way_out):
        as_frame(data)


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="'a' 2 times"):
        as_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_is_path() -> None:
    assert is_path("-")
    assert is_path(Path("x"))
    assert not is_path(CELLS)


@pytest.mark.parametrize("rows", [40, 200_000])
def test_a_stray_byte_does_not_change_how_the_others_are_read(rows: int, tmp_path: Path) -> None:
    content = b"city,size\n" + "Zürich,1\nKöln,2\n".encode() * rows + b"Orl\xe9ans,3\n" + "Győr,4\n".encode()
    (tmp_path / "table.csv").write_bytes(content)
    frame, reading = read_table(tmp_path / "table.csv")
    assert frame["city"].tolist()[-4:] == ["Zürich", "Köln", "Orl\ufffdans", "Győr"]
    assert (reading.encoding, reading.unreadable) == ("utf-8", 1)
    assert "1 unreadable" in reading.describe()
    with open_batches(tmp_path / "table.csv", reading=reading, options=ReadOptions()) as batches:
        assert batches.files[0].reading.unreadable == 1
        assert pd.concat([batch.frame for batch in batches.read()], ignore_index=True).equals(frame)


def test_strings_of_arrow_are_strings() -> None:
    cells = pa.array(["1,250", "2,500", "0,125"] * 20)
    arrow = pd.DataFrame({"a": pd.Series(cells, dtype=pd.ArrowDtype(pa.string())), "b": ["0,5", "1,5", "2,5"] * 20})
    plain = arrow.astype({"a": "str"})
    assert read_data(arrow)[1].decimal == read_data(plain)[1].decimal == ","
    numbered = pd.Series(["01", "02", "10"] * 30, dtype=pd.ArrowDtype(pa.string()))
    assert infer_task(series_of(numbered, "y"), "y").classes == ("01", "02", "10")


def test_bytes_are_text() -> None:
    assert text_of(b"Bern ") == "Bern"


def test_days_can_be_called_missing() -> None:
    frame = pd.DataFrame({"day": pd.to_datetime(["2024-02-01", "1900-01-01"] * 5)})
    found, _ = read_data(frame, options=ReadOptions(na=["1900-01-01"]))
    assert found["day"].isna().tolist() == [False, True] * 5


def test_half_a_character_is_refused() -> None:
    """As JSON of texts that were cut holds it."""
    with pytest.raises(DataError, match=r"the text 'cut \\ud83d' ends with half a character"):
        read_data({"a": ["cut \ud83d", "b"] * 99})
    with pytest.raises(DataError, match=r"the text 'cut \\ud83d' ends with half a character"):
        read('{"a": "cut \\ud83d 1", "b": 1}\n' * 9)


def test_bytes_in_the_other_order_are_numbers() -> None:
    """FITS, HDF5 and netCDF give them."""
    table, _ = read_data(pd.DataFrame({"a": np.arange(3).astype(">i4"), "b": np.arange(3).astype(">f8")}))
    assert [dtype.isnative for dtype in table.dtypes] == [True, True]
    assert table.to_numpy().tolist() == [[0, 0], [1, 1], [2, 2]]
