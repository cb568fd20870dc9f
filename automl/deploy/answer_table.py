"""Predictions for a batch of rows, as the table that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from automl.config import ReadOptions
from automl.data.batches import Batch
from automl.data.schema import wrong_cells
from automl.errors import SchemaError, UsageError
from automl.predictor import Predictor


@dataclass(frozen=True, slots=True, eq=False)
class BatchAnswer:
    """The predictions for a batch, and the cells because of which some are empty; both Arrow tables."""

    predicted: Any
    wrong: Any | None = None


class Engine(Protocol):
    """Where batches are answered."""

    @property
    def ahead(self) -> int:
        """How many batches to ask for before the answer of the first one is needed."""

    def ask(self, batch: Batch, *, isolate: bool) -> Callable[[], BatchAnswer]:
        """Begin to answer a batch as :meth:`BatchPredictor.answer` does; return what waits for it."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchPredictor:
    """Answers each batch with the same columns of the same types: those that are kept, then predictions."""

    model: Predictor
    keep: Sequence[str]
    proba: bool
    interval: float | None
    columns: Any
    """Arrow schema of the predictions."""

    @classmethod
    def of(cls, model: Predictor, keep: Sequence[str], proba: bool, interval: float | None) -> BatchPredictor:
        """Return what answers with a model; its columns are those of its answer to rows that it knows.

        Raises
        ------
        UsageError
            If the model cannot give such columns, or a column that is to be kept has the name of a prediction.
        """
        import pyarrow as pa

        answer = model.predict_frame(model.example_frame(), proba=proba, interval=interval)
        columns = pa.Schema.from_pandas(answer, preserve_index=False)
        taken = [name for name in keep if name in columns.names]
        if taken:
            raise UsageError(f"the column {taken[0]!r} cannot be kept: the predictions are called so; rename it")
        return cls(model, keep, proba, interval, columns.remove_metadata())

    def answer(self, batch: Batch, options: ReadOptions, *, isolate: bool) -> BatchAnswer:
        """Predict the rows of a batch; rows with wrong cells have empty predictions if these are to be isolated.

        Raises
        ------
        SchemaError
            If cells cannot be what they were in training, and are not to be isolated, or columns are missing. Rows are
            counted from the beginning of the whole table.
        """
        try:
            return BatchAnswer(self._predicted(batch.frame, options))
        except SchemaError as error:
            if not error.cells:
                raise
            cells = sorted((batch.start + row, name, value) for row, name, value in error.cells)
            if not isolate:
                raise wrong_cells(cells, self.model.schema) from None
        wrong = [row - batch.start - 1 for row, _, _ in cells]
        return BatchAnswer(self._predicted_without(wrong, batch, options), self._reasons(cells))

    def beside(self, kept: Any, predicted: Any) -> Any:
        """Return the kept columns with the predictions."""
        import pyarrow as pa

        return pa.table([*kept.columns, *predicted.columns], names=[*self.keep, *self.columns.names])

    def _predicted_without(self, wrong: Sequence[int], batch: Batch, options: ReadOptions) -> Any:
        """Return predictions that are empty in the rows ``wrong``, counted from 0 in this batch."""
        import pyarrow as pa

        good = np.ones(len(batch.frame), np.bool_)
        good[wrong] = False
        predicted = self._predicted(batch.frame[good], options) if good.any() else self.columns.empty_table()
        return predicted.take(pa.array(np.cumsum(good) - 1, mask=~good))

    def _reasons(self, cells: Iterable[tuple[int, str, str]]) -> Any:
        import pyarrow as pa

        rows = [(*cell, f"was {self.model.schema[cell[1]].kind} in training") for cell in cells]
        return pa.table(list(map(list, zip(*rows, strict=True))), names=["row", "column", "value", "reason"])

    def _predicted(self, frame: pd.DataFrame, options: ReadOptions) -> Any:
        import pyarrow as pa

        if not len(frame):
            self.model.typed(frame, options)  # which says what columns are missing
            return self.columns.empty_table()
        predicted = self.model.columns(self.model.raw(frame, options), proba=self.proba, interval=self.interval)
        return pa.Table.from_pandas(pd.DataFrame(predicted), schema=self.columns, preserve_index=False)
