"""The vocabulary of a table: column kinds, the schema, the task.

A *typed frame* is what the rest of the engine sees. :func:`automl.data.schema.apply_schema` makes it from whatever the
user has, with one fixed representation for each kind:

=============  =====================================================================================
kind           representation
=============  =====================================================================================
numeric        ``float64``, missing and infinite as NaN
boolean        ``float64`` 0 / 1, missing as NaN
categorical    ``int32`` code: an index into ``Column.categories``, ``MISSING`` or ``UNSEEN``
datetime       ``datetime64[us]``, missing as NaT
text           ``string`` (pyarrow), missing as an empty string
vector         lists of equally many numbers: only as columns of their own, each place as ``numeric``
template       numbers in a few fixed texts, ``5 kg`` and ``3 g``: likewise, and the text around them as ``categorical``
nominal        a numeric column whose whole numbers are rather names: as ``categorical`` too, in a column of its own
built          a categorical column whose values are built alike: each piece as ``numeric`` or ``categorical`` too
worded         a categorical column whose words say something: as ``text`` too, in a column of its own, for the words of
               a value that training has not seen say something as well
identifier     left out
constant       left out
duplicate      left out
=============  =====================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl.data import codes

MISSING: Final = -1
UNSEEN: Final = -2
STRAY: Final = re.compile(r"\d.*[^\W\d_]|[^\W\d_].*\d")

Label = str | int | float | bool


class Kind(StrEnum):
    """What a column means to a model."""

    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    DATETIME = "datetime"
    TEXT = "text"
    VECTOR = "vector"
    TEMPLATE = "template"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
    DUPLICATE = "duplicate"

    @property
    def used(self) -> bool:
        """Whether models see columns of this kind."""
        return self not in (Kind.IDENTIFIER, Kind.CONSTANT, Kind.DUPLICATE)

    @property
    def single(self) -> bool:
        """Whether a cell is a single value."""
        return self not in (Kind.TEXT, Kind.VECTOR, Kind.TEMPLATE)


class ProblemType(StrEnum):
    """What is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    QUANTILE = "quantile"
    """Several quantiles of a number at once."""

    @property
    def classification(self) -> bool:
        """Whether the target is a class."""
        return self in (ProblemType.BINARY, ProblemType.MULTICLASS)


@dataclass(frozen=True, slots=True)
class Column:
    """One feature column as training saw it."""

    name: str
    kind: Kind
    reason: str
    """Why it has this kind, in words for the owner of the table."""
    categories: tuple[str, ...] = ()
    """Categorical or nominal: the values by falling frequency; template: the texts. Boolean: the values for 0 and 1."""
    format: str | None = None
    """Datetime read from text: the strptime format; None = ISO 8601 or native."""
    ambiguous: bool = False
    """Datetime: whether day and month, or day and year, could be swapped: no value tells them apart."""
    unit: str | None = None
    """Numeric read from decorated text: the decoration that is stripped, such as ``$`` or ``%``, and what else is read,
    see :class:`automl.data.numerals.Style`."""
    decimal: str = "."
    """Numeric read from text: the decimal mark."""
    missing: tuple[str, ...] = ()
    """Cells that count as missing in this column, beyond the usual ones: words among numbers or dates, or numbers such
    as -999 far from all others. Plain numbers are compared as numbers."""
    separator: str | None = None
    """Text that is a list: the mark between its elements, or ``[`` for a JSON array."""
    score: float = 1.0
    """How much speaks for the kind, 0 to 1: the share of the present cells that can be read as it, or, for words, how
    often they repeat (categorical) or differ (text, identifier)."""
    worded: bool = False
    """Categorical: whether models may see the words of its values beside the values."""
    nominal: bool = False
    """Numeric: whether models may see its whole numbers as categories beside the numbers."""
    built: str = ""
    """Categorical: how its values are built, if alike, see :mod:`automl.data.codes`; models may see their pieces, too.
    A piece: how they are built up to it."""
    length: int = 0
    """Vector, template: how many numbers a cell has. A number of one: its place, from 1."""

    @property
    def tolerant(self) -> bool:
        """Whether training took cells with digits for missing that are no numbers, such as ``4 Acres`` among square
        feet; later tables will have others.
        """
        return self.kind is Kind.NUMERIC and any(STRAY.search(word) for word in self.missing)

    @property
    def derived(self) -> tuple[Column, ...]:
        """The further columns of the typed frame that are read from it: its words, categories, pieces or numbers."""
        if self.kind is Kind.NUMERIC and self.nominal:
            name = f"{self.name} as category"
            return (Column(name, Kind.CATEGORICAL, self.reason, self.categories, missing=self.missing),)
        if self.kind in (Kind.VECTOR, Kind.TEMPLATE):
            return tuple(self._places())
        if self.kind is not Kind.CATEGORICAL:
            return ()
        words = Column(f"{self.name} in words", Kind.TEXT, self.reason, missing=self.missing)
        return (*self._pieces(), *((words,) if self.worded else ()))

    def _places(self) -> Iterator[Column]:
        """Yield the numbers of a list or template, and the text around them if there are several."""
        for i in range(1, self.length + 1):
            yield Column(f"{self.name}[{i}]", Kind.NUMERIC, self.reason, length=i)
        if len(self.categories) > 1:
            yield Column(f"{self.name} template", Kind.CATEGORICAL, self.reason, self.categories)

    def _pieces(self) -> Iterator[Column]:
        """Yield the pieces of which there are several: digits are numbers, letters categories."""
        for i, kind in enumerate(self.built, 1):
            found, name, form = codes.words(self.categories, self.built[:i]), f"{self.name} part {i}", self.built[:i]
            if kind == "9" and len(found) > 1:
                yield Column(name, Kind.NUMERIC, self.reason, missing=self.missing, built=form)
            elif 1 < len(found) < len(self.categories):
                yield Column(name, Kind.CATEGORICAL, self.reason, found, missing=self.missing, built=form)


@dataclass(frozen=True, slots=True)
class Schema:
    """The feature columns in training order."""

    columns: tuple[Column, ...]

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that models see."""
        return tuple(column for column in self.columns if column.kind.used)

    @property
    def width(self) -> int:
        """How many values of a row models see; those of a vector are several."""
        return sum(max(1, column.length) for column in self.used)

    @property
    def typed(self) -> tuple[tuple[Column, str], ...]:
        """The columns of the typed frame, each with the column of the table that it is read from: the used ones but for
        those of several numbers, then the derived ones."""
        plain = ((column, column.name) for column in self.used if not column.length)
        return (*plain, *((further, column.name) for column in self.used for further in column.derived))

    @property
    def texts(self) -> tuple[str, ...]:
        """The names of those that hold text."""
        return self.of(Kind.TEXT)

    def without_words(self, read: Collection[str]) -> Schema:
        """Return the schema whose typed frame has no words but those that are read, by their names there."""
        return Schema(
            tuple(
                replace(each, worded=each.worded and any(further.name in read for further in each.derived))
                for each in self.columns
            )
        )

    def of(self, *kinds: Kind) -> tuple[str, ...]:
        """Return the names of the columns of the typed frame of these kinds."""
        return tuple(column.name for column, _ in self.typed if column.kind in kinds)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, slots=True)
class Task:
    """What to predict, and how its values are written."""

    target: str
    problem_type: ProblemType
    reason: str
    """Why it is this problem type, in words."""
    classes: tuple[Label, ...] = ()
    """The class labels, sorted or as declared; of two the second is the positive one, as the user says. Empty for
    numbers."""
    decimal: str = "."
    """The decimal mark of numbers in text."""
    levels: tuple[float, ...] = ()
    """Quantile: the levels of the quantiles that are predicted, rising, each between 0 and 1."""
    ranked: bool = False
    """Whether the classes are in an order that their owner declared."""

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for numbers."""
        return len(self.classes)

    @property
    def labels(self) -> NDArray[np.generic]:
        """(classes,) the class labels as an array of their type; texts are objects.

        >>> Task("id", ProblemType.BINARY, "", classes=(5, 2**63 + 1)).labels
        array([                  5, 9223372036854775809], dtype=uint64)
        """
        labels: NDArray[np.generic] = np.array(self.classes, dtype=object if isinstance(self.classes[0], str) else None)
        whole = [label for label in self.classes if type(label) is int]
        if labels.dtype.kind == "f" and len(whole) == len(labels):  # beyond int64, and a float has 53 bits
            labels = np.array(whole, np.uint64) if min(whole) >= 0 else np.array(whole, np.object_)
        return labels

    @property
    def positive(self) -> Label | None:
        """The positive one of two classes, which metrics such as precision are of; None where there are not two."""
        return self.classes[1] if len(self.classes) == 2 else None

    @property
    def ordered(self) -> bool:
        """Whether the order of several classes says something: it was declared, or they are numbers in a row."""
        return (self.ranked and len(self.classes) > 2) or self.in_a_row

    @property
    def in_a_row(self) -> bool:
        """Whether the classes are whole numbers in a row, such as grades.

        >>> Task("grade", ProblemType.MULTICLASS, "", classes=(3, 4, 5)).in_a_row
        True
        """
        first = self.classes[0] if len(self.classes) > 2 else None
        return type(first) is int and list(self.classes) == list(range(first, first + len(self.classes)))

    @property
    def level_names(self) -> tuple[str, ...]:
        """The quantiles as columns are named: ``q0.1``, ``q0.5``."""
        return tuple(f"q{level:g}" for level in self.levels)

    def decode(self, prediction: NDArray[np.float64]) -> NDArray[np.generic]:
        """Turn a model's output, (n,) values, (n, levels) quantiles or (n, k) probabilities, into the target's own."""
        if not self.problem_type.classification:
            return prediction
        picked: NDArray[np.generic] = self.labels[prediction.argmax(axis=1)]
        return picked
