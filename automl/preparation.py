"""The first stage of a fit: from a table as it was read to the problem that trials run on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.assembly import About
from automl.config import FitConfig
from automl.data.cells import cells_of
from automl.data.constraints import Constraints
from automl.data.identifiers import names_identifier, with_telling_identifiers
from automl.data.repeated_rows import rows_again
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Kind, Schema, Task
from automl.data.training import TrainingTable, validation_rows
from automl.data.weights import class_weights, on_average_one
from automl.deadline import NEVER, Deadline
from automl.errors import DataError, UsageError, option
from automl.evaluation.advice import imbalance_advice, positive_advice, says_yes
from automl.evaluation.custom import MetricLike, check_metric, resolve
from automl.evaluation.metric import Metric
from automl.evaluation.scheme import by_table, make_scheme
from automl.evaluation.splits import Pairs, Splitter
from automl.evaluation.validation import Folds
from automl.features.derived import with_derived_columns
from automl.insights.base import Finding, listed
from automl.insights.registry import find
from automl.models.base import Family
from automl.models.registry import registered
from automl.models.resampled import imbalanced, require_library
from automl.profile.measure import quick_profile
from automl.profile.rows import Rows
from automl.tuning.budget import fitting
from automl.tuning.problem import Problem
from automl.tuning.progress import Reporter
from automl.tuning.store import StoredRun

_GOLDEN_ROWS: Final = 20
_OF_VALIDATION: Final = ("time_order", "repeated_identifier")
"""Insights that advise on how to validate."""
_DERIVING: Final = 0.08
"""Share of the time that may be spent on what else can be read from columns."""
_LOOK: Final = 0.02
"""Part of the time that a look at the table for what could mislead may take."""
_AS_READ: Final = 200_000
"""Rows whose target it sees as it was read."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A run that can start, and the table that it comes from."""

    run: StoredRun
    rows: Rows
    blocks: NDArray[Any] | None
    """(rows,) the block of each row that is validated or trained on in turn; None if another table is validated."""
    target: pd.Series[Any]
    """Some of the target as it was read, where it is known."""
    families: Sequence[Family]
    """What is trained."""
    settled: bool
    """Whether how to validate was said, and needs no advice."""

    def warnings(self) -> Iterator[str]:
        """Yield what could make this fit mislead, as far as a small part of its time tells.

        A look that fails is no reason to train nothing, and is said.
        """
        try:
            findings = self._findings()
        except Exception as error:
            yield f"the table could not be looked at for what misleads: {type(error).__name__}: {error}"
            return
        for finding in findings:
            if not (self.settled and finding.insight in _OF_VALIDATION):
                yield finding.message

    def _findings(self) -> Sequence[Finding]:
        config = self.run.config
        seconds = None if config.time_budget is None else _LOOK * config.time_budget
        profile = quick_profile(
            self.rows, folds=self.blocks, raw_target=self.target, seconds=seconds, random_state=config.random_state
        )
        return find(profile, in_fit=True)


def prepare(
    config: FitConfig,
    table: TrainingTable,
    *,
    metric: MetricLike | None,
    folds: int | Splitter | Pairs | None,
    valid: object,
    reporter: Reporter,
) -> Prepared:
    """Decide what the columns and the target are, what is optimised and how it is validated.

    Parameters
    ----------
    metric, folds
        As the user gave them; the configuration has no code.
    valid
        A second table to validate on, or None.
    reporter
        Told what was decided, in words for the owner of the table.

    Raises
    ------
    UsageError, DataError
        If an option or the table is wrong.
    """
    task, y, known = table.understood(config.problem_type, config.positive)
    frame = table.frame if known.all() else table.frame[known]
    weight = None if table.weight is None else table.weight[known]
    task = replace(task, levels=tuple(float(level) for level in config.quantiles or ()))
    if not known.all():
        missing = "a target" if weight is None else "a target or weight"
        words = [] if weight is not None or task.classes else cells_of(table.target[~known]).values
        why = f"; {listed([word[:40] for word in words])} cannot be read as numbers" if words else ""
        reporter.warn(f"{int((~known).sum())} rows without {missing} are left out{why}")
    schema = _schema(config, frame, table.reading.header, y, task, reporter)
    constraints = Constraints.of(config.monotone, config.interactions)
    constraints.check(schema, task)
    chosen = resolve(metric, task, costs=config.cost_matrix, n_features=len(schema.used))
    _tell_target(config, task, chosen, reporter)
    typed, roles, seed = apply_schema(frame, schema), table.roles[known], config.random_state
    rows, groups, places = Rows.of(frame, schema, task, y), None, np.flatnonzero(known)
    if valid is None:
        split, groups = make_scheme(
            typed, y, task, roles, folds, repeats=config.repeats, known=known, weight=weight, random_state=seed
        )
    else:
        further = _FurtherRows(*validation_rows(valid, table, schema, task))
        if again := rows_again(typed, further.typed):
            found = f"{again:,} of the {len(further.y):,} rows to validate on have the features of a training row"
            reporter.warn(f"{found}; if they are the same things, the score is too good: delete them from one table")
        split = by_table(y, further.y, task, roles, folds if config.repeats == 1 else config.repeats)
        typed, y, weight, places = further.behind(typed, y, weight, places)
    schema, typed = _with_derived(config, schema, typed, y, task, split, reporter)
    weight = None if weight is None else on_average_one(weight)
    check_metric(chosen, y, task, weight)
    _look_at_classes(config, chosen, y, task, weight, reporter)
    by_class = class_weights(config.class_weight, task.classes, y, weight) if config.class_weight else ()
    problem = Problem(
        frame=typed,
        y=y,
        schema=schema,
        task=task,
        metric=chosen,
        folds=split,
        random_state=seed,
        groups=groups,
        weight=weight,
        class_weight=by_class,
        constraints=constraints,
        resample=config.resample,
    )
    used = [column.name for column in schema.used]  # what no model reads stays where it is
    examples = frame[used].sample(min(_GOLDEN_ROWS, len(frame)), random_state=seed)
    weighted_by = None if weight is None else table.weight_column or ""
    about = About(schema, task, chosen.name, table.reading, examples, weighted_by)
    run = StoredRun(config, problem, about, reporter.started, places)
    settled = valid is not None or roles.given is not None or not isinstance(folds, int | None)
    families = able_families(config, problem, reporter)
    fitting(config, problem.shape, families)
    blocks = None if valid is not None else split.assignment
    return Prepared(run, rows, blocks, table.target[known][:_AS_READ], families, settled)


class _FurtherRows(NamedTuple):
    """The rows of a second table, which is validated."""

    typed: pd.DataFrame
    y: NDArray[Any]
    weight: NDArray[np.float64] | None
    places: NDArray[np.intp]

    def behind(
        self, typed: pd.DataFrame, y: NDArray[Any], weight: NDArray[np.float64] | None, places: NDArray[np.intp]
    ) -> tuple[pd.DataFrame, NDArray[Any], NDArray[np.float64] | None, NDArray[np.intp]]:
        """Return the same of both tables, these rows behind those of the first."""
        if weight is not None and self.weight is None:  # only weights of one source have one unit
            weight = np.concatenate([weight / weight.mean(), np.ones(len(self.y))])
        elif weight is not None and self.weight is not None:
            weight = np.concatenate([weight, self.weight])
        both = pd.concat([typed, self.typed], ignore_index=True)
        return both, np.concatenate([y, self.y]), weight, np.concatenate([places, self.places])


def _tell_target(config: FitConfig, task: Task, metric: Metric, reporter: Reporter) -> None:
    outputs = f", {task.n_classes} classes" if task.classes else "".join(f" {name}" for name in task.level_names)
    positive = ""
    if metric.of_positive and len(task.classes) == 2:
        positive = f" of the positive class {task.classes[1]!r}"
        positive += f", {option('positive', task.classes[0])} for the other one" if config.positive is None else ""
    what = f"{task.problem_type}{outputs} ({task.reason})"
    reporter.say(f"target {task.target!r}: {what}; metric {metric.name}{positive}")
    if config.monotone and task.classes:
        other, rising = task.classes
        about = f"what increases or decreases is the probability of {rising!r}"
        if config.positive is not None or says_yes(rising):
            reporter.say(about)
        else:
            way_out = f"{option('positive', other)} makes it that of {other!r}, {option('positive', rising)} settles it"
            reporter.warn(f"{about}; {way_out}")
    if task.ordered and metric.name != "quadratic_kappa":
        number = f", {option('problem_type', 'regression')} predicts a number" if task.in_a_row else ""
        reporter.say(
            f"the classes {task.classes[0]} to {task.classes[-1]} are {'numbers in a row' if number else 'in order'}: "
            f"{option('metric', 'quadratic_kappa')} counts how far off an answer is{number}"
        )
    if metric.name == "quadratic_kappa" and task.n_classes > 2 and not task.ordered:
        order = " < ".join(str(label) for label in task.classes)
        way_out = "name them so that they sort as meant, or give ordered categories"
        reporter.warn(f"quadratic_kappa takes the classes in this order: {order}; {way_out}")


def _look_at_classes(
    config: FitConfig,
    metric: Metric,
    y: NDArray[Any],
    task: Task,
    weight: NDArray[np.float64] | None,
    reporter: Reporter,
) -> None:
    """Say where rare classes mislead the metric, or are not as rare as the options take them to be."""
    if config.resample:
        require_library()
        if not imbalanced(y, task.n_classes):
            reporter.warn("no class is rare, so nothing is resampled")
    for advice in (
        imbalance_advice(metric, y, task.classes, weight),
        positive_advice(metric, y, task.classes, weight) if config.positive is None else None,
    ):
        if advice is not None:
            reporter.warn(advice)


def _schema(
    config: FitConfig,
    frame: pd.DataFrame,
    header: Sequence[str],
    y: NDArray[np.generic],
    task: Task,
    reporter: Reporter,
) -> Schema:
    """Decide what the columns are, and say which are left out and which may mislead.

    An edited schema may be about all columns of the ``header``, those that are no features too.
    """
    overrides, names = config.types or {}, {*header}.difference(frame.columns)
    edited = [record for record in config.schema or () if record["name"] not in names]
    if task.target in overrides:
        raise UsageError(
            f"{task.target!r} is the target, and its type that of the problem; use {option('problem_type')}"
        )
    decided = infer_schema(frame, overrides=overrides, edited=edited, decimal=task.decimal)
    settled = {*overrides, *(record["name"] for record in edited)}
    schema = with_telling_identifiers(frame, decided, y, task, settled=settled)
    if not schema.used:
        kinds = option("types", dict.fromkeys(frame.columns[:1], "numeric"))
        example = f"; say what one is, such as {kinds}" if len(frame.columns) else ""
        raise DataError(f"no column to learn from: all columns are constant, empty or identifiers{example}")
    for before, column in zip(decided.columns, schema.columns, strict=True):
        expected = names_identifier(column.name) and column == before
        if column.kind is Kind.IDENTIFIER and column.name not in settled and not expected:
            number = pd.to_numeric(frame[column.name].head(), errors="coerce").notna().all()
            way_out = f"{option('types', {column.name: 'numeric' if number else 'text'})} keeps it"
            reporter.warn(f"column {column.name!r} is left out: {column.kind}, {column.reason}; {way_out}")
        elif not column.kind.used:
            reporter.say(f"column {column.name!r} is left out: {column.kind}, {column.reason}")
        elif before.kind is not column.kind:
            left_out = option("types", {column.name: "identifier"})
            way_out = f"{left_out} leaves it out, if new rows are numbered otherwise"
            reporter.warn(f"column {column.name!r} is kept: {column.reason}; {way_out}")
        elif column.missing:
            reporter.say(f"column {column.name!r}: {column.reason}")
    return schema


def _with_derived(
    config: FitConfig,
    schema: Schema,
    typed: pd.DataFrame,
    y: NDArray[np.generic],
    task: Task,
    folds: Folds,
    reporter: Reporter,
) -> tuple[Schema, pd.DataFrame]:
    """Find what else models may read from columns, but where their owner says what they are, and say so."""
    edited = {record["name"] for record in config.schema or () if not {"nominal", "built"}.isdisjoint(record)}
    settled = {*(config.types or ()), *(config.monotone or ()), *edited}
    found, frame = with_derived_columns(
        typed,
        schema,
        y,
        task,
        split=folds.split,
        folds=folds.run,
        random_state=config.random_state,
        deadline=NEVER if config.time_budget is None else Deadline.after(_DERIVING * config.time_budget),
        settled=settled,
    )
    for before, column in zip(schema.columns, found.columns, strict=True):
        if column.reason != before.reason:
            way_out = f"{option('types', {column.name: column.kind.value})} leaves them that only"
            reporter.say(f"column {column.name!r}: {column.reason}; {way_out}")
    return found, frame


def able_families(config: FitConfig, problem: Problem, reporter: Reporter) -> list[Family]:
    """Return the baseline and the families that were asked for, as far as they suit the problem; say which do not.

    Raises
    ------
    UsageError
        If none of those that were asked for does.
    """
    able = [family for family in registered() if problem.task.problem_type in family.problem_types]
    asked = [family for family in able if config.families is None or family.name in config.families or family.baseline]
    families = [family for family in asked if family.keeps(problem.constraints)]
    if all(family.baseline for family in families):
        others = ", ".join(family.name for family in able if family.keeps(problem.constraints) and not family.baseline)
        kept = " with these constraints" if len(families) < len(asked) else ""
        names = ", ".join(config.families or ())
        raise UsageError(f"families {names}: none can learn {problem.task.problem_type}{kept}; these can: {others}")
    if len(families) < len(asked):
        trained = ", ".join(family.name for family in families if not family.baseline)
        reporter.say(f"the constraints are kept by {trained}; others are not trained")
    if problem.weighted:
        for family in families:
            if not family.weighted:
                reporter.warn(f"{family.name} does not use weights")
    return families
