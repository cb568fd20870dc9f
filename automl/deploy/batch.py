"""Predictions for tables of any length: read, predicted and written in batches, in bounded memory."""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal, TextIO, TypeVar

import pandas as pd

from automl.archive import locked, partial_place
from automl.config import AS_FOUND, ReadOptions
from automl.data.batches import Batch, Batches, open_batches
from automl.data.source import path_of
from automl.deploy.answer_table import BatchAnswer, BatchPredictor, Engine
from automl.deploy.output import writing_to
from automl.deploy.tables import Format, csv_writer, is_folder, output_format, writing
from automl.errors import UsageError, option
from automl.predictor import predictor_of

RECORD: Final = "_predict.json"
REJECTED: Final = "_rejected"
"""Names that readers of a folder of tables leave out, for their underscore."""

WHAT: Final = {"model": "by another model", "input": "of another table", "read": "of a table that was read otherwise"}
"""What may differ from an earlier run, options aside."""


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far the prediction of a table is, in rows."""

    rows: int
    """All rows of the table."""
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
Wait = TypeVar("Wait")


def predict_files(
    model: object,
    source: str | Path,
    output: str | Path | TextIO,
    *,
    keep: Sequence[str] = (),
    proba: bool = False,
    interval: float | None = None,
    format: Format | None = None,
    options: ReadOptions = AS_FOUND,
    on_progress: OnBatch | None = None,
    engine: Literal["local", "ray"] = "local",
    ray_address: str | None = None,
) -> BatchProgress:
    """Predict a table that need not fit in memory; every row has its row in the output, in the same order.

    Parameters
    ----------
    model
        A fitted :class:`~automl.AutoML`, or what :func:`automl.load` returns.
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
    engine, ray_address
        ``ray``: the batches are predicted by the machines of a Ray cluster (default: one of this machine alone). They
        are read and written here, so the output is the same, and a run may go on with the other engine.

    Raises
    ------
    SchemaError
        If columns are missing; to a file, also if cells cannot be what they were in training.
    DataError
        If the table cannot be read, or has no column that is to be kept.
    UsageError
        If options do not fit, or a folder holds something else than the beginning of the same predictions, or is being
        filled by another process.

    >>> from automl import load, predict_files
    >>> predict_files(load("runs/churn"), "new*.csv", "out/", keep=["customer_id"]).done
    5
    """
    written = output_format(output, format)
    path_of(source, "what predict_files reads", "; predict_frame takes tables in memory")
    predictor = predictor_of(model)
    batch = BatchPredictor.of(predictor, tuple(dict.fromkeys(keep)), proba, interval)
    with open_batches(source, reading=predictor.reading, options=options) as table:
        run = _Run(batch, table, on_progress or (lambda _: None), monotonic())
        folder = Path(output) if isinstance(output, str | Path) and is_folder(output) else None
        if folder is not None:
            with writing_to(folder):
                _claim(folder, run.record(written, options))
        with _alone(folder), _engine(engine, ray_address, batch, table.options) as there:
            if folder is not None:
                return run.in_parts(there, folder, written)
            if not isinstance(output, str | Path):
                return run.whole(there, csv_writer(output))
            if Path(output).exists() and any(Path(output).samefile(path) for path in table.paths):
                raise UsageError(f"{output} is the table that is predicted; give another file")
            with writing(Path(output), written) as write:
                return run.whole(there, write)


def _alone(folder: Path | None) -> AbstractContextManager[None]:
    """Keep other processes from filling a folder meanwhile: they would write the same parts under the same names."""
    if folder is None:
        return nullcontext()
    return locked(folder / RECORD, busy=f"{folder} is being filled by another process; wait until that has ended")


def _engine(
    engine: Literal["local", "ray"], address: str | None, predictor: BatchPredictor, options: ReadOptions
) -> AbstractContextManager[Engine]:
    if engine == "local":
        if address is not None:
            raise UsageError(f"{option('ray_address')} is about Ray; add {option('engine', 'ray')}")
        return nullcontext(_Here(predictor, options))
    from automl.deploy.spread import spread

    return spread(predictor, options, address)


@dataclass(frozen=True, slots=True, eq=False)
class _Here:
    """This process, which answers a batch when its answer is needed."""

    predictor: BatchPredictor
    options: ReadOptions
    ahead: int = 0

    def ask(self, batch: Batch, *, isolate: bool) -> Callable[[], BatchAnswer]:
        return lambda: self.predictor.answer(batch, self.options, isolate=isolate)


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
    if any(not entry.name.endswith(RECORD) for entry in folder.iterdir()):
        raise UsageError(f"{folder} holds other files; give a new or empty folder")
    partial = partial_place(folder / RECORD)
    partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
    try:
        os.link(partial, folder / RECORD)
    except FileExistsError:  # of several processes the first one claims it
        _claim(folder, record)
    except OSError:  # there are no links
        partial.replace(folder / RECORD)
    finally:
        partial.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """The way through a table."""

    predictor: BatchPredictor
    table: Batches
    on_progress: OnBatch
    started: float

    def record(self, format: Format, options: ReadOptions) -> dict[str, Any]:
        """Return what makes these predictions of a table that is read as ``options`` say, in JSON values."""
        predictor = self.predictor
        return {
            "model": hashlib.sha256((predictor.model.folder / "manifest.json").read_bytes()).hexdigest(),
            "input": self.table.digest(),
            "parts": len(self.table),
            "format": format,
            "keep": list(predictor.keep),
            "proba": predictor.proba,
            "interval": predictor.interval,
            "read": {**asdict(options), "na": list(options.na)},
        }

    def whole(self, engine: Engine, write: Callable[[Any], None]) -> BatchProgress:
        """Write all rows, or raise the first error."""
        done = 0
        for batch, wait in self._in_order(engine, lambda batch: engine.ask(batch, isolate=False)):
            write(self.predictor.beside(batch.kept, wait().predicted))
            done += len(batch.frame)
            self.on_progress(self._progress(done))
        return self._progress(done)

    def in_parts(self, engine: Engine, folder: Path, format: Format) -> BatchProgress:
        """Write a part for each batch that has none yet, its wrong cells before it."""
        done = earlier = rejected = 0
        for left in folder.rglob(".*part-*"):  # of a process that was killed: there is no other one now
            left.unlink()

        def places(batch: Batch) -> tuple[Path, Path]:
            return folder / f"part-{batch.number:05}.{format}", folder / REJECTED / f"part-{batch.number:05}.csv"

        def begin(batch: Batch) -> Callable[[], BatchAnswer] | None:
            return None if places(batch)[0].exists() else engine.ask(batch, isolate=True)

        for batch, wait in self._in_order(engine, begin):
            part, wrong = places(batch)
            if wait is None:
                earlier += len(batch.frame)
            else:
                self._write(batch, wait(), part, wrong, format)
            done += len(batch.frame)
            rejected += _rows_in(wrong)
            self.on_progress(self._progress(done, earlier, rejected))
        return self._progress(done, earlier, rejected)

    def _in_order(self, engine: Engine, begin: Callable[[Batch], Wait]) -> Iterator[tuple[Batch, Wait]]:
        """Return all batches with what ``begin`` returned; for that it is called some batches ahead."""
        begun: deque[tuple[Batch, Wait]] = deque()
        for batch in self.table.read(self.predictor.keep):
            begun.append((batch, begin(batch)))
            if len(begun) > engine.ahead:
                yield begun.popleft()
        yield from begun

    def _write(self, batch: Batch, answered: BatchAnswer, part: Path, wrong: Path, format: Format) -> None:
        if answered.wrong is not None:
            wrong.parent.mkdir(exist_ok=True)
            with writing(wrong, "csv") as write:
                write(answered.wrong)
        with writing(part, format) as write:
            write(self.predictor.beside(batch.kept, answered.predicted))

    def _progress(self, done: int, earlier: int = 0, rejected: int = 0) -> BatchProgress:
        return BatchProgress(self.table.rows, done, earlier, rejected, monotonic() - self.started)


def _rows_in(wrong: Path) -> int:
    """Return how many rows a list of wrong cells is about."""
    return pd.read_csv(wrong, usecols=["row"])["row"].nunique() if wrong.exists() else 0
