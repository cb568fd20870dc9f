"""How a table was read: the decision that is shown, kept, and followed by later files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import pandas as pd

from automl.errors import DataError

NAMES: Final = {
    "parquet": "Parquet",
    "arrow": "Arrow",
    "json": "JSON",
    "excel": "Excel",
    "sql": "SQL query",
}
DELIMITERS: Final = {"\t": "tab", " ": "blank"}
_LISTS: Final = ("header", "na", "unmet")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table was read; a later file is read the same way.

    >>> Reading("csv", "cp1252", ";", decimal=",", header=("city", "size"), rows=1234).describe()
    "';' separated, cp1252, decimal comma, 1,234 rows x 2 columns"
    """

    format: str
    """``csv``, ``parquet``, ``arrow``, ``json``, ``excel``, ``sql`` or ``frame``."""
    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    escape: str = '"'
    skipped: int = 0
    """Lines before the header."""
    header: tuple[str, ...] = ()
    """The column names."""
    decimal: str = "."
    """Decimal mark of the numbers in text."""
    settled: bool = False
    """Whether the mark is known, as a column proves it, the owner said so, or all of CSV is text, and not just assumed.
    A known one is that of later tables of other formats, too."""
    na: tuple[str, ...] = ()
    """Cells that count as missing because their owner said so."""
    unmet: tuple[str, ...] = ()
    """Those of them that no cell of the table is."""
    sheet: str | None = None
    unreadable: int = 0
    """Places that are not text of the encoding, or were not when the file was written; they hold a ``\ufffd``."""
    headers: int = 0
    """Rows that were left out, for they are the header once more."""
    files: int = 1
    rows: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {name: list(getattr(self, name)) for name in _LISTS}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Reading:
        """Read what :meth:`to_json` wrote, now or before some of the fields were there."""
        fields = {"settled": record["format"] == "csv", **record}
        return cls(**fields | {name: tuple(record.get(name, ())) for name in _LISTS})

    def decimal_for(self, later: Reading) -> str | None:
        """Return the decimal mark of a later table, None if that table must tell it.

        A mark that is kept reads one row as the same row among many, and the cells of a CSV file as those of Parquet.
        A file with another separator comes from elsewhere.
        """
        if later.format == self.format:
            return self.decimal if later.delimiter == self.delimiter else None
        return self.decimal if self.settled else None

    def describe(self) -> str:
        """Return one short line for people."""
        if self.format == "csv":
            delimiter = DELIMITERS.get(self.delimiter or ",", repr(self.delimiter))
            parts = [f"{delimiter} separated", self.encoding or "utf-8"]
            parts += [f"{self.unreadable:,} unreadable characters"] if self.unreadable else []
            parts += (
                [f"the header left out {self.headers:,} more time{'s'[: self.headers - 1]}"] if self.headers else []
            )
        else:
            parts = [NAMES[self.format]] if self.format in NAMES else []
        if self.sheet is not None:
            parts.append(f"sheet {self.sheet!r}")
        if self.files > 1:
            parts.append(f"{self.files} files")
        if self.decimal == ",":
            parts.append("decimal comma")
        if self.skipped:
            parts.append(f"{self.skipped} line{'s'[: self.skipped - 1]} before the header skipped")
        if met := [word for word in self.na if word not in self.unmet]:
            parts.append(f"{', '.join(map(repr, met))} missing")
        if self.unmet:
            parts.append(f"no cell is {' or '.join(map(repr, self.unmet))}")
        width = len(self.header)
        return ", ".join([*parts, f"{self.rows:,} row{'s'[: self.rows - 1]} x {width:,} column{'s'[: width - 1]}"])


def column_names(names: Iterable[object]) -> list[str]:
    """Return text names without surrounding blanks, and refuse two columns of one name.

    Columns without a name have that which pandas gives them: a table may come as a file today, as a frame tomorrow.
    """
    texts = ["" if name is None or name is pd.NA or name != name else str(name).strip() for name in names]
    texts = [name or f"Unnamed: {i}" for i, name in enumerate(texts)]
    twice = [name for name, count in Counter(texts).items() if count > 1]
    if twice:
        raise DataError(f"column names must differ, got {twice[0]!r} {texts.count(twice[0])} times; rename one of them")
    return texts
