"""A loaded model and the one call that turns the rows of requests into answers."""

from __future__ import annotations

import timeit
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import automl
from automl.artifact import digest
from automl.data.cells import text_of
from automl.data.lists import ARRAY
from automl.data.table import Column, Kind, Schema, Task
from automl.deploy.answers import Answers
from automl.deploy.bodies import Rows
from automl.errors import AutoMLError, SchemaError, UsageError
from automl.explanation import explain
from automl.predictor import Predictor

EXPLAINED: Final = 10
"""Rows of a request that are explained at most: each takes about as long as a thousand predictions."""
_SHOWN: Final = 12
"""Letters of a hash that are the identity of a model."""
_MANY: Final = 64
"""Rows of a usual batch."""
_QUICK_SECONDS: Final = 0.01
"""For so many rows: what takes longer is predicted in a thread."""


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What is asked for beside predictions."""

    interval: float | None = None
    """The probability with which the value lies between ``low`` and ``high``."""
    reasons: int = 0
    """How many reasons of each row."""


PREDICTIONS: Final = AnswerOptions()


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A predictor with its identity: the beginning of the hash of its manifest."""

    predictor: Predictor = field(repr=False)
    id: str
    quick: bool = False
    """Whether a usual batch is predicted so soon that other requests can wait for it."""

    @classmethod
    def warm(cls, predictor: Predictor) -> Served:
        """Return a predictor that has predicted a few times: what is slow the first time is behind it."""
        served = cls(predictor, digest(predictor.manifest)[:_SHOWN])  # others may lie in its folder by now
        examples = predictor.example_rows()
        served.answer(examples[:1], PREDICTIONS)
        rows = [examples[number % len(examples)] for number in range(_MANY)]
        seconds = (timeit.timeit(lambda: served.answer(rows, PREDICTIONS), number=1) for _ in range(3))
        return replace(served, quick=any(each <= _QUICK_SECONDS for each in seconds))

    def answer(self, rows: Rows, asked: AnswerOptions) -> Answers:
        """Predict rows that have every used column, with the probabilities of classes.

        Raises
        ------
        SchemaError
            Names every cell that cannot be what it was in training.
        UsageError
            If an interval is asked for that this model has not.
        """
        predictor = self.predictor
        plain = predictor.read_rows(rows) if predictor.read_rows else None
        # in a frame of objects no cell takes the type of those beside it
        raw = predictor.raw(framed(rows, predictor.schema)) if plain is None else predictor.of_typed(plain)
        proba = predictor.task.problem_type.classification
        columns = predictor.columns(raw, proba=proba, interval=asked.interval)
        return {**columns, **self._explanations(rows, asked.reasons)} if asked.reasons else columns

    def _explanations(self, rows: Rows, top: int) -> dict[str, NDArray[np.object_]]:
        """Return what is explained of each row, and the strongest reasons, in JSON values."""
        explained, reasons = np.empty(len(rows), dtype=object), np.empty(len(rows), dtype=object)
        found = explain(self.predictor, framed(rows, self.predictor.schema))
        for row, each in enumerate(found.reasons(top)):
            reasons[row] = [{**asdict(reason), "value": _json_value(reason.value)} for reason in each]
            of = {"of": found.of[row]} if found.of else {}
            explained[row] = {**of, "base": float(found.base[row]), "predicted": float(found.predicted[row])}
        return {"explained": explained, "reasons": reasons}

    def check(self, rows: Rows) -> None:
        """Raise the SchemaError of :meth:`answer` without predicting."""
        self.predictor.typed(framed(rows, self.predictor.schema))

    def describe(self) -> dict[str, Any]:
        """Return what is served, in JSON values."""
        predictor, manifest = self.predictor, self.predictor.manifest
        return {
            "automl": automl.__version__,
            "model": {"id": self.id, **{key: manifest[key] for key in ("created", "format", "versions")}},
            "target": predictor.task.target,
            "problem_type": predictor.task.problem_type.value,
            "classes": list(predictor.task.classes),
            "decision": predictor.decision.to_json(),
            "metric": predictor.metric,
            "score": manifest["score"],
        }


def _json_value(value: Any) -> Any:
    """Return a cell as JSON can hold it; one from a column with a type is a number of numpy, or a time."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | int | float | list | None) else text_of(value)


def require_few(rows: Rows) -> None:
    """Raise a UsageError if so many rows of a request are not explained."""
    if len(rows) > EXPLAINED:
        raise UsageError(f"at most {EXPLAINED} rows of a request can be explained, got {len(rows)}; send fewer")


def framed(rows: Rows, schema: Schema) -> pd.DataFrame:
    """Return rows as a table; cells keep the type they were sent with."""
    if isinstance(rows, pd.DataFrame):
        return rows
    used = [column.name for column in schema.used]
    cells = np.empty((len(rows), len(used)), dtype=object)  # one block: much faster than a column at a time
    cells[:] = [[row[name] for name in used] for row in rows]
    return pd.DataFrame(cells, columns=used, dtype=object)


def require_interchangeable(old: Predictor, new: Predictor) -> None:
    """Raise an AutoMLError if a model cannot take the place of another: clients would get answers to something else,
    or none to what they send now.
    """
    require_same_question(old.task, new.task)
    known = {column.name: column for column in old.schema.used}
    further = [column.name for column in new.schema.used if column.name not in known]
    if further:
        raise AutoMLError(f"it needs columns that the model that is served does not: {', '.join(map(repr, further))}")
    for column in new.schema.used:
        if not _reads_all(column, known[column.name]):
            kinds = f"{column.kind} where the model that is served has {known[column.name].kind}"
            raise AutoMLError(f"it reads column {column.name!r} otherwise: {kinds}")
    try:
        new.typed(framed(old.example_rows(), new.schema))
    except SchemaError as error:
        raise AutoMLError(f"it cannot read rows that the model that is served can: {error}") from None


def _reads_all(new: Column, old: Column) -> bool:
    """Return whether a column can be read from whatever another one can."""
    lists = old.separator != ARRAY or new.separator == ARRAY
    alike = (new.kind, new.length) == (old.kind, old.length)
    return lists and (
        alike or (new.kind in (Kind.CATEGORICAL, Kind.TEXT, Kind.TEMPLATE) and old.kind is not Kind.VECTOR)
    )


def require_same_question(old: Task, new: Task) -> None:
    """Raise an AutoMLError if two models do not predict the same."""
    for what in ("target", "problem_type", "classes", "levels"):
        before, after = (getattr(task, what) for task in (old, new))
        if before != after:
            raise AutoMLError(
                f"it predicts {new.target!r} with {what} {after!s:.100}, the model that is served with {before!s:.100}"
            )


def identity(path: Path) -> str:
    """Return the beginning of the hash of the manifest of the model in a folder, or in the run in a folder.

    Raises
    ------
    OSError
        If there is none.
    """
    folder = path if (path / "manifest.json").is_file() else path / "model"
    return (folder / "manifest.sha256").read_text(encoding="ascii").strip()[:_SHOWN]
