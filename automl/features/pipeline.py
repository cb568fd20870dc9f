"""From a typed frame to the matrix that a family needs: fitted once on training rows, then the same for every row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from automl.data.constraints import FREE, Constraints, Sources
from automl.data.table import Schema, Task
from automl.deadline import NEVER, Deadline
from automl.errors import DataError
from automl.features.construct import Arithmetic
from automl.features.matrix import Matrix, Needs, side_by_side
from automl.features.numeric import LARGEST, Filling
from automl.features.parts import Parts, fit_parts
from automl.features.sampling import sample
from automl.features.scale import Scaling
from automl.features.select import above_probes, crowded, distinct
from automl.features.state import read, write
from automl.features.supervision import in_unit, supervise
from automl.features.text import TextColumns, Texts

FORMAT: Final = 1
BLOCK: Final = 65_536
"""Rows that are finished at once: what is made on the way takes several times the memory of the result."""
KNOWN: Final = 200_000
"""Rows that medians and scales are learned from at most."""
SPARSE: Final = 0.125
"""Share of values that are not 0 below which sparse products are quicker than dense ones."""
LARGE: Final = 20_000_000
"""Values of a matrix from which it matters how many bytes they take."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Fitted features. A row's values never depend on the rows beside it."""

    needs: Needs
    names: tuple[str, ...]
    categorical: tuple[int, ...]
    """Indices of columns that hold category codes, see :class:`Matrix`."""
    cardinalities: tuple[int, ...]
    parts: Parts
    filling: Filling | None
    kept: NDArray[np.intp]
    """The dense columns that are handed on."""
    scaling: Scaling
    compressed: bool
    """Whether the matrix is a ``csr_array``."""
    arithmetic: Arithmetic | None = None

    @property
    def sources(self) -> tuple[tuple[str, ...], ...]:
        """For each column of the matrix, the columns of the typed frame that it is made of."""
        every = self.parts.sources
        made_of = [every[i] for i in self.kept]
        if self.arithmetic:
            pairs = zip(self.arithmetic.left.tolist(), self.arithmetic.right.tolist(), strict=True)
            made_of += [made_of[left] + made_of[right] for left, right in pairs]
        if self.filling:
            made_of += [made_of[i] for i in self.filling.flagged]
        return (*made_of, *every[len(self.parts.dense_names) :])

    def transform(self, frame: pd.DataFrame) -> Matrix:
        """Return the matrix of a typed frame with any number of rows, none included."""
        return self._matrix(_columns(self.parts.dense(frame), self.kept), self.parts.sparse(frame))

    def _matrix(self, kept: NDArray[np.float64], sparse: Sequence[csr_array[Any]]) -> Matrix:
        """Return the matrix of the kept dense columns and the sparse ones; by blocks, for the sake of memory."""
        if len(kept) <= BLOCK:
            return self.assembled(self._scaled(kept), sparse)
        blocks = [slice(start, start + BLOCK) for start in range(0, len(kept), BLOCK)]
        made = (self.assembled(self._scaled(kept[rows]), [part[rows] for part in sparse]) for rows in blocks)
        if self.compressed:
            sparse_blocks: list[csr_array[Any]] = [csr_array(block.values) for block in made]
            return self._of(csr_array(vstack(sparse_blocks, format="csr")))
        values = np.empty((len(kept), len(self.names)), np.float32)
        for rows, block in zip(blocks, made, strict=True):
            values[rows] = block.dense
        return self._of(values)

    def assembled(self, scaled: NDArray[np.float32], further: Sequence[Any]) -> Matrix:
        """Return the matrix of dense columns as models see them and those of categories and texts, sparse or dense."""
        if self.compressed:
            return self._of(side_by_side(scaled, further))
        dense = (part if isinstance(part, np.ndarray) else part.toarray() for part in further)
        return self._of(np.concatenate([scaled, *dense], axis=1) if further else scaled)

    def _of(self, values: NDArray[np.float32] | csr_array) -> Matrix:
        return Matrix(values, self.names, self.categorical, self.cardinalities)

    def _scaled(self, kept: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the dense columns as models see them."""
        dense = np.concatenate([kept, self.arithmetic(kept)], axis=1) if self.arithmetic else kept
        filled = self.filling(dense) if self.filling else dense
        return np.clip(self.scaling(filled), -LARGEST, LARGEST).astype(np.float32, order="C")

    def save(self, folder: Path) -> None:
        """Write ``features.json`` and ``arrays.npz`` into an existing folder; texts are saved apart."""
        write(replace(self, parts=self.parts.reading(Texts(), self.needs)), folder, "features", FORMAT)

    @classmethod
    def load(cls, folder: Path, texts: Texts | None = None) -> Features:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        texts
            What was learned of the texts of the same rows; None if there are none. Earlier versions saved it here.

        Raises
        ------
        ArtifactError
            If the folder was written by another version of this format.
        """
        features: Features = read(cls, folder, "features", FORMAT)
        return features if texts is None else replace(features, parts=features.parts.reading(texts, features.needs))


def fit_texts(
    frame: pd.DataFrame,
    y: NDArray[Any],
    schema: Schema,
    task: Task,
    *,
    random_state: int,
    groups: NDArray[np.intp] | None = None,
    weight: NDArray[np.float64] | None = None,
    deadline: Deadline = NEVER,
    unread: Collection[str] | None = None,
) -> tuple[Texts, TextColumns]:
    """Return the part of :func:`fit_features` that is the same for all needs, and takes the longest.

    Texts that would take too much of the time until the ``deadline`` are left out, or those of the columns that are
    known to be ``unread``.
    """
    return Texts.fit(frame, schema, supervise(in_unit(y, task), task, random_state, groups, weight), deadline, unread)


def fit_features(
    frame: pd.DataFrame,
    y: NDArray[Any],
    schema: Schema,
    task: Task,
    needs: Needs,
    *,
    random_state: int,
    groups: NDArray[np.intp] | None = None,
    weight: NDArray[np.float64] | None = None,
    texts: tuple[Texts, TextColumns] | None = None,
    constraints: Constraints = FREE,
) -> tuple[Features, Matrix]:
    """Fit features on training rows and return them with the matrix of these rows.

    Columns that know the target (means of categories, predictions from text) are out of fold in that matrix, so that
    a model cannot read its own target from them; :meth:`Features.transform` would give other values for these rows.

    Parameters
    ----------
    frame
        Typed frame, see :mod:`automl.data.table`.
    y
        (rows,) values for regression, else class codes.
    groups
        (rows,) codes of rows that belong together; such rows are not told of each other's targets either.
    weight
        (rows,) how much each row counts in what is learned of the target by category and text; None = all alike.
    texts
        What :func:`fit_texts` returned for the same arguments, if it was called.
    constraints
        What columns may not be combined.

    Raises
    ------
    DataError
        If the schema has no column that a model sees.
    """
    if not schema.used:
        raise DataError(
            "models need at least one column beside identifiers and constants, this table has none; add one"
        )
    seen, y = Schema(()) if needs.blind else schema, in_unit(y, task)
    supervision = supervise(y, task, random_state, groups, weight)
    if texts is None or needs.blind:
        texts = Texts.fit(frame, seen, supervision)
    parts, dense = fit_parts(frame, seen, needs, supervision, *texts)
    every, cardinalities = parts.dense_names, parts.cardinalities
    sources = _in_table(parts.sources, schema)
    kept = _kept(dense, parts, y, task, needs, random_state)
    kept = kept[[constraints.allow(sources[i]) for i in kept]]
    dense, sparse = _columns(dense, kept), parts.sparse(frame)
    names = tuple(every[i] for i in kept)
    categorical = tuple(i for i, column in enumerate(kept) if cardinalities[column])
    known = dense[sample(len(dense), KNOWN, random_state)] if len(dense) > KNOWN else dense
    arithmetic = None
    if needs.arithmetic:

        def allowed(a: int, b: int) -> bool:
            return constraints.allow(sources[kept[a]] + sources[kept[b]])

        arithmetic = Arithmetic.fit(dense, names, categorical, y, task, random_state, allowed)
        known, names = np.concatenate([known, arithmetic(known)], axis=1), names + arithmetic.names
    filling = Filling.fit(known) if needs.missing == "impute" else None
    if filling:
        known, names = filling(known), filling.names(names)
    features = Features(
        needs=needs,
        names=_unique((*names, *parts.sparse_names)),
        categorical=categorical,
        cardinalities=tuple(cardinalities[kept[i]] for i in categorical),
        parts=parts,
        filling=filling,
        kept=kept,
        scaling=Scaling.fit(known, needs.scaling, categorical),
        compressed=needs.sparse and _sparse(known, sparse, len(dense)),
        arithmetic=arithmetic,
    )
    return features, replace(features._matrix(dense, sparse), sources=_in_table(features.sources, schema))


def _kept(
    dense: NDArray[np.float64], parts: Parts, y: NDArray[Any], task: Task, needs: Needs, random_state: int
) -> NDArray[np.intp]:
    """Return the dense columns that pass the filters and, if they are many, the probes; at least one."""
    kept = distinct(dense, parts.cardinalities)
    if not len(kept) and not parts.sparse_names:
        return np.arange(min(1, dense.shape[1]), dtype=np.intp)
    if needs.sparse or not crowded(len(dense), len(kept)):
        return kept
    return kept[above_probes(dense[:, kept].astype(np.float32), y, task, random_state)]


def _columns(dense: NDArray[np.float64], kept: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return some of the columns, which are not copied if they are all of them."""
    return dense if len(kept) == dense.shape[1] else dense[:, kept]


def _in_table(sources: Sources, schema: Schema) -> tuple[tuple[str, ...], ...]:
    """Return for each column the columns of the table that it is made of, in place of those of the typed frame."""
    read_from = {column.name: source for column, source in schema.typed}
    return tuple(tuple(dict.fromkeys(read_from[name] for name in made_of)) for made_of in sources)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, with a number behind those that are taken."""
    taken: dict[str, None] = {}
    for name in names:
        numbered = (f"{name} ({i})" for i in count(2))
        taken[next(free for free in chain([name], numbered) if free not in taken)] = None
    return tuple(taken)


def _sparse(dense: NDArray[np.float64], sparse: Sequence[csr_array[Any]], rows: int) -> bool:
    """Return whether a ``csr_array``, 8 bytes for each value that is not 0, is better than 4 for each value.

    Where it is smaller by far, products with it are quicker; of many rows any memory counts.

    ``dense`` may hold some of the rows only.
    """
    columns = dense.shape[1] + sum(part.shape[1] for part in sparse)
    share = (np.count_nonzero(dense) / len(dense) + sum(part.nnz / part.shape[0] for part in sparse)) / max(columns, 1)
    return bool(share < (SPARSE if rows * columns < LARGE else 0.5))
