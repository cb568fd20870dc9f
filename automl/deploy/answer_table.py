"""What is said of each row of a batch, as the table that is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.config import ReadOptions
from automl.data.batches import Batch
from automl.data.schema import wrong_cells
from automl.errors import SchemaError, UsageError
from automl.predictor import Predictor


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Columns that are kept, then predictions: always the same columns of the same types."""

    model: Predictor
    keep: Sequence[str]
    proba: bool
    interval: float | None
    columns: Any
    """Arrow schema of the predictions."""

    @classmethod
    def of(cls, model: Predictor, keep: Sequence[str], proba: bool, interval: float | None) -> Answers:
        """Return what a model says, by its answer to rows that it knows.

        Raises
        ------
        UsageError
            If it cannot say so, or a column that is to be kept has the name of a prediction.
        """
        import pyarrow as pa

        rows = pd.DataFrame(model.example_rows(), columns=list(model.feature_names_in_))
        columns = pa.Schema.from_pandas(model.predict_frame(rows, proba=proba, interval=interval), preserve_index=False)
        taken = [name for name in keep if name in columns.names]
        if taken:
            raise UsageError(f"the column {taken[0]!r} cannot be kept: the predictions are called so; rename it")
        return cls(model, keep, proba, interval, columns.remove_metadata())

    def __call__(self, batch: Batch, options: ReadOptions) -> Any:
        """Return the rows of a batch as an Arrow table: kept columns, then predictions.

        Raises
        ------
        SchemaError
            If cells cannot be what they were in training; rows are counted from the beginning of the whole table.
        """
        try:
            return self._beside(batch, self._predicted(batch.frame, options))
        except SchemaError as error:
            if not error.cells:
                raise
            cells = [(batch.start + row, name, value) for row, name, value in error.cells]
            raise wrong_cells(cells, self.model.schema) from None

    def but(self, wrong: Iterable[int], batch: Batch, options: ReadOptions) -> Any:
        """Return what the call does, with empty predictions in the rows ``wrong``, counted as there."""
        import pyarrow as pa

        good = np.ones(len(batch.frame), np.bool_)
        good[np.array(list(wrong)) - batch.start - 1] = False
        predicted = self._predicted(batch.frame[good], options) if good.any() else self.columns.empty_table()
        places = pa.array(np.cumsum(good) - 1, mask=~good)
        return self._beside(batch, predicted.take(places))

    def _predicted(self, frame: pd.DataFrame, options: ReadOptions) -> Any:
        import pyarrow as pa

        predicted = self.model.predict_frame(frame, proba=self.proba, interval=self.interval, options=options)
        return pa.Table.from_pandas(predicted, schema=self.columns, preserve_index=False)

    def _beside(self, batch: Batch, predicted: Any) -> Any:
        import pyarrow as pa

        names = [*self.keep, *self.columns.names]
        return pa.table([*batch.kept.columns, *predicted.columns], names=names)
