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
"""Nested structures in a header: page, data page, statistics."""

_UNPACKED, _PACKED, _DICTIONARY = 2, 3, 7
"""Fields of a page header: its sizes, and what is told of a dictionary."""
_DATA: Final = {5: 2, 8: 4}
"""Those that tell of a data page, of version 1 and 2, with the field in them that is its encoding."""
_VALUES: Final = 1
"""The field in them that is the number of values."""
Header = Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What some columns of a file take, in bytes."""

    total: int = 0
    """All pages, unpacked."""
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
                total += page.unpacked + _PAGE_COST + (POINTER * page.values if lists else 0)
                in_group += page.unpacked if texts and page.repeats else 0
                if total > most:
                    return Sizes(total, max(repeated, in_group))
        repeated = max(repeated, in_group)
    return Sizes(total, repeated)


@dataclass(frozen=True, slots=True)
class _Page:
    """What its header says of a page."""

    unpacked: int
    """Bytes."""
    packed: int
    values: int
    """Number of values in a data page; else 0."""
    repeats: bool
    """Whether its values can be had many times: it is a dictionary, or its encoding repeats beginnings."""

    @classmethod
    def of(cls, header: Header) -> _Page:
        unpacked, packed = _number(header, _UNPACKED), _number(header, _PACKED)
        if min(unpacked, packed) < 0:
            raise ValueError("a page is smaller than nothing")
        values, repeats = 0, _DICTIONARY in header
        for kind, encoding in _DATA.items():  # with both of them, readers differ in which one they take
            if kind in header:
                values = max(values, _number(header[kind], _VALUES))
                repeats = repeats or _number(header[kind], encoding) == _DELTA_BYTE_ARRAY
        return cls(unpacked, packed, values, repeats)


def _pages(body: bytes, chunk: Any) -> Iterator[_Page]:
    """Yield the pages of a column chunk; one without values has none."""
    if not chunk.num_values:
        return
    at = chunk.data_page_offset
    if chunk.dictionary_page_offset:
        at = min(at, chunk.dictionary_page_offset)
    end = at + chunk.total_compressed_size
    while at < end:
        header, at = _struct(body, at)
        page = _Page.of(header)
        yield page
        at += page.packed


def _number(fields: Any, number: int) -> int:
    """Return a number of a structure; anything may be there instead of both."""
    value = fields[number] if isinstance(fields, dict) else None
    if type(value) is not int:
        raise ValueError(f"a page header has no number in field {number}")
    return value


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
