"""Predictions for tables of any length: read, predicted and written in batches, in bounded memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final, TextIO

import pandas as pd

from automl.config import AS_FOUND, ReadOptions
from automl.data.batches import Batch, Batches, open_batches
from automl.deploy.answer_table import Answers
from automl.deploy.tables import Format, csv_writer, is_folder, output_format, writing
from automl.errors import SchemaError, UsageError
from automl.predictor import Predictor

RECORD: Final = "_predict.json"
REJECTED: Final = "_rejected"
"""Names that readers of a folder of tables leave out, for their underscore."""

WHAT: Final = {"model": "by another model", "input": "of another table"}
"""What may differ from an earlier run, options aside."""


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far the prediction of a table is, in rows."""

    rows: int
    """Of the table."""
    done: int = 0
    """Whose predictions are written."""
    earlier: int = 0
    """Those of them that a run before this one wrote."""
    rejected: int = 0
    """Those of them without a prediction, because of their cells."""
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Rows a second."""
        return (self.done - self.earlier) / max(self.seconds, 1e-9)


OnBatch = Callable[[BatchProgress], None]


def predict_files(
    model: Predictor,
    source: str | Path,
    output: str | Path | TextIO,
    *,
    keep: Sequence[str] = (),
    proba: bool = False,
    interval: float | None = None,
    format: Format | None = None,
    options: ReadOptions = AS_FOUND,
    on_progress: OnBatch | None = None,
) -> BatchProgress:
    """Predict a table that need not fit in memory; every row has its row in the output, in the same order.

    Parameters
    ----------
    source
        As in :func:`~automl.data.io.read_table`. CSV and Parquet files are read in batches, other formats whole; what
        is compressed, elsewhere or standard input is first copied to the temporary folder.
    output
        A file, or an open text file: all rows or an error. Or a folder (a name without an ending), which is filled
        with ``part-00000.csv``...: a row with cells that cannot be what they were in training has no prediction there,
        and its cells are listed in ``_rejected``; after an interruption the same call goes on where it ended.
    keep
        Columns to be copied in front of the predictions.
    proba, interval
        Further columns, see :meth:`~automl.predictor.Predictor.predict_frame`.
    format
        ``csv`` or ``parquet``; default: the ending of ``output``, else CSV.
    options
        Where the files are written otherwise than the training table was.
    on_progress
        Called after each batch.

    Raises
    ------
    SchemaError
        If columns are missing; to a file, also if cells cannot be what they were in training.
    DataError
        If the table cannot be read, or has no column that is to be kept.
    UsageError
        If options do not fit, or a folder holds something else than the beginning of the same predictions.

    >>> from automl import load, predict_files                                           # doctest: +SKIP
    >>> predict_files(load("runs/churn"), "2026-*.csv.gz", "out/", keep=["id"])          # doctest: +SKIP
    """
    written = output_format(output, format)
    answers = Answers.of(model, tuple(dict.fromkeys(keep)), proba, interval)
    with open_batches(source, reading=model.reading, options=options) as table:
        run = _Run(answers, table, on_progress or (lambda _: None), monotonic())
        if not isinstance(output, str | Path):
            return run.whole(csv_writer(output))
        if not is_folder(output):
            with writing(Path(output), written) as write:
                return run.whole(write)
        record = {
            "model": hashlib.sha256((model.folder / "manifest.json").read_bytes()).hexdigest(),
            "input": table.digest(),
            "parts": len(table),
            "format": written,
            "keep": list(answers.keep),
            "proba": proba,
            "interval": interval,
            "read": {**asdict(options), "na": list(options.na)},
        }
        _claim(Path(output), record)
        return run.in_parts(Path(output), written)


def _claim(folder: Path, record: Mapping[str, Any]) -> None:
    """Make a folder the place of these predictions.

    Raises
    ------
    UsageError
        If it holds others, or something else.
    """
    if (folder / RECORD).is_file():
        earlier = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        changed = next((name for name, value in record.items() if earlier.get(name) != value), None)
        if changed is not None:
            what = WHAT.get(changed, f"with another {changed!r}")
            raise UsageError(f"{folder} holds predictions {what}; give another folder, or remove it to start anew")
        return
    folder.mkdir(parents=True, exist_ok=True)
    if any(entry.name != f".{RECORD}" for entry in folder.iterdir()):
        raise UsageError(f"{folder} holds other files; give a new or empty folder")
    partial = folder / f".{RECORD}"
    partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
    partial.replace(folder / RECORD)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """The way through a table."""

    answers: Answers
    table: Batches
    on_progress: OnBatch
    started: float

    def whole(self, write: Callable[[Any], None]) -> BatchProgress:
        """Write all rows, or raise the first error."""
        done = 0
        for batch in self.table.read(self.answers.keep):
            write(self.answers(batch, self.table.options))
            done += len(batch.frame)
            self.on_progress(self._progress(done))
        return self._progress(done)

    def in_parts(self, folder: Path, format: Format) -> BatchProgress:
        """Write a part for each batch that has none yet, its wrong cells before it."""
        done = earlier = rejected = 0
        for batch in self.table.read(self.answers.keep):
            part, wrong = folder / f"part-{batch.number:05}.{format}", folder / REJECTED / f"part-{batch.number:05}.csv"
            if part.exists():
                earlier += len(batch.frame)
            else:
                self._write(batch, part, wrong, format)
            done += len(batch.frame)
            rejected += _rows_in(wrong)
            self.on_progress(self._progress(done, earlier, rejected))
        return self._progress(done, earlier, rejected)

    def _write(self, batch: Batch, part: Path, wrong: Path, format: Format) -> None:
        try:
            table = self.answers(batch, self.table.options)
        except SchemaError as error:
            if not error.cells:
                raise
            table = self.answers.but({row for row, _, _ in error.cells}, batch, self.table.options)
            wrong.parent.mkdir(exist_ok=True)
            with writing(wrong, "csv") as write:
                write(self._reasons(error.cells))
        with writing(part, format) as write:
            write(table)

    def _reasons(self, cells: Sequence[tuple[int, str, str]]) -> Any:
        import pyarrow as pa

        schema = self.answers.model.schema
        rows = [(*cell, f"was {schema[cell[1]].kind} in training") for cell in sorted(cells)]
        return pa.table(list(map(list, zip(*rows, strict=True))), names=["row", "column", "value", "reason"])

    def _progress(self, done: int, earlier: int = 0, rejected: int = 0) -> BatchProgress:
        return BatchProgress(self.table.rows, done, earlier, rejected, monotonic() - self.started)


def _rows_in(wrong: Path) -> int:
    """Return how many rows a list of wrong cells is about."""
    return pd.read_csv(wrong, usecols=["row"])["row"].nunique() if wrong.exists() else 0
