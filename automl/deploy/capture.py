"""A sampled share of the traffic, kept as Parquet: what was asked, what was answered, by which model.

Rows are handed to a thread that writes them. It is never waited for: what it cannot keep up with is dropped and
counted, and so is what comes after ``max_bytes``.

=======================  ==========================================================================
column
=======================  ==========================================================================
``inference_id``         the id of the request, and the number of the row in it: ``ID:0``
``time``                 of the answer
``variant``, ``model``   who answered
``input.NAME``           each column as text, to be typed by the schema like a file
``output.NAME``          what was answered; explanations as JSON
=======================  ==========================================================================
"""

from __future__ import annotations

import logging
import os
import queue
import random
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd

from automl.data.cells import text_of
from automl.deploy.answers import EXPLANATIONS
from automl.deploy.batching import Reply

_FILE_ROWS: Final = 10_000
_FILE_SECONDS: Final = 10.0
_LAST_SECONDS: Final = 10.0
_WAITING: Final = 200_000
"""Rows that the writer may be behind."""
_ROW_BYTES: Final = 500
"""Bytes of a body that count as a row: long rows fill the memory sooner."""
_LOG: Final = logging.getLogger(__name__)

Inputs = Mapping[str, Sequence[Any]]
"""The cells of each column."""


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """What is kept of the traffic."""

    folder: Path
    share: float = 1.0
    """Share of the requests that are kept."""
    max_bytes: int = 2**30
    """That one worker writes; then nothing more is kept."""


class Capture:
    """Writes sampled replies; call :meth:`close` at the end."""

    def __init__(self, options: CaptureOptions) -> None:
        options.folder.mkdir(parents=True, exist_ok=True)
        self.dropped = 0
        """Sampled requests that were not kept."""
        self._options = options
        self._room = options.max_bytes
        self._full = False
        self._written = 0
        self._waiting: queue.SimpleQueue[_Kept | None] = queue.SimpleQueue()
        self._rows_in = 0
        """That were handed over; counted by those who ask."""
        self._rows_out = 0
        """That the writer is done with; counted by the writer."""
        self._thread = threading.Thread(target=self._write, name="capture", daemon=True)
        self._thread.start()

    def note(self, request_id: str, variant: str, reply: Reply, size: int) -> None:
        """Keep a reply to a body of ``size`` bytes if it is drawn, and if that takes no time."""
        if random.random() >= self._options.share:
            return
        rows = max(len(reply.table.rows), size // _ROW_BYTES)
        if self._rows_in + rows - self._rows_out > _WAITING:
            self.dropped += 1
            return
        self._rows_in += rows
        self._waiting.put(_Kept(request_id, time.time(), variant, reply, rows))

    def close(self) -> None:
        """Write what waits, as far as there is time for that: whoever asked to end does not wait long."""
        self._waiting.put(None)
        self._thread.join(_LAST_SECONDS)
        if self._thread.is_alive():
            _LOG.warning("%s: what was to be kept last is lost", self._options.folder)

    def _write(self) -> None:
        batch: list[_Kept] = []
        rows, due, open_ = 0, time.monotonic() + _FILE_SECONDS, True
        while open_:
            try:
                kept = self._waiting.get(timeout=max(0.0, due - time.monotonic()))
                open_ = kept is not None
                if kept is not None:
                    batch.append(kept)
                    rows += kept.rows
            except queue.Empty:
                pass
            if batch and (not open_ or rows >= _FILE_ROWS or time.monotonic() >= due):
                self._save(batch)
                self._rows_out += rows
                batch, rows = [], 0
            if time.monotonic() >= due:
                due = time.monotonic() + _FILE_SECONDS

    def _save(self, batch: list[_Kept]) -> None:
        """Write a file, in one rename when it is complete."""
        if self._room <= 0:
            if not self._full:
                self._full = True
                _LOG.warning("%s: %d bytes are kept, nothing more is", self._options.folder, self._options.max_bytes)
            self.dropped += len(batch)
            return
        self._written += 1
        path = self._options.folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{self._written}.parquet"
        partial = path.with_suffix(".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)  # somebody may have taken it away
            _framed(batch).to_parquet(partial, index=False)
            self._room -= partial.stat().st_size
            partial.replace(path)
        except Exception as error:  # such as a full disk: answers matter more than their record
            with suppress(OSError):
                partial.unlink()
            self.dropped += len(batch)
            _LOG.warning("requests could not be kept in %s: %s", self._options.folder, error)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    request_id: str
    time: float
    variant: str
    reply: Reply
    rows: int
    """As which it counts."""

    @property
    def inputs(self) -> Inputs:
        """The cells of each column."""
        rows = self.reply.table.rows
        if isinstance(rows, pd.DataFrame):
            return {str(name): series.tolist() for name, series in rows.items()}
        return {name: [row[name] for row in rows] for name in rows[0]}


def _framed(batch: Sequence[_Kept]) -> pd.DataFrame:
    """Return one row for each of the requests; those of the same columns are put together at once."""
    alike: dict[tuple[tuple[str, ...], ...], list[tuple[_Kept, Inputs]]] = {}
    for kept in batch:
        inputs = kept.inputs
        alike.setdefault((tuple(inputs), tuple(kept.reply.answers)), []).append((kept, inputs))
    return pd.concat([_rows_of(group) for group in alike.values()], ignore_index=True)


def _rows_of(group: Sequence[tuple[_Kept, Inputs]]) -> pd.DataFrame:
    batch, inputs = [kept for kept, _ in group], [cells for _, cells in group]
    answers, counts = [kept.reply.answers for kept in batch], [len(kept.reply.table.rows) for kept in batch]
    columns: dict[str, Any] = {
        "inference_id": [f"{kept.request_id}:{row}" for kept, n in zip(batch, counts, strict=True) for row in range(n)],
        "time": pd.to_datetime(np.repeat([kept.time for kept in batch], counts), unit="s", utc=True).floor("ms"),
        "variant": np.repeat(np.array([kept.variant for kept in batch], object), counts),
        "model": np.repeat(np.array([kept.reply.served.id for kept in batch], object), counts),
    }
    for name in inputs[0]:
        cells = [text_of(cell) for each in inputs for cell in each[name]]
        columns[f"input.{name}"] = pd.array(cells, "string")
    for name in answers[0]:
        values = np.concatenate([each[name] for each in answers])
        told = [orjson.dumps(each).decode() for each in values] if name in EXPLANATIONS else values
        columns[f"output.{name}"] = told
    return pd.DataFrame(columns)
