"""The traps of CSV files that at least one good reader falls into, mostly without a word: from file to typed cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.data.io import read_table
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import MISSING, Kind, Schema
from automl.errors import DataError


@dataclass(frozen=True)
class Read:
    """A file as the engine sees it."""

    frame: pd.DataFrame
    schema: Schema
    typed: pd.DataFrame
    said: str

    def words(self, name: str) -> list[str | None]:
        """The categories of a column, row by row."""
        names = self.schema[name].categories
        return [None if code == MISSING else names[code] for code in self.typed[name]]


def table(path: Path) -> Read:
    frame, reading = read_table(path)
    schema = infer_schema(frame, decimal=reading.decimal)
    return Read(frame, schema, apply_schema(frame, schema), reading.describe())


GERMAN = "ort;preis;gewicht\nZürich;1.250,5;1,250\nKöln;0,5;2,500\nZürich;7;0,125\n"


def semicolon_and_decimal_comma(read: Read) -> None:
    assert read.typed["preis"].tolist() == [1250.5, 0.5, 7.0]
    assert read.typed["gewicht"].tolist() == [1.25, 2.5, 0.125]
    assert read.said == "';' separated, utf-8, decimal comma, 3 rows x 3 columns"


def tab_or_bar(read: Read) -> None:
    assert list(read.frame) == ["a", "b"]
    assert read.typed["a"].tolist() == [1.0, 3.0]


def umlauts(read: Read) -> None:
    assert read.words("ort") == ["Zürich", "Köln", "Zürich"]
    assert list(read.frame) == ["ort", "preis", "gewicht"]


def zip_codes(read: Read) -> None:
    assert read.words("zip") == ["01234", "99999", "01234"]


def preamble(read: Read) -> None:
    assert read.typed["a"].tolist() == [1.0, 3.0]
    assert "2 lines before the header skipped" in read.said


def late_words(read: Read) -> None:
    assert len(read.frame) == 30_040
    assert read.schema["x"].kind is Kind.CATEGORICAL
    assert read.words("x")[29_998:30_002] == ["1", "2", "A0", "A1"]


def missing_words(read: Read) -> None:
    assert read.typed["a"].isna().tolist() == [False, True, True, False]
    assert read.words("b") == ["x", None, "y", None]


def day_first(read: Read) -> None:
    days = pd.to_datetime(["2024-02-01", *["2024-01-13"] * 2], format="%Y-%m-%d")
    assert read.typed["day"].tolist() == days.tolist()
    assert "'13/01/2024' tells day and month apart" in read.schema["day"].reason


def dollars(read: Read) -> None:
    assert read.typed["price"].tolist() == [1200.5, -3.0, 7.0]
    assert read.schema["price"].unit == "$"


def percent(read: Read) -> None:
    assert read.typed["rate"].tolist() == [12.0, 15.5, 0.0]


def blank_in_the_header(read: Read) -> None:
    assert list(read.frame) == ["a", "b"]
    assert read.typed["b"].tolist() == [2.0, 4.0]


def quoted_newlines(read: Read) -> None:
    assert read.frame["note"].tolist() == ['two\nlines, "quoted"', "one"]
    assert read.typed["a"].tolist() == [1.0, 2.0]


READ: dict[str, tuple[str | bytes, Callable[[Read], None]]] = {
    "semicolon with decimal comma": (GERMAN, semicolon_and_decimal_comma),
    "tab": ("a\tb\n1\tx, y\n3\tz\n", tab_or_bar),
    "bar": ("a|b\n1|x, y\n3|z\n", tab_or_bar),
    "latin-1": (GERMAN.encode("latin-1"), umlauts),
    "utf-16": (GERMAN.encode("utf-16"), umlauts),
    "byte order mark": (GERMAN.encode("utf-8-sig"), umlauts),
    "zip codes": ("zip,x\n01234,1\n99999,2\n01234,3\n", zip_codes),
    "hash preamble": ("# exported, by hand\n# on monday\na,b\n1,2\n3,4\n", preamble),
    "integers that turn to text": (
        "x,y\n" + "".join(f"{i % 9},1\n" for i in range(30_000)) + "".join(f"A{i},1\n" for i in range(40)),
        late_words,
    ),
    "? and - as missing": ("a,b\n1,x\n?,-\n-,y\n2,?\n", missing_words),
    "13/01/2024": ("day,x\n01/02/2024,1\n13/01/2024,2\n13/01/2024,3\n", day_first),
    "$1,200.50": ('price,x\n"$1,200.50",1\n-$3,2\n$7.00,3\n', dollars),
    "12%": ("rate,x\n12%,1\n15.5 %,2\n0%,3\n", percent),
    "blank in the header": ("a, b\n1,2\n3,4\n", blank_in_the_header),
    "quoted newlines": ('a,note\n1,"two\nlines, ""quoted"""\n2,one\n', quoted_newlines),
}

REFUSED = {
    "ragged rows": ("a,b\n1,2\n3,4,5\n", "line 3 has 3 values but the header has 2; repair that line"),
    "row names": ("a,b\nx,1,2\ny,3,4\n", "line 2 has 3 values but the header has 2; name the first column, too"),
    "duplicate headers": ("a,b,a\n1,2,3\n", "column names must differ, got 'a' 2 times; rename one of them"),
    "empty file": ("", "the file is empty; it needs a header and rows"),
    "header only": ("a,b\n", r"the file has a header \(a, b\) but no rows"),
}


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(("content", "check"), READ.values(), ids=READ.keys())
def test_a_trap_that_is_read_right(tmp_path: Path, content: str | bytes, check: Callable[[Read], None]) -> None:
    read = table(written(tmp_path / "t.csv", content))
    check(read)
    later, reading = read_table(tmp_path / "t.csv", reading=read_table(tmp_path / "t.csv")[1])
    pd.testing.assert_frame_equal(later, read.frame)
    assert reading.describe() == read.said


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_trap_that_is_refused_with_what_to_do(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        table(written(tmp_path / "t.csv", content))
    assert "\n" not in str(caught.value)


def test_one_telling_day_among_many_is_enough(tmp_path: Path) -> None:
    days = [
        f"{day:02}/{month:02}/{year}" for year in range(1900, 2024) for month in range(1, 13) for day in range(1, 13)
    ]
    days[12_345] = "31/12/1999"
    read = table(written(tmp_path / "t.csv", "day,x\n" + "".join(f"{day},1\n" for day in days)))
    assert read.schema["day"].format == "%d/%m/%Y"
    assert read.schema["day"].missing == ()
    assert np.datetime64("1999-12-31") in read.typed["day"].to_numpy()
