"""``automl fit`` and ``automl resume``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from json import dumps, loads
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.duration import clock, parse_budget, parse_memory
from automl.cli.options import Json, ProblemType, RunMetric
from automl.cli.progress import watch
from automl.cli.table import Table, Types, parse_by_column, parse_types, reads_table
from automl.config import AS_FOUND, Preset, ReadOptions, Scheduler
from automl.errors import UsageError

if TYPE_CHECKING:
    from automl.experiment import AutoML

_INTERRUPTED = 130
_SHOWN = 8
"""Metrics on the test table in words; --json has all of them."""

Time = Annotated[str | None, typer.Option("--time", help="Wall time from start to saved model: 60s, 10m, 1h.")]


@reads_table
def fit(
    train: Table,
    target: Annotated[str, typer.Option(help="Column to predict.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Run folder; default runs/<time>.")
    ] = None,
    time: Time = None,
    max_trials: Annotated[int | None, typer.Option(metavar="N", help="Number of candidates to train.")] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="Metric to optimise: a name, or module:function of your own.")
    ] = None,
    cost_matrix: Annotated[
        str | None, typer.Option(metavar="FILE", help="CSV or JSON: costs by true and predicted class; the metric.")
    ] = None,
    problem_type: ProblemType = None,
    quantiles: Annotated[
        str | None, typer.Option(metavar="Q,Q", help="Quantiles to predict instead of the mean: .1,.5,.9.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help="The positive one of two classes; the last in order.")
    ] = None,
    weight: Annotated[
        str | None, typer.Option(metavar="COL", help="Column that says how much each row counts, in fits and scores.")
    ] = None,
    class_weight: Annotated[
        str | None, typer.Option(metavar="balanced|JSON", help="How much more classes count in fits: '{\"yes\": 5}'.")
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Also try models of resampled rows, if a class is rare.")
    ] = False,
    families: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="Model families to train: lightgbm,linear; or to leave out: -mlp,-knn.",
        ),
    ] = None,
    types: Types = None,
    schema: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Columns as 'automl schema' wrote them and you edited them.")
    ] = None,
    monotone: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COL=DIRECTION",
            help="What is predicted, of two classes the probability of the positive one, is increasing or decreasing "
            "with a number; repeatable.",
        ),
    ] = None,
    interactions: Annotated[
        str | None, typer.Option(metavar="'A,B;C'", help="Groups of columns that do not meet in a tree.")
    ] = None,
    read: ReadOptions = AS_FOUND,
    preset: Annotated[
        Preset,
        typer.Option(
            parser=str,
            metavar="fast|balanced|best",
            help="60s, 5m or 1h, where --time says nothing. fast also serves two models at most: a row takes a part "
            "of the time and of the bytes, for a little of the score.",
        ),
    ] = "balanced",
    folds: Annotated[int | None, typer.Option(metavar="K", help="Folds of the cross-validation.")] = None,
    repeats: Annotated[
        int, typer.Option(metavar="R", help="Times that the rows are split into folds, where they are few.")
    ] = 1,
    groups: Annotated[
        str | None, typer.Option(metavar="COL", help="Column whose values no two folds share, such as a patient.")
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option(
            metavar="COL",
            help="Column of dates or numbers: train on the past, validate on the next; serve models of all rows.",
        ),
    ] = None,
    fold: Annotated[str | None, typer.Option(metavar="COL", help="Column that holds the fold of each row.")] = None,
    valid: Annotated[str | None, typer.Option(metavar="FILE", help="Labelled table to validate on.")] = None,
    scheduler: Annotated[Scheduler, typer.Option(parser=str, metavar="asha|hyperband|none")] = "asha",
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Cores to use; by default all.")] = None,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Memory for all trials together: 8GB.")] = None,
    gpus: Annotated[int | None, typer.Option(metavar="N", help="GPUs to use.")] = None,
    ray_address: Annotated[str | None, typer.Option(metavar="ADDR", help="Running Ray cluster to train on.")] = None,
    random_state: Annotated[int, typer.Option(metavar="N", help="Seed.")] = 0,
    test: Annotated[str | None, typer.Option(metavar="FILE", help="Labelled table to score the model on.")] = None,
    json: Json = False,
) -> None:
    """Train on a table until the time is up and keep the best model."""
    begun = monotonic()
    from automl.data.source import locate
    from automl.experiment import AutoML
    from automl.tuning.interrupt import reported

    for table in (test, valid):
        if table is not None:
            locate(table)
    with watch(max_trials) as show, reported():
        model = AutoML(
            time_budget=parse_budget(time, begun),
            max_trials=max_trials,
            metric=metric,
            cost_matrix=cost_matrix,
            problem_type=problem_type,
            quantiles=None if quantiles is None else quantiles.split(","),
            positive=positive,
            class_weight=None if class_weight is None else _parse_class_weight(class_weight),
            resample=resample,
            families=None if families is None else [name.strip() for name in families.split(",")],
            types=parse_types(types),
            monotone=parse_by_column(monotone, "--monotone COL=DIRECTION", "size=increasing"),
            interactions=None if interactions is None else _parse_groups(interactions),
            schema=schema,
            read=read,
            preset=preset,
            folds=folds,
            repeats=repeats,
            scheduler=scheduler,
            n_jobs=jobs,
            memory=None if memory is None else parse_memory(memory),
            gpus=gpus,
            ray_address=ray_address,
            random_state=random_state,
            output=output,
            on_progress=show,
        ).fit(train, target=target, weight=weight, groups=groups, time=time_column, fold=fold, valid=valid)
    scores: Mapping[str, float] = {}
    try:
        if test is not None:
            scores = model.evaluate(test)
    finally:  # a table that cannot be scored must not take the report of the whole run with it
        _report(model, json, scores, sample=test or train)
    _leave(model)


def _parse_class_weight(given: str) -> str | dict[str, float]:
    """Return ``balanced``, or what a JSON object says."""
    if not given.lstrip().startswith("{"):
        return given
    try:
        return {label: float(value) for label, value in loads(given).items()}
    except (TypeError, ValueError):
        raise UsageError(f'--class-weight must be balanced or JSON such as {{"yes": 5}}, got {given!r}') from None


def _parse_groups(given: str) -> list[list[str]]:
    """Return groups of columns from ``a,b;c``."""
    groups = [[name.strip() for name in group.split(",")] for group in given.split(";")]
    if not all(name for group in groups for name in group):
        raise UsageError(f"--interactions must be groups of columns, such as 'size,age;price', got {given!r}")
    return groups


def resume(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a fit that was stopped.")],
    time: Time = None,
    metric: RunMetric = None,
    json: Json = False,
) -> None:
    """Go on with a run that was stopped; nothing that it finished is trained again.

    It has what is left of its own time or trials; with --time as long, and as many trials as fit.
    """
    begun = monotonic()
    from automl.experiment import AutoML
    from automl.tuning.interrupt import reported

    with watch() as show, reported():
        model = AutoML.resume(run, time_budget=parse_budget(time, begun), metric=metric, on_progress=show)
    _report(model, json, {}, sample="new.csv")
    _leave(model)


def _report(model: AutoML, json: bool, test: Mapping[str, float], *, sample: str) -> None:
    """Print the result of a run."""
    if json:
        _print_json(model, test)
    else:
        _print_text(model, test, "new.csv" if sample == "-" or "://" in sample else sample)


def _leave(model: AutoML) -> None:
    """End the command with 130 if the run was interrupted."""
    if model.stopped_ == "interrupted":
        raise typer.Exit(_INTERRUPTED)


def _print_json(model: AutoML, test: Mapping[str, float]) -> None:
    score = model.score_
    result = {
        "run": str(_near(model.run_)),
        "problem_type": model.problem_type_,
        "positive": model.predictor_.task.positive,
        "metric": model.metric_,
        "score": score.to_json(),
        "decision": model.predictor_.decision.to_json(),
        "coverage": _covered(model),
        "seconds": model.seconds_,
        "leaderboard": model.board_.to_json(),
    }
    print(dumps(result | ({"test": _finite(test)} if test else {}), allow_nan=False))


def _covered(model: AutoML) -> dict[str, float]:
    """Return the share of values below each quantile, by its name."""
    return dict(zip(model.predictor_.task.level_names, model.predictor_.coverage, strict=True))


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Turn what JSON has no number for into null: a metric that is not defined, a bound that is not known."""
    return {name: value if isfinite(value) else None for name, value in numbers.items()}


def _print_text(model: AutoML, test: Mapping[str, float], sample: str) -> None:
    """Print the leaderboard, the scores and three commands to paste."""
    score = model.score_
    print(model.board_.to_text())
    print(f"\n{model.metric_} {score.value:.4g} ({score.low:.4g} to {score.high:.4g} on new data)", end=" ")
    print(f"after {clock(model.seconds_)}, {model.problem_type_}")
    if decision := model.predictor_.decision.describe(model.predictor_.task.classes):
        print(decision)
    if covered := _covered(model):
        shares = ", ".join(f"{share:.1%} below {name}" for name, share in covered.items())
        print(f"of the values, out of fold: {shares}")
    if test:
        shown = list(test.items())[:_SHOWN]
        positive = model.predictor_.task.positive
        of = "" if positive is None else f" (positive class {positive})"
        print("test: " + ", ".join(f"{name} {value:.4g}" for name, value in shown) + of)
    run = shlex.quote(str(_near(model.run_)))
    print(f"\nautoml predict {run} {shlex.quote(sample)}\nautoml serve {run}\nautoml leaderboard {run}")


def _near(path: Path) -> Path:
    """Return a path as people write it: from the working directory, if it is in there."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
