"""What the pages of a Parquet file unpack to, by their own headers.

The sizes in the footer are only the writer's word: nothing is unpacked by them. Pages are unpacked by the size in their
headers, structures of the compact protocol of Thrift (parquet.thrift of the Parquet format), which pyarrow does not
show.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_PAGE_COST: Final = 1024
"""Bytes that each page counts beside its content, so that empty ones have an end."""
POINTER: Final = 8
"""Bytes that any cell takes in a table of Python."""
_DELTA_BYTE_ARRAY: Final = 7
"""The encoding in which a value repeats the beginning of the one before it."""
_BOOLEANS, _BYTE, _INTEGERS, _BINARY, _STRUCT = (1, 2), 3, (4, 5, 6), 8, 12
_DEPTH: Final = 4
"""Of the structures in a header: page, data page, statistics."""

Header = Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of some columns of a file, in bytes."""

    total: int = 0
    """Of all pages, unpacked."""
    repeated: int = 0
    """The most in one row group that a single row can hold and the next ones again, without taking any more space."""


def sizes(body: bytes, file: Any, names: Collection[str], most: int) -> Sizes:
    """Return the sizes of columns, at least; it is not counted further when they are more than ``most``.

    Raises
    ------
    ValueError, LookupError
        If what should be a page is none.
    """
    total = repeated = 0
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        in_group = 0
        for i in range(group.num_columns):
            chunk = group.column(i)
            if not any(f"{chunk.path_in_schema}.".startswith(f"{name}.") for name in names):
                continue
            texts, lists = chunk.physical_type.endswith("BYTE_ARRAY"), file.schema.column(i).max_repetition_level > 0
            for page in _pages(body, chunk):
                total += page[2] + _PAGE_COST + (POINTER * _values(page) if lists else 0)
                in_group += page[2] if texts and _repeats(page) else 0
                if total > most:
                    return Sizes(total, max(repeated, in_group))
        repeated = max(repeated, in_group)
    return Sizes(total, repeated)


def _pages(body: bytes, chunk: Any) -> Iterator[Header]:
    """Yield the headers of the pages of a column chunk; one without values has none."""
    if not chunk.num_values:
        return
    at = chunk.data_page_offset
    if chunk.dictionary_page_offset:
        at = min(at, chunk.dictionary_page_offset)
    end = at + chunk.total_compressed_size
    while at < end:
        page, at = _struct(body, at)
        if min(page[2], page[3]) < 0:
            raise ValueError("a page is smaller than nothing")
        yield page
        at += page[3]


def _values(page: Header) -> int:
    """Return how many values a data page says it has."""
    return int(page[5][1] if 5 in page else page[8][1] if 8 in page else 0)


def _repeats(page: Header) -> bool:
    """Return whether values of a page can be had many times: it is a dictionary, or its encoding repeats beginnings."""
    encoding = page[5][2] if 5 in page else page[8][4] if 8 in page else None
    return 7 in page or encoding == _DELTA_BYTE_ARRAY


def _struct(data: bytes, at: int, depth: int = 1) -> tuple[Header, int]:
    """Return the fields of a structure by their numbers, and where it ends. Texts are left out."""
    if depth > _DEPTH:
        raise ValueError("a page header is nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        if number in fields:  # readers differ in which one they take
            raise ValueError(f"a page header has field {number} twice")
        fields[number], at = _value(data, at, head & 15, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in _BOOLEANS:
        return kind == _BOOLEANS[0], at
    if kind == _BYTE:
        return data[at], at + 1
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _BINARY:
        size, at = _varint(data, at)
        return None, at + size
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    raise ValueError(f"a page header has a field of type {kind}")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """Read a signed number: zigzag."""
    raw, at = _varint(data, at)
    return (raw >> 1) ^ -(raw & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
    raise ValueError("a number in a page header is too long")
