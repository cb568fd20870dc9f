"""The report on a table, before any training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from automl.config import AS_FOUND, FitConfig, ReadOptions
from automl.data.io import read_data
from automl.data.reading import Reading
from automl.data.schema import infer_schema, with_decimal
from automl.data.source import display, is_path, names_database
from automl.data.table import Task
from automl.data.training import TrainingTable
from automl.errors import DataError
from automl.insights.base import Finding, Severity
from automl.insights.registry import find
from automl.profile.measure import profile_table
from automl.profile.record import ColumnProfile, Profile
from automl.profile.rows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class TableReport:
    """What :func:`inspect_table` found; a notebook shows it as the HTML report."""

    name: str
    """The file, or ``table``."""
    reading: Reading
    task: Task | None
    profile: Profile
    findings: tuple[Finding, ...]
    """The gravest first."""

    @property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """The feature columns from most to least suspicious: by their gravest finding, then by prediction power."""
        first: dict[str, int] = {}
        for place, finding in enumerate(self.findings):
            for name in finding.columns:
                first.setdefault(name, place)
        last = len(self.findings)
        return tuple(sorted(self.profile.columns, key=lambda each: (first.get(each.name, last), -(each.power or 0.0))))

    def about(self, column: str) -> tuple[Finding, ...]:
        """Return the findings on a column."""
        return tuple(finding for finding in self.findings if column in finding.columns)

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values; what is not defined is None."""
        record = {
            "name": self.name,
            "reading": self.reading.to_json(),
            "findings": self.findings,
            "profile": self.profile,
            "columns_by_suspicion": [column.name for column in self.columns],
        }
        plain: dict[str, Any] = orjson.loads(orjson.dumps(record))
        return plain

    def __repr__(self) -> str:
        rows, columns = self.profile.rows, len(self.profile.columns)
        return f"TableReport({self.name}: {rows:,} rows x {columns} columns, {len(self.findings)} findings)"

    def to_html(self) -> str:
        """Return one page that needs nothing else: no network, no script, no other file."""
        from automl.report.page import render

        return render(self)

    def _repr_html_(self) -> str:
        from automl.report.template import framed

        return framed(self.to_html(), "Data report")


def inspect_table(
    data: object,
    *,
    target: str | None = None,
    test: object = None,
    types: Mapping[str, str] | None = None,
    read: ReadOptions | None = None,
    problem_type: str | None = None,
    random_state: int = 0,
) -> TableReport:
    """Measure a table and say what its owner should know before any training.

    Parameters
    ----------
    data
        A table (pandas, polars, pyarrow, dict of lists) or what :func:`~automl.data.io.read_table` reads.
    target
        The column to predict. Without it, what needs a target is left out.
    test
        A further table to compare with, such as the one to predict.
    types, read, problem_type
        Kinds of columns, how cells are written, and what is predicted, as in :class:`automl.AutoML`.
    random_state
        Seed of the samples that are drawn from large tables.

    Raises
    ------
    UsageError, DataError
        If an option is wrong, or a table cannot be read.

    >>> report = inspect_table({"refund": [0.0, 9.5] * 30, "age": range(60), "left": ["no", "yes"] * 30}, target="left")
    >>> report.findings[0].title, report.findings[0].columns
    ('Target leakage', ('refund',))
    """
    options, kinds = read or AS_FOUND, types or {}
    if target is None:
        raw_target = None
        frame, reading = read_data(data, options=options)
        rows = Rows.of(frame, infer_schema(frame, overrides=kinds, decimal=reading.decimal))
    else:
        wanted = FitConfig(problem_type=problem_type).problem_type  # validates it
        table = TrainingTable.read(data, target=target, options=options)
        raw_target, reading = table.target, table.reading
        task, y, known = table.understood(wanted)
        schema = infer_schema(table.frame[known], overrides=kinds, decimal=reading.decimal)
        rows = Rows(table.frame[known], schema, task, y, np.flatnonzero(known) + 1)
    if not rows.schema.columns:
        raise DataError("the table has no column beside the target; add what it could be predicted from")
    other = None
    if test is not None:
        own = replace(options, sheet=None)  # another workbook has the same sheet, another file has none
        if not (is_path(test) and names_database(test)):
            own = replace(own, query=None)
        later, found = read_data(test, reading=reading, options=own)
        other = later, with_decimal(rows.schema, found.decimal, reading.decimal)
    profile = profile_table(rows, raw_target=raw_target, test=other, random_state=random_state)
    return TableReport(display(data) if is_path(data) else "table", reading, rows.task, profile, find(profile))
