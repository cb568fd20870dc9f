"""Arrow streams and Parquet files as the bodies of requests and answers: columns keep their types.

A body is untrusted. What the pages of a Parquet file unpack to is looked at before it is read, and it is read in small
batches that are counted; an Arrow stream must not be compressed, for it would be unpacked whole, and is validated: what
it says of itself would be believed, to places outside of it.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.exact import framed
from automl.deploy.limits import no_rows, require_few
from automl.deploy.parquet_pages import POINTER, sizes
from automl.deploy.problem import RequestError

ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"
PARQUET: Final = "application/vnd.apache.parquet"
_MAX_BYTES: Final = 256 * 2**20
"""Bytes that a body may have when it is unpacked."""
_BATCH_ROWS: Final = 256
_DICTIONARY_BATCH: Final = 2
_RECORD_BATCH: Final = 3


def read_columnar(
    body: bytes, media_type: str, *, used: Collection[str], lists: Collection[str], max_rows: int
) -> pd.DataFrame:
    """Return the columns of a body that are in ``used``, in the order of ``used``.

    Only the columns in ``lists`` may hold lists.

    Raises
    ------
    RequestError
        400 if the body cannot be read, 413 if it holds too much, 422 if a column is missing or of a nested type.
    """
    import pyarrow as pa

    try:
        if media_type == ARROW_STREAM:
            schema, batches = _arrow_batches(body)
        else:
            schema, batches = _parquet_batches(body, used, max_rows)
        _check_columns(schema, used, lists)
        kept = []
        size = rows = 0
        for each in batches:
            batch = each.select(list(used))
            batch.validate(full=True)
            kept.append(batch)
            size, rows = size + sum(map(_unpacked, batch.columns)), rows + batch.num_rows
            require_few(rows, max_rows)
            _check_size(size)
        table = pa.Table.from_batches(kept, pa.schema([schema.field(name) for name in used]))
        frame = framed(table.replace_schema_metadata(None))
    except (pa.ArrowException, OSError, ValueError, LookupError, struct.error) as error:
        raise RequestError(400, f"the body is not {media_type}: {error!s:.200}") from None
    if not len(frame):
        raise no_rows()
    return frame


def write_arrow(columns: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Return an Arrow stream of named columns."""
    import pyarrow as pa

    table, out = pa.table(dict(columns)), pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return cast("bytes", out.getvalue().to_pybytes())


def write_parquet(columns: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Return a Parquet file of named columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), out)
    return cast("bytes", out.getvalue().to_pybytes())


def _parquet_batches(body: bytes, used: Collection[str], max_rows: int) -> tuple[Any, Iterator[Any]]:
    """Return batches of so few rows that values which the file holds once, for many, do not take too much at once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(body))
    require_few(file.metadata.num_rows, max_rows)
    found = sizes(body, file, used, _MAX_BYTES)
    _check_size(found.total)
    rows = max(1, min(_BATCH_ROWS, _MAX_BYTES // 2 // max(1, found.repeated)))
    return file.schema_arrow, file.iter_batches(rows, columns=list(used), use_threads=False)


def _arrow_batches(body: bytes) -> tuple[Any, Iterator[Any]]:
    import pyarrow as pa

    for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(body)):
        if _is_compressed(message.metadata.to_pybytes()):
            raise RequestError(415, "the Arrow stream is compressed; write it without, or send Parquet")
    reader = pa.ipc.open_stream(pa.BufferReader(body))
    return reader.schema, iter(reader)


def _is_compressed(message: bytes) -> bool:
    """Read from the metadata of an Arrow message whether its buffers are compressed.

    The metadata is a flatbuffer (Message.fbs of the Arrow format); pyarrow does not show this field.
    """

    def field(table: int, number: int) -> int:
        """Return where a field of a table lies, 0 if it is absent."""
        layout = table - struct.unpack_from("<i", message, table)[0]
        if 4 + 2 * number >= struct.unpack_from("<H", message, layout)[0]:
            return 0
        offset: int = struct.unpack_from("<H", message, layout + 4 + 2 * number)[0]
        return table + offset if offset else 0

    def pointed(place: int) -> int:
        return place + int(struct.unpack_from("<I", message, place)[0])

    root = pointed(0)
    kind = message[field(root, 1)] if field(root, 1) else 0
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return False
    batch = pointed(field(root, 2))
    if kind == _DICTIONARY_BATCH:
        batch = pointed(field(batch, 1))
    return field(batch, 3) != 0


def _check_size(size: int) -> None:
    if size > _MAX_BYTES:
        raise RequestError(413, f"the body unpacks to more than {_MAX_BYTES} bytes; send the rows in parts")


def _unpacked(column: Any) -> int:
    """Return the bytes that the cells of a column take when each has its own."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):  # many may be the same value
        lengths = np.append(_lengths(column.dictionary), 0)
        places = column.indices.fill_null(len(lengths) - 1).to_numpy(zero_copy_only=False)
        return int(lengths[places].sum(dtype=np.int64)) + int(column.nbytes) + POINTER * len(column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _unpacked(column.flatten()) + POINTER * len(column)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):  # many may be views of the same bytes
        return int(_lengths(column).sum(dtype=np.int64)) + int(column.nbytes)
    return max(int(column.nbytes), POINTER * len(column))


def _lengths(column: Any) -> NDArray[np.integer]:
    """Return (rows,) how many bytes the text of each cell has; 0 of cells that are no text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        views = np.frombuffer(column.buffers()[1] or b"", "<i4")[::4]
        return views[column.offset : column.offset + len(column)]
    if kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        lengths: NDArray[np.integer] = pc.binary_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        return lengths
    return np.zeros(len(column), np.int64)


def _check_columns(schema: Any, used: Collection[str], lists: Collection[str]) -> None:
    import pyarrow as pa

    absent = [name for name in used if schema.names.count(name) != 1]
    if absent:
        raise RequestError(422, f"the table must have each of these columns once: {', '.join(map(repr, absent))}")
    nested = [name for name in used if name not in lists and pa.types.is_nested(schema.field(name).type)]
    if nested:
        raise RequestError(422, f"column {nested[0]!r} must hold single values, got {schema.field(nested[0]).type}")
    for name in set(lists) & set(used):
        kind = schema.field(name).type
        if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):  # many may be views of the same values
            raise RequestError(422, f"column {name!r} must hold lists, got {kind}; views cannot be read")
