"""The task: what kind of values the target holds, decided from all of them, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from operator import itemgetter
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import MISSING_LABELS, MISSING_WORDS, Cells, cells_of, text_of
from automl.data.kinds import READABLE, infer_kind
from automl.data.number_style import read_numbers
from automl.data.numerals import CLOCK, parse_numbers
from automl.data.table import Kind, Label, ProblemType, Task
from automl.errors import DataError, UsageError, suggestion

FRACTIONS: Final = 0.01
"""Share of rows with a fraction from which numbers are a quantity."""
FEW_CLASSES: Final = 10
"""Different whole numbers up to which they are classes."""
MANY_CLASSES: Final = 100
"""The same if the classes are of similar size."""
ROWS_A_CLASS: Final = 3
"""Mean rows a class below which whole numbers are a quantity."""
EVEN: Final = 0.2
"""Rows of the rarest number over those of the most frequent from which many whole numbers are classes."""


def infer_task(
    target: pd.Series[Any],
    name: str,
    *,
    problem_type: str | None = None,
    positive: object = None,
    decimal: str = ".",
    typed: bool = False,
) -> Task:
    """Decide what is predicted: binary, multiclass or regression. ``decimal`` is the mark of the table's numbers.

    Two values are binary. Words are classes. Numbers are a quantity if they have fractions; whole numbers are classes
    if they are few (up to 10), or up to 100 of similar frequency.

    Parameters
    ----------
    positive
        The positive one of two classes; None = the second in sorted order, or in that of ordered categories.
    typed
        Whether the table has types, so that the class ``"1"`` is a text, and so are ``" a"`` and ``"NA"``. In a file of
        text, texts that numbers are written as are numbers, blanks around words say nothing, and words such as ``NA``
        stand for no value.

    Raises
    ------
    DataError
        If the target is missing everywhere, constant, or cannot be what was asked for.
    UsageError
        If there are not two classes, or none of them is the positive one.

    >>> infer_task(pd.Series(["no", "yes", "no"]), "churn").classes
    ('no', 'yes')
    """
    cells = _label_cells(target, typed=typed)
    if not cells.values:
        raise DataError(f"the target {name!r} has no values; choose another column")
    if len(cells.values) == 1:
        raise DataError(f"the target {name!r} is constant ({cells.values[0][:40]!r}); choose one with different values")
    given = (ProblemType(problem_type), "set by hand") if problem_type else None
    inferred, reason = given or _inferred(target, cells, name, decimal, typed)
    classes: tuple[Label, ...] = ()
    if inferred.classification:
        classes = _labels(target, cells, typed)
    else:
        _require_numbers(target, name, inferred, decimal)
    if inferred is ProblemType.BINARY and len(classes) != 2:
        raise DataError(f"a binary target has two values, {name!r} has {len(classes)}; use multiclass or regression")
    ranked = bool(classes) and typed and _declared(target) is not None
    return Task(name, inferred, reason, _with_positive(classes, positive), decimal, ranked=ranked)


def encode_target(target: pd.Series[Any], task: Task) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the target as models take it and which rows have one, both (rows,).

    Class codes (int64, -1 where missing) index ``task.classes``; other values are float64, NaN where missing.

    Raises
    ------
    DataError
        If a class was not there in training.

    >>> task = Task("y", ProblemType.BINARY, "", (0, 1))
    >>> encode_target(pd.Series(["1", "0", ""]), task)
    (array([ 1,  0, -1]), array([ True,  True, False]))
    """
    if not task.problem_type.classification:
        values = numbers_of(target, task.decimal)
        return values, np.isfinite(values)
    texts = {text_of(label): code for code, label in enumerate(task.classes)}
    cells = _label_cells(target, {str(text).lower() for text in texts})
    scalars = {_spelled(label): code for code, label in enumerate(task.classes)}
    if len(scalars) < len(task.classes):  # 01 and 1
        scalars = {}
    codes = {value: texts[value] if value in texts else scalars.get(_scalar(value), -1) for value in cells.values}
    unknown = next((value for value, code in codes.items() if code < 0), None)
    if unknown is not None:
        some = ", ".join(repr(label) for label in task.classes[:5])
        raise DataError(
            f"{unknown[:40]!r} is no class of the target {task.target!r} (classes: {some}); repair that value, or "
            "train on rows of every class"
        )
    y = cells.spread(np.array(list(codes.values()), dtype=np.int64), -1)
    return y, y >= 0


def _inferred(target: pd.Series[Any], cells: Cells, name: str, decimal: str, typed: bool) -> tuple[ProblemType, str]:
    distinct = len(cells.values)
    labels = _labels(target, cells, typed) if distinct <= MANY_CLASSES else ()
    if len(labels) == 2:
        return ProblemType.BINARY, f"two values: {labels[0]!r} and {labels[1]!r}"
    values = numbers_of(target, decimal)
    values = values[np.isfinite(values)]
    rows = int((cells.codes >= 0).sum())
    if len(values) >= READABLE * rows and np.unique(values).size > 2:
        return _from_numbers(values)
    _refuse_times(target, cells, name)
    if distinct > MANY_CLASSES and distinct > rows / ROWS_A_CLASS:
        raise DataError(
            f"the target {name!r} has {distinct} different texts in {rows} rows, too many for classes; choose "
            "another column, or set the problem type"
        )
    return ProblemType.MULTICLASS, f"{distinct} different words"


def _from_numbers(values: NDArray[np.float64]) -> tuple[ProblemType, str]:
    fractions = float(np.mean(values != np.trunc(values)))
    if fractions >= FRACTIONS:
        return ProblemType.REGRESSION, f"numbers, {fractions:.0%} of them with a fraction"
    numbers, counts = np.unique(values, return_counts=True)
    distinct, said = len(numbers), f"{len(numbers)} different whole numbers"
    if len(values) < ROWS_A_CLASS * distinct:
        return ProblemType.REGRESSION, f"{said} in {len(values)} rows"
    if distinct <= FEW_CLASSES:
        return ProblemType.MULTICLASS, f"{said}, {numbers[0]:.0f} to {numbers[-1]:.0f}; set regression if they measure"
    if distinct <= MANY_CLASSES and counts.min() >= EVEN * counts.max():
        return ProblemType.MULTICLASS, f"{said}, each about as frequent; set regression if they measure"
    return ProblemType.REGRESSION, f"{said}, some of them rare"


def _with_positive(classes: tuple[Label, ...], positive: object) -> tuple[Label, ...]:
    """Return the classes with the positive one last, if the user says which it is."""
    if positive is None:
        return classes
    if len(classes) != 2:
        found = f"{len(classes)} classes" if classes else "numbers"
        raise UsageError(f"one of two classes can be the positive one, the target has {found}; leave out {positive!r}")
    code = class_code(classes, positive, "the positive class")
    return classes[1 - code], classes[code]


def _label_cells(target: pd.Series[Any], classes: Collection[str] = (), *, typed: bool = False) -> Cells:
    """Return the cells of a target; in numbers every word for "no value" is one, in words ``none`` may be a class.

    In a typed table no word stands for "no value", and nowhere one that is known to be one of the ``classes``.
    """
    cells = cells_of(target, {""} if typed else MISSING_LABELS.difference(classes))
    if typed and isinstance(target.dtype, pd.CategoricalDtype):
        return cells
    plain = parse_numbers(cells.values)
    words = [value for value, number in zip(cells.values, plain, strict=True) if np.isnan(number)]
    numeric = len(words) < len(cells.values) and all(word.lower() in MISSING_WORDS for word in words)
    return cells_of(target, MISSING_WORDS.difference(classes)) if numeric else cells


def _labels(target: pd.Series[Any], cells: Cells, typed: bool) -> tuple[Label, ...]:
    """Return the classes: as bools, ints or floats where they are that, else as texts, as they are written.

    They are sorted, but those of ordered categories of a typed table are in the order of these.
    """
    written = _written(target, typed)
    scalars = {text: _scalar(text) for text in cells.values}
    kinds = {isinstance(scalar, bool) for scalar in scalars.values()}
    rewritten = any(str(scalar).lower() != text.lower() for text, scalar in scalars.items())
    spelled = kinds == {True} and len(scalars) > 2  # True and TRUE of merged files
    as_text = bool(written) and (typed or rewritten) and not spelled
    if as_text or len(kinds) > 1 or any(isinstance(scalar, str) for scalar in scalars.values()):
        labels: dict[str, Label] = {text: written.get(text, text) for text in sorted(cells.values)}
    else:
        labels = dict(sorted(scalars.items(), key=itemgetter(1)))
    declared = _declared(target) if typed else None
    return tuple(dict.fromkeys(labels[text] for text in declared or labels if text in labels))


def _declared(target: pd.Series[Any]) -> list[str] | None:
    """Return the texts of ordered categories in their order, those that do not occur too; None of others."""
    dtype = target.dtype
    if not isinstance(dtype, pd.CategoricalDtype) or not dtype.ordered:
        return None
    return [text_of(category) or "" for category in dtype.categories]


def _written(target: pd.Series[Any], typed: bool) -> dict[str, str]:
    """Return what stands in a column for each of its texts, such as ``1.0`` for ``1``; numbers and bools are none.

    In a typed table blanks around a text are part of it, if it never stands there without them.
    """
    if target.dtype.kind != "O":
        return {}
    values = target if target.dtype == object else target.unique()  # objects may be lists, which are not hashed
    texts = {value if typed else value.strip() for value in values if isinstance(value, str)}
    return {text_of(text) or "": text for text in sorted(texts, key=lambda text: (len(text), text), reverse=True)}


def _scalar(value: str) -> Label:
    """Return a text as a bool, an int or a float if it is one. True equals 1, as everywhere in Python."""
    word = value.lower()
    if word in ("true", "false"):
        return word == "true"
    number = float(parse_numbers([value])[0])
    if not np.isfinite(number):
        return value
    if value.lstrip("+-").isdecimal():  # a float has 53 bits
        return int(value)
    return int(number) if number.is_integer() else number


def numbers_of(series: pd.Series[Any], decimal: str) -> NDArray[np.float64]:
    """Return a target or weights as numbers, NaN where a cell is missing, infinite or not a number.

    >>> numbers_of(pd.Series(["1,250", "2", "x"]), ",").tolist()
    [1.25, 2.0, nan]
    """
    if series.dtype.kind in "iufb":
        values = series.to_numpy(np.float64, na_value=np.nan)
    else:
        cells = cells_of(series)
        values = cells.spread(_amounts(cells, decimal), np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _amounts(cells: Cells, decimal: str) -> NDArray[np.float64]:
    """Return the values as numbers as those of features are read, but for times: those are refused."""
    style, numbers = read_numbers(cells.values, decimal)
    return np.full(len(numbers), np.nan) if style.unit == CLOCK else numbers


def _require_numbers(target: pd.Series[Any], name: str, problem_type: ProblemType, decimal: str) -> None:
    cells = cells_of(target)
    read = np.isfinite(_amounts(cells, decimal))
    if cells.counts()[read].sum() < READABLE * cells.counts().sum():
        _refuse_times(target, cells, name)
        example = cells.values[int(np.argmin(read))]
        raise DataError(
            f"{problem_type} needs a target of numbers, {name!r} has {example[:40]!r}; set another problem type"
        )


def _refuse_times(target: pd.Series[Any], cells: Cells, name: str) -> None:
    """Raise an error for a target of dates or durations: each would be a class."""
    kind, example = target.dtype.kind, cells.values[0]
    if kind == "m":
        raise DataError(f"the target {name!r} is a duration, such as {example!r}; give its seconds as numbers")
    if kind == "M" or infer_kind(name, target).kind is Kind.DATETIME:
        raise DataError(
            f"the target {name!r} is a date, such as {example[:40]!r}; give a number, such as the days since a start, "
            "or set the problem type multiclass if dates are classes"
        )


def class_code(classes: Sequence[Label], wanted: object, what: str) -> int:
    """Return the code of a class that the user names, as it is or as text.

    Raises
    ------
    UsageError
        If there is no such class; the message says that ``what`` names it.

    >>> class_code((0, 1), "1", "--positive"), class_code((False, True), "true", "--positive")
    (1, 1)
    """
    for same in (str, _spelled):
        found = [code for code, label in enumerate(classes) if same(label) == same(wanted)]
        if len(found) == 1:
            return found[0]
    shown = ", ".join(repr(label) for label in classes[:10])
    raise UsageError(
        f"{what} names {wanted!r}, which is no class of the target{suggestion(str(wanted), map(str, classes))}; "
        f"classes: {shown}"
    )


def _spelled(label: object) -> object:
    return _scalar(str(label).strip())


def task_to_json(task: Task) -> dict[str, Any]:
    """Return the task as plain JSON values."""
    return asdict(task) | {"classes": list(task.classes), "levels": list(task.levels)}


def task_from_json(record: Mapping[str, Any]) -> Task:
    """Read what :func:`task_to_json` wrote."""
    return Task(
        **{
            **record,
            "problem_type": ProblemType(record["problem_type"]),
            "classes": tuple(record["classes"]),
            "levels": tuple(record.get("levels", ())),
        }
    )
