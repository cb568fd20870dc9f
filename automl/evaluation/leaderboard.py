"""The leaderboard: every candidate, best first, as a frame, as JSON or as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan
from typing import Any, Final, Literal

import pandas as pd

from automl.evaluation.interval import Score

_HEADER: Final = ("candidate", "score", "low", "high", "weight", "folds", "fit s", "ms/row", "MB", "status")
_UNKNOWN: Final = Score(nan, nan, nan)


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate."""

    candidate: str
    family: str
    score: Score | None
    """Out-of-fold, over the finished folds; None before the first one."""
    fit_seconds: float
    """For all finished folds together."""
    predict_ms_per_row: float
    size_bytes: int
    status: Literal["running", "done", "stopped", "failed"]
    reason: str
    """Why it was stopped or failed."""
    weight: float
    """Share in the ensemble."""
    folds: int
    """Finished folds."""
    params: Mapping[str, bool | int | float | str]
    test: float | None = None
    """The score on a further table; None where none was asked for, or not every fold is trained."""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Candidates, best first. One that finished fewer folds than others ranks below them: its score may be luck.

    >>> def row(name, value):
    ...     return Row(name, name, Score(value, value - 0.1, value + 0.1), 1.5, 0.01, 20_000, "done", "", 0.5, 5, {})
    >>> print(Leaderboard([row("linear", 0.7), row("knn", 0.8)], "roc_auc", greater_is_better=True).to_text())
    roc_auc, higher is better
    candidate  score  low  high  weight  folds  fit s  ms/row    MB  status
    knn          0.8  0.7   0.9    0.50      5    1.5   0.010  0.02  done
    linear       0.7  0.6   0.8    0.50      5    1.5   0.010  0.02  done
    """

    rows: Sequence[Row]
    metric_name: str
    greater_is_better: bool

    def __post_init__(self) -> None:
        most = max((row.folds for row in self.rows), default=0)

        def rank(row: Row) -> tuple[bool, bool, float, float, str]:
            value = row.score.value if row.score else nan
            loss = 0.0 if isnan(value) else -value if self.greater_is_better else value
            return isnan(value), row.folds < most, loss, row.fit_seconds, row.candidate

        object.__setattr__(self, "rows", tuple(sorted(self.rows, key=rank)))

    def to_json(self) -> list[dict[str, Any]]:
        """Return one mapping a candidate, best first; what is unknown or not finite is None."""
        return [{name: _finite(value) for name, value in self._values(row).items()} for row in self.rows]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a candidate, best first, with the columns of :meth:`to_json`."""
        return pd.DataFrame([self._values(row) for row in self.rows])

    def to_text(self, width: int = 120) -> str:
        """Return an aligned table whose lines are at most ``width`` characters long."""
        table = [(*_HEADER[:2], *self._tested("test"), *_HEADER[2:])]
        for row in self.rows:
            first, score, *others = _cells(row)
            table.append((first, score, *self._tested(_number(nan if row.test is None else row.test, ".5g")), *others))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [f"{self.metric_name}, {'higher' if self.greater_is_better else 'lower'} is better"]
        for first, *numbers, last in table:
            padded = [cell.rjust(size) for cell, size in zip(numbers, widths[1:-1], strict=True)]
            lines.append("  ".join([first.ljust(widths[0]), *padded, last]))
        return "\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in lines)

    def _tested(self, cell: str) -> tuple[str, ...]:
        """Return the cell of the column on the further table, if there is one."""
        return (cell,) if any(row.test is not None for row in self.rows) else ()

    def _values(self, row: Row) -> dict[str, Any]:
        test = nan if row.test is None else row.test
        return {
            "candidate": row.candidate,
            "family": row.family,
            "score": (row.score or _UNKNOWN).value,
            **dict.fromkeys(self._tested("test"), test),
            **_further(row),
        }


def _further(row: Row) -> dict[str, Any]:
    score = row.score or _UNKNOWN
    return {
        "low": score.low,
        "high": score.high,
        "weight": row.weight,
        "folds": row.folds,
        "fit_seconds": row.fit_seconds,
        "predict_ms_per_row": row.predict_ms_per_row,
        "size_bytes": row.size_bytes,
        "status": row.status,
        "reason": row.reason,
        "params": dict(row.params),
    }


def _cells(row: Row) -> tuple[str, ...]:
    score = row.score or _UNKNOWN
    status = f"{row.status}: {row.reason}" if row.reason else row.status
    return (
        row.candidate,
        *(_number(value, ".5g") for value in (score.value, score.low, score.high)),
        f"{row.weight:.2f}" if row.weight else "-",
        str(row.folds),
        _number(row.fit_seconds, ".1f"),
        _number(row.predict_ms_per_row, ".3f"),
        _number(row.size_bytes / 1e6, ".2f"),
        " ".join(status.split()),
    )


def _number(value: float, style: str) -> str:
    return format(value, style) if isfinite(value) else "-"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
