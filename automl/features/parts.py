"""Every kind of column by the part that turns it into numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from automl.data.table import Kind, Schema
from automl.features.dates import Dates
from automl.features.encode import OneHot, Table, fit_table
from automl.features.matrix import Needs
from automl.features.numeric import Numbers
from automl.features.supervision import Supervision
from automl.features.text import Bag, Style, TextColumns, Texts, Topics


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Fitted parts; those of the first five kinds give dense columns, the others sparse ones."""

    numbers: Numbers
    tables: tuple[Table, ...]
    dates: Dates
    styles: tuple[Style, ...]
    topics: tuple[Topics, ...]
    onehots: tuple[OneHot, ...]
    bags: tuple[Bag, ...]

    @property
    def _dense(self) -> tuple[Numbers | Table | Dates | Style | Topics, ...]:
        return (self.numbers, *self.tables, self.dates, *self.styles, *self.topics)

    @property
    def _sparse(self) -> tuple[OneHot | Bag, ...]:
        return (*self.onehots, *self.bags)

    @property
    def dense_names(self) -> tuple[str, ...]:
        """The dense columns."""
        return tuple(name for part in self._dense for name in part.names)

    @property
    def sparse_names(self) -> tuple[str, ...]:
        """The sparse columns."""
        return tuple(name for part in self._sparse for name in part.names)

    @property
    def texts(self) -> frozenset[str]:
        """The columns of the typed frame that are read as text."""
        bags = (*self.bags, *(topics.bag for topics in self.topics))
        return frozenset([*(style.source for style in self.styles), *(bag.source for bag in bags)])

    @property
    def sources(self) -> tuple[tuple[str, ...], ...]:
        """For each column, the dense ones first, the columns of the typed frame that it is made of."""
        return tuple(made_of for part in (*self._dense, *self._sparse) for made_of in _sources(part))

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of category codes of each dense column that holds codes, else 0."""
        tables = (cardinality for table in self.tables for cardinality in table.cardinalities)
        known = (*(0 for _ in self.numbers.names), *tables)
        return known + (0,) * (len(self.dense_names) - len(known))

    def reading(self, texts: Texts, needs: Needs) -> Parts:
        """Return the parts with what has been learned of the texts of their rows."""
        if needs.blind:
            return self
        if needs.text == "tfidf" and needs.sparse:
            return replace(self, topics=(), bags=tuple(topics.bag for topics in texts.topics))
        return replace(self, topics=texts.topics, bags=())

    def dense(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return (rows, dense columns), missing values as NaN."""
        return np.concatenate([part.transform(frame) for part in self._dense], axis=1, dtype=np.float64)

    def sparse(self, frame: pd.DataFrame) -> list[csr_array[Any]]:
        """Return the sparse columns, (rows, ...) each."""
        return [part.transform(frame) for part in self._sparse]


def _sources(part: Numbers | Table | Dates | Style | Topics | OneHot | Bag) -> tuple[tuple[str, ...], ...]:
    if isinstance(part, Numbers):
        return tuple((name,) for name in part.names)
    if isinstance(part, Dates):
        return part.made_of
    source = part.bag.source if isinstance(part, Topics) else part.source
    return ((source,),) * len(part.names)


def fit_parts(
    frame: pd.DataFrame, schema: Schema, needs: Needs, supervision: Supervision, texts: Texts, read: TextColumns
) -> tuple[Parts, NDArray[np.float64]]:
    """Return the parts and the dense training columns; what knows the target is out of fold, as what was ``read``."""
    numbers, numeric = Numbers.fit(frame, schema.of(Kind.NUMERIC, Kind.BOOLEAN))
    categorical = [column for column, _ in schema.typed if column.kind is Kind.CATEGORICAL]
    tables = [fit_table(column, frame[column.name].to_numpy(), needs, supervision) for column in categorical]
    dates = Dates.fit(frame, schema.of(Kind.DATETIME), cycles=needs.missing == "impute")
    styles = tuple(Style(column.name) for column in schema.used if column.kind is Kind.TEXT)
    sparse = categorical if needs.categories == "onehot" and needs.sparse else []
    parts = Parts(
        numbers,
        tuple(table for table, _ in tables),
        dates,
        styles,
        (),
        tuple(OneHot.fit(column, frame[column.name].to_numpy()) for column in sparse),
        (),
    ).reading(texts, needs)
    styled = [style.transform(frame) for style in styles]
    columns = [numeric, *(t for _, t in tables), dates.transform(frame), *styled, *(read if parts.topics else ())]
    return parts, np.concatenate(columns, axis=1, dtype=np.float64)
